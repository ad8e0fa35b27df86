"""The engine under every sandbox post, tried with two made-up protocols: a batch-pushing carrier and a tracker."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import httpx2
import pytest

from sandbox.post import (
    Answer,
    Call,
    Door,
    Draft,
    Message,
    Play,
    PostProtocol,
    PostSettings,
    PushRequest,
    Scenario,
    Step,
    running,
    table,
)
from tests.posts.sandbox_steps import Arrived, PushDoor, caller, push_door, until

GOT, OUT_AT_ONCE, SIGNED = Step("GOT", gaps=0), Step("OUT", gaps=0), Step("SIGNED", extra={"by": "self"})
STORIES = table(
    [
        Scenario("01", "delivered", (GOT, Step("OUT"), SIGNED)),
        Scenario("02", "back again", (GOT, Step("BACK", gaps=0), Step("HOME", gaps=0, renumbered=True))),
        Scenario("03", "busy at first", (GOT,), first_call="throttled"),
        Scenario("04", "lost at first", (GOT,), first_call="lost_before"),
        Scenario("05", "delivered soon", (GOT, OUT_AT_ONCE, SIGNED)),
        Scenario("06", "going out", (GOT, Step("OUT"))),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Settings(PostSettings):
    def secret(self) -> str:
        return "a secret"


class Carrier(PostProtocol[Settings]):
    """Books; pushes up to three events in a call, each `{no, order, code}`; HTTP 200 acknowledges."""

    play: ClassVar[Play] = Play(scenarios=STORIES, number=lambda count: f"C{count:012d}")
    pushes_at_once: ClassVar[int] = 3

    def doors(self) -> tuple[Door, ...]:
        return (Door("/orders", self._place), Door("/orders", self._look, methods=("GET",)))

    def push(self, message: Message) -> PushRequest:
        told = [{"no": news.number, "order": news.order_no, "code": news.event.code} for news in message.news]
        return PushRequest(self.settings.push_url, json.dumps(told).encode(), "application/json")

    def acknowledges(self, message: Message, response: httpx2.Response) -> bool:
        return response.status_code == 200

    def throttled(self, call: Call) -> Answer:
        return Answer.of_json({"slow": "down"})

    def _place(self, call: Call) -> Answer:
        asked = call.json()
        numbers = tuple(asked.get("numbers", ()))
        placed = self.orders.place(
            Draft(order_no=asked["order"], content=asked, hint=asked["hint"], numbers=numbers, issue=2)
        )
        return Answer.of_json({"outcome": placed.outcome.name, "numbers": placed.parcel.numbers})

    def _look(self, call: Call) -> Answer:
        parcel = self.orders.by_number(call.query["no"])
        events = self.orders.history(parcel) if parcel else ()
        return Answer.of_json([[event.code, event.number, event.extra] for event in events])


class Silent(Carrier):
    """The same, but it can only be asked."""

    play: ClassVar[Play] = replace(Carrier.play, pushes=False)


class Tracker(PostProtocol[Settings]):
    """Books nothing; pushes the whole story of each subscribed number to the subscriber's own address."""

    play: ClassVar[Play] = Play(
        scenarios=STORIES,
        number=lambda count: f"T{count:012d}",
        adopts=lambda number: {"seen": "at the counter"} if re.fullmatch(r"\d{6}", number) else None,
        only_subscribed=True,
    )
    pushes_at_once: ClassVar[int] = 2
    tells_history: ClassVar[bool] = True

    def doors(self) -> tuple[Door, ...]:
        return (Door("/subscribe", self._subscribe),)

    def push(self, message: Message) -> PushRequest:
        told = [
            {"no": news.number, "codes": [event.code for event in news.history], "last": news.is_last}
            for news in message.news
        ]
        url = message.news[0].parcel.extra["url"]
        return PushRequest(url, json.dumps(told).encode(), "application/json")

    def acknowledges(self, message: Message, response: httpx2.Response) -> bool:
        return response.status_code == 200

    def _subscribe(self, call: Call) -> Answer:
        asked = call.json()
        known = self.orders.by_number(asked["no"])
        parcel = self.orders.subscribe(asked["no"], extra={"url": asked["url"]})
        return Answer.of_json({"again": bool(known and known.subscribed), "extra": parcel.extra})


@contextmanager
def opened(
    storage: Path, protocol: type[PostProtocol[Any]], push_url: str = "", **changes: Any
) -> Iterator[httpx2.Client]:
    values: dict[str, Any] = {"gap_seconds": 1.0, "push_retry_seconds": 0.05, "lost_answer_seconds": 0.1, **changes}
    settings = Settings(host="127.0.0.1", port=0, storage=storage, push_url=push_url, **values)
    with (
        running(settings, protocol) as post,
        caller(post.url) as client,
    ):
        yield client


