"""The security suite walks every route there is: a new one without a guard, without CSRF or for a wrong role fails.

`make roles` prints who may do what.
"""

import re
from dataclasses import dataclass

import pytest
from rich.console import Console
from rich.table import Table
from starlette.testclient import TestClient

from dispatch.console.guard import COOKIE
from dispatch.console.page import POLICY
from dispatch.console.site import ROUTERS
from dispatch.staff.member import add_member, find_member
from dispatch.staff.role import RIGHTS, Right, Role
from dispatch.staff.session import begin_session, csrf_of
from tests.console.conftest import ORIGIN
from tests.console.routes import PUBLIC, Route, console_routes, every_route

API = re.compile(r"/(api/v1|by-hand|healthz|readyz|metrics|openapi\.json|console)(/|$)")
CROSS_SITE = {"Sec-Fetch-Site": "cross-site"}


@dataclass
class Desks:
    """A desk of each role, with a new session for each request: signing out or locking spoils no other."""

    world: object
    browser: TestClient

    def ask(self, role: Role | None, route: Route, *, filled: bool = False, csrf: bool = True, **headers: str):
        """As the browser would. `role` None: nobody is signed in."""
        self.browser.cookies.clear()
        token = self._token(role) if role else ""
        if token:
            self.browser.cookies.set(COOKIE, token, path="/console")
        if route.method == "GET":
            return self.browser.get(route.url, headers=headers)
        form = {
            **(route.filled if filled else {}),
            **({"csrf": csrf_of(self.world, token)} if token and csrf else {}),
        }
        return self.browser.request(route.method, route.url, data=form, headers=headers or ORIGIN)

    def _token(self, role: Role) -> str:
        with self.world.begin() as session:
            return begin_session(self.world, session, find_member(session, role.value))


@pytest.fixture
def desks(world, site):
    for role in Role:
        add_member(world, role.value, "测试员", role, None, "test")
    with world.begin() as session:
        for role in Role:
            find_member(session, role.value).must_change = False
    return Desks(world, site)


def test_the_walk_sees_every_router_whole(site):
    """Or the tests below would be green over what they never saw."""
    found = {(route.method, route.path) for route in console_routes(site.app)}
    for router in ROUTERS:
        for one in router.routes:
            assert {(method, one.path) for method in one.methods - {"HEAD"}} <= found
    documented = {path.partition("{")[0] for path in site.app.openapi()["paths"] if not path.startswith("/pushes")}
    assert documented <= {route.path.partition("{")[0] for route in every_route(site.app)}


def test_every_route_of_the_counter_has_a_guard_or_stands_in_the_list_of_public_ones(site):
    bare = {(route.method, route.path) for route in console_routes(site.app) if route.rights is None}
    assert bare == PUBLIC


def test_there_is_no_route_outside_of_the_counter_and_the_known_doors(site):
    strange = [route.path for route in every_route(site.app) if not API.match(route.path)]
    assert strange == []


def test_nobody_who_is_not_signed_in_gets_behind_any_guard(site, desks):
    for route in console_routes(site.app):
        if route.rights is not None:
            answer = desks.ask(None, route)
            assert answer.status_code == 303, route
            assert answer.headers["location"].startswith("/console/sign-in"), route


@pytest.mark.parametrize("role", Role, ids=str)
def test_each_role_at_each_route(site, desks, role):
    """Where the right is missing: 403 or 404; where it is there: an answer, and never an error of ours."""
    for route in console_routes(site.app):
        if route.rights is None:
            continue
        bare = desks.ask(role, route)
        if not route.open_to(role):
            assert bare.status_code in {403, 404}, (route, bare.status_code)
            continue
        for answer in (bare, desks.ask(role, route, filled=True)):
            assert answer.status_code < 500, (route, answer.status_code, answer.text[:500])
            assert not answer.headers.get("location", "").startswith("/console/sign-in?"), route
            if answer.headers.get("content-type", "").startswith("text/html"):
                assert answer.headers["content-security-policy"] == POLICY, route
            assert answer.headers["cache-control"] == "no-store", route


def test_the_matrix_of_roles_and_routes(site):
    """Printed by `make roles`; whoever makes accounts, works on cases or reads the audit log does only that."""
    table = Table("", *(role.chinese for role in Role), title="谁可以做什么")
    for route in sorted(console_routes(site.app), key=lambda one: (one.path, one.method)):
        if route.rights is not None:
            table.add_row(f"{route.method} {route.path}", *("●" if route.open_to(role) else "" for role in Role))
    Console(width=200).print(table)
    kept_apart = {Right.AUDIT: Role.AUDITOR, Right.STAFF: Role.ADMINISTRATOR, Right.CLIENTS: Role.ADMINISTRATOR}
    for right, alone in kept_apart.items():
        assert [role for role in Role if right in RIGHTS[role]] == [alone]
    for role in (Role.AUDITOR, Role.ADMINISTRATOR):
        assert not RIGHTS[role] & {Right.SEE, Right.SEE_TODAY, Right.REVEAL, Right.PRINT, Right.PACK, Right.EXPORT}


def test_every_form_without_its_token_or_from_elsewhere_does_nothing(site, desks):
    """CSRF: the token of another session is as good as none."""
    for route in console_routes(site.app):
        if route.method == "GET" or route.rights is None:
            continue
        role = next(role for role in Role if route.open_to(role))
        assert desks.ask(role, route, csrf=False).status_code == 403, route
        assert desks.ask(role, route, Origin="https://evil.example").status_code == 403, route
        assert desks.ask(role, route, **CROSS_SITE).status_code == 403, route
        assert desks.ask(role, route, **{"X-CSRF-Token": "0" * 32, **ORIGIN}).status_code == 403, route


def test_a_public_form_is_not_taken_from_elsewhere_either(site):
    """Login CSRF: nobody is signed in to somebody else's account from a foreign page."""
    for method, path in PUBLIC - {("GET", path) for _, path in PUBLIC}:
        for headers in (CROSS_SITE, {"Origin": "https://evil.example"}, {}):
            assert site.request(method, path, data={"login": "x"}, headers=headers).status_code == 403, path


def test_no_route_of_the_counter_is_in_the_partners_description(site):
    assert not [path for path in site.app.openapi()["paths"] if path.startswith("/console")]
