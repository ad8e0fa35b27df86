"""What becomes of parcels at the sandbox SF: every story, as it can be asked for and as it is pushed."""

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox import Faults
from sandbox.sf import scenarios
from tests.posts.sandbox_steps import until
from tests.posts.sf_customer import ROOT, Customer, Receiver, opened, order, receiving

BEGINNING = ["50", "30", "31", "44"]
USUAL = [*BEGINNING, "80", "8000"]
BACK_HOME = ["30", "31", "44", "80"]
STORIES = {
    "01": USUAL,
    "02": [*BEGINNING, "33 or 70", "44", "80", "8000"],
    "03": [*BEGINNING, "125", "128"],
    "04": USUAL,
    "05": [*BEGINNING, "607"],
    "09": [*BEGINNING, "80"],
    "11": [*BEGINNING, "70", "99", "648", *BACK_HOME],
    "12": [*BEGINNING, "70", "99", "631", *BACK_HOME],
    "15": ["50"],
    "16": USUAL,
    "18": [*BEGINNING, "125"],
    "19": ["50", "30", "31", scenarios.UNPUBLISHED, "44", "80", "8000"],
    "24": [*BEGINNING, "80"],
}


@dataclass(frozen=True)
class Told:
    """Parcels of these stories on their way, and what was pushed of them."""

    post: Customer
    door: Receiver
    order_nos: dict[str, str]

    def to_the_end(self) -> "Told":
        until(lambda: self.post.is_through(*self.order_nos.values()))
        return self

    def entry(self, digits: str) -> dict[str, Any]:
        return self.post.entry(self.order_nos[digits])

    def pushed(self, digits: str) -> list[dict[str, str]]:
        return self.door.of(self.order_nos[digits])


@contextmanager
def travelling(
    storage: Path, stories: Iterable[str] = STORIES, *, is_form: bool = False, **changes: Any
) -> Iterator[Told]:
    with receiving(is_form=is_form) as (door, url), opened(storage, url, push_form=is_form, **changes) as post:
        orders = {digits: order(digits) for digits in stories}
        post.collect(*(post.book(body) for body in orders.values()))
        yield Told(post, door, {digits: body["orderId"] for digits, body in orders.items()})


@contextmanager
def reopened(storage: Path) -> Iterator[tuple[Told, dict[str, Any], str]]:
    """A parcel whose post was closed on its way and has opened again; its order and its number."""
    body = order("11")
    with receiving() as (door, url):
        with opened(storage, url) as post:
            number = post.book(body)
            post.collect(number)
            until(lambda: door.of(body["orderId"]))
        with opened(storage, url) as post:
            yield Told(post, door, {"11": body["orderId"]}), body, number


@contextmanager
def in_a_storm(storage: Path) -> Iterator[tuple[Told, dict[str, str]]]:
    """Twelve parcels, and the numbers of their orders."""
    storm = Faults.storm(drip=0.0, drip_headers=0.0, wrong_number=0.0, lost=0.0)
    with receiving() as (door, url), opened(storage, url, faults=storm) as post:
        bodies = [order("09") for _ in range(12)]
        numbers = {body["orderId"]: until(lambda body=body: post.tries_to_book(body)) for body in bodies}
        post.collect(*numbers.values())
        yield Told(post, door, {order_no: order_no for order_no in numbers}), numbers


@pytest.fixture(scope="module", autouse=True)
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """All that takes its time, set out together: stories last for seconds."""
    folder = tmp_path_factory.mktemp("sf")
    with ExitStack() as stack:
        yield {
            "json": stack.enter_context(travelling(folder / "json")),
            "form": stack.enter_context(travelling(folder / "form", is_form=True)),
            "bare": stack.enter_context(
                travelling(folder / "bare", ["11"], return_with_order=False, newest_first=True)
            ),
            "reopened": stack.enter_context(reopened(folder / "reopened")),
            "storm": stack.enter_context(in_a_storm(folder / "storm")),
        }


@pytest.fixture(scope="module", params=["json", "form"])
def told(request: pytest.FixtureRequest, begun: dict[str, Any]) -> Told:
    return begun[request.param].to_the_end()


