"""The applicant's one page: no log-in, no script, nothing from elsewhere; guessing is slowed."""

import asyncio
import base64
import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from markupsafe import Markup
from starlette.types import Receive, Scope

from dispatch.api.batch import Batch, DoorBusyError
from dispatch.api.front import FrontDoor, Said, safe_headers
from dispatch.api.shell import RETRY_SECONDS, Met
from dispatch.api.track_look import Looks
from dispatch.api.track_view import Parcel, token_of
from dispatch.api.track_words import STEPS, tell
from dispatch.api.who import address, neighbourhood
from dispatch.db import DATABASE_AWAY
from dispatch.hall_time import SHANGHAI
from dispatch.settings import Settings
from dispatch.world import World

log = structlog.get_logger()
PREFIX = "/t/"
PAGES = Path(__file__).parent / "pages"
LOOKED_AT = Markup("<!-- looked at -->")
"""Where a drawn page is cut, to tell when it was looked at."""
CALLERS_MOST = 50_000
"""More callers than that are forgotten all at once: memory stays bounded, and 128 bits are not guessed meanwhile."""
GONE = ("查不到这个邮件", "链接写错了，或者已经过期。请重新扫面单上的二维码；还是查不到的，请打下面的电话。")
SLOW_DOWN = ("查得太频繁了", "请过一分钟再查。急着要问的，请打下面的电话。")
AWAY = ("系统暂时繁忙", "请过一会儿再打开这个页面。您的证件不受影响。")


@dataclass(frozen=True)
class Pages:
    """Templates, style and the count of misses: made once for an application."""

    settings: Settings
    templates: Environment
    headers: Sequence[tuple[str, str]]
    misses: MovingWindowRateLimiter

    def draw(self, name: str, **values: object) -> str:
        """The HTML of a page."""
        centre = self.settings.centre
        return self.templates.get_template(name).render(centre=centre, dial=_dial(centre.phone), **values)

    def answer(self, html: bytes, status: int, *more: tuple[str, str]) -> Said:
        """A drawn page, with the policy of all pages."""
        return Said(status, safe_headers("text/html", *self.headers, *more), html)

    def draw_parcel(self, parcel: Parcel, year: int) -> tuple[str, str]:
        """The page of an envelope, before and behind the moment of the look."""
        before, _, after = self.draw("track.html", year=year, **_values(parcel)).partition(LOOKED_AT)
        return before, after

    def notice(self, status: int, words: tuple[str, str], *more: tuple[str, str]) -> Said:
        """A page that only says something: always the same bytes for the same words."""
        html = self.draw("gone.html", headline=words[0], words=words[1])
        return self.answer(html.encode(), status, *more)

    def miss(self, caller: str) -> Said:
        """The answer to a wrong token. Only misses count: a right token always answers."""
        limit, who = RateLimitItemPerMinute(self.settings.token_misses_per_minute), neighbourhood(caller)
        storage = self.misses.storage
        if isinstance(storage, MemoryStorage) and len(storage.events) > CALLERS_MOST:
            storage.reset()
        if self.misses.hit(limit, "miss", who):
            return self.notice(404, GONE)
        wait = max(1, round(self.misses.get_window_stats(limit, "miss", who).reset_time - time.time()))
        log.warning("track.guessing", source=caller)
        return self.notice(429, SLOW_DOWN, ("Retry-After", str(wait)))


def make_pages(settings: Settings) -> Pages:
    """Read the templates and the style; the policy allows this very style and nothing else."""
    style = (PAGES / "page.css").read_text(encoding="utf-8").strip()
    templates = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals["style"] = Markup(style)  # noqa: S704 - our own file
    templates.filters.update(moment=_moment, iso=_iso)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
    headers = (
        ("X-Robots-Tag", "noindex, nofollow, noarchive"),
        ("Cache-Control", "private, no-store"),
        ("Content-Security-Policy", f"{policy}form-action 'none'; frame-ancestors 'none'"),
    )
    return Pages(settings, templates, headers, MovingWindowRateLimiter(MemoryStorage()))


class TrackDoor(FrontDoor):
    """Every call below /t/. Who looks at the same moment is answered together."""

    pattern = "/t/{token}"
    methods = frozenset({"GET", "HEAD"})

    def __init__(self, world: World, met: Met) -> None:
        super().__init__(met)
        self._pages = pages = make_pages(world.settings)
        self._looks = Batch(Looks(world, pages.draw_parcel, _stamp).look)

    async def close(self) -> None:
        """Whoever still waits is answered."""
        await asyncio.to_thread(self._looks.close)

    async def said(self, scope: Scope, receive: Receive) -> Said:  # noqa: ARG002 - nobody sends a body here
        """Where the envelope with this token is."""
        token = token_of(scope["path"].removeprefix(PREFIX))
        try:
            html = await self._looks.do(token) if token is not None else None
        except (*DATABASE_AWAY, DoorBusyError) as error:
            log.warning("track.database_away", error=type(error).__name__)
            return self._pages.notice(503, AWAY, ("Retry-After", RETRY_SECONDS))
        return self._pages.miss(address(scope)) if html is None else self._pages.answer(html, 200)


CONTENTS_MOST = 10
LINES_MOST = 20


def _values(parcel: Parcel) -> dict[str, object]:
    told = tell(parcel.view, parcel.way, disputed=parcel.disputed)
    return {
        "parcel": parcel,
        "told": told,
        "steps": [(name, place, _place_in(place, told.step)) for place, name in enumerate(STEPS, start=1)],
        "contents": parcel.contents[:CONTENTS_MOST],
        "more_contents": max(0, len(parcel.contents) - CONTENTS_MOST),
        "lines": parcel.lines[:LINES_MOST],
        "more_lines": max(0, len(parcel.lines) - LINES_MOST),
        "looked_at": LOOKED_AT,
    }


def _place_in(place: int, reached: int) -> str:
    return "now" if place == reached else ("past" if place < reached else "ahead")


def _moment(at: datetime, year: int) -> str:
    """11月23日 10:20, with the year where it is not this one; without a time where only the day is known."""
    here = at.astimezone(SHANGHAI)
    told = "" if here.year == year else f"{here.year}年"
    clock = "" if (here.hour, here.minute, here.second) == (0, 0, 0) else f" {here:%H:%M}"
    return f"{told}{here.month}月{here.day}日{clock}"


def _iso(at: datetime) -> str:
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds")


def _stamp(now: datetime) -> str:
    here = now.astimezone(SHANGHAI)
    return f'<time datetime="{_iso(here)}">{_moment(here, here.year)}</time>'


def _dial(phone: str) -> str:
    """A telephone number as `tel:` wants it."""
    return re.sub(r"[^\d+]", "", phone)
