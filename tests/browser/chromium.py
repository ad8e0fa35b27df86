"""The system's own Chromium, driven by Playwright: windows that remember whatever went wrong in them."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from tests.browser.found import ADVICE, find_chromium, required

# Without a sandbox of its own: in a container it would need rights that a test has not.
ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage", "--lang=zh-CN")
DESK, PHONE, NARROW = (1366, 768), (390, 844), (320, 640)
PATIENCE = 120_000
"""Milliseconds that a page may take: on a busy machine nothing fails for being slow."""
AXE = Path(__file__).with_name("axe") / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WATCH_POLICY = """document.addEventListener("securitypolicyviolation", (event) => {
  console.error("policy: " + event.violatedDirective + " " + event.blockedURI);
});"""
REFUSED = re.compile("responded with a status of (401|409)")
RUN_AXE = """(tags) => axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]})
  .then((found) => found.violations.flatMap((one) => one.nodes.map((node) =>
    one.id + ": " + node.target.join(" ") + " — " + node.failureSummary)))"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@contextmanager
def chromium(playwright: Playwright, *more: str) -> Iterator[Browser]:
    """A browser without a screen. Where none is installed the test is skipped, or fails where CI asks for one."""
    found = find_chromium()
    if found is None:
        (pytest.fail if required() else pytest.skip)(ADVICE)
    browser = playwright.chromium.launch(executable_path=found, args=[*ARGUMENTS, *more])
    expect.set_options(timeout=PATIENCE)
    yield browser
    browser.close()


@dataclass
class Window:
    """A browser of somebody's own at one site. `faults`: requests to elsewhere, policy violations, errors told."""

    context: BrowserContext
    page: Page
    home: str
    faults: list[str] = field(default_factory=list)
    refused: bool = False  # what the counter refuses with reason belongs to what is done in it

    def go(self, path: str) -> Page:
        """Open a page of ours."""
        self.page.goto(self.home + path)
        return self.page

    def resize(self, size: tuple[int, int]) -> None:
        """Another screen, the same page."""
        self.page.set_viewport_size({"width": size[0], "height": size[1]})

    def violations(self) -> Sequence[str]:
        """What axe-core finds wrong with the page as it is."""
        if not self.page.evaluate("typeof axe === 'object'"):
            self.page.evaluate(AXE.read_text())
        return list(self.page.evaluate(RUN_AXE, TAGS))

    def sideways(self) -> int:
        """So many pixels of the page lie beyond the right edge."""
        return int(self.page.evaluate(SIDEWAYS))


@contextmanager
def window(browser: Browser, home: str, cookies: Sequence[dict[str, Any]] = (), **options: Any) -> Iterator[Window]:
    """A new one, with nothing of any other's; whatever goes wrong in it fails the test at its end."""
    size = {"width": DESK[0], "height": DESK[1]}
    context = browser.new_context(viewport=size, locale="zh-CN", timezone_id="Asia/Shanghai", **options)
    context.add_cookies(list(cookies))
    context.add_init_script(WATCH_POLICY)
    context.set_default_timeout(PATIENCE)
    opened = Window(context, context.new_page(), home)
    ours = urlsplit(home).netloc
    context.on("request", lambda asked: _judge(opened, asked.url, ours))
    opened.page.on("console", lambda told: _hear(opened, told.type, told.text))
    opened.page.on("pageerror", lambda error: opened.faults.append(f"script: {error}"))
    yield opened
    context.close()
    assert opened.faults == [], opened.faults


def _judge(opened: Window, url: str, ours: str) -> None:
    if not url.startswith(("data:", "blob:")) and urlsplit(url).netloc != ours:
        opened.faults.append(f"asked elsewhere: {url}")


def _hear(opened: Window, kind: str, words: str) -> None:
    if kind in {"error", "warning"} and not (opened.refused and REFUSED.search(words)):
        opened.faults.append(f"console {kind}: {words}")