def place(post: httpx2.Client, order_no: str, hint: str, **asked: Any) -> dict[str, Any]:
    answer: dict[str, Any] = post.post("/orders", json={"order": order_no, "hint": hint, **asked}).json()
    return answer


def collect(post: httpx2.Client, *numbers: str) -> dict[str, list[str]]:
    answer: dict[str, list[str]] = post.post("/counter/collect", json={"waybills": list(numbers)}).json()
    return answer


def entries(post: httpx2.Client) -> dict[str, dict[str, Any]]:
    return {entry["order_no"]: entry for entry in post.get("/books").json()["orders"]}


def are_through(post: httpx2.Client) -> bool:
    return all(entry["ended"] and not entry["unacknowledged_pushes"] for entry in entries(post).values())


def told(door: PushDoor) -> list[list[dict[str, Any]]]:
    return [json.loads(push.body) for push in door.all()]


def ok(_: Arrived) -> tuple[int, bytes]:
    return 200, b""


# --- a carrier


def test_an_order_may_have_several_numbers(tmp_path: Path) -> None:
    with opened(tmp_path / "p", Carrier) as post:
        first = place(post, "A", "01")
        assert first == {"outcome": "BOOKED", "numbers": ["C000000000001", "C000000000002"]}
        assert place(post, "A", "01") == {**first, "outcome": "SAME"}
        assert place(post, "A", "02")["outcome"] == "OTHER_CONTENT"
        assert entries(post)["A"]["numbers"] == first["numbers"]
        assert collect(post, first["numbers"][1])["collected"] == [first["numbers"][1]]
        assert collect(post, "A")["already"] == ["A"]


def test_a_customer_may_bring_the_number(tmp_path: Path) -> None:
    with opened(tmp_path / "p", Carrier) as post:
        assert place(post, "A", "01", numbers=["X1"]) == {"outcome": "BOOKED", "numbers": ["X1"]}
        assert place(post, "B", "01", numbers=["X1"])["outcome"] == "NUMBER_TAKEN"
        assert list(entries(post)) == ["A"]


def test_a_repeat_may_be_a_duplicate(tmp_path: Path) -> None:
    with opened(tmp_path / "p", Carrier, repeat_order="duplicate_error") as post:
        place(post, "A", "01")
        assert place(post, "A", "01")["outcome"] == "DUPLICATE"


def test_a_story_spoils_the_first_call_in_the_protocols_own_words(tmp_path: Path) -> None:
    with opened(tmp_path / "p", Carrier) as post:
        assert place(post, "A", "03") == {"slow": "down"}
        with pytest.raises(httpx2.RemoteProtocolError):
            place(post, "B", "04")
        assert entries(post) == {}
        assert place(post, "A", "03")["outcome"] == "BOOKED"
        assert place(post, "B", "04")["outcome"] == "BOOKED"


def test_a_parcel_on_its_way_back_has_a_second_number(tmp_path: Path) -> None:
    with push_door(ok) as door, opened(tmp_path / "p", Carrier, door.url) as post:
        number = place(post, "A", "02")["numbers"][0]
        collect(post, number)
        until(lambda: are_through(post))
        entry = entries(post)["A"]
        *_, second = entry["numbers"]
        assert len(entry["numbers"]) == 3
        assert [(event["code"], event["number"]) for event in entry["event_list"]] == [
            ("GOT", number),
            ("BACK", number),
            ("HOME", second),
        ]
        assert [news["no"] for call in told(door) for news in call] == [number, number, second]
        assert post.get("/orders", params={"no": second}).json()[-1] == ["HOME", second, {}]


def test_several_events_go_in_one_call_and_all_of_it_is_repeated(tmp_path: Path) -> None:
    refusals = iter([(500, b""), (500, b"")])
    with push_door(lambda _: next(refusals, (200, b""))) as door, opened(tmp_path / "p", Carrier, door.url) as post:
        numbers = [place(post, name, "03") and place(post, name, "03")["numbers"][0] for name in "ABCDE"]
        collect(post, *numbers)
        until(lambda: are_through(post))
        calls = [[news["order"] for news in call] for call in told(door)]
        assert max(len(call) for call in calls) == 3
        assert sorted(name for call in calls for name in call) == sorted(["A", "B", "C", "D", "E", *"ABCDE"])
        assert [entry["pushed"] for entry in entries(post).values()] == [1] * 5


def test_a_faulted_push_travels_alone(tmp_path: Path) -> None:
    with push_door(ok) as door, opened(tmp_path / "p", Carrier, door.url) as post:
        for name in "ABC":
            place(post, name, "03")
        post.post("/faults", json={"pushes": ["", "wrong_number", ""]})
        collect(post, *(place(post, name, "03")["numbers"][0] for name in "ABC"))
        until(lambda: are_through(post))
        assert sorted([news["order"] for news in call] for call in told(door))[0] == ["A", "C"]
        assert len(told(door)) == 2


