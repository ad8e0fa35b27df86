"""One-time codes (RFC 6238): six digits from a secret that the member's telephone and we share.

A code counts once, within its own half minute and the ones before and after it.
"""

from hmac import compare_digest

import pyotp

from dispatch import audit
from dispatch.errors import NotAllowedError
from dispatch.staff.failures import prove
from dispatch.staff.member import Member, find_member, lock_member
from dispatch.world import World

STEP_SECONDS = 30
WINDOW = 1
"""Steps that a telephone's clock may be early or late."""
ISSUER = "政务专递"
WRONG_CODE = "验证码不对，或已经用过。请等手机上换了新的再填。"


class WrongCodeError(NotAllowedError):
    """Not the code of this moment, or one that was used before."""


def has_code(member: Member) -> bool:
    """Whether a code is asked for after the password."""
    return member.totp_secret is not None


def offer_code(world: World, login: str) -> None:
    """A new secret to be set up; nothing is asked for until a first code proves it.

    Raises NotFoundError, NotAllowedError (a code is in use: an administrator takes it away first).
    """
    with world.begin() as session:
        member = lock_member(session, login)
        if has_code(member):
            raise NotAllowedError("动态验证码已经在用。换了手机的，请管理员先取消，再重新设置。")
        world.vault.seal(member, "totp_offered", pyotp.random_base32())


def offered(world: World, member: Member) -> tuple[str, str] | None:
    """The secret that is being set up and its address for the telephone's camera; None where there is none."""
    secret = world.vault.open(member, "totp_offered")
    if secret is None or has_code(member):
        return None
    return secret, pyotp.TOTP(secret).provisioning_uri(name=member.login, issuer_name=ISSUER)


def confirm_code(world: World, login: str, password: str, code: str) -> None:
    """From now on a code is asked for. Raises NotAllowedError: nothing was offered, or password or code is wrong."""
    with world.reading() as session:
        asked = find_member(session, login)
    if asked.password is not None:  # else single sign-on alone opens the account
        prove(world, asked, password, "密码不对，没有开通。")
    with world.begin() as session:
        member = lock_member(session, login)
        told = offered(world, member)
        if told is None:
            raise NotAllowedError("没有正在设置的动态验证码。请重新开始。")
        member.totp_step = _fresh_step(world, member, told[0], code)
        world.vault.seal(member, "totp_secret", told[0])
        member.totp_offered = None
        audit.note(world, session, login, audit.Deed.STAFF, member.subject, "开通动态验证码")


def use_code(world: World, member: Member, code: str) -> None:
    """Take the code, so that it never counts again; the row must be locked. Raises WrongCodeError."""
    secret = world.vault.open(member, "totp_secret")
    if secret is not None:
        member.totp_step = _fresh_step(world, member, secret, code)


def remove_code(world: World, login: str, by: str) -> None:
    """Only the password is asked for again. Raises NotFoundError."""
    with world.begin() as session:
        member = lock_member(session, login)
        member.totp_secret = member.totp_offered = None
        audit.note(world, session, by, audit.Deed.STAFF, member.subject, "取消动态验证码")


def _fresh_step(world: World, member: Member, secret: str, code: str) -> int:
    """The step that this code is of, later than the last one used. Raises WrongCodeError."""
    told, code_of = code.replace(" ", "").encode(), pyotp.TOTP(secret, interval=STEP_SECONDS).generate_otp
    here = int(world.now().timestamp()) // STEP_SECONDS
    for step in range(here - WINDOW, here + WINDOW + 1):
        if compare_digest(code_of(step).encode(), told) and step > member.totp_step:
            return step
    raise WrongCodeError(WRONG_CODE)
