"""Client systems: the approval systems that may post decided cases, each with keys of its own.

A key is shown once and stored hashed. It is changed without a gap: the new one is made beside the old one, which goes
on for a while that somebody chose, so that the other side can change over when it suits it.
"""

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, exists, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import audit
from dispatch.db import Base, RowId
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.seen import refuse_stale, version_of
from dispatch.world import World

KEY_PREFIX = "zd_"
HINT = len(KEY_PREFIX) + 4
"""So much of a key is kept readable, to tell one from another: 24 of its 256 bits."""
LONGEST_OVERLAP = timedelta(days=90)
AT_THE_MACHINE = "命令行"


class ClientScope(StrEnum):
    """What a client system may do with its keys."""

    LODGE = "cases.write"
    FOLLOW = "cases.read"
    ERRANDS = "errands"

    @property
    def chinese(self) -> str:
        """The word on the screen."""
        return SCOPE_WORDS[self]


SCOPE_WORDS: Mapping[ClientScope, str] = {
    ClientScope.LODGE: "送交办件",
    ClientScope.FOLLOW: "查办件进展",
    ClientScope.ERRANDS: "干部代送",
}
EVERY_SCOPE = tuple(ClientScope)


class Client(Base):
    """A client system. `key_digest`: the key of one that an older version made; ours stand in `ClientKey`."""

    __tablename__ = "clients"

    id: Mapped[RowId]
    name: Mapped[str] = mapped_column(unique=True)
    key_digest: Mapped[bytes | None] = mapped_column(unique=True)
    scopes: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))  # None: made by an older version
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    @property
    def version(self) -> str:
        """Another one after each change of what its keys open."""
        return version_of(self.scopes, self.revoked_at)

    def may(self, scope: ClientScope) -> bool:
        """Whether its keys open this."""
        return scope in (EVERY_SCOPE if self.scopes is None else self.scopes)


class ClientKey(Base):
    """One key. It has 256 random bits, so a plain SHA-256 of it is enough to store. `hint`: how it begins."""

    __tablename__ = "client_keys"

    id: Mapped[RowId]
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"), index=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    hint: Mapped[str]
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    valid_until: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    def opens(self, now: datetime) -> bool:
        """Whether it is accepted at this time."""
        return self.revoked_at is None and (self.valid_until is None or now < self.valid_until)


@dataclass(frozen=True, slots=True)
class ClientShown:
    """A client system as an administrator sees it, newest key first."""

    client: Client
    keys: Sequence[ClientKey]

    @property
    def scopes(self) -> list[ClientScope]:
        """What its keys open."""
        return [scope for scope in ClientScope if self.client.may(scope)]


def add_client(
    world: World, name: str, scopes: Collection[ClientScope] = EVERY_SCOPE, by: str = AT_THE_MACHINE
) -> str:
    """A new client system and its key: shown this once. Raises ConflictError, NotAllowedError (no name, no scope)."""
    name, told = name.strip(), _checked(scopes)
    if not name:
        raise NotAllowedError("请填写对接系统的名称。")
    values = {"id": uuid7(), "name": name, "created_at": world.now(), "scopes": told}
    with world.begin() as session:
        made = session.execute(
            insert(Client).values(**values).on_conflict_do_nothing(index_elements=["name"]).returning(Client.id)
        ).scalar()
        if made is None:
            raise ConflictError(f"已有名为“{name}”的对接系统。请换一个名字。")
        key = _make_key(world, session, made, by)
        audit.note(world, session, by, audit.Deed.CLIENT, _subject(name), f"新建，{_named(told)}")
    return key


