"""What the sandbox Kuaidi100 tells of parcels, by query and by callback: stories to their ends."""

import itertools
import re
from collections.abc import Iterator

import pytest

from sandbox.kuaidi100.scenarios import SCENARIOS
from tests.posts.kuaidi100_customer import SALT, Customer, Receiver, codes, opened, sign
from tests.posts.sandbox_steps import until
from tests.posts.sandbox_trackers import number

Opened = tuple[Customer, Receiver]
BEGINNING = ["103", "1002", "1001", "5"]
STORIES = {
    "01": [*BEGINNING, "301"],
    "02": [*BEGINNING, "204", "5", "302"],
    "03": [*BEGINNING, "501", "301"],
    "04": [*BEGINNING, "303"],
    "11": [*BEGINNING, "203", "6", "4"],
    "15": ["103"],
    "16": [*BEGINNING, "301"],
    "18": [*BEGINNING, "501", "205"],
    "19": [*BEGINNING[:3], "901", "5", "301"],
    "24": [*BEGINNING, "301"],
    "31": [*BEGINNING, "301"],
    "34": BEGINNING[:2],
    "35": [*BEGINNING, "304"],
    "36": [*BEGINNING, "206", "5", "301"],
}
LAST_STATES = {"11": "4", "15": "1", "18": "2", "34": "0"}  # 3 else


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened(tmp_path_factory.mktemp("kuaidi100") / "books.sqlite3") as both:
        yield both


@pytest.fixture(scope="module")
def told(both: Opened) -> dict[str, str]:
    """One parcel of each story, told to its end."""
    customer, _ = both
    numbers = {digits: number(digits) for digits in SCENARIOS}
    for waybill_no in numbers.values():
        assert customer.subscribe(waybill_no)["returnCode"] == "200"
    customer.collect(*numbers.values())
    until(lambda: customer.is_through(*numbers.values()))
    return numbers


# --- queries


@pytest.mark.parametrize("digits", STORIES)
def test_a_query_tells_the_story_newest_first(both: Opened, told: dict[str, str], digits: str) -> None:
    said = both[0].query(told[digits])
    assert codes(said) == STORIES[digits][::-1]
    state = LAST_STATES.get(digits, "3")
    assert (said["message"], said["status"], said["state"]) == ("ok", "200", state)
    assert said["ischeck"] == ("1" if state in {"3", "4"} else "0")
    times = [item["time"] for item in said["data"]]
    assert times == sorted(set(times), reverse=True)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", time) for time in times)
    assert [item["ftime"] for item in said["data"]] == times


def test_oldest_first_where_it_is_asked_for(both: Opened, told: dict[str, str]) -> None:
    said = both[0].query(told["01"], order="asc")
    assert (codes(said), said["state"]) == (STORIES["01"], "3")


@pytest.mark.parametrize(("detail", "code", "area"), [("", None, None), ("1", "3", "330100"), ("4", "301", "330100")])
def test_resultv2_says_how_much_is_told_of_a_trace(
    both: Opened, told: dict[str, str], detail: str, code: str | None, area: str | None
) -> None:
    newest = both[0].query(told["01"], resultv2=detail)["data"][0]
    assert (newest.get("statusCode"), newest.get("areaCode")) == (code, area)


def test_a_number_that_was_given_up_has_no_result(both: Opened, told: dict[str, str]) -> None:
    assert both[0].query(told["33"])["returnCode"] == "500"


# --- callbacks


@pytest.mark.parametrize("digits", sorted(set(STORIES) - {"16", "24", "31", "34"}))
def test_the_last_callback_tells_what_a_query_tells(both: Opened, told: dict[str, str], digits: str) -> None:
    customer, receiver = both
    last = receiver.about(told[digits])[-1]
    assert last["lastResult"] == customer.query(told[digits])
    ended = LAST_STATES.get(digits, "3") in {"3", "4"}
    assert (last["status"], last["message"]) == ("shutdown" if ended else "polling", "")
    assert (last["autoCheck"], last["comNew"], last["destResult"]) == ("0", "", None)


def test_every_callback_has_the_whole_history_so_far(both: Opened, told: dict[str, str]) -> None:
    params = both[1].about(told["01"])
    histories = [codes(param["lastResult"])[::-1] for param in params]
    assert histories == [STORIES["01"][: len(history)] for history in histories]
    assert all(len(before) < len(after) for before, after in itertools.pairwise(histories))
    assert (len(histories) > 1, histories[-1]) == (True, STORIES["01"])
    assert [param["status"] for param in params] == ["polling"] * (len(params) - 1) + ["shutdown"]


def test_a_callback_is_a_form_signed_with_the_subscriptions_salt(both: Opened, told: dict[str, str]) -> None:
    for form in both[1].forms():
        assert sorted(form) == ["param", "sign"]
        assert form["sign"] == sign(form["param"], SALT)


def test_watching_is_given_up_after_three_days_without_a_trace(both: Opened, told: dict[str, str]) -> None:
    (param,) = both[1].about(told["33"])
    assert (param["status"], param["message"]) == ("abort", "3天查询无记录")
    assert param["lastResult"]["data"] == []


def test_watching_is_given_up_after_sixty_days_without_a_change(both: Opened, told: dict[str, str]) -> None:
    param = both[1].about(told["34"])[-1]
    assert (param["status"], param["message"]) == ("abort", "60天无变化")
    assert codes(param["lastResult"]) == ["1002", "103"]


def test_what_was_given_up_may_be_subscribed_to_again(both: Opened, told: dict[str, str]) -> None:
    again = [both[0].subscribe(told[digits])["returnCode"] for digits in ("01", "33", "34")]
    assert again == ["501", "200", "200"]


def test_a_corrected_company_is_told(both: Opened, told: dict[str, str]) -> None:
    param = both[1].about(told["31"])[-1]
    assert (param["autoCheck"], param["comOld"], param["comNew"]) == ("1", "ems", "youzhengbk")
    assert param["lastResult"]["com"] == "youzhengbk"


def test_scrambled_callbacks_tell_less_after_more(both: Opened, told: dict[str, str]) -> None:
    lengths = [len(param["lastResult"]["data"]) for param in both[1].about(told["16"])]
    assert lengths != sorted(lengths)
    assert 5 in lengths


def test_a_delivery_whose_callback_is_lost_is_found_only_by_a_query(both: Opened, told: dict[str, str]) -> None:
    customer, receiver = both
    last = receiver.about(told["24"])[-1]
    assert (last["status"], codes(last["lastResult"])[0]) == ("polling", "5")
    assert codes(customer.query(told["24"]))[0] == "301"
