"""Whom the identity service speaks of: an administrator binds its subject to an account, nobody else does."""

from sqlalchemy import select

from dispatch import audit
from dispatch.errors import ConflictError, NotAllowedError
from dispatch.staff.browser import end_sessions
from dispatch.staff.member import Member, lock_member
from dispatch.world import World

SUBJECT_MOST = 255
"""OpenID Connect Core 1.0, section 2: `sub` is at most 255 ASCII characters."""


def bind_subject(world: World, login: str, subject: str, by: str, *, only: bool) -> None:
    """Single sign-on for this account; `only`: its password goes, and whoever is signed in with it is out.

    Raises NotFoundError, NotAllowedError (no subject), ConflictError (another account has it).
    """
    subject = subject.strip()
    if not subject or len(subject) > SUBJECT_MOST or not subject.isascii() or not subject.isprintable():
        raise NotAllowedError(f"请填写统一身份认证给这个人的标识（sub），最多 {SUBJECT_MOST} 个英文字符。")
    with world.begin() as session:
        other = session.scalar(select(Member.login).where(Member.oidc_subject == subject, Member.login != login))
        if other is not None:
            raise ConflictError(f"这个统一身份已绑定在账号“{other}”上。请先在那里解除。")
        member = lock_member(session, login)
        member.oidc_subject = subject
        if only:
            member.password, member.must_change = None, False
            end_sessions(world, session, member.id)
        audit.note(
            world, session, by, audit.Deed.STAFF, member.subject, "绑定统一身份" + ("，只用它登录" if only else "")
        )


def unbind_subject(world: World, login: str, by: str) -> None:
    """Single sign-on does not open this account any more. Raises NotFoundError."""
    with world.begin() as session:
        member = lock_member(session, login)
        member.oidc_subject = None
        end_sessions(world, session, member.id)
        audit.note(world, session, by, audit.Deed.STAFF, member.subject, "解除统一身份")
