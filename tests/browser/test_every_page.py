"""Every page in both languages and at three sizes: axe-core finds nothing, nothing stands beyond the edge, and no
request leaves the machine. With SCREENSHOTS=folder each is left there as a picture (`make screenshots`).
"""

import os
import re
from pathlib import Path

import pytest

from dispatch.console.language import LANGUAGES
from tests.browser.chromium import DESK, NARROW, PHONE, Window
from tests.browser.routes import Address, pages, unknown

PICTURES = os.environ.get("SCREENSHOTS")
SIZES = {"desk": DESK, "phone": PHONE}


def test_every_route_with_a_parameter_has_a_real_address():
    """A page that no test opens is one that nobody has looked at."""
    assert unknown() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_has_a_fault_that_axe_finds(at_desk, counter, language):
    found = []
    for role, addresses in _by_role(pages(counter)).items():
        with at_desk(role, language) as window:
            for address in addresses:
                window.resize(DESK)
                window.go(address.path)
                found += [f"{address.path} {fault}" for fault in _look(window, address, language)]
    assert found == []


def _by_role(addresses: list[Address]) -> dict[object, list[Address]]:
    return {role: [one for one in addresses if one.role == role] for role in {one.role for one in addresses}}


def _look(window: Window, address: Address, language: str) -> list[str]:
    found = []
    for size, pixels in SIZES.items():
        window.resize(pixels)
        found += [f"at {size}: {words}" for words in window.violations()]
        if PICTURES:
            _keep(window, f"{_named(address)}.{language}.{size}.png")
    window.resize(NARROW)
    return found + ([f"stands {beyond} px beyond 320"] if (beyond := window.sideways()) else [])


def _named(address: Address) -> str:
    return re.sub(r"[^\w]+", "-", address.path.removeprefix("/console")).strip("-")


def _keep(window: Window, name: str) -> None:
    folder = Path(PICTURES or "")
    folder.mkdir(parents=True, exist_ok=True)
    window.page.screenshot(path=folder / name, full_page=True)
