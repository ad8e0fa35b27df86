"""The accounts of the centre's staff: made, changed and closed by an administrator, each time written down."""

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import audit
from dispatch.db import Base, RowId
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.seen import refuse_stale, version_of
from dispatch.staff.browser import end_sessions
from dispatch.staff.password import check_new, hash_password
from dispatch.staff.role import RIGHTS, Right, Role
from dispatch.world import World

LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")


class Member(Base):
    """One of the staff. `departments` None: every department of the centre. `password` None: single sign-on only."""

    __tablename__ = "staff"

    id: Mapped[RowId]
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    centre: Mapped[str]
    departments: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    password: Mapped[str | None]  # argon2id
    must_change: Mapped[bool] = mapped_column(default=True)
    totp_secret: Mapped[bytes | None]  # sealed
    totp_offered: Mapped[bytes | None]  # sealed: being set up, until a first code proves it
    totp_step: Mapped[int] = mapped_column(default=0)  # the last one used: a code counts once
    oidc_subject: Mapped[str | None] = mapped_column(unique=True)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    closed_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint(f"role IN ({', '.join(repr(str(r)) for r in Role)})", name="role"),)

    @property
    def subject(self) -> str:
        """How the audit log names it."""
        return f"staff:{self.login}"

    @property
    def version(self) -> str:
        """Another one after each change that an administrator makes to it."""
        return version_of(self.name, self.role, self.departments, self.closed_at)

    @property
    def rights(self) -> frozenset[Right]:
        """What the role may do."""
        return RIGHTS[Role(self.role)]

    def may(self, right: Right) -> bool:
        """Whether the role has this right."""
        return right in self.rights


@dataclass(frozen=True, slots=True)
class Made:
    """A new password that is shown this once."""

    login: str
    password: str


def add_member(world: World, login: str, name: str, role: Role, departments: Collection[str] | None, by: str) -> Made:
    """A new account with a password for the first log-in, which must then be changed.

    Raises NotAllowedError (a login that is none, or a name that is empty), ConflictError (the login is taken).
    """
    if not LOGIN.fullmatch(login):
        raise NotAllowedError(f"登录名“{login}”不合要求：用小写字母、数字、点、横线，2 至 32 位，字母或数字开头。")
    if not name.strip():
        raise NotAllowedError("请填写姓名。")
    password = one_time_password()
    values = {
        "id": uuid7(),
        "login": login,
        "name": name.strip(),
        "role": role,
        "centre": world.settings.centre.code,
        "departments": sorted(departments) if departments is not None else None,
        "password": hash_password(password),
        "made_at": world.now(),
        "made_by": by,
    }
    with world.begin() as session:
        made = session.execute(
            insert(Member).values(**values).on_conflict_do_nothing(index_elements=["login"]).returning(Member.id)
        ).scalar()
        if made is None:
            raise ConflictError(f"登录名“{login}”已有人用。请换一个。")
        audit.note(world, session, by, audit.Deed.STAFF, f"staff:{login}", f"新建 {role.chinese}")
    return Made(login, password)


def one_time_password() -> str:
    """Four groups of four letters and digits that are not mistaken for each other: 80 bits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def find_member(session: Session, login: str) -> Member:
    """The account with this login. Raises NotFoundError."""
    found = session.scalar(select(Member).where(Member.login == login))
    if found is None:
        raise NotFoundError(f"没有登录名为“{login}”的账号。")
    return found


def lock_member(session: Session, login: str) -> Member:
    """The same, locked. Raises NotFoundError."""
    found = session.scalar(select(Member).where(Member.login == login).with_for_update())
    if found is None:
        raise NotFoundError(f"没有登录名为“{login}”的账号。")
    return found


def members(session: Session) -> list[Member]:
    """Every account, by login."""
    return list(session.scalars(select(Member).order_by(Member.login)))


def reset_password(world: World, login: str, by: str) -> Made:
    """A new password for the next log-in; the lock is lifted, and every session is over. Raises NotFoundError."""
    password = one_time_password()
    with world.begin() as session:
        member = lock_member(session, login)
        member.password, member.must_change = hash_password(password), True
        member.failures, member.locked_until = 0, None
        end_sessions(world, session, member.id)
        audit.note(world, session, by, audit.Deed.STAFF, member.subject, "重置密码")
    return Made(login, password)


def change_password(world: World, login: str, new: str, here: UUID | None = None) -> None:
    """One's own new password; every session but `here` is over. Raises NotAllowedError where it is too weak."""
    check_new(login, new)
    with world.begin() as session:
        member = lock_member(session, login)
        member.password, member.must_change = hash_password(new), False
        end_sessions(world, session, member.id, but=here)
        audit.note(world, session, login, audit.Deed.STAFF, member.subject, "本人改密码")


def change_member(
    world: World, login: str, name: str, role: Role, departments: Collection[str] | None, by: str, shown: str = ""
) -> None:
    """Another name, role or other departments: with another role or other departments one signs in anew.

    `shown`: `Member.version` of what whoever changes it has looked at; empty: whatever it is.
    Raises NotFoundError, NotAllowedError (one's own role), ConflictError (changed meanwhile).
    """
    if not name.strip():
        raise NotAllowedError("请填写姓名。")
    seen = sorted(departments) if departments is not None else None
    with world.begin() as session:
        member = lock_member(session, login)
        refuse_stale(world, session, member.subject, audit.Deed.STAFF, (shown, member.version))
        if login == by and role != member.role:
            raise NotAllowedError("不能改自己的角色。请由另一位管理员办理。")
        if (member.role, member.departments) != (role, seen):
            end_sessions(world, session, member.id)
        member.name, member.role, member.departments = name.strip(), role, seen
        audit.note(
            world,
            session,
            by,
            audit.Deed.STAFF,
            member.subject,
            f"改为 {name.strip()}，{role.chinese}，{_places(seen)}",
        )


def _places(departments: Collection[str] | None) -> str:
    return "全部部门" if departments is None else "、".join(departments)


def close_member(world: World, login: str, by: str) -> None:
    """Nobody comes in with it, and whoever is in is out. Raises NotFoundError, NotAllowedError (one's own)."""
    if login == by:
        raise NotAllowedError("不能停用自己的账号。请由另一位管理员办理。")
    with world.begin() as session:
        member = lock_member(session, login)
        member.closed_at = world.now()
        end_sessions(world, session, member.id)
        audit.note(world, session, by, audit.Deed.STAFF, member.subject, "停用")


def reopen_member(world: World, login: str, by: str) -> None:
    """It may come in again. Raises NotFoundError."""
    with world.begin() as session:
        member = lock_member(session, login)
        member.closed_at = None
        audit.note(world, session, by, audit.Deed.STAFF, member.subject, "恢复")
