"""Wrong passwords and codes: each is noted, and too many in a row lock the account for a while."""

from datetime import timedelta

from sqlalchemy import select

from dispatch import audit
from dispatch.errors import NotAllowedError
from dispatch.staff.member import Member
from dispatch.staff.password import matches
from dispatch.world import World

FREE = 5
"""So many wrong ones in a row cost nothing but another try."""
BEGINNING = 2
"""So many characters are told of a login that is nobody's."""
LONGEST = timedelta(minutes=30)


def refuse_locked(world: World, member: Member | None) -> None:
    """Raises NotAllowedError while the account is locked."""
    if member is not None and member.locked_until is not None and world.now() < member.locked_until:
        minutes = max(1, round((member.locked_until - world.now()).total_seconds() / 60))
        raise NotAllowedError(f"密码错得太多，账号暂时锁定，请约 {minutes} 分钟后再试，或请管理员重置。")


def failed(world: World, login: str, what: str = "") -> None:
    """The next try waits twice as long as the last one had to, from the sixth on."""
    with world.begin() as session:
        member = session.scalar(select(Member).where(Member.login == login).with_for_update())
        if member is None:
            audit.note(world, session, "—", audit.Deed.SIGN_IN_FAILED, "staff:—", _nobody(world, login))
            return
        member.failures += 1
        if member.failures >= FREE:
            wait = min(LONGEST, timedelta(minutes=1) * 2 ** min(member.failures - FREE, 10))
            member.locked_until = world.now() + wait
        audit.note(world, session, "—", audit.Deed.SIGN_IN_FAILED, member.subject, f"{what}第 {member.failures} 次")


def _nobody(world: World, login: str) -> str:
    """What was typed may be a password: told so that the same again is known, and nobody can read it."""
    return f"没有这个登录名：{login[:BEGINNING]}…，{len(login)} 字，{world.vault.digest('login', login).hex()[:8]}"


def prove(world: World, member: Member, password: str, wrong: str) -> None:
    """Whoever sits there knows the password of this account. Raises NotAllowedError, in the words of `wrong`.

    A wrong one counts like one at the door: an unlocked desk is no place to guess at.
    """
    refuse_locked(world, member)
    if not matches(member.password, password):
        failed(world, member.login)
        raise NotAllowedError(wrong)
