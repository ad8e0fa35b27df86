"""Scanning in the system's own Chromium: a wedge scanner from any focus, and a camera that sees a printed label."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from barcode.codex import Code128
from PIL import Image, ImageDraw
from playwright.sync_api import Page

from dispatch.approval.lodge import lodge
from dispatch.console.site import make_site
from dispatch.journey import Act
from dispatch.packing.pack import to_pack
from dispatch.shipment import act, at_stage, lock
from dispatch.staff.role import Role
from tests.browser.chromium import chromium
from tests.console.conftest import PASSWORD
from tests.doors.served import served


@pytest.fixture
def pairs(post, drain, decided) -> list[tuple[str, str]]:
    """Two letters, printed: document and waybill of each."""
    for number in range(2):
        slip = {"phone": f"139{number:08}"}
        lodge(post.world, decided(f"33112720261122{number:04}", slip=slip), "test")
    drain(post.world)
    with post.world.begin() as session:
        for shipment in at_stage(session, ["booked"]):
            act(post.world, session, lock(session, shipment.id), Act.PRINT)
    with post.world.reading() as session:
        return to_pack(session)


@contextmanager
def at_the_table(world, playwright, *arguments: str) -> Iterator[Page]:
    """The packing page, with a clerk signed in."""
    with served(make_site(world)) as server, chromium(playwright, *arguments) as browser:
        page = browser.new_page()
        failed: list[str] = []
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.goto(f"http://127.0.0.1:{server.port}/console/sign-in?back=/console/pack")
        page.fill("#login", "dispatch")
        page.fill("#password", PASSWORD)
        page.click("main button")
        page.wait_for_selector("#scan")
        yield page
        assert failed == []


WEDGE = """(code) => {
  for (const key of [...code, "Enter"]) {
    const at = document.activeElement;
    const went = at.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
    if (went && key.length === 1 && at.matches("input, textarea")) at.value += key;
  }
}"""
"""As a wedge scanner does: every key at once, to whatever has the focus, and Enter at the end."""


def test_a_scan_lands_wherever_the_focus_is_and_a_wrong_pair_stops_until_a_key_says_so(
    world, person, pairs, playwright
):
    person(Role.DISPATCH)
    (one, first), (two, second) = pairs
    with at_the_table(world, playwright) as page:
        page.focus("#find")
        page.fill("#find", "mine")
        page.evaluate(WEDGE, one)
        page.wait_for_selector(f"text={first}")
        assert page.input_value("#find") == "mine"  # it was not meant for this field
        page.evaluate(WEDGE, second)
        page.wait_for_selector("[data-stop]")
        page.evaluate(WEDGE, first)  # whoever scans on does not end it
        assert page.is_visible("[data-stop]")
        page.keyboard.press("Space")
        page.wait_for_selector("[data-stop]", state="detached")
        page.evaluate(WEDGE, one)
        page.wait_for_selector("text=手里的出件")
        page.evaluate(WEDGE, first)
        page.wait_for_selector(".envelope.sealed")
        for code in (two, second):
            page.evaluate(WEDGE, code)
        page.wait_for_selector(f".envelope.sealed:has-text('{second}')")
    with world.reading() as session:
        assert len(at_stage(session, ["packed"])) == 2


def test_a_lost_connection_is_told_and_the_scan_is_made_again(world, person, pairs, playwright):
    person(Role.DISPATCH)
    [(one, first), _] = pairs
    with at_the_table(world, playwright) as page:
        page.context.set_offline(True)
        page.evaluate(WEDGE, one)
        page.wait_for_selector("text=没有连上系统")
        page.context.set_offline(False)
        page.evaluate(WEDGE, one)
        page.wait_for_selector(f"text={first}")
        assert not page.is_visible("text=没有连上系统")


def film(folder: Path, number: str) -> Path:
    """What a camera sees of a label, as a film of equal pictures."""
    image = Image.new("RGB", (640, 480), "white")
    pen = ImageDraw.Draw(image)
    for place, bit in enumerate(Code128(number).build()[0]):
        if bit == "1":
            pen.rectangle((60 + place * 3, 160, 62 + place * 3, 320), fill="black")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95)
    made = folder / "label.mjpeg"
    made.write_bytes(out.getvalue() * 10)
    return made


def test_a_camera_reads_the_label_with_nothing_from_elsewhere(world, person, pairs, playwright, tmp_path):
    person(Role.DISPATCH)
    [(_, number), _] = pairs
    camera = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film(tmp_path, number)}",
    )
    with at_the_table(world, playwright, *camera) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.click("[data-camera]")
        page.wait_for_selector(f".envelope:has-text('{number}')")
        assert any(url.endswith("zxing_reader.wasm") for url in asked)
        assert all(re.match(r"(http://127\.0\.0\.1:|blob:|data:)", url) for url in asked)