def test_what_this_protocol_cannot_play_cannot_be_switched(tmp_path: Path) -> None:
    with opened(tmp_path / "p", Carrier) as post:
        assert post.post("/faults", json={"pushes": ["bad_signature"]}).status_code == 400


def test_a_silent_post_has_nothing_to_acknowledge(tmp_path: Path) -> None:
    with push_door(ok) as door, opened(tmp_path / "p", Silent, door.url) as post:
        number = place(post, "A", "06")["numbers"][0]
        collect(post, number)
        until(lambda: are_through(post))
        assert [event[0] for event in post.get("/orders", params={"no": number}).json()] == ["GOT", "OUT"]
        assert (door.all(), entries(post)["A"]["pushed"]) == ([], 0)


# --- a tracker


def subscribe(post: httpx2.Client, number: str, door: PushDoor) -> dict[str, Any]:
    answer: dict[str, Any] = post.post("/subscribe", json={"no": number, "url": door.url}).json()
    return answer


def stories(door: PushDoor, number: str) -> list[list[str]]:
    return [news["codes"] for call in told(door) for news in call if news["no"] == number]


def test_a_presented_number_becomes_a_parcel_where_it_has_the_right_shape(tmp_path: Path) -> None:
    with opened(tmp_path / "p", Tracker) as post:
        assert collect(post, "700001", "WRONG", "700002") == {
            "collected": ["700001", "700002"],
            "already": [],
            "unknown": ["WRONG"],
        }
        assert collect(post, "700001")["already"] == ["700001"]
        known = entries(post)
        assert {number: entry["scenario"] for number, entry in known.items()} == {"700001": "01", "700002": "02"}
        assert known["700001"]["subscribed"] is False


def test_only_a_subscribed_number_is_pushed_and_then_from_its_beginning(tmp_path: Path) -> None:
    with push_door(ok) as door, opened(tmp_path / "p", Tracker) as post:
        collect(post, "700005", "700105")
        assert entries(post)["700005"]["events"][:2] == ["GOT", "OUT"]
        assert door.all() == []
        assert subscribe(post, "700005", door) == {
            "again": False,
            "extra": {"seen": "at the counter", "url": door.url},
        }
        until(lambda: entries(post)["700005"]["pushed"] == 3)
        assert subscribe(post, "700005", door)["again"] is True
        first, *_, last = stories(door, "700005") * 2
        assert first[:2] == ["GOT", "OUT"]
        assert last == ["GOT", "OUT", "SIGNED"]
        assert [news["last"] for call in told(door) for news in call][-1] is True
        assert stories(door, "700105") == []
        assert entries(post)["700105"]["unacknowledged_pushes"] == 0


def test_a_subscription_may_come_before_the_parcel(tmp_path: Path) -> None:
    with push_door(ok) as door, opened(tmp_path / "p", Tracker) as post:
        subscribe(post, "700005", door)
        assert entries(post)["700005"]["collected_at"] is None
        assert collect(post, "700005")["collected"] == ["700005"]
        until(lambda: are_through(post))
        grown = stories(door, "700005")
        assert grown == [["GOT", "OUT", "SIGNED"][: len(story)] for story in grown]
        assert grown == sorted(grown, key=len)
        assert len(grown) > 1
        assert len(grown[-1]) == 3


def test_a_later_story_makes_the_failed_one_before_it_needless(tmp_path: Path) -> None:
    with push_door(lambda push: (200 if b"OUT" in push.body else 500, b"")) as door:
        with opened(tmp_path / "p", Tracker, push_retry_seconds=0.9) as post:
            subscribe(post, "700001", door)
            collect(post, "700001")
            until(lambda: are_through(post))
            assert entries(post)["700001"]["pushed"] == 3
        told_stories = stories(door, "700001")
    told_stories = told_stories[told_stories.index(["GOT", "OUT"]) :]
    assert told_stories == [["GOT", "OUT"], ["GOT", "OUT", "SIGNED"]]


def test_a_story_out_of_order_is_a_stale_one(tmp_path: Path) -> None:
    with push_door(ok) as door, opened(tmp_path / "p", Tracker) as post:
        subscribe(post, "700001", door)
        post.post("/faults", json={"pushes": ["out_of_order"]})
        collect(post, "700001")
        until(lambda: are_through(post))
        first, second, *_ = stories(door, "700001")
        assert first[:2] == ["GOT", "OUT"]
        assert second == ["GOT"]


def test_the_story_goes_on_after_the_post_was_closed(tmp_path: Path) -> None:
    with push_door(lambda _: (500, b"")) as door:
        with opened(tmp_path / "p", Tracker) as post:
            subscribe(post, "700005", door)
            collect(post, "700005")
            until(lambda: len(door.all()) > 1)
        door.answer = ok
        with opened(tmp_path / "p", Tracker) as post:
            until(lambda: are_through(post))
            assert entries(post)["700005"]["pushed"] == 3
