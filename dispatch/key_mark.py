"""The database remembers which key it was filled under: another key must not go on beside it unseen.

Under another key, known cases would look new, order numbers would differ, and rows would be sealed under two keys.
"""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from dispatch.db import Base
from dispatch.vault import Vault, VaultError
from dispatch.world import World


class KeyMark(Base):
    """A keyed digest of a constant: one row."""

    __tablename__ = "key_marks"

    name: Mapped[str] = mapped_column(primary_key=True)
    mark: Mapped[bytes]


def key_matches(session: Session, vault: Vault) -> bool | None:
    """Whether this database was filled under the vault's key; None where it was never filled."""
    found = session.scalar(select(KeyMark.mark).where(KeyMark.name == "digest"))
    return None if found is None else found == mark_of(vault)


def mark_of(vault: Vault) -> bytes:
    """A keyed digest of a constant."""
    return vault.digest("mark", "zhuandi")


def check_key(world: World) -> None:
    """Leave the mark on an empty database; raise VaultError where it is another key's."""
    mark = mark_of(world.vault)
    with world.begin() as session:
        session.execute(
            insert(KeyMark).values(name="digest", mark=mark).on_conflict_do_nothing(index_elements=["name"])
        )
        matches = key_matches(session, world.vault)
    if not matches:
        raise VaultError("这个数据库是用另一把密钥建立的。请把原来的密钥文件放回，或在 ZHUANDI_VAULT_KEYS 中列出。")
