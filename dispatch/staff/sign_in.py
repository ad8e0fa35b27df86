"""Coming in: login and password, then a code where one is set up; wrong ones slow down, and lock that way a while.

There is no session before everything that is asked for was given: in between the browser holds a ticket, which says
that the first step was done and is good for nothing else.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import audit
from dispatch.errors import NotAllowedError
from dispatch.staff.failures import CODE, failed, prove, refuse_locked
from dispatch.staff.member import Member
from dispatch.staff.password import matches
from dispatch.staff.session import BY_SERVICE, SignedIn, begin_session, unlock_session
from dispatch.staff.totp import WrongCodeError, has_code, use_code
from dispatch.world import World

TICKET_LIVES = timedelta(minutes=5)
WRONG = "登录名或密码不对。请核对后再试；忘了密码的，请管理员重置。"
STALE = "登录已超时，请从头再登录一次。"
UNBOUND = "这个统一身份没有绑定在用的账号。请找管理员绑定，或用登录名和密码登录。"


@dataclass(frozen=True, slots=True)
class CameIn:
    """A session begun. `must_change`: it came in by a password that was made by somebody else."""

    token: str
    must_change: bool


@dataclass(frozen=True, slots=True)
class HalfIn:
    """The first step is done, and a code is asked for: `ticket` goes with it."""

    ticket: str


class StaleTicketError(NotAllowedError):
    """The first step was too long ago, or the account has changed since."""


def sign_in(world: World, login: str, password: str) -> CameIn | HalfIn:
    """Begin a session. Raises NotAllowedError, in the same words whether the login or the password is wrong.

    The password is checked while no transaction is open: it takes its time on purpose.
    """
    with world.reading() as session:
        member = session.scalar(select(Member).where(Member.login == login))
        refuse_locked(world, session, member)
    if not matches(member.password if member else None, password) or member is None or member.closed_at:
        failed(world, login)
        raise NotAllowedError(WRONG)
    return _next(world, member, by_service=False)


def sign_in_as(world: World, subject: str) -> CameIn | HalfIn:
    """Begin a session for whoever the identity service says it is.

    Raises NotAllowedError: no open account is bound to this subject.
    """
    with world.reading() as session:
        member = session.scalar(select(Member).where(Member.oidc_subject == subject))
    if member is None or member.closed_at:
        with world.begin() as session:
            whom = member.subject if member else "staff:—"
            audit.note(world, session, "—", audit.Deed.SIGN_IN_FAILED, whom, "统一身份认证")
        raise NotAllowedError(UNBOUND)
    return _next(world, member, by_service=True)


def _next(world: World, member: Member, *, by_service: bool) -> CameIn | HalfIn:
    if has_code(member):
        return HalfIn(_ticket(world, member, world.now() + TICKET_LIVES, by_service=by_service))
    with world.begin() as session:
        return _let_in(world, session, _unchanged(session, member), by_service=by_service)


def give_code(world: World, ticket: str, code: str) -> CameIn:
    """The second step. Raises StaleTicketError, WrongCodeError, NotAllowedError (locked)."""
    member, by_service = _holder(world, ticket)
    with world.reading() as session:
        refuse_locked(world, session, member, by_service=by_service)
    try:
        with world.begin() as session:
            fresh = _unchanged(session, member)
            use_code(world, fresh, code)
            return _let_in(world, session, fresh, by_service=by_service)
    except WrongCodeError:
        failed(world, member.login, CODE, by_service=by_service)
        raise


def _ticket(world: World, member: Member, until: datetime, *, by_service: bool) -> str:
    """Signed, and only as good as the account stays what it was at the first step; says which step that was."""
    ends = str(int(until.timestamp()))
    parts = (member.login, ends, member.password or "", member.oidc_subject or "", (member.totp_secret or b"").hex())
    first = BY_SERVICE if by_service else ""
    signature = world.vault.digest("half in", *parts, *([first] if first else [])).hex()
    return f"{member.login}:{ends}:{first}{signature}"


def _holder(world: World, ticket: str) -> tuple[Member, bool]:
    """Whose ticket it is, and whether the identity service was the first step. Raises StaleTicketError."""
    login, _, rest = ticket.partition(":")
    ends, _, signed = rest.partition(":")
    by_service = signed.startswith(BY_SERVICE)
    with world.reading() as session:
        member = session.scalar(select(Member).where(Member.login == login))
    if member is None or member.closed_at or not (ends.isdecimal() and ends.isascii() and len(ends) <= 11):
        raise StaleTicketError(STALE)
    until = datetime.fromtimestamp(int(ends), UTC)
    right = _ticket(world, member, until, by_service=by_service)
    if world.now() > until or not compare_digest(ticket.encode(), right.encode()):
        raise StaleTicketError(STALE)
    return member, by_service


def _unchanged(session: Session, checked: Member) -> Member:
    """The row, locked. Raises NotAllowedError where it was closed or its password changed since it was looked at."""
    fresh = session.scalars(select(Member).where(Member.id == checked.id).with_for_update()).one()
    if fresh.closed_at or fresh.password != checked.password:
        raise NotAllowedError(WRONG)
    return fresh


def _let_in(world: World, session: Session, member: Member, *, by_service: bool) -> CameIn:
    refuse_locked(world, session, member, by_service=by_service)
    if not by_service:  # whoever guesses at the password goes on waiting
        member.failures, member.locked_until = 0, None
    audit.note(world, session, member.login, audit.Deed.SIGN_IN, member.subject)
    token = begin_session(world, session, member, by_service=by_service)
    return CameIn(token, member.must_change and not by_service)


def unlock(world: World, signed: SignedIn, password: str) -> None:
    """The password again, after a time without a hand on the keys. Raises NotAllowedError."""
    prove(world, signed.member, password, "密码不对，仍然锁定。")
    with world.begin() as session:
        fresh = _unchanged(session, signed.member)
        fresh.failures, fresh.locked_until = 0, None
        unlock_session(world, session, signed.session_id)
        audit.note(world, session, fresh.login, audit.Deed.UNLOCK, fresh.subject)
