"""What the sandbox Kdniao tells of parcels, by query and by push: stories, repeats, faults."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sandbox import Faults
from sandbox.kdniao.scenarios import SCENARIOS
from tests.posts.kdniao_customer import ID, KEY, OLD_KEY, Customer, Receiver, ack, codes, opened, sign
from tests.posts.sandbox_steps import until
from tests.posts.sandbox_trackers import number

Opened = tuple[Customer, Receiver]
ENDINGS = {
    "01": ["301"],
    "02": ["405", "202", "302"],
    "03": ["211", "311"],
    "04": ["304"],
    "11": ["404", "407", "406"],
    "16": ["301"],
    "18": ["211", "412"],
    "24": ["301"],
    "36": ["416", "202", "301"],
}
BEGINNING = [{"1"}, {"204", "206"}, {"205", "201"}]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened(tmp_path_factory.mktemp("kdniao") / "books.sqlite3") as both:
        yield both


@pytest.fixture(scope="module", autouse=True)
def begun(both: Opened, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """All that takes its time, set out together: one parcel of each story, one not yet subscribed to, a storm."""
    folder = tmp_path_factory.mktemp("kdniao")
    with opened(folder / "late") as late, in_a_storm(folder / "storm") as storm:
        numbers, unknown = {digits: number(digits) for digits in SCENARIOS}, number("01")
        for waybill_no in numbers.values():
            both[0].subscribe(waybill_no, Callback=f"echo {waybill_no}")
        both[0].collect(*numbers.values())
        late[0].collect(unknown)
        yield {"stories": numbers, "late": (late, unknown), "storm": storm}


@contextmanager
def in_a_storm(storage: Path) -> Iterator[tuple[Opened, list[str]]]:
    """Twenty parcels on their way."""
    storm = Faults.storm(drip=0.0, drip_headers=0.0)
    with opened(storage, faults=storm, push_tries=12) as (customer, receiver):
        numbers = [number("01") for _ in range(20)]
        for waybill_no in numbers:
            until(partial(_subscribed, customer, waybill_no))
        customer.collect(*numbers)
        yield (customer, receiver), numbers


@pytest.fixture(scope="module")
def told(both: Opened, begun: dict[str, Any]) -> dict[str, str]:
    """One parcel of each story, told to its end."""
    numbers = begun["stories"]
    until(lambda: both[0].is_through(*numbers.values()))
    return numbers


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path / "books.sqlite3") as both:
        yield both


# --- acknowledgements, tried while the stories last


WRONG_ACKS: list[tuple[int, bytes]] = [
    (500, ack()),
    (200, b""),
    (200, b"success"),
    (200, ack(Success="true")),
    (200, ack(Success=False)),
    (200, ack(EBusinessID="1")),
    (200, ack(UpdateTime="2026-11-22T10:00:00Z")),
    (200, ack(Reason=None)),
    (200, b'{"code": 0, "data": ' + ack() + b"}"),
]


def test_a_push_is_repeated_until_it_is_acknowledged_in_kdniaos_own_words(tmp_path: Path) -> None:
    with opened(tmp_path / "books", push_retry_seconds=0.001) as (customer, receiver):
        receiver.acks.next_words = list(WRONG_ACKS)
        waybill_no = number("15")
        customer.subscribe(waybill_no)
        customer.collect(waybill_no)
        until(lambda: customer.is_through(waybill_no))
        assert len(receiver.about(waybill_no)) == len(WRONG_ACKS) + 1


def test_states_and_counts_may_come_as_numbers(tmp_path: Path) -> None:
    with opened(tmp_path / "books", numbers_as_text=False) as (customer, receiver):
        waybill_no = number("15")
        customer.subscribe(waybill_no)
        customer.collect(waybill_no)
        until(lambda: customer.is_through(waybill_no))
        assert (customer.query(waybill_no)["State"], receiver.calls()[0]["Count"]) == (1, 1)


# --- faults


def pushed_once(fresh: Opened, fault: str) -> tuple[str, list[dict[str, str]]]:
    customer, receiver = fresh
    customer.spoil(pushes=[fault])
    waybill_no = number("15")
    customer.subscribe(waybill_no)
    customer.collect(waybill_no)
    until(lambda: customer.is_through(waybill_no))
    return waybill_no, receiver.forms()


@pytest.mark.parametrize(("fault", "key"), [("old_signature", OLD_KEY), ("bad_signature", ""), ("", KEY)])
def test_a_push_is_signed_as_the_fault_says(fresh: Opened, fault: str, key: str) -> None:
    _, (form,) = pushed_once(fresh, fault)
    assert (form["DataSign"] == sign(form["RequestData"], key)) is bool(key)
    assert (form["DataSign"] == sign(form["RequestData"])) is (key == KEY)


def test_a_push_about_a_wrong_number_names_nobodys_parcel(fresh: Opened) -> None:
    waybill_no, (form,) = pushed_once(fresh, "wrong_number")
    assert form["DataSign"] == sign(form["RequestData"])
    assert waybill_no not in form["RequestData"]


# --- stories


@pytest.mark.parametrize("digits", ENDINGS)
def test_a_query_tells_the_story_oldest_first(both: Opened, told: dict[str, str], digits: str) -> None:
    said = both[0].query(told[digits])
    beginning, out, ending = codes(said)[:3], codes(said)[3], codes(said)[4:]
    assert (out, ending) == ("202", ENDINGS[digits])
    assert all(code in allowed for code, allowed in zip(beginning, BEGINNING, strict=True))
    assert (said["State"], said["StateEx"]) == (ending[-1][0], ending[-1])
    times = [trace["AcceptTime"] for trace in said["Traces"]]
    assert times == sorted(set(times))
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", time) for time in times)


def test_a_parcel_that_is_only_collected_stays_so(both: Opened, told: dict[str, str]) -> None:
    said = both[0].query(told["15"])
    assert (codes(said), said["State"], said["StateEx"]) == (["1"], "1", "1")


def test_a_state_that_is_not_published_comes_between(both: Opened, told: dict[str, str]) -> None:
    assert codes(both[0].query(told["19"]))[3:] == ["901", "202", "301"]


def test_newest_first_where_it_is_asked_for(both: Opened, told: dict[str, str]) -> None:
    up, down = both[0].query(told["01"], Sort="0"), both[0].query(told["01"], Sort=1)
    assert down["Traces"] == up["Traces"][::-1]
    assert (down["State"], down["StateEx"]) == ("3", "301")


@pytest.mark.parametrize("digits", sorted(set(SCENARIOS) - {"16", "24"}))
def test_the_last_push_tells_what_a_query_tells(both: Opened, told: dict[str, str], digits: str) -> None:
    customer, receiver = both
    said, last = customer.query(told[digits]), receiver.about(told[digits])[-1]
    for name in ("Success", "Reason", "State", "StateEx", "Location", "Traces", "ShipperCode"):
        assert last[name] == said[name]


def test_every_push_has_the_whole_history_so_far(both: Opened, told: dict[str, str]) -> None:
    pushes = [codes(data) for data in both[1].about(told["01"])]
    lengths = [len(push) for push in pushes]
    assert lengths == sorted(set(lengths))
    assert 1 < len(lengths) <= lengths[-1] == 5
    assert all(pushes[-1][: len(push)] == push for push in pushes)


def test_a_push_is_a_signed_form_with_what_the_subscription_brought(both: Opened, told: dict[str, str]) -> None:
    receiver = both[1]
    for form, call in zip(receiver.forms(), receiver.calls(), strict=True):
        assert sorted(form) == ["DataSign", "EBusinessID", "RequestData", "RequestType"]
        assert (form["RequestType"], form["DataSign"]) == ("102", sign(form["RequestData"]))
        assert (call["EBusinessID"], call["Count"]) == (ID, str(len(call["Data"])))
    (data,) = receiver.about(told["15"])
    assert (data["OrderCode"], data["Callback"]) == (f"O-{told['15']}", f"echo {told['15']}")
    assert (data["Station"], data["DeliveryMan"], data["DeliveryManTel"]) == ("", "", "")


def test_what_is_due_together_is_told_in_one_call(both: Opened, told: dict[str, str]) -> None:
    assert max(len(call["Data"]) for call in both[1].calls()) > 1


def test_scrambled_pushes_tell_less_after_more(both: Opened, told: dict[str, str]) -> None:
    lengths = [len(data["Traces"]) for data in both[1].about(told["16"])]
    assert lengths != sorted(lengths)
    assert 5 in lengths


def test_a_delivery_whose_push_is_lost_is_found_only_by_a_query(both: Opened, told: dict[str, str]) -> None:
    customer, receiver = both
    assert codes(customer.query(told["24"]))[-1] == "301"
    assert codes(receiver.about(told["24"])[-1])[-1] == "202"


def test_digits_outside_the_table_are_drawn_mostly_to_be_delivered(both: Opened) -> None:
    customer, _ = both
    numbers = [number("77") for _ in range(60)]
    customer.collect(*numbers)
    drawn = [customer.entry(waybill_no)["scenario"] for waybill_no in numbers]
    assert drawn.count("01") > len(drawn) / 3
    assert len(set(drawn)) > 3


# --- a late subscription, a storm


def test_nothing_is_pushed_before_the_subscription_and_then_everything_at_once(begun: dict[str, Any]) -> None:
    (customer, receiver), waybill_no = begun["late"]
    until(lambda: codes(customer.query(waybill_no))[-1:] == ["301"])
    assert receiver.calls() == []
    customer.subscribe(waybill_no, "1008")
    until(lambda: customer.is_through(waybill_no))
    assert [len(data["Traces"]) for data in receiver.about(waybill_no)] == [5]
    assert receiver.forms()[0]["RequestType"] == "101"


def test_in_a_storm_every_parcel_still_comes_to_its_end(begun: dict[str, Any]) -> None:
    (customer, receiver), numbers = begun["storm"]
    until(lambda: customer.is_through(*numbers))
    delivered = [no for no in numbers if any(data["StateEx"] == "301" for data in receiver.about(no))]
    assert len(delivered) > len(numbers) / 2


def _subscribed(customer: Customer, waybill_no: str) -> Any:
    """Whether it was confirmed; where the answer was lost or garbled it is asked for again."""
    try:
        return customer.subscribe(waybill_no)["Success"]
    except Exception:  # noqa: BLE001 - whatever a storm does to an answer
        return False
