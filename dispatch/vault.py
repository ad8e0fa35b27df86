"""Personal data at rest: sealed columns and keyed digests.

A sealed value is `name of key and cipher (8 bytes) · nonce (12) · ciphertext and tag (16)`, under AES-256-GCM or
SM4-GCM (GB/T 32907, RFC 8998). One key gives each cipher a key of its own (HKDF-SHA-256) and a name of its own, so
the first eight bytes say both, whatever the settings say today. Table, column and row id are the associated data, so
a value copied to another row or column does not open. Equal values look different; where exact look-up is needed, a
keyed digest (HMAC-SHA-256) stands beside the sealed value.
"""

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dispatch.errors import ZhuandiError

KEY_BYTES = 32
ID_BYTES = 8
NONCE_BYTES = 12
TAG_BYTES = 16
SM4_KEY_BYTES = 16
LOOK_AGAIN = 5.0
"""Seconds after which a process that seals looks whether its key file names another key."""
CipherName = Literal["aes-256-gcm", "sm4-gcm"]
AES: CipherName = "aes-256-gcm"
SM4: CipherName = "sm4-gcm"
Keys = tuple[bytes, ...]


class Row(Protocol):
    """A mapped row: its table gives the associated data."""

    __tablename__: str
    id: UUID


class VaultError(ZhuandiError):
    """A sealed value does not open: another key, or bytes that were changed or moved."""


