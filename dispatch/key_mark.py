"""The database remembers which key it was filled under: another key must not go on beside it unseen.

Under another key, known cases would look new, order numbers would differ, and rows would be sealed under two keys.
So the key of the digests is kept in the database itself, sealed like everything else. It stays the same when the
sealing key changes: after a rotation an old key opens nothing any more and can be taken out altogether. It is
re-sealed last of all (`personal/rotate.py`), so without a key that still seals something the database is refused.
"""

from dataclasses import replace

from sqlalchemy import Connection, inspect, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch.db import Base, RowId
from dispatch.vault import Vault, VaultError
from dispatch.world import World

DIGEST = "digest"
OTHER_KEY = "这个数据库是用另一把密钥建立的。请把原来的密钥文件放回，或在 ZHUANDI_VAULT_KEYS 中列出。"


class KeyMark(Base):
    """A keyed digest of a constant: one row."""

    __tablename__ = "key_marks"

    name: Mapped[str] = mapped_column(primary_key=True)
    mark: Mapped[bytes]


class DigestKey(Base):
    """The key of all digests: one row."""

    __tablename__ = "digest_keys"

    id: Mapped[RowId]
    name: Mapped[str] = mapped_column(unique=True)
    key: Mapped[bytes]  # sealed


def key_matches(session: Session, vault: Vault) -> bool | None:
    """Whether this database was filled under the vault's keys; None where it was never filled."""
    found = _mark(session)
    try:
        return None if found is None else _own(session, vault, found) is not None
    except VaultError:
        return False


def mark_of(vault: Vault) -> bytes:
    """A keyed digest of a constant."""
    return vault.digest("mark", "zhuandi")


def check_key(world: World) -> World:
    """The world with this database's digests; an empty one is marked. Raises VaultError where it is another's."""
    with world.begin() as session:
        values = {"name": DIGEST, "mark": mark_of(world.vault)}
        session.execute(insert(KeyMark).values(**values).on_conflict_do_nothing(index_elements=["name"]))
        if (found := _mark(session)) is None or (own := _own(session, world.vault, found)) is None:
            raise VaultError(OTHER_KEY)
        kept = DigestKey(id=uuid7(), name=DIGEST)
        own.seal(kept, "key", own.digest_key.hex())
        told: dict[str, object] = {"id": kept.id, "name": DIGEST, "key": kept.key}
        session.execute(insert(DigestKey).values(**told).on_conflict_do_nothing(index_elements=["name"]))
    return replace(world, vault=own)


def kept_key(connection: Connection) -> DigestKey | None:
    """The key of digests that a database keeps, sealed; None in one of an older schema."""
    if not inspect(connection).has_table(DigestKey.__tablename__):
        return None
    found = connection.execute(select(DigestKey.id, DigestKey.key)).one_or_none()
    return None if found is None else DigestKey(id=found.id, key=found.key)


def open_digests(vault: Vault, kept: DigestKey) -> Vault:
    """The vault with the digests of this kept key. Raises VaultError where none of its keys opens it."""
    try:
        return vault.digesting_with(bytes.fromhex(vault.open(kept, "key") or ""))
    except VaultError:
        raise VaultError(OTHER_KEY) from None


def _mark(session: Session) -> bytes | None:
    return session.scalar(select(KeyMark.mark).where(KeyMark.name == DIGEST))


def _own(session: Session, vault: Vault, mark: bytes) -> Vault | None:
    """The vault with the digests that made this mark: of the kept key, or of whichever of the vault's keys it was."""
    kept = session.scalar(select(DigestKey))
    candidates = vault.digest_candidates() if kept is None else iter([open_digests(vault, kept)])
    return next((one for one in candidates if mark_of(one) == mark), None)
