"""The sandbox post, seen from its wire: every call goes through a real socket on the loopback."""

import ast
import json
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sandbox import running
from sandbox.ems import scenarios, trace
from sandbox.ems.envelope import RefusedError, seal, unseal
from sandbox.post import beijing, push, story
from sandbox.post.ledger import carry
from tests.posts.ems_customer import (
    AUTHORIZATION,
    ROOT,
    SK,
    VECTORS,
    Customer,
    Receiver,
    good_ack,
    order,
    receiving,
    settings_for,
    visiting,
)
from tests.posts.sandbox_steps import DEADLINE_SECONDS, until


@pytest.fixture(scope="module")
def receiver() -> Iterator[tuple[Receiver, str]]:
    with receiving() as pair:
        yield pair


@pytest.fixture(scope="module")
def door(receiver: tuple[Receiver, str]) -> Receiver:
    return receiver[0]


@pytest.fixture(scope="module")
def post(receiver: tuple[Receiver, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    storage = tmp_path_factory.mktemp("post") / "post.sqlite3"
    with running(settings_for(storage, receiver[1])) as opened, visiting(opened.url) as customer:
        yield customer


STORIES = {
    "01": ["203", "H", "713", "702", "704/10"],
    "02": ["203", "H", "713", "702", "705/4", "702", "704/10"],
    "03": ["203", "H", "713", "702", "747", "748"],
    "09": ["203", "H", "713", "702", "704/"],
    "11": ["203", "H", "713", "702", "705/7", "708", "447", "711"],
    "12": ["203", "H", "713", "702", "987"],
    "14": ["203", "H", "713", "702", "704/10", "743"],
    "15": ["203"],
    "16": ["203", "H", "713", "702", "704/10"],
    "19": ["203", "H", "713", "Z99", "702", "704/10"],
    "24": ["203", "H", "713", "702", "704/10"],
}


@pytest.fixture(scope="module", autouse=True)
def begun(post: Customer) -> dict[str, str]:
    """Parcels of several scenarios on their way, digits → waybill number: they travel while the rest is tried."""
    bodies = {digits: order(digits) for digits in STORIES}
    waybills = {digits: post.book(body) for digits, body in bodies.items()}
    post.collect(*waybills.values())
    return waybills


@pytest.fixture(scope="module")
def told(post: Customer, begun: dict[str, str]) -> dict[str, str]:
    """The same, followed together to their ends."""
    until(lambda: post.is_through(*begun.values()))
    return begun


# --- cipher, table, settings


def test_the_official_vector_seals_and_opens() -> None:
    vector = VECTORS["ems_official"]
    assert seal(vector["json"] + vector["sk"], vector["sk"]) == vector["out"]
    assert unseal(vector["out"], vector["sk"]) == vector["json"] + vector["sk"]


@pytest.mark.parametrize("sealed", ["", "plain", "|$4|", "|$4|###", "|$4|QUJD", "|$4|" + "A" * 24])
def test_what_does_not_open_is_refused(sealed: str) -> None:
    with pytest.raises(RefusedError, match="SBX104"):
        unseal(sealed, SK)


@pytest.mark.parametrize(
    "change",
    [
        {"gap_seconds": 0.99},
        {"gap_seconds": float("nan")},
        {"repeat_order": "sometimes"},
        {"sk": "c2hvcnQ="},
        {"push_url": "ftp://127.0.0.1"},
    ],
)
def test_settings_that_cannot_work_are_refused(change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"gap_seconds|finite|repeat_order|sk|push_url"):
        replace(settings_for(tmp_path / "x", "http://127.0.0.1:1/"), **change)


def test_settings_do_not_show_their_secrets(tmp_path: Path) -> None:
    shown = repr(settings_for(tmp_path / "x", "http://127.0.0.1:1/"))
    assert SK not in shown
    assert AUTHORIZATION not in shown


def test_the_document_tells_every_scenario() -> None:
    text = (ROOT / "docs" / "sandbox-post.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"^## EMS$(.+?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    told = dict(re.findall(r"^\| (\d\d) \| ([^|]+?) \|", section, re.MULTILINE))
    assert told == {number: scenario.title for number, scenario in scenarios.SCENARIOS.items()}
    assert sorted(told) == [f"{number:02d}" for number in range(1, 30)]


@pytest.mark.parametrize("scenario", scenarios.SCENARIOS.values(), ids=lambda scenario: scenario.number)
def test_events_never_share_an_op_time(scenario: scenarios.Scenario) -> None:
    for seed in range(20):
        events = story.plan(scenario.steps, 1_764_000_000_999, 1.0, random.Random(seed))
        times = [beijing(event.happens_ms) for event in events]
        assert times == sorted(set(times))
        assert {event.code for event in events} <= set(trace.OPERATIONS)


def test_unlisted_digits_are_drawn_by_seed_and_order_number() -> None:
    drawn = [story.choose(scenarios.SCENARIOS, "13900000099", f"N{n}", 1).number for n in range(1000)]
    assert drawn == [story.choose(scenarios.SCENARIOS, "13900000099", f"N{n}", 1).number for n in range(1000)]
    assert drawn != [story.choose(scenarios.SCENARIOS, "13900000099", f"N{n}", 2).number for n in range(1000)]
    assert max(set(drawn), key=drawn.count) == "01"
    assert story.choose(scenarios.SCENARIOS, "13900000002", "N1", 1).number == "02"


def test_scrambled_pushes_put_704_before_702_and_some_twice() -> None:
    scenario = scenarios.SCENARIOS["16"]
    for seed in range(50):
        dice = random.Random(seed)
        events = story.plan(scenario.steps, 0, 1.0, dice)
        pushes = sorted(carry.pushes_for(scenario, events, 1.0, dice), key=lambda push: push.due_ms)
        codes = [events[push.seq].code for push in pushes]
        assert codes.index("704") < codes.index("702")
        assert len(codes) == len(events) + 2
        assert len({push.serial_no for push in pushes}) == len(events) + 1


def test_the_sandbox_imports_nothing_of_the_product() -> None:
    for path in (ROOT / "sandbox").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & {"dispatch", "workers", "zhuandi"}, path


# --- orders


def test_a_repeat_gets_the_same_waybill(post: Customer) -> None:
    body = order("01")
    waybill_no = post.book(body)
    assert re.fullmatch(r"11\d{11}", waybill_no)
    assert post.book(body) == waybill_no
    again = post.answer("020003", [dict(reversed(body.items()))], door="test")
    assert json.loads(again["retBody"])["waybillNo"] == waybill_no
    assert post.book(order("01")) != waybill_no


def test_the_same_number_with_other_content_is_an_error(post: Customer) -> None:
    body = order("01")
    post.book(body)
    refused = post.answer("020003", [{**body, "pickupNotes": "须上门投递"}])
    assert (refused["retCode"], refused["retBody"]) == ("SBX212", "")


def test_a_repeat_may_be_an_error_without_a_number(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "p", "http://127.0.0.1:9/", repeat_order="duplicate_error")
    with running(settings) as opened, visiting(opened.url) as customer:
        body = order("01")
        waybill_no = customer.book(body)
        refused = customer.answer("020003", [body])
        assert (refused["retCode"], refused["retBody"]) == ("SBX211", "")
        assert waybill_no not in json.dumps(refused)
        assert customer.http.get("/books").json()["bookings"] == 1


def test_an_order_repeated_at_the_same_time_is_booked_once(post: Customer) -> None:
    body = order("01")
    numbers: list[str] = []

    def book() -> None:
        with visiting(post.url) as customer:
            numbers.append(customer.book(body))

    threads = [threading.Thread(target=book) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 12
    assert len(set(numbers)) == 1


def test_the_first_answer_is_lost_but_the_order_is_booked(post: Customer) -> None:
    body = order("17")
    with pytest.raises(httpx2.RemoteProtocolError):
        post.call("020003", [body])
    waybill_no = post.book(body)
    assert post.entry(waybill_no)["scenario"] == "17"
    assert post.book(body) == waybill_no


def test_the_first_call_is_unavailable_and_books_nothing(post: Customer) -> None:
    body = order("23")
    assert post.call("020003", [body]).status_code == 503
    booked = {entry["order_no"] for entry in post.http.get("/books").json()["orders"]}
    assert body["logisticsOrderNo"] not in booked
    post.book(body)


# --- refusals


@pytest.mark.parametrize(
    ("form", "code", "words"),
    [
        ({"senderNo": "1100000000009"}, "SBX101", "协议客户号"),
        ({"authorization": "wrong"}, "SBX102", "授权码错误"),
        ({"timeStamp": "2026/11/23 09:00"}, "SBX103", "timeStamp"),
        ({"msgType": "1"}, "SBX103", "msgType"),
        ({"logitcsInterface": ""}, "SBX103", "logitcsInterface"),
        ({"logitcsInterface": "[]"}, "SBX104", "解密失败"),
        ({"logitcsInterface": seal("[]" + SK, "AAAAAAAAAAAAAAAAAAAAAA==")}, "SBX104", "解密失败"),
        ({"logitcsInterface": seal("[]", SK)}, "SBX105", "签名钥匙"),
        ({"logitcsInterface": seal("[" + SK, SK)}, "SBX106", "JSON"),
        ({"logitcsInterface": seal("[NaN]" + SK, SK)}, "SBX106", "JSON"),
        ({"logitcsInterface": seal('["\\ud800"]' + SK, SK)}, "SBX106", "JSON"),
        ({"logitcsInterface": seal("[" * 100_000 + SK, SK)}, "SBX106", "JSON"),
        ({"logitcsInterface": seal("{}" + SK, SK)}, "SBX106", "数组"),
        ({"apiCode": "050005"}, "SBX107", "接口未开通"),
    ],
)
def test_a_wrong_envelope_is_refused_in_words(post: Customer, form: dict[str, str], code: str, words: str) -> None:
    refused = post.answer("020003", [order("01")], **form)
    assert refused["retCode"] == code
    assert words in refused["retMsg"]


def without(body: dict[str, Any], path: str) -> dict[str, Any]:
    body = json.loads(json.dumps(body))
    *way, name = path.split(".")
    inner = body
    for part in way:
        inner = inner[part]
    del inner[name]
    return body


REQUIRED = [
    *("createdTime", "ecommerceUserId", "logisticsOrderNo", "contentsAttribute", "bizProductNo"),
    *("sender", "receiver", "cargos", "receiver.mobile"),
    *(f"{side}.{name}" for side in ("sender", "receiver") for name in ("name", "prov", "city", "county", "address")),
]


@pytest.mark.parametrize("path", REQUIRED)
def test_a_missing_field_is_named(post: Customer, path: str) -> None:
    refused = post.answer("020003", [without(order("01"), path)])
    assert refused["retCode"] == "SBX201"
    assert path in refused["retMsg"]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"bizProductNo": "4"}, "SBX202", "bizProductNo"),
        ({"createdTime": "2026-02-30 09:00:00"}, "SBX202", "createdTime"),
        ({"logisticsOrderNo": "9" * 51}, "SBX202", "logisticsOrderNo"),
        ({"oneBillFlag": "1"}, "SBX203", "一票多件"),
        ({"waybillNo": "1100000000001"}, "SBX203", "预分配"),
        ({"senderNo": "1100000000009"}, "SBX101", "senderNo"),
    ],
)
def test_a_wrong_value_is_named(post: Customer, change: dict[str, Any], code: str, words: str) -> None:
    refused = post.answer("020003", [order("01", **change)])
    assert refused["retCode"] == code
    assert words in refused["retMsg"]


