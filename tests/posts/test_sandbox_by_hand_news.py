"""What the sandbox desk's people report, by push and by trace: stories, many events at once, faults."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from stdnum import luhn

from sandbox import Faults, running
from tests.posts.by_hand_desk import (
    Customer,
    Receiver,
    order,
    receiving,
    settings_for,
    told_as,
    visiting,
)
from tests.posts.sandbox_steps import until

CODES = {
    *("took", "on_way", "at_village", "going_out", "absent", "address_unclear", "refused", "left_at_point"),
    *("fetched", "handed", "handed_revoked", "bringing_back", "brought_back", "lost", "note"),
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Customer, Receiver]]:
    storage = tmp_path_factory.mktemp("desk") / "desk.sqlite3"
    with (
        receiving() as (receiver, url),
        running(settings_for(storage, url)) as post,
        visiting(post.url) as customer,
    ):
        yield customer, receiver


@pytest.fixture(scope="module")
def desk(opened: tuple[Customer, Receiver]) -> Customer:
    return opened[0]


@pytest.fixture(scope="module")
def door(opened: tuple[Customer, Receiver]) -> Receiver:
    return opened[1]


# --- stories

START = ["took", "on_way"]
STORIES = {
    "01": [*START, "going_out", "handed self"],
    "02": [*START, "going_out", "absent", "going_out", "handed self"],
    "03": [*START, "going_out", "left_at_point", "fetched"],
    "04": [*START, "going_out", "handed proxy"],
    "05": [*START, "going_out", "handed mailroom"],
    "06": [*START, "going_out", "handed property"],
    "07": [*START, "going_out", "handed office"],
    "08": [*START, "at_village", "handed village"],
    "09": [*START, "going_out", "handed"],
    "11": [*START, "going_out", "refused", "bringing_back", "brought_back"],
    "12": [*START, "going_out", "lost"],
    "14": [*START, "going_out", "handed self", "handed_revoked"],
    "15": ["took"],
    "16": [*START, "going_out", "handed self"],
    "18": [*START, "going_out", "left_at_point"],
    "19": [*START, "ferry_waiting", "going_out", "handed self"],
    "22": [*START, "going_out", "handed self", "handed_revoked"],
    "24": [*START, "going_out", "handed self"],
    "30": [*START, "going_out", "address_unclear", "note", "going_out", "handed self"],
}


@pytest.fixture(scope="module", autouse=True)
def begun(desk: Customer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """All that takes its time, set out together: one letter of each story, and a storm."""
    with in_a_storm(tmp_path_factory.mktemp("storm") / "desk") as storm:
        numbers = {digits: desk.book(order(digits)) for digits in STORIES}
        assert desk.collect(*numbers.values())["collected"] == list(numbers.values())
        yield {"stories": numbers, "storm": storm}


@contextmanager
def in_a_storm(storage: Path) -> Iterator[tuple[Customer, Receiver, list[str]]]:
    """Twenty letters on their way."""
    storm = Faults.storm(drip=0.0, drip_headers=0.0)
    with (
        receiving() as (door, url),
        running(settings_for(storage, url, faults=storm, push_tries=12)) as post,
        visiting(post.url) as desk,
    ):
        bodies = [order("01") for _ in range(20)]
        numbers = [until(lambda body=body: desk.tries_to_book(body)) for body in bodies]
        desk.collect(*numbers)
        yield desk, door, numbers


@pytest.fixture(scope="module")
def told(desk: Customer, begun: dict[str, Any]) -> dict[str, str]:
    """One letter of each story, told to its end."""
    numbers = begun["stories"]
    until(lambda: desk.is_through(*numbers.values()))
    return numbers


# --- faults and many events, tried while the stories last


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[tuple[Customer, Receiver]]:
    with (
        receiving() as (receiver, url),
        running(settings_for(tmp_path / "desk", url)) as post,
        visiting(post.url) as customer,
    ):
        yield customer, receiver


def test_a_call_too_fast_is_asked_for_patience(fresh: tuple[Customer, Receiver]) -> None:
    desk, _ = fresh
    desk.spoil(answers=["throttled"])
    body = order("01")
    raw = json.dumps({"operation": "book", **body}, ensure_ascii=False).encode()
    response = desk.send("book", raw)
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    assert desk.call("look_up", order_no=body["order_no"])[0] == 404


def test_events_that_are_due_together_are_told_in_one_call(fresh: tuple[Customer, Receiver]) -> None:
    desk, door = fresh
    numbers = [desk.book(order("15")) for _ in range(25)]
    desk.collect(*numbers)
    until(lambda: desk.is_through(*numbers))
    counts = [len(push.body["events"]) for push in door.pushes]
    assert sum(counts) == 25
    assert 1 < max(counts) <= 20
    assert len({push.body["id"] for push in door.pushes}) == len(counts)


def test_a_refused_push_is_sent_again_under_its_id_and_signed_anew(fresh: tuple[Customer, Receiver]) -> None:
    desk, door = fresh
    door.refuse = 3
    number = desk.book(order("15"))
    desk.collect(number)
    until(lambda: desk.is_through(number))
    assert [push.status for push in door.pushes] == [401, 401, 401, 200]
    assert len({push.body["id"] for push in door.pushes}) == 1
    assert all(push.genuine for push in door.pushes)


def test_a_push_under_another_key_is_never_taken_and_only_a_query_shows_its_event(
    fresh: tuple[Customer, Receiver],
) -> None:
    desk, door = fresh
    desk.spoil(pushes=["bad_signature"])
    number = desk.book(order("15"))
    desk.collect(number)
    until(lambda: desk.is_through(number))
    assert door.pushes
    assert not any(push.genuine for push in door.pushes)
    assert told_as(desk.trace(number)) == ["took"]


def test_a_push_that_comes_too_late_is_refused_and_taken_once_it_is_signed_anew(
    fresh: tuple[Customer, Receiver],
) -> None:
    desk, door = fresh
    desk.spoil(pushes=["old_signature"])
    number = desk.book(order("15"))
    desk.collect(number)
    until(lambda: desk.is_through(number))
    assert [(push.genuine, push.status) for push in door.pushes] == [(False, 401), (True, 200)]
    assert told_as(door.events(number)) == ["took"]


def test_a_push_about_a_wrong_number_names_nobodys_letter(fresh: tuple[Customer, Receiver]) -> None:
    desk, door = fresh
    desk.spoil(pushes=["wrong_number"])
    body = order("15")
    number = desk.book(body)
    desk.collect(number)
    until(lambda: desk.is_through(number))
    events = [event for push in door.pushes for event in push.body["events"]]
    assert {luhn.is_valid(event["number"][2:]) for event in events} == {True}
    assert not {number, body["order_no"]} & {event[name] for event in events for name in ("number", "order_no")}
    assert not [event for event in events if number in event["id"]]


# --- stories as they are told


@pytest.mark.parametrize("digits", STORIES)
def test_a_query_tells_the_story_with_its_codes(desk: Customer, told: dict[str, str], digits: str) -> None:
    events = desk.trace(told[digits])
    assert told_as(events) == STORIES[digits]
    times = [event["at"] for event in events]
    assert times == sorted(set(times))
    assert len({event["id"] for event in events}) == len(events)


@pytest.mark.parametrize("digits", sorted(set(STORIES) - {"16", "24"}))
def test_the_pushes_tell_the_same_events_in_their_order(
    desk: Customer, door: Receiver, told: dict[str, str], digits: str
) -> None:
    assert door.events(told[digits]) == desk.trace(told[digits])


def test_an_event_says_what_the_protocol_says_and_nobodys_name(desk: Customer, told: dict[str, str]) -> None:
    everything = [event for number in told.values() for event in desk.trace(number)]
    for event in everything:
        assert list(event) == ["id", "number", "order_no", "at", "code", "signer", "note", "place"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", event["at"])
        assert event["signer"] == "" or event["code"] == "handed"
    assert {event["code"] for event in everything} - CODES == {"ferry_waiting"}
    assert {event["code"] for event in everything} >= CODES
    text = json.dumps(everything, ensure_ascii=False) + desk.http.get("/books").text
    assert not [word for word in ("蓝小雨", "139000000", "团结西路", "人民中路") if word in text]


def test_scrambled_pushes_arrive_scrambled_and_double(door: Receiver, told: dict[str, str]) -> None:
    codes = [event["code"] for event in door.events(told["16"])]
    assert codes.index("handed") < codes.index("going_out")
    assert len(codes) == len(STORIES["16"]) + 2


def test_a_delivery_whose_push_is_lost_is_found_only_by_a_query(
    desk: Customer, door: Receiver, told: dict[str, str]
) -> None:
    assert told_as(door.events(told["24"])) == STORIES["24"][:-1]
    assert told_as(desk.trace(told["24"])) == STORIES["24"]


def test_digits_outside_the_table_are_drawn_mostly_to_be_handed_over(desk: Customer) -> None:
    orders = [order("77") for _ in range(60)]
    numbers = {until(lambda body=body: desk.tries_to_book(body)) for body in orders}
    books = desk.http.get("/books").json()["orders"]
    drawn = [entry["scenario"] for entry in books if entry["waybill_no"] in numbers]
    assert drawn.count("01") > len(drawn) / 3
    assert len(set(drawn)) > 3


def test_in_a_storm_every_letter_still_comes_to_its_end(begun: dict[str, Any]) -> None:
    desk, door, numbers = begun["storm"]
    assert len(set(numbers)) == len(numbers)
    until(lambda: desk.is_through(*numbers))
    codes = {event["code"] for number in numbers for event in door.events(number)}
    assert {"took", "on_way", "going_out", "handed"} <= codes
