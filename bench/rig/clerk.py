"""Staff of the measured service who are signed in at the console."""

from dispatch.console.guard import COOKIE
from dispatch.staff.member import add_member, change_password, find_member
from dispatch.staff.role import Role
from dispatch.staff.session import begin_session
from dispatch.world import World

LOGIN = "bench"


def clerks_cookies(world: World) -> dict[str, str]:
    """What the clerk's browser brings with each request."""
    return cookies_of(world, LOGIN, Role.DISPATCH)


def cookies_of(world: World, login: str, role: Role, departments: list[str] | None = None) -> dict[str, str]:
    """A new account of this role, for some departments or all: what its browser brings with each request."""
    made = add_member(world, login, "测速", role, departments, LOGIN)
    change_password(world, login, made.password)
    with world.begin() as session:
        return {COOKIE: begin_session(world, session, find_member(session, login))}
