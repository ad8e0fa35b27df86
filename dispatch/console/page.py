"""How a page is drawn: templates, words, and the policy that lets nothing in from elsewhere."""

import re
from datetime import datetime
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse
from uuid_utils.compat import uuid7

from dispatch import words
from dispatch.console.assets import asset_url
from dispatch.console.language import LANGUAGES, gettext_in
from dispatch.console.sentence import said_in
from dispatch.hall_time import SHANGHAI
from dispatch.journey import View
from dispatch.queues import no_person

PAGES = Path(__file__).parent / "pages"
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def draw(name: str, language: str, **values: object) -> str:
    """The HTML of a page or a part of one."""
    return _templates(language).get_template(name).render(language=language, languages=LANGUAGES, **values)


def html(body: str, status: int = 200) -> HTMLResponse:
    """An answer with the policy of all pages."""
    return HTMLResponse(body, status, headers=HEADERS)


@cache
def _templates(language: str) -> Environment:
    templates = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    gettext = gettext_in(language)
    templates.install_gettext_callables(  # type: ignore[attr-defined]
        gettext, lambda one, many, count: gettext(one if count == 1 else many), newstyle=True
    )
    templates.globals |= {"asset": asset_url, "case_url": case_url, "form_key": uuid7, "no_person": no_person}
    templates.filters.update(
        moment=moment, day=day, view=lambda seen: gettext(words.VIEWS[View(seen)]), said=said_in(language)
    )
    return templates


def moment(at: datetime | None) -> str:
    """11-23 10:20, in Shanghai; the year before it where it is not this one's."""
    if at is None:
        return "—"
    here = at.astimezone(SHANGHAI)
    return f"{here:%m-%d %H:%M}" if here.year == datetime.now(SHANGHAI).year else f"{here:%Y-%m-%d %H:%M}"


def day(at: datetime | None) -> str:
    """2026-11-23, in Shanghai."""
    return "—" if at is None else f"{at.astimezone(SHANGHAI):%Y-%m-%d}"


def same_site(url: str) -> str:
    """The path of a URL of ours, for going back to; the console's front where it is not one."""
    try:
        told = urlsplit(url)
    except ValueError:
        return "/console"
    path = told.path if told.path.startswith("/console") else "/console"
    return f"{path}?{told.query}" if told.query and path == told.path else path


def with_back(at: str, back: str) -> str:
    """An address that knows where to go on to afterwards."""
    return at if back == "/console" else f"{at}?back={quote(back, safe='/')}"


_IN_A_SEGMENT = {"~": "~~", "/": "~-", "%": "~_"}
_OUT_OF_A_SEGMENT = {escape: character for character, escape in _IN_A_SEGMENT.items()} | {"~.": "."}


def case_url(case_no: str) -> str:
    """Where the page of a case is, whatever its number is made of; what belongs to it lies below.

    Servers and proxies decode %2F before they split a path, some of them twice, and browsers take a segment of dots
    away: so these are written otherwise (`number_in` reads them).
    """
    told = "".join(_IN_A_SEGMENT.get(one, one) for one in case_no)
    if told in {".", ".."}:
        told = told.replace(".", "~.")
    return f"/console/case/{quote(told, safe='~')}"


def number_in(segment: str) -> str:
    """The case's number that stands in a path."""
    return re.sub("~[-_.~]", lambda found: _OUT_OF_A_SEGMENT[found[0]], segment)


def header_url(url: str) -> str:
    """As a header can carry it: whatever is not ASCII as its bytes, what is encoded already as it is."""
    return quote(url, safe="%/:?#[]@!$&'()*+,;=~")