class Sealer(Protocol):
    """A cipher with its key: authenticated, with associated data."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """Ciphertext and tag."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """The text again. Raises InvalidTag, ValueError."""


class Sm4Gcm:
    """SM4 in GCM (RFC 8998), in the form in which `cryptography` offers AES."""

    def __init__(self, key: bytes) -> None:
        self._sm4 = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """Ciphertext and tag."""
        encryptor = Cipher(self._sm4, modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data)
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """The text again, given out only when the tag is right. Raises InvalidTag, ValueError."""
        body, tag = data[:-TAG_BYTES], data[-TAG_BYTES:]
        decryptor = Cipher(self._sm4, modes.GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(associated_data)
        return decryptor.update(body) + decryptor.finalize()


def key_id(key: bytes, cipher: CipherName = AES) -> bytes:
    """The eight bytes in front of whatever this key sealed with this cipher."""
    return hashlib.sha256((b"zhuandi key id" if cipher == AES else b"zhuandi sm4-gcm key id") + key).digest()[
        :ID_BYTES
    ]


def _derive(key: bytes, purpose: str, length: int = KEY_BYTES) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=f"zhuandi {purpose}".encode()).derive(key)


@dataclass(frozen=True, slots=True)
class _Ring:
    """The keys in use: all that open, and the one that seals."""

    keys: Keys
    sealers: Mapping[bytes, Sealer]
    current: bytes

    @classmethod
    def of(cls, keys: Keys, cipher: CipherName) -> "_Ring":
        """Raises VaultError for what is no key."""
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise VaultError("密钥须为 32 字节（64 位十六进制）。请检查密钥文件或 ZHUANDI_VAULT_KEYS。")
        sealers: dict[bytes, Sealer] = {}
        for key in keys:
            sealers[key_id(key)] = AESGCM(_derive(key, "seal"))
            sealers[key_id(key, SM4)] = Sm4Gcm(_derive(key, "seal sm4-gcm", SM4_KEY_BYTES))
        return cls(keys, sealers, key_id(keys[0], cipher))


class Vault:
    """Seals with the first key, opens with any of them (the others are retired, not yet re-sealed).

    `digest_key`: what digests hang on; the database keeps it (`key_mark.py`). Without one it is the oldest key's.
    `reread`: gives the keys as their file names them now, so that a running process goes on with a new one.
    """

    def __init__(
        self,
        keys: Keys,
        cipher: CipherName = AES,
        *,
        digest_key: bytes | None = None,
        reread: Callable[[], Keys] | None = None,
    ) -> None:
        self._ring = _Ring.of(keys, cipher)
        self._cipher: CipherName = cipher
        self._reread = reread
        self._read_at = time.monotonic()
        # Look-ups and order numbers must survive a change of the sealing key.
        self._digest_key = digest_key or _derive(keys[-1], "digest")

    def digesting_with(self, digest_key: bytes) -> "Vault":
        """The same keys, with digests by this one."""
        return Vault(self._ring.keys, self._cipher, digest_key=digest_key, reread=self._reread)

    def seal(self, row: Row, column: str, text: str) -> None:
        """Put `text` into `row.column`, sealed. The row must have its id already."""
        ring, nonce = self._in_use(), secrets.token_bytes(NONCE_BYTES)
        body = ring.sealers[ring.current].encrypt(nonce, text.encode(), self._place(row, column))
        setattr(row, column, ring.current + nonce + body)

    def open(self, row: Row, column: str) -> str | None:
        """The text of `row.column`; None where nothing is stored. Raises VaultError."""
        sealed: bytes | None = getattr(row, column)
        if sealed is None:
            return None
        sealer = self._ring.sealers.get(sealed[:ID_BYTES]) or self._look_again().sealers.get(sealed[:ID_BYTES])
        if sealer is None:
            raise VaultError(
                f"{row.__tablename__}.{column}（{row.id}）由另一把密钥加密，当前密钥打不开。请把旧密钥加回设置。"
            )
        nonce, body = sealed[ID_BYTES : ID_BYTES + NONCE_BYTES], sealed[ID_BYTES + NONCE_BYTES :]
        try:
            return sealer.decrypt(nonce, body, self._place(row, column)).decode()
        except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
            raise VaultError(f"{row.__tablename__}.{column}（{row.id}）的密文被改动或移位，打不开。") from None

    @property
    def current(self) -> bytes:
        """What stands in front of all that is sealed now."""
        return self._in_use().current

    @property
    def names(self) -> Mapping[bytes, str]:
        """Every key and cipher that opens, as people call it: the key's first digits, and the cipher."""
        both: tuple[CipherName, ...] = (AES, SM4)
        return {key_id(key, cipher): f"{key_id(key).hex()} {cipher}" for key in self._ring.keys for cipher in both}

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Names of the keys that open: with them, and with no fewer, everything sealed under them opens."""
        return tuple(key_id(key).hex() for key in self._ring.keys)

    @property
    def digest_key(self) -> bytes:
        """What digests hang on: to be kept in the database, sealed."""
        return self._digest_key

    def digest_candidates(self) -> Iterator["Vault"]:
        """This vault with the digests of each of its keys, the oldest first: one of them may have filled a table."""
        for key in reversed(self._ring.keys):
            yield self.digesting_with(_derive(key, "digest"))

    def digest(self, purpose: str, *parts: str) -> bytes:
        """A keyed digest of the parts (32 bytes), apart for each purpose; parts cannot run into each other."""
        told = [part.encode() for part in (purpose, *parts)]
        message = b"".join([len(raw).to_bytes(4, "big") + raw for raw in told])
        return hmac.digest(self._digest_key, message, "sha256")

    def _in_use(self) -> _Ring:
        if self._reread is not None and time.monotonic() - self._read_at > LOOK_AGAIN:
            return self._look_again()
        return self._ring

    def _look_again(self) -> _Ring:
        """The keys as the file names them now. One that cannot be read, or names none, changes nothing."""
        if self._reread is not None:
            self._read_at = time.monotonic()
            try:
                if (keys := self._reread()) != self._ring.keys:
                    self._ring = _Ring.of(keys, self._cipher)
            except (OSError, ValueError, VaultError):
                pass
        return self._ring

    @staticmethod
    def _place(row: Row, column: str) -> bytes:
        return f"{row.__tablename__}.{column}.{row.id}".encode()


def read_or_make_keys(path: Path) -> Keys:
    """The embedded default: keys in a 0600 file, one a line, the first seals. One is made on first use (atomically,
    one maker wins).
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = _drafted(path, secrets.token_hex(KEY_BYTES))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return read_keys(path)


def read_keys(path: Path) -> Keys:
    """The keys in the file, the one that seals first. Raises OSError and ValueError; nothing is made here."""
    return tuple(bytes.fromhex(line) for line in path.read_text().split())


def put_new_key_first(path: Path) -> bytes:
    """Make a key that seals from now on, in front of those in the file; at every moment the file is whole."""
    keys = (secrets.token_bytes(KEY_BYTES), *read_or_make_keys(path))
    _drafted(path, "\n".join(key.hex() for key in keys)).replace(path)
    return keys[0]


def _drafted(path: Path, text: str) -> Path:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")  # a killed maker's draft is in nobody's way
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return draft
