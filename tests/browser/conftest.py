"""One counter in the middle of its day, served over a real socket, and the system's Chromium before it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright

from dispatch.console.language import CHINESE
from dispatch.console.site import make_site
from dispatch.staff.role import Role
from dispatch.typefaces import Typefaces
from dispatch.world import World
from tests.browser.chromium import Window, chromium, window
from tests.browser.counter import Counter, furnish
from tests.doors.served import served
from tests.parts import an_account, open_post, open_service, short_waits

Open = Callable[..., AbstractContextManager[Window]]


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright) as opened:
        yield opened


@pytest.fixture(scope="session")
def new_centre(
    browser: Browser,  # without one nothing is furnished
    new_database: Callable[[], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
    typefaces: Typefaces,
) -> Callable[[], AbstractContextManager[World]]:
    """Opens a centre with its post, where clerks release."""

    @contextmanager
    def opened() -> Iterator[World]:
        home, account = tmp_path_factory.mktemp("centre"), an_account()
        settings = short_waits(home, account).model_copy(update={"item_release": "when_released"})
        with (
            new_database() as url,
            open_service(url, settings, typefaces) as world,
            open_post(world, account, home / "post.sqlite") as post,
        ):
            yield post.world

    return opened


@pytest.fixture(scope="session")
def counter(new_centre: Callable[[], AbstractContextManager[World]]) -> Iterator[Counter]:
    """Furnished once: what several tests look at, none of them changes for another."""
    with new_centre() as world:
        yield furnish(world)


@pytest.fixture(scope="session")
def home(counter: Counter) -> Iterator[str]:
    """Where the counter's site is served."""
    with served(make_site(counter.world)) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
def at_desk(browser: Browser, counter: Counter, home: str) -> Open:
    """Opens a window at which somebody of a role (None: nobody) is signed in."""

    @contextmanager
    def opened(role: Role | None, language: str = CHINESE, **options: Any) -> Iterator[Window]:
        with window(browser, home, counter.cookies(home, role, language), **options) as made:
            yield made

    return opened
