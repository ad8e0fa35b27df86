"""A case's number is the approval system's own: whatever it is made of, every page and every act finds the case."""

import re
from html import unescape
from urllib.parse import unquote, urljoin

import pytest

from dispatch.approval.lodge import lodge
from dispatch.console.page import case_url, number_in
from dispatch.staff.role import Role
from tests.console.conftest import ORIGIN

NUMBERS = (
    "景行审〔2026〕12号",
    "浙景行许〔2026〕第12号",
    "A/1",
    "A/slip",
    "/",
    "A?1",
    "A#1",
    "A%2F1",
    "A~-1",
    "A&b=1;c",
    "..",
    ".",
    '"><b>',
    "A\\1",
    "𠮷1",
)
HTMX = {"HX-Request": "true", **ORIGIN}
LINK = re.compile(r'(?:href|action|hx-post)="(/console/case/[^"]*)"')
CALL = {"reached": "no", "result": "", "number": "13900000002"}


@pytest.fixture(params=NUMBERS)
def case_no(request, world, decided):
    lodge(world, decided(request.param, paper_ready=False), "审批系统")
    return request.param


@pytest.mark.parametrize("case_no", [*NUMBERS, "~", "~~/", "...", "~."])
def test_a_number_comes_out_of_its_address_as_it_went_in(case_no):
    url = case_url(case_no)
    assert urljoin("http://hall/", url) == f"http://hall{url}"  # no browser makes another path of it
    assert url.count("/") == 3
    assert not {"?", "#", "\\"} & set(url)
    assert number_in(unquote(url.rsplit("/", 1)[1])) == case_no


def test_every_page_of_a_case_is_there_and_leads_to_no_other(person, case_no):
    clerk = person(Role.WINDOW)
    for below in ("", "/slip", "/call", "/window"):
        page = clerk.get(case_url(case_no) + below)
        assert page.status_code == 200, below
        links = {unescape(found) for found in LINK.findall(page.text)}
        assert links, below
        assert all(link == case_url(case_no) or link.startswith(case_url(case_no) + "/") for link in links), links


def test_it_is_found_in_its_list_and_by_its_number(person, case_no):
    clerk = person(Role.WINDOW)
    assert f'href="{case_url(case_no)}"' in unescape(clerk.get("/console/queue/to_issue").text)
    found = clerk.browser.get("/console/find", params={"q": case_no})
    assert found.headers["location"] == case_url(case_no)


def test_an_act_leads_back_to_its_page_by_htmx_and_without(person, case_no):
    clerk = person(Role.WINDOW)
    plain = clerk.post(f"{case_url(case_no)}/call", CALL)
    assert (plain.status_code, plain.headers["location"]) == (303, f"{case_url(case_no)}/call")
    data = {"csrf": clerk.csrf, **CALL}
    by_htmx = clerk.browser.post(f"{case_url(case_no)}/call", data=data, headers=HTMX)
    assert (by_htmx.status_code, by_htmx.headers["hx-redirect"]) == (204, f"{case_url(case_no)}/call")


def test_whoever_signs_in_goes_on_to_the_page_that_was_asked_for(site, case_no):
    asked = site.get(f"{case_url(case_no)}/call?a=1&b=2")
    form = site.get(asked.headers["location"]).text
    assert unescape(re.search(r'name="back" value="([^"]*)"', form)[1]) == f"{case_url(case_no)}/call?a=1&b=2"
