"""Every page in both languages and at three sizes: axe-core finds nothing, nothing stands beyond the edge, and no
request leaves the machine. With SCREENSHOTS=folder each is left there as a picture (`make screenshots`).
"""

import os
import re
from pathlib import Path

import pytest

from dispatch.console.language import LANGUAGES
from dispatch.staff.role import Role
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


def test_the_audit_log_is_read_on_a_phone_without_pushing_it_aside(at_desk):
    """As a table its UUIDs stood four characters wide, and the details beyond the edge."""
    with at_desk(Role.AUDITOR) as window:
        window.resize(PHONE)
        page = window.go("/console/audit")
        widths = page.locator("td.subject, td.detail").evaluate_all("cells => cells.map(one => one.clientWidth)")
        assert min(widths) > PHONE[0] * 3 / 4
        assert page.locator(".table-responsive").evaluate("one => one.scrollWidth - one.clientWidth") == 0


def _by_role(addresses: list[Address]) -> dict[object, list[Address]]:
    return {role: [one for one in addresses if one.role == role] for role in {one.role for one in addresses}}


def _look(window: Window, address: Address, language: str) -> list[str]:
    found = []
    for size, pixels in SIZES.items():
        window.resize(pixels)
        found += [f"at {size}: {words}" for words in window.violations()]
        found += _beyond(window, size)
        if PICTURES:
            _keep(window, f"{_named(address)}.{language}.{size}.png")
    window.resize(NARROW)
    return found + _beyond(window, "320")


def _beyond(window: Window, size: str) -> list[str]:
    return [f"stands {beyond} px beyond {size}"] if (beyond := window.sideways()) else []


def _named(address: Address) -> str:
    return re.sub(r"[^\w]+", "-", address.path.removeprefix("/console")).strip("-")


def _keep(window: Window, name: str) -> None:
    folder = Path(PICTURES or "")
    folder.mkdir(parents=True, exist_ok=True)
    window.page.screenshot(path=folder / name, full_page=True)