def test_other_doors_refuse_what_they_cannot_read(post: Customer) -> None:
    path = "/amp-prod-api/f/amp/api/open"
    assert post.http.post(path, json={}).json()["retCode"] == "SBX103"
    assert post.http.post(path, content=b"x" * (2 << 20)).status_code == 413
    assert post.http.get(path).status_code == 405
    for raw in (b"", b"[]", b'{"waybills": [1]}', b"[" * 100_000):
        assert post.http.post("/counter/collect", content=raw).status_code == 400
    assert post.http.get("/health").json() == {"status": "ok"}


# --- parcels and pushes


def test_nothing_moves_before_it_is_collected(post: Customer, door: Receiver) -> None:
    moving, waiting = post.book(order("15")), post.book(order("15"))
    assert "查无邮件信息" in post.trace(moving)["retMsg"]
    assert post.collect(moving, "1199999999999") == {
        "collected": [moving],
        "already": [],
        "unknown": ["1199999999999"],
    }
    assert post.collect(moving, moving) == {"collected": [], "already": [moving], "unknown": []}
    until(lambda: post.is_through(moving))
    assert post.entry(moving)["events"] == ["203"]
    idle = post.entry(waiting)
    assert (idle["events"], idle["collected_at"], idle["ended"]) == ([], None, False)
    assert "查无邮件信息" in post.trace(waiting)["retMsg"]
    assert door.of(waiting) == []


