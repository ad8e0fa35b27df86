"""Who is signed in: sessions in the database. One that lies idle is locked, and opens again by the password."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch import audit
from dispatch.staff.browser import StaffSession
from dispatch.staff.member import Member
from dispatch.world import World

BY_SERVICE = "sso."
"""How the token of a session begins that the identity service opened."""
SEEN_EVERY = timedelta(seconds=30)
"""A session's last use is written down so often: not at every poll of every page."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A member at a browser. `locked`: idle too long; nothing is shown or done until the password is given.

    `by_service`: the identity service said who it is, and no password was used.
    """

    session_id: UUID
    member: Member
    csrf: str
    locked: bool
    by_service: bool = False

    @property
    def must_change(self) -> bool:
        """Whether this member came in by a password that somebody else made, and must change it first."""
        return self.member.must_change and not self.by_service


def begin_session(world: World, session: Session, member: Member, *, by_service: bool = False) -> str:
    """A new session, whatever the browser had before; its token comes back, and stands nowhere.

    The token itself says how one came in: its digest is kept, so nobody can change that.
    """
    token, now = (BY_SERVICE if by_service else "") + secrets.token_urlsafe(32), world.now()
    row = StaffSession(
        id=uuid7(), token_digest=_digest(token), member_id=member.id, begun_at=now, seen_at=now, said=[]
    )
    session.add(row)
    return token


def find_session(world: World, token: str, *, active: bool = True) -> SignedIn | None:
    """Whoever holds this token, unless the session or the account is over. `active`: a person did something; a page
    that asks again by itself does not keep a session awake.
    """
    now, settings = world.now(), world.settings
    with world.reading() as session:
        query = select(StaffSession, Member).join(Member, Member.id == StaffSession.member_id)
        found = session.execute(query.where(StaffSession.token_digest == _digest(token))).first()
    if found is None:
        return None
    row, member = found
    if row.ended_at or member.closed_at or now > row.begun_at + settings.session_longest:
        return None
    if member.centre != settings.centre.code:
        return None
    locked = row.locked_at is not None or now > row.seen_at + settings.session_idle
    if locked and row.locked_at is None:
        _write(world, row.id, locked_at=now)
    elif not locked and active and now > row.seen_at + SEEN_EVERY:
        _write(world, row.id, seen_at=now)
    return SignedIn(row.id, member, csrf_of(world, token), locked, token.startswith(BY_SERVICE))


def _write(world: World, session_id: UUID, **values: datetime) -> None:
    with world.begin() as session:
        session.execute(update(StaffSession).where(StaffSession.id == session_id).values(**values))


def csrf_of(world: World, token: str) -> str:
    """What every form of this session carries: nobody else's page can know it."""
    return world.vault.digest("csrf", token).hex()[:32]


def unlock_session(world: World, session: Session, session_id: UUID) -> None:
    """The password was given again."""
    row = session.get_one(StaffSession, session_id)
    row.locked_at, row.seen_at = None, world.now()


def lock_session(world: World, session_id: UUID) -> None:
    """Whoever leaves the desk locks it."""
    _write(world, session_id, locked_at=world.now())


def end_session(world: World, signed: SignedIn) -> None:
    """Signed out."""
    with world.begin() as session:
        session.get_one(StaffSession, signed.session_id).ended_at = world.now()
        audit.note(world, session, signed.member.login, audit.Deed.SIGN_OUT, signed.member.subject)


def say(world: World, session_id: UUID, kind: str, words: str) -> None:
    """Leave word for the next page: `kind` is done, note or wrong."""
    with world.begin() as session:
        row = session.get_one(StaffSession, session_id, with_for_update=True)
        row.said = [*row.said, {"kind": kind, "words": words}]


def hear(world: World, session_id: UUID) -> list[dict[str, str]]:
    """What was left for this page; it is told once."""
    with world.begin() as session:
        row = session.get_one(StaffSession, session_id)
        if not row.said:
            return []
        session.refresh(row, with_for_update=True)
        said, row.said = row.said, []
        return said


def forget_sessions(session: Session, before: datetime, batch: int) -> int:
    """Erase those that began before; who came in when stands in the audit log. How many went."""
    old = select(StaffSession.id).where(StaffSession.begun_at < before).limit(batch)
    gone = session.scalars(delete(StaffSession).where(StaffSession.id.in_(old)).returning(StaffSession.id))
    return len(gone.all())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
