"""A clerk of the measured service who is signed in at the console."""

from dispatch.console.guard import COOKIE
from dispatch.staff.member import add_member, change_password, find_member
from dispatch.staff.role import Role
from dispatch.staff.session import begin_session
from dispatch.world import World

LOGIN = "bench"


def clerks_cookies(world: World) -> dict[str, str]:
    """What the clerk's browser brings with each request."""
    made = add_member(world, LOGIN, "测速", Role.DISPATCH, None, LOGIN)
    change_password(world, LOGIN, made.password)
    with world.begin() as session:
        return {COOKIE: begin_session(world, session, find_member(session, LOGIN))}
