"""The file of a backup: a ZIP with one part for each table, a manifest, and the manifest's keyed seal.

The parts are PostgreSQL's COPY text, so any server that the service runs on takes them. The vault's key is not in it,
unless it was asked for: then it is sealed under a passphrase (scrypt, AES-256-GCM).
"""

import hashlib
import hmac
import json
import os
import secrets
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import BaseModel, ValidationError

from dispatch.errors import ZhuandiError
from dispatch.key_mark import DigestKey, mark_of, open_digests
from dispatch.vault import Vault, VaultError

FORMAT = 1
MANIFEST, SEAL, KEYS = "manifest.json", "manifest.seal", "vault-keys.json"
CHUNK = 1 << 20
COST = {"n": 2**17, "r": 8, "p": 1}
"""Of scrypt (RFC 7914): 128 MiB and about half a second for each guess of a passphrase."""


class BackupError(ZhuandiError):
    """The backup cannot be made, or is not whole, or not ours; what to do stands in the words."""


class Part(BaseModel):
    """One table: its columns in the order of the part, how many rows, and the SHA-256 of the part's bytes."""

    table: str
    columns: tuple[str, ...]
    rows: int
    sha256: str


class Manifest(BaseModel):
    """What a backup holds. `taken_at` is the database's clock, at the moment that all parts show.

    `digest_key`: row id and sealed key of the digests (`dispatch/key_mark.py`), without which the seal of a database
    whose first key is gone could not be checked; empty in a backup that was made before there was one.
    `audit_head`: what the audit log ended with, for `zhuandi audit verify --anchor`.
    """

    format: int = FORMAT
    taken_at: datetime
    revision: str
    key_mark: str
    key_ids: tuple[str, ...]
    digest_key: str = ""
    audit_head: str = ""
    server: str
    parts: tuple[Part, ...]


def part_name(table: str) -> str:
    """Where a table's rows lie in the file."""
    return f"tables/{table}.copy"


@contextmanager
def drafted(target: Path) -> Iterator[Path]:
    """A file of another name beside the target, for its owner alone; renamed when the block ends well."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield draft
        with draft.open("rb") as whole:
            os.fsync(whole.fileno())
        draft.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        draft.unlink(missing_ok=True)


def write_manifest(file: zipfile.ZipFile, manifest: Manifest, vault: Vault) -> None:
    """The manifest, and the seal that nobody without the vault's key can make."""
    text = manifest.model_dump_json(indent=2)
    file.writestr(MANIFEST, text)
    file.writestr(SEAL, vault.digest("backup", text).hex())


def read_manifest(path: Path, vault: Vault) -> Manifest:
    """What the file says of itself, believed because of its seal. Raises BackupError."""
    with _opened(path) as file:
        text, seal = _text(file, MANIFEST), _text(file, SEAL)
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError:
        raise BackupError(f"{path.name} 的清单读不懂：不是本系统的备份，或版本太新。") from None
    vault = _as_then(path, manifest, vault)
    if not hmac.compare_digest(seal, vault.digest("backup", text).hex()):
        raise BackupError(f"{path.name} 的清单被改动过，不能用来恢复。请换一份备份。")
    if manifest.format != FORMAT:
        raise BackupError(f"{path.name} 的格式（{manifest.format}）不是本版本认识的。")
    return manifest


def _as_then(path: Path, manifest: Manifest, vault: Vault) -> Vault:
    """The vault with the digests of the time of the backup. Raises BackupError where it was another's."""
    other = BackupError(
        f"{path.name} 是用另一把密钥做的备份。请先把当时的密钥文件放回（或列入 ZHUANDI_VAULT_KEYS）。"
    )
    candidates = [vault, *vault.digest_candidates()]
    if manifest.digest_key:
        row_id, _, sealed = manifest.digest_key.partition(":")
        try:
            candidates = [open_digests(vault, DigestKey(id=UUID(row_id), key=bytes.fromhex(sealed)))]
        except (VaultError, ValueError):
            raise other from None
    then = next((one for one in candidates if mark_of(one).hex() == manifest.key_mark), None)
    if then is None or not set(manifest.key_ids) <= set(vault.key_ids):
        raise other
    return then


def verify(path: Path, vault: Vault) -> Manifest:
    """Every part is there and is what the manifest says. Raises BackupError."""
    manifest = read_manifest(path, vault)
    for part in manifest.parts:
        digest, rows = hashlib.sha256(), 0
        for chunk in chunks(path, part.table):
            digest.update(chunk)
            rows += chunk.count(b"\n")
        if (digest.hexdigest(), rows) != (part.sha256, part.rows):
            raise BackupError(f"{path.name} 中 {part.table} 的内容与清单不符，不能用来恢复。请换一份备份。")
    return manifest


def chunks(path: Path, table: str) -> Iterator[bytes]:
    """A table's rows, in pieces. Raises BackupError where they are torn."""
    with _opened(path) as file, file.open(part_name(table)) as part:
        while chunk := part.read(CHUNK):
            yield chunk


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as file:
            yield file
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError):
        raise BackupError(f"{path.name} 不完整或已损坏，不能用来恢复。请换一份备份。") from None


def _text(file: zipfile.ZipFile, name: str) -> str:
    return file.read(name).decode(errors="replace")


def seal_keys(file: zipfile.ZipFile, keys: tuple[bytes, ...], passphrase: str) -> None:
    """Add the vault's keys, readable with the passphrase alone."""
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    body = AESGCM(_stretched(passphrase, salt, COST)).encrypt(
        nonce, "\n".join(key.hex() for key in keys).encode(), None
    )
    told = {**COST, "salt": salt.hex(), "nonce": nonce.hex(), "sealed": body.hex()}
    file.writestr(KEYS, json.dumps(told))


def open_keys(path: Path, passphrase: str) -> str:
    """The vault's keys, one a line, the one that seals first. Raises BackupError."""
    with _opened(path) as file:
        if KEYS not in file.namelist():
            raise BackupError(f"{path.name} 里没有密钥（备份时没有用 --with-key）。请找另存的密钥文件。")
        told: dict[str, Any] = json.loads(_text(file, KEYS))
    key = _stretched(passphrase, bytes.fromhex(told["salt"]), told)
    try:
        return AESGCM(key).decrypt(bytes.fromhex(told["nonce"]), bytes.fromhex(told["sealed"]), None).decode()
    except InvalidTag:
        raise BackupError("口令不对，密钥打不开。") from None


def _stretched(passphrase: str, salt: bytes, cost: dict[str, Any]) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost["n"], r=cost["r"], p=cost["p"]).derive(passphrase.encode())
