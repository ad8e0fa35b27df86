"""Coming in: login and password; wrong ones slow down, and lock the account for a while."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import audit
from dispatch.errors import NotAllowedError
from dispatch.staff.member import Member
from dispatch.staff.password import matches
from dispatch.staff.session import SignedIn, begin_session, unlock_session
from dispatch.world import World

FREE = 5
"""So many wrong passwords in a row cost nothing but another try."""
LONGEST = timedelta(minutes=30)
WRONG = "登录名或密码不对。请核对后再试；忘了密码的，请管理员重置。"


@dataclass(frozen=True, slots=True)
class CameIn:
    """A session begun. `must_change`: the password was made by somebody else."""

    token: str
    must_change: bool


def sign_in(world: World, login: str, password: str) -> CameIn:
    """Begin a session. Raises NotAllowedError, in the same words whether the login or the password is wrong.

    The password is checked while no transaction is open: it takes its time on purpose.
    """
    with world.reading() as session:
        member = _find(session, login)
    _refuse_locked(world, member)
    if not matches(member.password if member else None, password) or member is None or member.closed_at:
        _failed(world, login)
        raise NotAllowedError(WRONG)
    with world.begin() as session:
        token = _let_in(world, session, member.login, audit.Deed.SIGN_IN)
    return CameIn(token, member.must_change)


def _find(session: Session, login: str) -> Member | None:
    return session.scalar(select(Member).where(Member.login == login))


def _refuse_locked(world: World, member: Member | None) -> None:
    if member is not None and member.locked_until is not None and world.now() < member.locked_until:
        minutes = max(1, round((member.locked_until - world.now()).total_seconds() / 60))
        raise NotAllowedError(f"密码错得太多，账号暂时锁定，请约 {minutes} 分钟后再试，或请管理员重置。")


def _failed(world: World, login: str) -> None:
    """The next try waits twice as long as the last one had to, from the sixth on."""
    with world.begin() as session:
        member = session.scalar(select(Member).where(Member.login == login).with_for_update())
        if member is None:
            audit.note(world, session, "—", audit.Deed.SIGN_IN_FAILED, "staff:—", login[:64])
            return
        member.failures += 1
        if member.failures >= FREE:
            wait = min(LONGEST, timedelta(minutes=1) * 2 ** min(member.failures - FREE, 10))
            member.locked_until = world.now() + wait
        audit.note(world, session, "—", audit.Deed.SIGN_IN_FAILED, member.subject, f"第 {member.failures} 次")


def _let_in(world: World, session: Session, login: str, deed: audit.Deed) -> str:
    member = session.scalars(select(Member).where(Member.login == login).with_for_update()).one()
    _refuse_locked(world, member)
    member.failures, member.locked_until = 0, None
    audit.note(world, session, member.login, deed, member.subject)
    return begin_session(world, session, member)


def unlock(world: World, signed: SignedIn, password: str) -> None:
    """The password again, after a time without a hand on the keys. Raises NotAllowedError."""
    member = signed.member
    _refuse_locked(world, member)
    if not matches(member.password, password):
        _failed(world, member.login)
        raise NotAllowedError("密码不对，仍然锁定。")
    with world.begin() as session:
        fresh = session.scalars(select(Member).where(Member.id == member.id).with_for_update()).one()
        fresh.failures, fresh.locked_until = 0, None
        unlock_session(world, session, signed.session_id)
        audit.note(world, session, member.login, audit.Deed.UNLOCK, member.subject)
