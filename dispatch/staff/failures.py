"""Wrong passwords and codes: each is noted, and too many in a row lock the account for a while.

Anybody who knows a login can type wrong passwords, so they lock the way in by password alone, never the identity
service's word: after it wrong codes alone count. What has no counter of its own is counted in the audit log: those
codes, and passwords at an account that has none, so that the door answers there as everywhere.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import audit
from dispatch.audit import AuditEntry
from dispatch.errors import NotAllowedError
from dispatch.staff.member import Member
from dispatch.staff.password import matches
from dispatch.world import World

FREE = 5
"""So many wrong ones in a row cost nothing but another try."""
BEGINNING = 2
"""So many characters are told of a login that is nobody's."""
LONGEST = timedelta(minutes=30)
CODE = "验证码，"
"""How the detail of a wrong code begins."""
BEGINS_ANEW = (audit.Deed.SIGN_IN, audit.Deed.UNLOCK, audit.Deed.STAFF)
"""Who came in, or was helped by an administrator, has failed at nothing."""
SERVICE_ALONE = "这个账号没有密码，只用统一身份认证登录。要用密码的，请管理员重置。"


def refuse_locked(world: World, session: Session, member: Member | None, *, by_service: bool = False) -> None:
    """Raises NotAllowedError while this way in is locked. `by_service`: after the identity service's word."""
    until = _locked_until(world, session, member, by_service=by_service) if member is not None else None
    if until is not None and world.now() < until:
        minutes = max(1, round((until - world.now()).total_seconds() / 60))
        raise NotAllowedError(f"密码错得太多，账号暂时锁定，请约 {minutes} 分钟后再试，或请管理员重置。")


def _locked_until(world: World, session: Session, member: Member, *, by_service: bool) -> datetime | None:
    # Asked of every account alike: how long the answer takes would tell which has no password.
    wrong = _in_a_row(world, session, member, codes=by_service)
    if _has_counter(member, by_service=by_service):
        return member.locked_until
    return _end_of_wait(wrong[-1].at, len(wrong)) if wrong else None


def _has_counter(member: Member, *, by_service: bool) -> bool:
    return member.password is not None and not by_service


def _in_a_row(world: World, session: Session, member: Member, *, codes: bool) -> Sequence[AuditEntry]:
    """Wrong codes, or wrong passwords, since this account was last opened. While it is locked none are added."""
    mine = AuditEntry.subject == member.subject
    anew = select(func.coalesce(func.max(AuditEntry.seq), 0)).where(mine, AuditEntry.deed.in_(BEGINS_ANEW))
    since = (AuditEntry.deed == audit.Deed.SIGN_IN_FAILED, AuditEntry.seq > anew.scalar_subquery())
    wrong = session.scalars(select(AuditEntry).where(mine, *since).order_by(AuditEntry.seq))
    return [one for one in wrong if (world.vault.open(one, "detail") or "").startswith(CODE) == codes]


def _end_of_wait(last: datetime, failures: int) -> datetime | None:
    """The next try waits twice as long as the last one had to, from the sixth on."""
    if failures < FREE:
        return None
    return last + min(LONGEST, timedelta(minutes=1 << min(failures - FREE, 10)))


def failed(world: World, login: str, what: str = "", *, by_service: bool = False) -> None:
    """Note a wrong password, or a wrong code (`what`: `CODE`)."""
    with world.begin() as session:
        member = session.scalar(select(Member).where(Member.login == login).with_for_update())
        if member is None:
            audit.note(world, session, "—", audit.Deed.SIGN_IN_FAILED, "staff:—", _nobody(world, login))
            return
        count = len(_in_a_row(world, session, member, codes=by_service)) + 1
        if _has_counter(member, by_service=by_service):
            count = member.failures = member.failures + 1
            member.locked_until = _end_of_wait(world.now(), count) or member.locked_until
        audit.note(world, session, "—", audit.Deed.SIGN_IN_FAILED, member.subject, f"{what}第 {count} 次")


def _nobody(world: World, login: str) -> str:
    """What was typed may be a password: told so that the same again is known, and nobody can read it."""
    return f"没有这个登录名：{login[:BEGINNING]}…，{len(login)} 字，{world.vault.digest('login', login).hex()[:8]}"


def prove(world: World, member: Member, password: str, wrong: str) -> None:
    """Whoever sits there knows the password of this account. Raises NotAllowedError, in the words of `wrong`.

    A wrong one counts like one at the door: an unlocked desk is no place to guess at. Where there is none, none is
    wrong.
    """
    if member.password is None:
        raise NotAllowedError(SERVICE_ALONE)
    with world.reading() as session:
        refuse_locked(world, session, member)
    if not matches(member.password, password):
        failed(world, member.login)
        raise NotAllowedError(wrong)