def rotate_key(world: World, name: str, overlap: timedelta, by: str) -> str:
    """A new key, shown this once; those that open now go on for `overlap`, unless they end sooner.

    Raises NotFoundError, NotAllowedError (an overlap that never ends, a system whose access was taken away).
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise NotAllowedError(f"旧密钥最多再用 {LONGEST_OVERLAP.days} 天。")
    with world.begin() as session:
        client = _lock_client(session, name)
        if client.revoked_at is not None:
            raise NotAllowedError(f"对接系统“{name}”已停用，不能换密钥。")
        _adopt(session, client)
        ends = world.now() + overlap
        for old in _keys_of(session, client):
            if old.opens(world.now()):
                old.valid_until = min(ends, old.valid_until or ends)
        key = _make_key(world, session, client.id, by)
        audit.note(world, session, by, audit.Deed.CLIENT, _subject(name), f"换密钥，旧的再用 {overlap.days} 天")
    return key


def revoke_key(world: World, name: str, key_id: UUID, by: str) -> None:
    """This key opens nothing from now on. Raises NotFoundError."""
    with world.begin() as session:
        client = _lock_client(session, name)
        key = session.get(ClientKey, key_id)
        if key is None or key.client_id != client.id:
            raise NotFoundError(f"对接系统“{name}”没有这把密钥。请刷新页面再看。")
        if client.key_digest == key.digest:
            client.key_digest = None  # an older version that runs beside us knows it by this
        key.revoked_at = key.revoked_at or world.now()
        audit.note(world, session, by, audit.Deed.CLIENT, _subject(name), f"停用密钥 {key.hint}")


def change_scopes(world: World, name: str, scopes: Collection[ClientScope], by: str, shown: str = "") -> None:
    """What all its keys open from now on. `shown`: `Client.version` of what was looked at; empty: whatever it is.

    Raises NotFoundError, NotAllowedError (none at all), ConflictError (changed meanwhile).
    """
    told = _checked(scopes)
    with world.begin() as session:
        client = _lock_client(session, name)
        refuse_stale(world, session, _subject(name), audit.Deed.CLIENT, (shown, client.version))
        client.scopes = told
        audit.note(world, session, by, audit.Deed.CLIENT, _subject(name), f"改为 {_named(told)}")


def close_client(world: World, name: str, by: str) -> None:
    """None of its keys opens anything any more. Raises NotFoundError."""
    with world.begin() as session:
        client = _lock_client(session, name)
        client.revoked_at = client.revoked_at or world.now()
        audit.note(world, session, by, audit.Deed.CLIENT, _subject(name), "停用")


def find_client(session: Session, key: str, now: datetime) -> Client | None:
    """The client system that holds this key, unless the key's time is over or one of both was revoked."""
    digest = _digest(key)
    query = select(Client, ClientKey).join(ClientKey, ClientKey.client_id == Client.id)
    found = session.execute(query.where(ClientKey.digest == digest, Client.revoked_at.is_(None))).first()
    if found is not None:
        client, its_key = found
        return client if its_key.opens(now) else None
    known = exists().where(ClientKey.digest == Client.key_digest)
    return session.scalar(select(Client).where(Client.key_digest == digest, Client.revoked_at.is_(None), ~known))


def clients(session: Session) -> list[ClientShown]:
    """Every client system, by name."""
    found = session.scalars(select(Client).order_by(Client.revoked_at.is_not(None), Client.name)).all()
    return [ClientShown(client, _keys_of(session, client)) for client in found]


def _checked(scopes: Collection[ClientScope]) -> list[str]:
    if not scopes:
        raise NotAllowedError("请至少选一项权限。")
    return [str(scope) for scope in ClientScope if scope in scopes]


def _named(scopes: Collection[str]) -> str:
    return "、".join(ClientScope(scope).chinese for scope in scopes)


def _subject(name: str) -> str:
    return f"client:{name}"


def _lock_client(session: Session, name: str) -> Client:
    found = session.scalar(select(Client).where(Client.name == name).with_for_update())
    if found is None:
        raise NotFoundError(f"没有名为“{name}”的对接系统。")
    return found


def _keys_of(session: Session, client: Client) -> list[ClientKey]:
    query = select(ClientKey).where(ClientKey.client_id == client.id)
    return list(session.scalars(query.order_by(ClientKey.made_at.desc(), ClientKey.id.desc())))


def _make_key(world: World, session: Session, client_id: UUID, by: str) -> str:
    key, now = KEY_PREFIX + secrets.token_urlsafe(32), world.now()
    made = ClientKey(id=uuid7(), client_id=client_id, digest=_digest(key), hint=key[:HINT], made_at=now, made_by=by)
    session.add(made)
    return key


def _adopt(session: Session, client: Client) -> None:
    """The key of a system that an older version made since the migration gets its row, so that it can end."""
    known = session.scalar(select(ClientKey.id).where(ClientKey.digest == client.key_digest))
    if client.key_digest is not None and known is None:
        its_own = {"client_id": client.id, "digest": client.key_digest, "hint": "", "made_by": ""}
        session.add(ClientKey(id=uuid7(), made_at=client.created_at, **its_own))
        session.flush()


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