def test_a_push_is_repeated_until_it_is_rightly_acknowledged(tmp_path: Path) -> None:
    refusals = [
        lambda push: (500, good_ack(push)[1]),
        lambda push: (200, {"success": True, "data": good_ack(push)[1]}),
        lambda push: (200, {**good_ack(push)[1], "serialNo": "0" * 32}),
        lambda push: (200, {**good_ack(push)[1], "code": "S00001"}),
    ]
    with (
        receiving() as (door, url),
        running(settings_for(tmp_path / "p", url)) as opened,
        visiting(opened.url) as customer,
    ):
        answers = iter(refusals)
        door.answer = lambda push: next(answers, good_ack)(push)  # noqa: PLW0108 - the next one each time
        waybill_no = customer.book(order("15"))
        customer.collect(waybill_no)
        until(lambda: customer.is_through(waybill_no))
        assert len(door.of(waybill_no)) == len(refusals) + 1
        assert len({push["serialNo"] for push in door.of(waybill_no)}) == 1
        other = customer.book(order("15"))
        customer.collect(other)
        until(lambda: customer.is_through(other))
        assert len(door.of(waybill_no)) == len(refusals) + 1


def test_dead_and_slow_parcels_do_not_hold_up_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One push is never answered, twelve parcels fail and then are never answered: a fresh one gets through."""
    monkeypatch.setattr(push, "TIMEOUT_SECONDS", 600)
    release, hanging = threading.Event(), threading.Semaphore(0)
    with (
        receiving() as (door, url),
        running(settings_for(tmp_path / "p", url)) as opened,
        visiting(opened.url) as customer,
    ):
        slow, *dead = [customer.book(order("15")) for _ in range(13)]

        def answer(given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            waybill_no = given["event"]["waybillNo"]
            if waybill_no == slow or (waybill_no in dead and len(door.of(waybill_no)) > 1):
                hanging.release()
                release.wait(DEADLINE_SECONDS)
            return (500, {}) if waybill_no in dead else good_ack(given)

        door.answer = answer
        try:
            customer.collect(slow, *dead)
            for _ in range(1 + push.LINES_FOR_REPEATS):
                assert hanging.acquire(timeout=DEADLINE_SECONDS)
            fine = customer.book(order("15"))
            customer.collect(fine)
            until(lambda: customer.is_through(fine))
            assert customer.entry(slow)["unacknowledged_pushes"] == 1
            assert len(door.of(slow)) == 1
        finally:
            door.answer = good_ack
            release.set()
        until(lambda: customer.is_through(slow, *dead))


# --- a real process


PROGRAM = """
import json, sys
from pathlib import Path
from sandbox import EmsSettings, Faults, serve
values = json.loads(sys.argv[1])
values |= {"storage": Path(values["storage"]), "faults": Faults(**values["faults"])}
serve(EmsSettings(**values))
print("closed")
"""


@contextmanager
def process(storage: Path, push_url: str, **changes: Any) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = settings_for(storage, push_url, port=port, **changes)
    values = json.dumps({**vars(settings), "storage": str(storage), "faults": {}})
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, values], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            until(lambda: is_open(port))
            yield child, f"http://127.0.0.1:{port}"
        finally:
            child.kill()


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_kill_9_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    storage, body, lost, unavailable = tmp_path / "p", order("01"), order("17"), order("23")
    with receiving() as (door, url):
        door.answer = lambda _: (503, {})
        with process(storage, url, lost_answer_seconds=600) as (child, address), visiting(address) as customer:
            waybill_no = customer.book(body)
            customer.collect(waybill_no)
            assert customer.call("020003", [unavailable]).status_code == 503
            customer.http.timeout = 1  # it has to give up some time: this answer never comes
            with pytest.raises(httpx2.ReadTimeout):
                customer.call("020003", [lost])
            customer.http.timeout = 10
            until(lambda: customer.http.get("/books").json()["bookings"] == 2)
            until(lambda: len(door.of(waybill_no)) >= 2)
            child.send_signal(signal.SIGKILL)
            assert child.wait(DEADLINE_SECONDS) == -signal.SIGKILL
        before = {push["serialNo"]: push["event"] for push in door.of(waybill_no)}
        door.answer = good_ack
        with process(storage, url) as (_, address), visiting(address) as customer:
            assert customer.book(body) == waybill_no
            assert customer.http.get("/books").json()["bookings"] == 2
            numbers = {waybill_no, customer.book(lost), customer.book(unavailable), customer.book(order("01"))}
            assert len(numbers) == 4
            until(lambda: customer.is_through(waybill_no))
            assert customer.collect(waybill_no)["already"] == [waybill_no]
        acknowledged = {push["serialNo"]: push["event"] for push in door.of(waybill_no)}
        assert before.items() <= acknowledged.items()
        codes = {event["opCode"] for event in acknowledged.values()}
        assert {"203", "713", "702", "704"} < codes


def test_sigterm_ends_it_cleanly_even_with_an_answer_withheld(tmp_path: Path) -> None:
    with (
        process(tmp_path / "p", "http://127.0.0.1:9/", lost_answer_seconds=600) as (child, address),
        visiting(address) as customer,
        visiting(address) as caller,
    ):
        outcome: list[str] = []

        def wait_in_vain() -> None:
            try:
                caller.call("020003", [order("17")])
            except httpx2.RemoteProtocolError:
                outcome.append("no answer")

        thread = threading.Thread(target=wait_in_vain)
        thread.start()
        until(lambda: customer.http.get("/books").json()["bookings"])
        child.send_signal(signal.SIGTERM)
        stdout, _ = child.communicate(timeout=DEADLINE_SECONDS)
        thread.join()
        assert (child.returncode, stdout, outcome) == (0, "closed\n", ["no answer"])


# --- stories as they are told


@pytest.mark.parametrize("digits", STORIES)
def test_a_query_tells_the_story_with_its_codes(post: Customer, told: dict[str, str], digits: str) -> None:
    items = post.items(told[digits])
    story = [
        f"{item['opCode']}/{item['deliverCode'] or item['attemptDeliveryCode']}"
        if item["opCode"] in {"704", "705"}
        else item["opCode"]
        for item in items
    ]
    assert ["H" if code in {"389", "954"} else code for code in story] == STORIES[digits]
    times = [item["opTime"] for item in items]
    assert times == sorted(set(times))
    assert all(not item["deliverCode"] for item in items if item["opCode"] != "704")
    assert "张三" not in json.dumps(items, ensure_ascii=False)


def test_a_push_is_as_published(told: dict[str, str], door: Receiver) -> None:
    pushes = door.of(told["01"])
    assert [push["event"]["opCode"] for push in pushes][-1] == "704"
    assert len(pushes) == 5
    for given in pushes:
        assert set(given) - {"event"} == {
            *("logitcsInterface", "method", "msgType", "senderNo", "serialNo", "timeStamp", "version")
        }
        assert (given["method"], given["msgType"], given["version"]) == ("040002", "0", "v1.0.0")
        assert re.fullmatch(r"[0-9a-f]{32}", given["serialNo"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", given["timeStamp"])
        assert set(given["event"]) == {
            *("waybillNo", "orderNo", "opTime", "opCode", "opName", "opDesc", "opOrgCode", "opOrgName"),
            *("opOrgProvName", "opOrgCity", "operatorNo", "operatorName"),
        }
    assert len({push["serialNo"] for push in pushes}) == 5


def test_scrambled_pushes_arrive_scrambled(told: dict[str, str], door: Receiver) -> None:
    codes = [push["event"]["opCode"] for push in door.of(told["16"])]
    assert codes.index("704") < codes.index("702")
    assert len(codes) == 7


def test_a_lost_push_is_found_only_by_a_query(post: Customer, told: dict[str, str], door: Receiver) -> None:
    assert "704" not in [push["event"]["opCode"] for push in door.of(told["24"])]
    assert post.items(told["24"])[-1]["deliverCode"] == "10"


def test_the_books_hold_no_personal_data(post: Customer, told: dict[str, str]) -> None:
    text = post.http.get("/books").text
    for word in ("张三", "13900", "某小区", "某路", "政务服务中心"):
        assert word not in text
