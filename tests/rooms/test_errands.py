"""The centre's own people carry: an order is taken once; what they report is kept, and told until it is heard."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import func, select, update

from dispatch import jobs, lease
from dispatch.accounts import ByHandAccount
from dispatch.carrier import Knock, NotVouched
from dispatch.db import Base
from dispatch.errands.errand import BadFieldError, Errand, ErrandEvent
from dispatch.errands.open_errands import open_errands, recipient_of
from dispatch.errands.push import AT_ONCE, push_news
from dispatch.errands.report import LANE, PUSH, Report, report
from dispatch.errands.take import cancel, look_up, take_order, trace
from dispatch.errors import ConflictError, LeaseLostError, NotAllowedError, NotFoundError, ZhuandiError
from dispatch.jobs import Job, JobFailure
from dispatch.posts.by_hand.account import ByHand
from dispatch.posts.by_hand.codes import CODES, is_number
from dispatch.reveal import Reveal, reason_of
from dispatch.world import World

KEY = "practice-key"
ON_LANE = jobs.on_lane(PUSH, LANE)
STARTED = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
TICKS = itertools.count()


def clock() -> datetime:
    """A clock that ticks with every look at it: however long a run takes, nothing is late."""
    return STARTED + timedelta(microseconds=next(TICKS))


@pytest.fixture
def desk(world: World) -> World:
    with world.sessions() as session:
        Base.metadata.create_all(session.get_bind(), tables=[Errand.__table__, ErrandEvent.__table__])
    return with_account(world)


def with_account(world: World, **more: object) -> World:
    account = ByHandAccount(key=KEY, connect_seconds=2, answer_seconds=2)
    return replace(world, now=clock, settings=world.settings.model_copy(update={"by_hand": account, **more}))


def order(order_no: str = "ZDTEST1", **recipient: str) -> dict[str, object]:
    hall = {"name": "县政务服务中心", "phone": "0578-5082345", "province": "浙江省", "city": "丽水市"}
    place = {"county": "景宁畲族自治县", "address": "人民中路1号", "postcode": "323500"}
    citizen = {**hall, **place, "name": "蓝小雨", "phone": "13900000001", "address": "红星街道团结西路8号2幢301室"}
    return {
        "operation": "book",
        "order_no": order_no,
        "created_at": "2026-11-23 09:00:00",
        "sender": {**hall, **place},
        "recipient": {**citizen, **recipient},
        "contents": ["许可证"],
        "way": "door",
        "way_of_delivery": "须上门投递",
        "case_nos": ["331127202611220001"],
    }


def ago(minutes: float) -> datetime:
    return STARTED - timedelta(minutes=minutes)


def tell(desk: World, number: str, *codes: str, signer: str = "self") -> None:
    """Report these one after the other, a second apart, the last one now."""
    for place, code in enumerate(codes, start=1 - len(codes)):
        at = STARTED + timedelta(seconds=place)
        report(desk, Report(number, code, at, signer if code == "handed" else ""), "小吴")


@pytest.fixture
def number(desk: World) -> str:
    return take_order(desk, order()).number


def count(world: World, table: type[Base]) -> int:
    with world.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


# Taking.


def test_an_order_is_taken_once_however_often_and_in_whatever_order_of_fields_it_comes(desk):
    first = take_order(desk, order())
    again = take_order(desk, dict(reversed(order().items())))
    assert is_number(first.number)
    assert (again.id, again.number) == (first.id, first.number)
    assert count(desk, Errand) == 1


def test_thirty_at_once_make_one_errand(desk):
    with ThreadPoolExecutor(15) as pool:
        numbers = set(pool.map(lambda _: take_order(desk, order()).number, range(30)))
    assert (len(numbers), count(desk, Errand)) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [order(phone="13900000002"), {**order(), "contents": ["许可证", "副本"]}, {**order(), "a_new_field": 1}],
    ids=["another telephone", "more papers", "a field we do not know"],
)
def test_other_content_under_a_known_order_number_is_a_conflict(desk, number, other):
    with pytest.raises(ConflictError):
        take_order(desk, other)
    assert take_order(desk, order()).number == number


def test_two_orders_have_two_numbers_even_where_they_would_get_the_same(desk):
    wanted = take_order(desk, order("ZDTEST2")).number
    with desk.begin() as session:  # the number that the next order would get is another's
        session.execute(update(Errand).values(order_no="ZDOLD"))
    other = take_order(desk, order("ZDTEST2"))
    assert other.number != wanted
    assert take_order(desk, order("ZDTEST2")).number == other.number
    assert is_number(other.number)


def test_after_a_restored_backup_an_order_gets_the_number_that_is_on_its_label(desk, number):
    with desk.begin() as session:
        session.query(Errand).delete()
    assert take_order(desk, order()).number == number


BAD = {
    "order_no": {**order(), "order_no": "a b"},
    "order_no ": {**order(), "order_no": "A" * 65},
    "order_no  ": {**order(), "order_no": "A\n"},
    "recipient.phone": order(phone=""),
    "recipient.name": order(name="蓝" * 201),
    "recipient.address": order(address="\ud83d"),
    "recipient": {**order(), "recipient": None},
    "contents.0": {**order(), "contents": [7]},
    "sender": {key: value for key, value in order().items() if key != "sender"},
}


@pytest.mark.parametrize(("field", "said"), BAD.items(), ids=[name.strip() for name in BAD])
def test_a_bad_field_is_named_and_its_value_is_not_repeated(desk, field, said):
    with pytest.raises(BadFieldError, match=field.strip()) as error:
        take_order(desk, said)
    assert "蓝蓝" not in str(error.value)
    assert count(desk, Errand) == 0


def test_at_rest_nobody_reads_who_the_recipient_is_or_what_was_noted(desk, number):
    report(desk, Report(number, "absent", note="蓝小雨的儿子说周日回来"), "小吴")
    with desk.reading() as session:
        rows = [session.scalars(select(Errand)).one(), session.scalars(select(ErrandEvent)).one()]
    kept = repr([vars(row) for row in rows]) + repr([value for row in rows for value in vars(row).values()])
    for secret in ("蓝小雨", "13900000001", "团结西路"):
        assert secret not in kept
        assert repr(secret.encode())[2:-1] not in kept


# Taking back.


def test_an_order_is_taken_back_once_and_again_and_is_not_taken_anew(desk, number):
    cancel(desk, "ZDTEST1", number)
    cancel(desk, "ZDTEST1", number)
    assert look_up(desk, "ZDTEST1").cancelled_at is not None
    assert open_errands(desk) == []
    with pytest.raises(NotAllowedError):
        take_order(desk, order())


def test_what_somebody_has_taken_is_not_taken_back(desk, number):
    tell(desk, number, "took")
    with pytest.raises(NotAllowedError):
        cancel(desk, "ZDTEST1", number)
    assert look_up(desk, "ZDTEST1").cancelled_at is None


def test_a_note_alone_takes_nothing(desk, number):
    tell(desk, number, "note")
    cancel(desk, "ZDTEST1", number)


def test_another_envelopes_number_cancels_nothing(desk, number):
    other = take_order(desk, order("ZDTEST2")).number
    with pytest.raises(BadFieldError):
        cancel(desk, "ZDTEST1", other)
    assert look_up(desk, "ZDTEST1").cancelled_at is None


def test_cancelled_and_taken_at_the_same_moment_only_one_of_them_holds(desk):
    for turn in range(12):
        order_no = f"ZDRACE{turn}"
        number = take_order(desk, order(order_no)).number
        with ThreadPoolExecutor(2) as pool:
            done = (pool.submit(cancel, desk, order_no, number), pool.submit(tell, desk, number, "took"))
            held = [each.exception() for each in done].count(None)
        assert held == 1
        errand = look_up(desk, order_no)
        assert (errand.cancelled_at is None) != (errand.taken_at is None)


@pytest.mark.parametrize("odd", ["", "nobody", "a\0b", "\ud83d", "GB0000000125", "GB000000012\0"])
def test_what_is_nobodys_is_not_found_whatever_it_holds(desk, odd):
    acts = (
        lambda: look_up(desk, odd),
        lambda: cancel(desk, odd, ""),
        lambda: trace(desk, odd),
        lambda: report(desk, Report(odd, "took"), "小吴"),
    )
    for act in acts:
        with pytest.raises(NotFoundError):
            act()


# Reporting.


def test_what_is_reported_is_told_as_the_protocol_tells_it(desk, number):
    event_id = report(desk, Report(number, "handed", ago(0), "proxy", "儿子代收", "红星街道"), "小吴")
    _, (event,) = trace(desk, number)
    assert event.pop("at") == f"{ago(0) + timedelta(hours=8):%Y-%m-%d %H:%M:%S}"
    assert event == {
        "id": str(event_id),
        "number": number,
        "order_no": "ZDTEST1",
        "code": "handed",
        "signer": "proxy",
        "note": "儿子代收",
        "place": "红星街道",
    }


def test_the_same_report_again_is_the_same_event_and_told_otherwise_it_is_a_conflict(desk, number):
    first = report(desk, Report(number, "handed", ago(0), "self", "晚饭前"), "小吴")
    assert report(desk, Report(number, "handed", ago(0), "self", "晚饭前"), "小吴") == first
    for other in ({"signer": "proxy"}, {"note": ""}, {"place": "村口"}):
        with pytest.raises(ConflictError) as conflict:
            report(desk, replace(Report(number, "handed", ago(0), "self", "晚饭前"), **other), "小吴")
        assert conflict.value.differs == tuple(other)
    assert count(desk, ErrandEvent) == 1


def test_the_same_report_from_many_telephones_at_once_is_one_event(desk, number):
    with ThreadPoolExecutor(10) as pool:
        ids = set(pool.map(lambda _: report(desk, Report(number, "took", ago(0)), "小吴"), range(20)))
    assert (len(ids), count(desk, ErrandEvent)) == (1, 1)


WRONG = {
    "code": Report("", "delivered"),
    "signer": Report("", "handed", signer="neighbour"),
    "signer ": Report("", "took", signer="self"),
    "note": Report("", "absent", note="长" * 201),
    "note ": Report("", "absent", note="一行\n两行"),
    "place": Report("", "absent", place="a\0"),
    "at": Report("", "took", STARTED + timedelta(hours=1)),
    "at ": Report("", "took", STARTED - timedelta(days=1)),
    "at  ": Report("", "took", datetime.min.replace(tzinfo=UTC)),
}


@pytest.mark.parametrize(("field", "said"), WRONG.items(), ids=[name.strip() for name in WRONG])
def test_a_report_that_cannot_be_names_its_field(desk, number, field, said):
    with pytest.raises(BadFieldError, match=field.strip()):
        report(desk, replace(said, number=number), "小吴")
    assert count(desk, ErrandEvent) == 0


def test_nothing_is_reported_of_an_order_that_was_taken_back(desk, number):
    cancel(desk, "ZDTEST1", number)
    with pytest.raises(NotAllowedError):
        tell(desk, number, "took")


STORIES = {
    ("took", "on_way", "going_out", "handed"): True,
    ("took", "left_at_point"): False,
    ("took", "left_at_point", "fetched"): True,
    ("took", "refused", "bringing_back"): False,
    ("took", "refused", "bringing_back", "brought_back"): True,
    ("took", "lost"): True,
    ("took", "handed", "handed_revoked"): False,
    ("took", "handed", "handed_revoked", "handed"): True,
    ("took", "handed", "going_out"): True,
    ("took", "handed", "bringing_back"): False,
    ("handed", "note"): True,
}


@pytest.mark.parametrize(("codes", "over"), STORIES.items(), ids=["-".join(codes) for codes in STORIES])
def test_an_errand_is_over_by_all_its_news_together(desk, number, codes, over):
    tell(desk, number, *codes)
    assert (look_up(desk, "ZDTEST1").ended_at is not None) == over
    assert [errand.number for errand in open_errands(desk)] == ([] if over else [number])


def test_reports_in_any_order_of_arrival_come_to_the_same_end(desk):
    ends = set()
    for turn, arrival in enumerate(itertools.permutations(enumerate(("took", "handed", "handed_revoked", "handed")))):
        number = take_order(desk, order(f"ZDANY{turn}")).number
        for place, code in arrival:
            report(desk, Report(number, code, STARTED + timedelta(seconds=place)), "小吴")
        ends.add(look_up(desk, f"ZDANY{turn}").ended_at)
    assert ends == {STARTED + timedelta(seconds=3)}


# What is still to be carried.


def test_the_list_shows_the_oldest_first_masked_with_its_latest_news(desk):
    first = take_order(replace(desk, now=lambda: ago(9)), order("ZDTEST1")).number
    second = take_order(desk, order("ZDTEST2")).number
    report(desk, Report(first, "took", ago(3)), "小吴")
    report(desk, Report(first, "absent", ago(1)), "小蓝")
    one, two = open_errands(desk)
    assert (one.number, two.number) == (first, second)
    assert (one.taken_by, one.taken_at, one.last, one.last_at) == ("小吴", ago(3), "不在家", ago(1))
    assert (two.taken_by, two.taken_at, two.last, two.last_at) == ("", None, "", None)
    assert (one.name, one.phone, one.way_of_delivery) == ("蓝**", "139******01", "须上门投递")
    assert "红星街道" in one.address
    assert "301" not in one.address


def test_whoever_carries_it_sees_the_recipient_in_full_and_leaves_a_reason(desk, number):
    with pytest.raises(NotAllowedError):
        recipient_of(desk, number, "小吴", "  ")
    assert recipient_of(desk, number, "小吴", "今天送") == (
        "蓝小雨 13900000001 浙江省丽水市景宁畲族自治县红星街道团结西路8号2幢301室"
    )
    with desk.reading() as session:
        reveal = session.scalars(select(Reveal)).one()
    assert (reveal.by, reason_of(desk, reveal), reveal.subject) == (
        "小吴",
        "今天送",
        look_up(desk, "ZDTEST1").subject,
    )


def test_an_errand_whose_personal_data_was_erased_still_stands_and_is_still_known(desk, number):
    with desk.begin() as session:
        session.execute(update(Errand).values(order=None))
    assert [(errand.number, errand.name) for errand in open_errands(desk)] == [(number, "")]
    assert take_order(desk, order()).number == number
    with pytest.raises(NotFoundError):
        recipient_of(desk, number, "小吴", "今天送")


# The news go out.


@dataclass
class Listener:
    """Our push door on a loopback socket, the real adapter behind it; `answers` are given before good ones."""

    url: str = ""
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    heard: list[tuple[str, bytes, str]] = field(default_factory=list)  # path, body, signature
    meanwhile: Callable[[], None] = lambda: None

    @property
    def events(self) -> list[str]:
        return [event["code"] for _, raw, _ in self.heard for event in json.loads(raw)["events"]]


@pytest.fixture
def listener() -> Iterator[Listener]:
    told, adapter = Listener(), ByHand(ByHandAccount(key=KEY), None, clock)

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            told.heard.append((self.path, raw, self.headers["X-Signature"]))
            told.meanwhile()
            status, body = told.answers.pop(0) if told.answers else self._good(raw)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _good(self, raw: bytes) -> tuple[int, bytes]:
            knock = Knock(raw, signature=self.headers["X-Signature"])
            try:
                reply = adapter.acknowledge(adapter.vouch(knock).reference)
            except NotVouched as refusal:
                reply = adapter.turn_away(knock, str(refusal))
            return reply.status, reply.text.encode()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


def push_all(desk: World, url: str, rounds: int = 1) -> int:
    """Work on whatever push is due, so often; how many jobs were worked on."""
    there, done = with_account(desk, public_url=url), 0
    for _ in range(rounds):
        for claim in lease.claim(there, ON_LANE, 10):
            push_news(there, claim)
            done += 1
        with desk.begin() as session:
            session.execute(update(Job).values(next_at=func.now()).where(Job.done_at.is_(None)))
    return done


def unpushed(desk: World) -> int:
    with desk.reading() as session:
        return len(session.scalars(select(ErrandEvent).where(ErrandEvent.pushed_at.is_(None))).all())


def test_news_go_out_signed_in_the_order_they_were_told_and_never_again(desk, number, listener):
    tell(desk, number, "took", "going_out", "handed")
    push_all(desk, listener.url + "/", 3)
    ((path, raw, _),) = listener.heard
    assert path == "/pushes/by_hand"
    assert json.loads(raw)["operation"] == "news"
    assert listener.events == ["took", "going_out", "handed"]
    assert (unpushed(desk), desk.bell.rung.count(ON_LANE)) == (0, 3)


def test_what_the_adapter_reads_of_a_push_and_of_a_trace_is_the_same_news(desk, number, listener):
    tell(desk, number, "took", "absent", "handed", signer="village")
    push_all(desk, listener.url)
    adapter = ByHand(ByHandAccount(key=KEY), None, clock)
    _, events = trace(desk, number)
    asked = json.dumps({"events": events}, ensure_ascii=False)
    assert adapter.read_push(listener.heard[0][1].decode()) == adapter.read_push(asked)


NOT_HEARD = {
    "an error": (500, b"oops"),
    "a page of somebody's": (200, b"<html></html>"),
    "another push's echo": (200, b'{"ok":true,"id":"other"}'),
    "a refusal": (401, b'{"ok":false,"code":"bad_signature","words":""}'),
    "ok as a word": (200, b'{"ok":"true","id":"other"}'),
    "nothing": (204, b""),
}


@pytest.mark.parametrize("answer", NOT_HEARD.values(), ids=NOT_HEARD)
def test_what_was_not_acknowledged_is_told_again_byte_for_byte(desk, number, listener, answer):
    tell(desk, number, "took")
    listener.answers = [answer]
    assert push_all(desk, listener.url) == 1
    assert (unpushed(desk), count(desk, JobFailure)) == (1, 1)
    push_all(desk, listener.url)
    (_, first, _), (_, second, _) = listener.heard
    assert first == second
    assert unpushed(desk) == 0


def test_a_door_that_is_closed_costs_nothing_but_time(desk, number, listener):
    tell(desk, number, "took")
    push_all(desk, "http://127.0.0.1:9")
    assert (unpushed(desk), count(desk, JobFailure)) == (1, 1)
    push_all(desk, listener.url)
    assert (unpushed(desk), listener.events) == (0, ["took"])


def test_what_is_reported_while_a_push_is_under_way_goes_out_too(desk, number, listener):
    tell(desk, number, "took")

    def once() -> None:
        listener.meanwhile = lambda: None
        report(desk, Report(number, "absent", STARTED + timedelta(seconds=1)), "小吴")

    listener.meanwhile = once
    push_all(desk, listener.url, 3)
    assert (listener.events, unpushed(desk)) == (["took", "absent"], 0)


def test_more_events_than_one_push_holds_all_go_out_each_once(desk, number, listener):
    most = [code for code in CODES if code not in {"handed", "lost"}]
    for place in range(AT_ONCE * 2 + 1):
        at = STARTED + timedelta(seconds=place)
        report(desk, Report(number, most[place % len(most)], at, note="备注" * 100, place="某" * 200), "小吴")
    push_all(desk, listener.url, 5)
    assert len(listener.events) == AT_ONCE * 2 + 1
    assert unpushed(desk) == 0
    assert max(len(raw) for _, raw, _ in listener.heard) < 65_536


def test_a_worker_that_lost_its_lease_marks_nothing_as_told(desk, number, listener):
    tell(desk, number, "took")
    there = with_account(desk, public_url=listener.url)
    (slow,) = lease.claim(there, ON_LANE, 1)
    with desk.begin() as session:
        session.execute(update(Job).values(lease_until=func.now() - timedelta(seconds=1)))
    (quick,) = lease.claim(there, ON_LANE, 1)
    with pytest.raises(LeaseLostError):
        push_news(there, slow)
    assert unpushed(desk) == 1
    push_news(there, quick)
    assert unpushed(desk) == 0


def test_without_an_account_the_news_wait_and_the_reason_is_told(desk, number, world):
    tell(desk, number, "took")
    (claim,) = lease.claim(world, ON_LANE, 1)
    with pytest.raises(ZhuandiError, match="by_hand"):
        push_news(world, claim)
    assert unpushed(desk) == 1
