"""The desk's doors: signed orders in the protocol's own words, reports and lists for whoever has a key."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from starlette.testclient import TestClient

from dispatch.accounts import ByHandAccount
from dispatch.api import errands
from dispatch.api.app import make_app
from dispatch.carrier import Answer, Booked, InDoubt, Order, Parcel, Party, Refused, Request, Unauthorised
from dispatch.client import add_client
from dispatch.db import Base, connect, sessions
from dispatch.errands.errand import Errand, ErrandEvent
from dispatch.journey import News, Signer
from dispatch.posts.by_hand.account import ByHand
from dispatch.posts.by_hand.codes import number_for
from dispatch.posts.by_hand.signature import sign
from dispatch.world import World

KEY = "practice-key"
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
HALL = Party("县政务服务中心", "0578-5082345", "浙江省", "丽水市", "景宁畲族自治县", "人民中路1号", "323500")
CITIZEN = Party("蓝小雨", "13900000001", "浙江省", "丽水市", "景宁畲族自治县", "红星街道团结西路8号2幢301室")
ORDER = Order("ZDTEST1", NOW, HALL, CITIZEN, ("许可证",), "door", "须上门投递", case_nos=("331127202611220001",))


@dataclass(frozen=True)
class Wire:
    """The line of a carrier, into the door of this process."""

    door: TestClient

    def speak(self, request: Request) -> Answer:
        answer = self.door.post(request.url, content=request.body, headers=dict(request.headers))
        return Answer(answer.status_code, answer.content, answer.headers["content-type"])


@pytest.fixture
def desk(world: World) -> World:
    with world.sessions() as session:
        Base.metadata.create_all(session.get_bind(), tables=[Errand.__table__, ErrandEvent.__table__])
    account = ByHandAccount(endpoint="http://testserver/by-hand", key=KEY)
    return replace(world, now=lambda: NOW, settings=world.settings.model_copy(update={"by_hand": account}))


def opened(world: World) -> TestClient:
    app = make_app(world)
    if "/by-hand/book" not in app.openapi()["paths"]:
        app.openapi_schema = None
        app.include_router(errands.router)
    return TestClient(app)


@pytest.fixture
def door(desk: World) -> TestClient:
    return opened(desk)


@pytest.fixture
def by_hand(desk: World, door: TestClient) -> ByHand:
    return ByHand(desk.settings.by_hand, Wire(door), lambda: NOW)


@pytest.fixture
def number(by_hand: ByHand) -> str:
    return booked(by_hand).waybill_no


@pytest.fixture
def key(desk: World) -> dict[str, str]:
    return {"Authorization": f"Bearer {add_client(desk, '红星街道')}"}


@pytest.fixture
def report(door: TestClient, key: dict[str, str]) -> Callable[..., object]:
    return lambda **said: door.post("/by-hand/report", json=said, headers=key)


def booked(by_hand: ByHand, order: Order = ORDER) -> Booked:
    return by_hand.read_booking(by_hand.speak(by_hand.booking(order)), order.order_no)


def looked_up(by_hand: ByHand) -> Booked | None:
    return by_hand.read_look_up(by_hand.speak(by_hand.look_up("ZDTEST1")), "ZDTEST1")


def cancelled(by_hand: ByHand, number: str) -> None:
    by_hand.read_cancelling(by_hand.speak(by_hand.cancelling(Parcel(number, "ZDTEST1"))))


def asked(by_hand: ByHand, number: str):
    return by_hand.read_trace(by_hand.speak(by_hand.question(Parcel(number, "ZDTEST1"))))


def signed(door: TestClient, path: str, raw: bytes, *, key: str = KEY, at: datetime = NOW):
    return door.post(f"/by-hand{path}", content=raw, headers={"X-Signature": sign(key, at, raw)})


def count(world: World, table: type[Base]) -> int:
    with world.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


# The carrier's own side speaks to the desk.


def test_a_whole_errand_from_the_order_to_the_news(by_hand, number, report):
    assert booked(by_hand) == looked_up(by_hand) == Booked(number)
    assert asked(by_hand, number) == ()
    assert report(number=number, code="took", at="2026-11-23 09:00:00").json()["ok"] is True
    told = report(number=number, code="handed", at="2026-11-23 09:02:00", signer="self", place="红星街道")
    took, handed = asked(by_hand, number)
    assert (took.news, handed.news, handed.signer) == (News.COLLECTED, News.DELIVERED, Signer.SELF)
    assert (handed.order_no, handed.place, told.status_code) == ("ZDTEST1", "红星街道", 200)


def test_what_the_desk_never_had_is_not_there_and_is_not_called_cancelled(by_hand):
    """An order held up on its way may still arrive: who is told that it is cancelled would be told wrongly."""
    assert looked_up(by_hand) is None
    assert asked(by_hand, number_for(12)) == ()
    with pytest.raises(InDoubt, match="no_such_order"):
        cancelled(by_hand, number_for(12))


def test_other_content_under_the_same_order_number_is_refused_in_words(by_hand, number):
    with pytest.raises(Refused, match=r"other_content .*内容不同"):
        booked(by_hand, replace(ORDER, way_of_delivery="村邮站"))


def test_an_order_is_taken_back_twice_and_then_neither_found_standing_nor_taken_anew(by_hand, number):
    cancelled(by_hand, number)
    cancelled(by_hand, number)
    for act in (looked_up, booked):
        with pytest.raises(Refused):
            act(by_hand)


def test_what_is_on_its_way_is_not_taken_back(by_hand, number, report):
    report(number=number, code="took")
    with pytest.raises(Refused, match="already_taken"):
        cancelled(by_hand, number)


def test_an_order_that_cannot_be_is_refused_by_its_field(by_hand, desk):
    with pytest.raises(Refused, match=r"bad_field .*recipient\.address"):
        booked(by_hand, replace(ORDER, recipient=replace(CITIZEN, address="")))
    assert count(desk, Errand) == 0


# Who may speak.


def test_another_key_books_nothing(by_hand, desk):
    stranger = replace(by_hand, account=by_hand.account.model_copy(update={"key": ByHandAccount(key="x").key}))
    with pytest.raises(Unauthorised):
        booked(stranger)
    assert count(desk, Errand) == 0


@pytest.mark.parametrize("late", [-301, 301])
def test_a_call_recorded_and_played_again_after_the_window_does_nothing(by_hand, desk, late):
    elsewhere = replace(by_hand, now=lambda: NOW + timedelta(seconds=late))
    with pytest.raises(Unauthorised):
        booked(elsewhere)
    assert count(desk, Errand) == 0


def test_a_body_signed_for_one_operation_opens_no_other(by_hand, number, door):
    raw = by_hand.look_up("ZDTEST1").request.body
    for path in ("/book", "/cancel", "/trace"):
        answer = signed(door, path, raw)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_field")
    assert looked_up(by_hand) == Booked(number)


def test_a_desk_without_a_key_believes_nobody_and_one_without_an_account_is_not_there(desk, by_hand):
    raw = by_hand.look_up("ZDTEST1").request.body
    for account, status in ((ByHandAccount(), 401), (None, 404)):
        there = replace(desk, settings=desk.settings.model_copy(update={"by_hand": account}))
        assert signed(opened(there), "/look-up", raw, key="").status_code == status


NONSENSE = {
    "no JSON": b"hello",
    "a list": b"[]",
    "GBK": '{"operation":"蓝"}'.encode("gbk"),
    "an operation twice": b'{"operation":"look_up","operation":"look_up"}',
    "endless": b"[" * 100_000,
    "no order number": b'{"operation":"look_up"}',
    "an order number that is none": b'{"operation":"look_up","order_no":["a"]}',
}


@pytest.mark.parametrize("raw", NONSENSE.values(), ids=NONSENSE)
def test_signed_nonsense_is_a_bad_field_in_the_protocols_shape(door, raw):
    answer = signed(door, "/look-up", raw)
    assert (answer.status_code, answer.json()["code"], answer.json()["ok"]) == (422, "bad_field", False)
    assert answer.json()["words"]


def test_a_number_that_no_database_can_hold_is_not_there(door):
    for order_no in ("a\0", "\ud83d", "a" * 10_000):
        raw = json.dumps({"operation": "look_up", "order_no": order_no}).encode()
        assert signed(door, "/look-up", raw).json()["code"] == "no_such_order"


def test_with_the_database_away_nothing_is_answered_for_certain(desk, by_hand):
    engine = connect("postgresql+psycopg://nobody@127.0.0.1:9/nowhere")
    away = opened(replace(desk, sessions=sessions(engine)))
    assert signed(away, "/book", by_hand.booking(ORDER).request.body).status_code == 503
    engine.dispose()


def test_no_signed_bytes_break_the_desk(door):
    @hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(["/book", "/look-up", "/cancel", "/trace"]),
        st.binary(max_size=80) | _bodies(),
    )
    def run(path: str, raw: bytes) -> None:
        assert signed(door, path, raw).status_code in {200, 404, 409, 422}

    run()


def _bodies() -> st.SearchStrategy[bytes]:
    values = st.none() | st.text(max_size=9) | st.integers() | st.lists(st.none(), max_size=2)
    names = st.sampled_from(["order_no", "number", "recipient", "contents"])
    fields = st.dictionaries(names, values, max_size=3)
    operations = st.sampled_from(["book", "look_up", "cancel", "trace"])
    return st.builds(
        lambda operation, more: json.dumps({"operation": operation, **more}).encode(), operations, fields
    )


# The people who carry.


def test_without_a_key_nobody_reports_and_nobody_sees_the_list(door, number, desk):
    said = {"number": number, "code": "took"}
    assert door.post("/by-hand/report", json=said).status_code == 401
    assert door.get("/by-hand/errands").status_code == 401
    assert count(desk, ErrandEvent) == 0


def test_a_report_is_stored_under_the_name_of_the_key_and_sent_again_it_is_the_same(report, number, desk):
    said = {"number": number, "code": "absent", "at": "2026-11-23 09:03:00", "note": "邻居说晚上在"}
    first, again = report(**said), report(**said)
    assert (first.status_code, first.json()) == (200, again.json())
    with desk.reading() as session:
        (event,) = session.scalars(select(ErrandEvent))
    assert (event.by, event.at, str(event.id)) == ("红星街道", NOW + timedelta(minutes=3), first.json()["id"])


def test_a_report_without_a_time_is_of_now(report, number, by_hand):
    report(number=number, code="took")
    assert [seen.at for seen in asked(by_hand, number)] == [NOW]


REFUSED = {
    "an unknown number": ({"number": "GB0000000125", "code": "took"}, 404),
    "no number": ({"number": None, "code": "took"}, 422),
    "an unknown code": ({"code": "delivered"}, 422),
    "a time of no shape": ({"code": "took", "at": "9:05"}, 422),
    "a time at the edge of the calendar": ({"code": "took", "at": "0001-01-01 00:00:00"}, 422),
    "a signer where nobody signs": ({"code": "took", "signer": "self"}, 422),
    "a field nobody knows": ({"code": "took", "photo": "…"}, 422),
    "a number for a word": ({"code": 7}, 422),
}


@pytest.mark.parametrize(("said", "status"), REFUSED.values(), ids=REFUSED)
def test_a_report_that_cannot_be_is_refused_in_words(report, number, said, status):
    answer = report(**{"number": number, **said})
    assert answer.status_code == status
    assert answer.json()["error"]["words"]


def test_the_same_moment_told_otherwise_is_a_conflict(report, number):
    said = {"number": number, "code": "handed", "at": "2026-11-23 09:03:00", "signer": "self"}
    assert report(**said).status_code == 200
    assert report(**{**said, "signer": "proxy"}).status_code == 409


def test_a_report_that_is_no_json_is_refused(door, key):
    for raw, status in ((b"hello", 400), (b"[]", 422), (b"7", 422)):
        assert door.post("/by-hand/report", content=raw, headers=key).status_code == status


def test_the_list_hides_who_lives_where_and_forgets_what_is_over(door, key, report, number):
    report(number=number, code="took", at="2026-11-23 09:00:00")
    answer = door.get("/by-hand/errands", headers=key)
    (errand,) = answer.json()["errands"]
    assert errand == {
        "number": number,
        "name": "蓝**",
        "phone": "139******01",
        "address": errand["address"],
        "way_of_delivery": "须上门投递",
        "created_at": "2026-11-23 09:00",
        "taken_by": "红星街道",
        "taken_at": "2026-11-23 09:00",
        "last": "已取件",
        "last_at": "2026-11-23 09:00",
    }
    for secret in ("小雨", "0000001", "301"):
        assert secret not in answer.text
    report(number=number, code="brought_back", at="2026-11-23 09:04:00")
    assert door.get("/by-hand/errands", headers=key).json() == {"ok": True, "errands": []}