# --- what is soon told, tried while the stories last


BAD_ACKS = {
    "json": [
        (500, b'{"return_code": "0000"}'),
        (200, b'{"return_code": "1000", "return_msg": "x"}'),
        (200, b'{"code": 0, "data": {"return_code": "0000"}}'),
        (200, b'{"return_code": 0}'),
        (200, b"[]"),
        (200, b"OK"),
        (200, b'<Response service="RoutePushService"><Head>OK</Head></Response>'),
    ],
    "form": [
        (202, b'<Response service="RoutePushService"><Head>OK</Head></Response>'),
        (200, b'<Response service="RoutePushService"><Head>ERR</Head><ERROR code="4001">x</ERROR></Response>'),
        (200, b"<Response><Head>OK</Head></Response>"),
        (200, b'<Body><Response service="RoutePushService"><Head>OK</Head></Response></Body>'),
        (200, b'<Response service="RoutePushService"><Head>OK</Head>'),
        (200, b'<!DOCTYPE x><Response service="RoutePushService"><Head>OK</Head></Response>'),
        (200, b'{"return_code": "0000"}'),
    ],
}


@pytest.mark.parametrize("shape", BAD_ACKS)
def test_only_the_right_words_acknowledge_and_all_else_is_pushed_again(tmp_path: Path, shape: str) -> None:
    with (
        receiving(is_form=shape == "form") as (door, url),
        opened(tmp_path / "p", url, push_form=shape == "form", push_retry_seconds=0.002) as post,
    ):
        door.spoiled = list(BAD_ACKS[shape])
        body = order("15")
        post.collect(post.book(body))
        until(lambda: post.is_through(body["orderId"]))
        assert [good for _, good in door.calls] == [False] * len(BAD_ACKS[shape]) + [True]
        assert len({push.body for push in door.raw}) == 1


def test_a_failed_call_is_pushed_again_whole(tmp_path: Path) -> None:
    with receiving() as (door, url), opened(tmp_path / "p", url, push_retry_seconds=0.2) as post:
        bodies = [order("15") for _ in range(12)]
        numbers = [post.book(body) for body in bodies]
        door.spoiled = [(200, b"")] * 2
        post.collect(*numbers)
        until(lambda: post.is_through(*(body["orderId"] for body in bodies)))
        sizes = [len(routes) for routes, _ in door.calls]
        assert max(sizes) == 10
        assert {route["mailno"] for routes, good in door.calls if good for route in routes} == set(numbers)


def test_pushes_go_astray_as_at_every_post(tmp_path: Path) -> None:
    with receiving() as (door, url), opened(tmp_path / "p", url) as post:
        post.spoil(pushes=["duplicated"])
        assert post.http.post("/faults", json={"pushes": ["bad_signature"]}).status_code == 400
        body = order("15")
        post.collect(post.book(body))
        until(lambda: post.is_through(body["orderId"]) and len(door.of(body["orderId"])) > 1)
        first, second = door.of(body["orderId"])
        assert first == second


# --- stories


def as_written(codes: list[str], at: int) -> list[str]:
    """33 and 70 are one, where the seed decides between them."""
    return ["33 or 70" if index == at and code in {"33", "70"} else code for index, code in enumerate(codes)]


@pytest.mark.parametrize("digits", STORIES)
def test_a_story_is_told_alike_by_query_and_push(told: Told, digits: str) -> None:
    entry = told.entry(digits)
    at = 4 if digits == "02" else -1
    assert as_written(entry["events"], at) == STORIES[digits]
    by_query = [
        (answer["mailNo"], route["opCode"], route["acceptTime"], route["acceptAddress"], route["remark"])
        for answer in told.post.routes(*entry["numbers"])
        for route in answer["routes"]
    ]
    assert [(number, code, at) for number, code, at, _, _ in by_query] == [
        (event["number"], event["code"], event["at"]) for event in entry["event_list"]
    ]
    by_push = {
        (route["mailno"], route["opCode"], route["acceptTime"], route["acceptAddress"], route["remark"])
        for route in told.pushed(digits)
    }
    assert by_push == {route for route in by_query if (digits, route[1]) != ("24", "80")}


