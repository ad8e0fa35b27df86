"""msgDigest: three ways to sign ``msgData + timestamp + checkword`` (CARRIERS §2.2)."""

import base64
import hashlib
import string
from typing import Final, Literal

from cryptography.hazmat.primitives import hashes

Digest = Literal["standard_md5", "simple_md5", "sm3"]

_STAY: Final = frozenset((string.ascii_letters + string.digits + ".-*_").encode())
_SPACE: Final = 0x20


def java_url_encode(text: str) -> str:
    """``java.net.URLEncoder.encode(text, "UTF-8")``, byte for byte."""
    return "".join(_encoded(byte) for byte in text.encode())


def digest_of(way: Digest, msg_data: str, timestamp: str, checkword: str) -> str:
    """What msgDigest has to be for exactly these characters."""
    text = msg_data + timestamp + checkword
    if way == "sm3":
        sm3 = hashes.Hash(hashes.SM3())
        sm3.update(text.encode())
        return sm3.finalize().hex()
    return _base64_md5(java_url_encode(text) if way == "standard_md5" else text)


def _encoded(byte: int) -> str:
    if byte in _STAY:
        return chr(byte)
    return "+" if byte == _SPACE else f"%{byte:02X}"


def _base64_md5(text: str) -> str:
    return base64.b64encode(hashlib.md5(text.encode()).digest()).decode()  # noqa: S324 - prescribed
