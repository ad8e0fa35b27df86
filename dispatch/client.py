"""Client systems: the approval systems that may post decided cases, each with a key of its own."""

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch.db import Base, RowId
from dispatch.errors import ConflictError
from dispatch.world import World

KEY_PREFIX = "zd_"


class Client(Base):
    """A client system. The key has 256 random bits, so a plain SHA-256 of it is enough to store."""

    __tablename__ = "clients"

    id: Mapped[RowId]
    name: Mapped[str] = mapped_column(unique=True)
    key_digest: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


def add_client(world: World, name: str) -> str:
    """A new client system and its key: shown this once, stored hashed. Raises ConflictError."""
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    values = {"id": uuid7(), "name": name, "key_digest": _digest(key), "created_at": world.now()}
    with world.begin() as session:
        made = session.execute(
            insert(Client).values(**values).on_conflict_do_nothing(index_elements=["name"]).returning(Client.id)
        ).scalar()
        if made is None:
            raise ConflictError(f"已有名为“{name}”的对接系统。请换一个名字。")
    return key


def find_client(session: Session, key: str) -> Client | None:
    """The client system that holds this key, unless it was revoked."""
    return session.scalar(select(Client).where(Client.key_digest == _digest(key), Client.revoked_at.is_(None)))


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
