"""The SM4 envelope of EMS (CARRIERS §1.2, §1.7): `|$4|` and Base64 of SM4-ECB over the text.

On our calls the Base64 text of the key follows the JSON inside; on their pushes it does not (M: cut if it is there).
"""

import base64
import binascii
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.padding import PKCS7

MARK = "|$4|"
BLOCK_BITS = 128


class EnvelopeError(ValueError):
    """The text is no envelope, or does not open under this key."""


def wrap(text: str, sk: str) -> str:
    """`text` with the key text behind it, as `logitcsInterface` carries it to EMS."""
    padder = PKCS7(BLOCK_BITS).padder()
    padded = padder.update((text + sk).encode()) + padder.finalize()
    encryptor = _cipher(sk).encryptor()
    return MARK + base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def unwrap(wrapped: str, sk: str) -> str:
    """The text inside; a key text at its end is cut. Raises EnvelopeError."""
    if not wrapped.startswith(MARK):
        raise EnvelopeError("密文不以 |$4| 开头")
    try:
        body = base64.b64decode(wrapped[len(MARK) :], validate=True)
        decryptor = _cipher(sk).decryptor()
        unpadder = PKCS7(BLOCK_BITS).unpadder()
        padded = decryptor.update(body) + decryptor.finalize()
        text = (unpadder.update(padded) + unpadder.finalize()).decode()
    except (binascii.Error, ValueError) as error:  # UnicodeDecodeError is a ValueError
        raise EnvelopeError("密文在当前签名钥匙下打不开") from error
    return text.removesuffix(sk)


@lru_cache(maxsize=16)  # a push opens in half the time
def _cipher(sk: str) -> Cipher[modes.ECB]:
    return Cipher(SM4(base64.b64decode(sk)), modes.ECB())  # noqa: S305 - the mode that EMS prescribes