@pytest.mark.parametrize(("digits", "code"), [("11", "648"), ("12", "631")])
def test_a_returned_parcel_goes_home_under_the_number_that_was_told(told: Told, digits: str, code: str) -> None:
    old, new = told.entry(digits)["numbers"]
    pushed = told.pushed(digits)
    (turned,) = [route for route in pushed if route["opCode"] == code]
    assert re.search(r"新单号为\s*(SF\d{13})", turned["remark"]).group(1) == new  # type: ignore[union-attr]
    assert [route["opCode"] for route in pushed if route["mailno"] == new] == BACK_HOME
    home, away = (told.post.routes(number)[0]["routes"] for number in (new, old))
    assert (home[-1]["opCode"], home[-1]["remark"]) == ("80", "已签收，签收人：寄件方")
    assert away[-1]["opCode"] == code
    order_no = told.order_nos[digits]
    assert told.post.search(order_no)["msgData"]["waybillNoInfoList"] == [{"waybillType": 1, "waybillNo": old}]
    assert told.post.search(order_no, "2")["msgData"]["waybillNoInfoList"] == [{"waybillType": 1, "waybillNo": new}]
    assert told.post.search(told.order_nos["01"], "2")["errorCode"] == "8018"
    (by_order,) = told.post.routes(order_no, kind="2")
    assert by_order == {"mailNo": old, "routes": away}


def test_scrambled_pushes_come_late_and_some_twice(told: Told) -> None:
    codes = [route["opCode"] for route in told.pushed("16")]
    assert sorted(set(codes)) == sorted(USUAL)
    assert len(codes) > len(USUAL)
    assert codes.index("8000") < codes.index("80")


def test_no_call_has_more_than_ten_routes_and_some_have_several(told: Told) -> None:
    sizes = [len(routes) for routes, _ in told.door.calls]
    assert 1 < max(sizes) <= 10


def test_every_node_has_an_id_of_its_own(told: Told) -> None:
    routes = [route for digits in STORIES if digits != "16" for route in told.pushed(digits)]
    assert len({route["id"] for route in routes}) == len(routes)
    assert all(route["id"].isdigit() for route in routes)


def test_nothing_personal_is_kept(told: Told) -> None:
    kept = b"".join(path.read_bytes() for path in told.post.settings.storage.parent.iterdir())
    for word in ("蓝小雨", "1390000", "团结西路"):
        assert word.encode() not in kept


def test_the_document_and_the_table_tell_the_same_stories() -> None:
    text = (ROOT / "docs" / "sandbox-post-sf.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d\d) \| ([^|]+) \|", text, re.MULTILINE)
    assert rows == [(number, scenario.title) for number, scenario in scenarios.SCENARIOS.items()]


def test_a_return_may_be_pushed_without_our_order_number(begun: dict[str, Any]) -> None:
    told = begun["bare"].to_the_end()
    number, new = told.entry("11")["numbers"]
    assert {route["mailno"] for route in told.door.of("")} == {new}
    assert [route["opCode"] for route in told.door.of("")] == BACK_HOME
    assert {route["mailno"] for route in told.pushed("11")} == {number}
    assert [route["opCode"] for route in told.post.routes(new)[0]["routes"]] == BACK_HOME[::-1]


# --- storm and restart


def test_in_a_storm_every_order_is_booked_once_and_told_to_its_end(begun: dict[str, Any]) -> None:
    told, numbers = begun["storm"]
    entries = told.post.http.get("/books").json()["orders"]
    assert [entry["waybill_no"] for entry in entries] == list(numbers.values())
    told.to_the_end()
    for order_no, number in numbers.items():
        heard = {(route["mailno"], route["opCode"]) for route in told.door.of(order_no)}
        assert heard == {(number, code) for code in STORIES["09"]}


def test_a_post_that_opens_again_knows_its_orders_and_tells_the_rest(begun: dict[str, Any]) -> None:
    told, body, number = begun["reopened"]
    assert told.post.book(body) == number
    assert {route["opCode"] for route in told.to_the_end().pushed("11")} == set(STORIES["11"])
