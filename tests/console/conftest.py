"""A console on a fresh database, and people who sign in at it over HTTP."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import pytest
from starlette.testclient import TestClient

from dispatch.console.site import make_site
from dispatch.staff.member import add_member, change_password
from dispatch.staff.role import Role
from dispatch.world import World

PASSWORD = "evergreen-harbour-42"
ORIGIN = {"Origin": "http://testserver"}


@dataclass
class Person:
    """Somebody of the staff at a browser of their own."""

    login: str
    browser: TestClient

    def get(self, url: str, **more: object):
        return self.browser.get(url, **more)

    @property
    def csrf(self) -> str:
        page = self.browser.get("/console/password").text
        return re.search(r'name="csrf" value="([0-9a-f]+)"', page)[1]

    def post(self, url: str, data: dict[str, object] | None = None, **more: object):
        """As the browser's form does: with the token, and the origin."""
        return self.browser.post(url, data={"csrf": self.csrf, **(data or {})}, headers=ORIGIN, **more)


@pytest.fixture
def site(world: World) -> Iterator[TestClient]:
    with TestClient(make_site(world), follow_redirects=False) as client:
        yield client


@pytest.fixture
def person(world: World, site: TestClient) -> Iterator[Callable[..., Person]]:
    """Makes an account of a role and signs it in; several people have a browser each."""
    opened: list[TestClient] = []

    def make(role: Role, login: str = "", departments: Collection[str] | None = None) -> Person:
        login = login or role.value
        add_member(world, login, "测试员", role, departments, "test")
        change_password(world, login, PASSWORD)
        browser = TestClient(site.app, follow_redirects=False)
        opened.append(browser)
        came = browser.post("/console/sign-in", data={"login": login, "password": PASSWORD}, headers=ORIGIN)
        assert came.status_code == 303, came.text
        return Person(login, browser)

    yield make
    for browser in opened:
        browser.close()
