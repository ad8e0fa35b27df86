"""Personal data at rest: sealed columns and keyed digests.

A sealed value is `key id (8 bytes) · nonce (12) · AES-256-GCM ciphertext and tag`. Table, column and row id are the
associated data, so a value copied to another row or column does not open. Equal values look different; where
exact look-up is needed, a keyed digest (HMAC-SHA-256) stands beside the sealed value.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dispatch.errors import ZhuandiError

KEY_BYTES = 32
ID_BYTES = 8
NONCE_BYTES = 12


class Row(Protocol):
    """A mapped row: its table gives the associated data."""

    __tablename__: str
    id: UUID


class VaultError(ZhuandiError):
    """A sealed value does not open: another key, or bytes that were changed or moved."""


def key_id(key: bytes) -> bytes:
    """The eight bytes that stand in front of whatever this key sealed."""
    return hashlib.sha256(b"zhuandi key id" + key).digest()[:ID_BYTES]


def _derive(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"zhuandi {purpose}".encode()).derive(key)


class Vault:
    """Seals with the first key, opens with any of them (the others are retired, not yet re-sealed)."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise VaultError("密钥须为 32 字节（64 位十六进制）。请检查密钥文件或 ZHUANDI_VAULT_KEYS。")
        self._ciphers: Mapping[bytes, AESGCM] = {key_id(key): AESGCM(_derive(key, "seal")) for key in keys}
        self._current = key_id(keys[0])
        # Look-ups and order numbers must survive a change of the sealing key: they hang on the oldest one.
        self._digest_key = _derive(keys[-1], "digest")

    def seal(self, row: Row, column: str, text: str) -> None:
        """Put `text` into `row.column`, sealed. The row must have its id already."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        body = self._ciphers[self._current].encrypt(nonce, text.encode(), self._place(row, column))
        setattr(row, column, self._current + nonce + body)

    def open(self, row: Row, column: str) -> str | None:
        """The text of `row.column`; None where nothing is stored. Raises VaultError."""
        sealed: bytes | None = getattr(row, column)
        if sealed is None:
            return None
        cipher = self._ciphers.get(sealed[:ID_BYTES])
        if cipher is None:
            raise VaultError(
                f"{row.__tablename__}.{column}（{row.id}）由另一把密钥加密，当前密钥打不开。请把旧密钥加回设置。"
            )
        nonce, body = sealed[ID_BYTES : ID_BYTES + NONCE_BYTES], sealed[ID_BYTES + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, body, self._place(row, column)).decode()
        except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
            raise VaultError(f"{row.__tablename__}.{column}（{row.id}）的密文被改动或移位，打不开。") from None

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Names of the keys that open: with them, and with no fewer, everything sealed under them opens."""
        return tuple(key.hex() for key in self._ciphers)

    def digest(self, purpose: str, *parts: str) -> bytes:
        """A keyed digest of the parts (32 bytes), apart for each purpose; parts cannot run into each other."""
        told = [part.encode() for part in (purpose, *parts)]
        message = b"".join([len(raw).to_bytes(4, "big") + raw for raw in told])
        return hmac.digest(self._digest_key, message, "sha256")

    @staticmethod
    def _place(row: Row, column: str) -> bytes:
        return f"{row.__tablename__}.{column}.{row.id}".encode()


def read_or_make_key(path: Path) -> bytes:
    """The embedded default: a key of its own in a 0600 file, made on first use (atomically, one maker wins)."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")  # a killed maker's draft is in nobody's way
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return bytes.fromhex(path.read_text().strip())
