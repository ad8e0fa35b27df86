"""What the sandbox does wrong on purpose, seen from its wire: spoiled answers, and pushes that go astray."""

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from sandbox import EmsSettings, Faults, running
from sandbox.ems.envelope import RefusedError, unseal
from sandbox.post import ANSWER_FAULTS, PUSH_FAULTS, faults, rounds
from sandbox.post.wire import line
from tests.posts.ems_customer import ROOT, SK, Customer, order, settings_for, visiting
from tests.posts.sandbox_steps import Arrived, PushDoor, push_door, until

NOWHERE = "http://127.0.0.1:9/"
OLD_SK = "QUJDREVGR0hJSktMTU5PUA=="
NOT_PROCESSED = {"unavailable", "throttled", "lost_before"}


@contextmanager
def opened(storage: Path, push_url: str = NOWHERE, **changes: Any) -> Iterator[Customer]:
    with running(settings_for(storage, push_url, **changes)) as post, visiting(post.url) as customer:
        yield customer


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    with opened(tmp_path_factory.mktemp("faults") / "p") as customer:
        yield customer


def switch(customer: Customer, **ordered: list[str]) -> dict[str, list[str]]:
    response = customer.http.post("/faults", json=ordered)
    assert response.status_code == 200, response.text
    waiting: dict[str, list[str]] = response.json()
    return waiting


# --- the switches


def test_every_fault_has_a_rate_of_its_own() -> None:
    assert {*ANSWER_FAULTS, *PUSH_FAULTS, "revoked", "duplicate_error"} == set(vars(Faults()))
    assert set(vars(Faults()).values()) == {0.0}
    assert all(rate > 0 for rate in vars(Faults.storm()).values())
    assert Faults.storm(drip=0).drip == 0


def test_the_document_tells_every_fault() -> None:
    text = (ROOT / "docs" / "sandbox-post.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \| [^|]+(?: \| (?:yes|no))? \|$", text, re.MULTILINE)
    assert [name for name in told if name in vars(Faults())] == [*ANSWER_FAULTS, *PUSH_FAULTS]
    assert all(f"`{name}`" in text for name in vars(Faults()))


@pytest.mark.parametrize(
    "rates", [{"lost": 1.1}, {"drip": -0.1}, {"late": float("nan")}, {"drip": 0.6, "twice": 0.6}]
)
def test_rates_that_cannot_be_are_refused(rates: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="rate"):
        Faults(**rates)


@pytest.mark.parametrize(
    "ordered",
    [[], {"answer": ["drip"]}, {"answers": ["late"]}, {"pushes": ["drip"]}, {"answers": "drip"}, {"pushes": [1]}],
)
def test_an_unknown_switch_is_refused_and_nothing_is_switched(post: Customer, ordered: Any) -> None:
    assert post.http.post("/faults", json=ordered).status_code == 400
    assert post.http.post("/faults", content=b"[" * 100_000).status_code == 400
    assert switch(post) == {"answers": [], "pushes": []}


def test_switches_strike_in_order_and_then_nothing(post: Customer) -> None:
    ordered = ["", "unavailable", "", "error_after"]
    assert switch(post, answers=ordered) == {"answers": ordered, "pushes": []}
    statuses = [post.call("020003", [order("01")]).status_code for _ in range(6)]
    assert statuses == [200, 503, 200, 500, 200, 200]


def test_the_counter_and_the_books_suffer_nothing(post: Customer) -> None:
    switch(post, answers=["unavailable"])
    assert post.http.get("/health").status_code == 200
    assert post.http.get("/books").status_code == 200
    assert post.collect("0") == {"collected": [], "already": [], "unknown": ["0"]}
    assert switch(post, answers=[]) == {"answers": [], "pushes": []}


# --- answers


def seen(customer: Customer, body: dict[str, Any]) -> httpx2.Response | None:
    """The answer to an order; None where there was none."""
    with contextlib.suppress(httpx2.RemoteProtocolError):
        return customer.call("020003", [body])
    return None


def is_booked(customer: Customer, body: dict[str, Any]) -> bool:
    entries = customer.http.get("/books").json()["orders"]
    return body["logisticsOrderNo"] in {entry["order_no"] for entry in entries}


@pytest.mark.parametrize("fault", [fault for fault in ANSWER_FAULTS if "drip" not in fault])
def test_a_spoiled_answer_is_processed_or_not_as_its_fault_says(post: Customer, fault: str) -> None:
    body = order("01")
    switch(post, answers=[fault])
    seen(post, body)
    assert is_booked(post, body) is (fault not in NOT_PROCESSED)
    assert post.book(body) == post.book(body)


def test_an_unavailable_post_says_503_and_a_busy_one_when_to_come_again(post: Customer) -> None:
    switch(post, answers=["unavailable", "throttled"])
    assert post.call("020003", [order("01")]).status_code == 503
    throttled = post.call("020003", [order("01")])
    assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "1")


@pytest.mark.parametrize("fault", ["lost_before", "lost_after"])
def test_a_lost_answer_is_a_closed_connection(post: Customer, fault: str) -> None:
    switch(post, answers=[fault])
    assert seen(post, order("01")) is None


def test_garbage_is_neither_json_nor_text(post: Customer) -> None:
    switch(post, answers=["garbage"])
    response = post.call("020003", [order("01")])
    assert response.status_code == 200
    with pytest.raises(UnicodeDecodeError):
        response.content.decode()


def test_a_wrong_type_is_a_page_for_people(post: Customer) -> None:
    switch(post, answers=["wrong_type"])
    response = post.call("020003", [order("01")])
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert response.text.startswith("<html>")


def test_an_answer_may_come_twice_in_one_body(post: Customer) -> None:
    switch(post, answers=["twice"])
    text = post.call("020003", [order("01")]).text
    assert text[: len(text) // 2] == text[len(text) // 2 :]
    assert json.loads(text[: len(text) // 2])["retCode"] == "00000"


def test_a_dripping_answer_is_the_right_one_but_never_ends(post: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "DRIP_SECONDS", 0.001)
    body = order("01")
    switch(post, answers=["drip"])
    came = b""
    post.http.timeout = httpx2.Timeout(10, read=0.5)
    try:
        with post.http.stream("POST", "/amp-prod-api/f/amp/api/open", data=post.form("020003", [body])) as response:
            with contextlib.suppress(httpx2.ReadTimeout):
                for part in response.iter_raw():
                    came += part
            told = int(response.headers["content-length"])
    finally:
        post.http.timeout = 10
    assert len(came) == told - 1
    assert json.loads(came + b"}")["retCode"] == "00000"
    assert is_booked(post, body)


def test_an_answer_whose_headers_drip_never_begins(post: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "DRIP_SECONDS", 0.05)
    body = order("01")
    switch(post, answers=["drip_headers"])
    with socket.create_connection((post.http.base_url.host, post.http.base_url.port), timeout=10) as wire:
        wire.sendall(raw_request("/amp-prod-api/f/amp/api/open", post.form("020003", [body])))
        came = b""
        while came.count(b"\r\n") < 4:
            came += wire.recv(65536)
    assert came.startswith(b"HTTP/1.1 200 OK\r\nX-Drip-1: 1\r\nX-Drip-2: 2\r\n")
    assert b"\r\n\r\n" not in came
    assert is_booked(post, body)


def raw_request(path: str, form: dict[str, str]) -> bytes:
    """A form as it goes over the wire: a client library would wait for the end of the headers."""
    body = urlencode(form).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: post\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def test_a_label_can_be_lost_like_any_other_answer(post: Customer) -> None:
    answer = post.answer("010004", {"waybillNo": post.book(order("01")), "type": "149", "getURL": "1"})
    switch(post, answers=["unavailable"])
    assert httpx2.get(answer["retBody"], trust_env=False).status_code == 503
    assert httpx2.get(answer["retBody"], trust_env=False).status_code == 200


# --- storms


def weather(storage: Path, seed: int) -> list[int]:
    """What sixty orders, each tried twice, are answered in a storm."""
    storm = Faults(unavailable=0.1, throttled=0.1, error_after=0.1, wrong_type=0.1, twice=0.1)
    bodies = [order("01", logisticsOrderNo=f"STORM{n:03d}") for n in range(60)]
    with opened(storage, seed=seed, faults=storm) as customer:
        return [customer.call("020003", [body]).status_code for body in bodies for _ in range(2)]


def test_the_same_seed_brings_the_same_storm(tmp_path: Path) -> None:
    first = weather(tmp_path / "a", 1)
    assert {200, 429, 500, 503} == set(first)
    assert weather(tmp_path / "b", 1) == first
    assert weather(tmp_path / "c", 2) != first


def test_draws_keep_to_the_rates() -> None:
    rates = Faults(lost=0.2, late=0.1)
    drawn = [rates.drawn(PUSH_FAULTS, faults.roll(1, "push", str(n))) for n in range(4000)]
    assert 700 < drawn.count("lost") < 900
    assert 320 < drawn.count("late") < 480
    assert set(drawn) == {"", "lost", "late"}


def test_in_a_storm_a_repeat_may_be_an_error(tmp_path: Path) -> None:
    with opened(tmp_path / "p", faults=Faults(duplicate_error=0.5)) as customer:
        bodies = [order("01", logisticsOrderNo=f"TWICE{n:03d}") for n in range(30)]
        for body in bodies:
            customer.book(body)
        codes = [[customer.answer("020003", [body])["retCode"] for body in bodies] for _ in range(2)]
    assert set(codes[0]) == {"00000", "SBX211"}
    assert codes[0] == codes[1]


def test_whoever_asks_again_gets_through_the_storm(tmp_path: Path) -> None:
    storm = Faults.storm(drip=0, drip_headers=0, lost_after=0.06)  # nobody here waits for an answer that never ends
    bodies = [order("15", logisticsOrderNo=f"WIND{n:03d}") for n in range(40)]
    with (
        push_door(customers_answer) as door,
        opened(tmp_path / "p", door.url, faults=storm, late_seconds=0.5, old_sk=OLD_SK) as customer,
    ):
        for body in bodies:
            until(lambda body=body: _is_understood(seen(customer, body)))
        entries = customer.http.get("/books").json()["orders"]
        assert sorted(entry["order_no"] for entry in entries) == [body["logisticsOrderNo"] for body in bodies]
        waybills = [entry["waybill_no"] for entry in entries]
        assert len(set(waybills)) == 40
        customer.collect(*waybills)
        until(lambda: customer.is_through(*waybills))
        pushed = [entry["pushed"] for entry in customer.http.get("/books").json()["orders"]]
        assert 25 < sum(pushed) < 40


def _is_understood(response: httpx2.Response | None) -> bool:
    """A number, or word that the order is in the books."""
    try:
        return response is not None and response.json()["retCode"] in {"00000", "SBX211"}
    except ValueError:
        return False


# --- pushes


@dataclass(frozen=True)
class Played:
    """One parcel of scenario 01 whose first push (203) suffered a fault, at the end of its story."""

    pushes: list[dict[str, Any]]
    entry: dict[str, Any]
    items: list[dict[str, Any]]

    def told(self, sk: str = SK) -> list[dict[str, Any]]:
        """The events that open under a key."""
        opened_events = []
        for push in self.pushes:
            with contextlib.suppress(RefusedError):
                opened_events.append(json.loads(unseal(push["logitcsInterface"], sk)))
        return opened_events

    def codes(self) -> list[str]:
        return ["389" if event["opCode"] == "954" else event["opCode"] for event in self.told()]


USUAL = ["203", "389", "713", "702", "704"]


def customers_answer(push: Arrived) -> tuple[int, bytes]:
    """Rightly acknowledged where it opens under the present or the old key."""
    body = json.loads(push.body)
    good = False
    for sk in (SK, OLD_SK):
        with contextlib.suppress(RefusedError):
            unseal(body["logitcsInterface"], sk)
            good = True
    return 200, json.dumps({"serialNo": body["serialNo"], "code": "00000" if good else "S00001"}).encode()


REVOKED = "revoked"


@pytest.fixture(scope="module", autouse=True)
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[PushDoor, Customer, str]]]:
    """Each push fault on a post of its own, and a delivery that will be revoked: all set out at the same time."""
    storage = tmp_path_factory.mktemp("played")
    posts: dict[str, tuple[PushDoor, Customer, str]] = {}
    with ExitStack() as stack:
        for fault in (*PUSH_FAULTS, REVOKED):
            door = stack.enter_context(push_door(customers_answer))
            wind = Faults(revoked=float(fault == REVOKED))
            changes = {"old_sk": OLD_SK, "late_seconds": 1.5, "faults": wind}
            customer = stack.enter_context(opened(storage / fault, door.url, **changes))
            if fault != REVOKED:
                switch(customer, pushes=[fault])
            waybill_no = customer.book(order("01"))
            customer.collect(waybill_no)
            posts[fault] = door, customer, waybill_no
        yield posts


@pytest.fixture(scope="module")
def played(begun: dict[str, tuple[PushDoor, Customer, str]]) -> dict[str, Played]:
    """The same at the ends of their stories."""
    for _, customer, waybill_no in begun.values():
        until(lambda at=customer, number=waybill_no: at.is_through(number))
    return {
        fault: Played([json.loads(push.body) for push in door.all()], customer.entry(number), customer.items(number))
        for fault, (door, customer, number) in begun.items()
    }


@pytest.mark.parametrize("fault", PUSH_FAULTS)
def test_a_query_shows_everything_whatever_the_pushes_suffer(played: dict[str, Played], fault: str) -> None:
    codes = [item["opCode"] for item in played[fault].items]
    assert ["389" if code == "954" else code for code in codes] == USUAL
    assert played[fault].entry["unacknowledged_pushes"] == 0


def test_a_duplicated_push_comes_again_unchanged(played: dict[str, Played]) -> None:
    one = played["duplicated"]
    assert sorted(one.codes()) == sorted([*USUAL, "203"])
    serials = [push["serialNo"] for push in one.pushes]
    assert len(set(serials)) == 5
    assert one.entry["pushed"] == 5


def test_a_push_out_of_order_comes_after_a_later_one(played: dict[str, Played]) -> None:
    assert played["out_of_order"].codes() == ["389", "203", "713", "702", "704"]


def test_a_late_push_is_overtaken(played: dict[str, Played]) -> None:
    codes = played["late"].codes()
    assert sorted(codes) == sorted(USUAL)
    assert codes.index("389") < codes.index("203")


def test_a_lost_push_is_never_told(played: dict[str, Played]) -> None:
    assert played["lost"].codes() == USUAL[1:]
    assert played["lost"].entry["pushed"] == 4


def test_a_wrong_number_is_nobodys_and_the_right_one_is_never_pushed(played: dict[str, Played]) -> None:
    one = played["wrong_number"]
    wrong = one.told()[0]
    assert (wrong["opCode"], len(wrong["waybillNo"])) == ("203", 13)
    assert wrong["waybillNo"] not in one.entry["numbers"]
    assert wrong["orderNo"] != one.entry["order_no"]
    assert one.codes() == USUAL
    assert {event["waybillNo"] for event in one.told()[1:]} == {one.entry["waybill_no"]}
    assert one.entry["pushed"] == 4


def test_a_wrong_seal_is_repeated_a_few_times_and_given_up(played: dict[str, Played]) -> None:
    one = played["bad_signature"]
    assert one.codes() == USUAL[1:]
    serials = [push["serialNo"] for push in one.pushes]
    assert len(serials) == 4 + rounds.SPOILED_TRIES
    assert len(set(serials)) == 5
    assert one.entry["pushed"] == 4


def test_an_old_key_seals_one_push(played: dict[str, Played]) -> None:
    one = played["old_signature"]
    assert [event["opCode"] for event in one.told(OLD_SK)] == ["203"]
    assert one.codes() == USUAL[1:]
    assert one.entry["pushed"] == 5


def test_an_unsatisfied_post_repeats_what_was_acknowledged(played: dict[str, Played]) -> None:
    one = played["unsatisfied"]
    assert one.codes().count("203") == 5
    assert len({push["serialNo"] for push in one.pushes}) == 5
    assert one.entry["pushed"] == 5


def test_the_wind_may_revoke_a_delivery(
    played: dict[str, Played], begun: dict[str, tuple[PushDoor, Customer, str]]
) -> None:
    assert played[REVOKED].entry["events"][-2:] == ["704", "743"]
    _, customer, _ = begun[REVOKED]
    returned = customer.book(order("15"))
    customer.collect(returned)
    until(lambda: customer.is_through(returned))
    assert customer.entry(returned)["events"] == ["203"]


def test_a_push_is_given_up_after_its_tries(tmp_path: Path) -> None:
    with push_door(lambda _: (500, b"")) as door, opened(tmp_path / "p", door.url, push_tries=3) as customer:
        waybill_no = customer.book(order("15"))
        customer.collect(waybill_no)
        until(lambda: customer.is_through(waybill_no))
        assert len(door.all()) == 3
        assert customer.entry(waybill_no)["pushed"] == 0


def test_settings_with_a_wrong_old_key_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="old_sk"):
        settings_for(tmp_path / "p", NOWHERE, old_sk="c2hvcnQ=")
    shown: EmsSettings = settings_for(tmp_path / "p", NOWHERE, old_sk=OLD_SK)
    assert OLD_SK not in repr(shown)
