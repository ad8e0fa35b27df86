"""One EMS account over real sockets: what an answer, or its absence, means for the next step."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from dispatch.accounts import EmsAccount
from dispatch.carrier import (
    Booked,
    Call,
    CarrierError,
    Duplicate,
    InDoubt,
    Knock,
    NoAnswer,
    NotVouched,
    Order,
    Parcel,
    Party,
    Refused,
    Reply,
    Throttled,
    Unauthorised,
    Unavailable,
    Unreadable,
)
from dispatch.journey import News
from dispatch.posts.ems.account import Ems
from dispatch.posts.line import HttpLine, open_line
from dispatch.posts.times import NEVER
from dispatch.wiring import now
from sandbox import EmsSettings, running
from sandbox.ems.envelope import seal

CENTRE = Party("县政务服务中心", "0578-5082345", "浙江省", "丽水市", "景宁畲族自治县", "人民中路1号", "323500")
CITIZEN = Party("蓝小雨", "13900000001", "浙江省", "丽水市", "景宁畲族自治县", "红星街道团结西路8号")
ORDER = Order("ZDTEST1", datetime(2026, 11, 20, tzinfo=UTC), CENTRE, CITIZEN, ("许可证",), "door", "须上门投递")
NUMBER = "1100000000001"


@dataclass
class Told:
    """What a loopback post answers: everything, or a raw text on the wire."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    cut_to: int | None = None  # bytes that really come, while all are promised
    drip: threading.Event | None = None  # each byte waits for this


@contextmanager
def answering(account, told: Told) -> Iterator[Ems]:
    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(told.status)
            self.send_header("Content-Type", told.kind)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            if told.drip is None:
                self.wfile.write(told.body[: told.cut_to])
                return
            for place in range(len(told.body)):
                if told.drip.wait(0.1):
                    return
                self.wfile.write(told.body[place : place + 1])

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    there = account.model_copy(
        update={"endpoint": f"http://127.0.0.1:{server.server_address[1]}/open", "answer_seconds": 0.5}
    )
    line = open_line(there)
    try:
        yield Ems(there, line, now)
    finally:
        if told.drip is not None:
            told.drip.set()
        line.client.close()
        server.shutdown()
        server.server_close()
        thread.join()


def envelope(body: object = None, *, code: object = "00000", words: str = "成功", **more: object) -> bytes:
    inner = body if isinstance(body, str) else json.dumps(body)
    said = {"serialNo": "1", "retCode": code, "retMsg": words, "retBody": inner, "success": True, **more}
    return json.dumps(said, ensure_ascii=False).encode()


def booked(number: object = NUMBER, order_no: str = ORDER.order_no, **more: object) -> bytes:
    return envelope({"waybillNo": number, "logisticsOrderNo": order_no, "routeCode": "330-A1", **more})


def sealed_in(call: Call) -> str:
    return httpx2.QueryParams(call.request.body.decode())["logitcsInterface"]


def serial_and_code(reply: Reply) -> tuple[str, str]:
    told = json.loads(reply.text)
    return told["serialNo"], told["code"]


def order_at(ems: Ems) -> Booked:
    return ems.read_booking(ems.speak(ems.booking(ORDER)), ORDER.order_no)


def test_a_good_answer_is_a_number_and_a_sorting_code(account):
    with answering(account, Told(body=booked())) as ems:
        assert order_at(ems) == Booked(NUMBER, "330-A1")


def test_the_same_order_is_the_same_text_whenever_it_is_spoken(account):
    with answering(account, Told()) as ems:
        later = replace(ems, now=lambda: datetime(2027, 1, 1, tzinfo=UTC))
        one, two = ems.booking(ORDER), later.booking(ORDER)
        assert (one.kept, sealed_in(one)) == (two.kept, sealed_in(two))
        assert account.sk.get_secret_value() not in one.kept
        assert account.authorization.get_secret_value() not in repr(one)


def test_a_refused_connection_was_surely_not_processed(account):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can answer here
        there = account.model_copy(update={"endpoint": f"http://127.0.0.1:{closed.getsockname()[1]}/"})
        line = open_line(there)
        with line.client, pytest.raises(Unavailable):
            order_at(Ems(there, line, now))


def test_a_server_that_takes_the_order_and_hangs_up_leaves_doubt(account):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def hang_up() -> None:
            taken, _ = listening.accept()
            with taken:
                taken.recv(65536)

        thread = threading.Thread(target=hang_up)
        thread.start()
        there = account.model_copy(update={"endpoint": f"http://127.0.0.1:{listening.getsockname()[1]}/"})
        line = open_line(there)
        with line.client, pytest.raises(NoAnswer):
            order_at(Ems(there, line, now))
        thread.join()


def test_silence_after_the_order_was_taken_leaves_doubt(account):
    with answering(account, Told(body=booked(), drip=threading.Event(), status=200)) as ems:
        line = HttpLine(httpx2.Client(timeout=0.05, trust_env=False))
        silent = replace(ems, line=line)
        with line.client, pytest.raises(InDoubt):
            order_at(silent)


IN_DOUBT = {
    "500": Told(500, b"oops", "text/plain"),
    "502 HTML": Told(502, "<html>网关错误</html>".encode(), "text/html"),
    "503": Told(503, b"Service Unavailable", "text/plain"),
    "302": Told(302, b""),
    "empty 200": Told(200, b""),
    "truncated JSON": Told(200, booked()[:-9]),
    "a body cut off": Told(200, booked(), cut_to=20),
    "HTML with 200": Told(200, "<html>系统维护</html>".encode(), "text/html"),
    "GBK under UTF-8": Told(200, "成功".encode("gbk"), "application/json; charset=utf-8"),
    "a character set that is none": Told(200, booked()[:-9], "application/json; charset=hex"),
    "nested too deep": Told(200, b"[" * 60_000),
    "a list": Told(200, b"[]"),
    "no retCode": Told(200, b'{"success": true}'),
    "retCode as a number": Told(200, envelope({}, code=0)),
    "retCode true": Told(200, envelope({}, code=True)),
    "no retBody": Told(200, envelope("")),
    "retBody that is no JSON": Told(200, envelope("成功")),
    "retBody that is a list": Told(200, envelope([1])),
    "retBody nested too deep": Told(200, envelope("[" * 60_000)),
    "no number": Told(200, booked("")),
    "number null": Told(200, booked(None)),
    "a short number": Told(200, booked("110000000000")),
    "a number with a wrong check digit": Told(200, booked("EB000717619HK")),
    "a number that is an object": Told(200, booked({"no": NUMBER})),
    "another order's answer": Told(200, booked(order_no="ZDOTHER")),
}


@pytest.mark.parametrize("told", IN_DOUBT.values(), ids=IN_DOUBT.keys())
def test_an_answer_that_says_nothing_certain_is_doubt_and_never_a_failure(account, told):
    with answering(account, told) as ems, pytest.raises(InDoubt):
        order_at(ems)


def test_an_answer_that_drips_and_stays_half_is_doubt(account):
    """Each byte comes within the read limit; what has come when the line ends is no answer."""
    drip = threading.Event()
    with answering(account, Told(body=booked()[:12], drip=drip)) as ems, pytest.raises(InDoubt):
        order_at(ems)


def test_429_asks_for_patience_and_nothing_was_processed(account):
    with answering(account, Told(429, b"")) as ems, pytest.raises(Throttled):
        order_at(ems)


@pytest.mark.parametrize("status", [401, 403])
def test_401_and_403_say_that_our_account_is_wrong_and_not_the_order(account, status):
    with answering(account, Told(status, b"denied")) as ems, pytest.raises(Unauthorised):
        order_at(ems)


def test_a_business_failure_is_a_refusal_in_the_carriers_own_words(account):
    known = account.model_copy(update={"refused_codes": ("B0217",)})
    with (
        answering(known, Told(body=envelope("", code="B0217", words="收件人地址超出投递范围"))) as ems,
        pytest.raises(Refused, match="B0217 收件人地址超出投递范围"),
    ):
        order_at(ems)


def test_a_failure_that_nobody_documented_is_doubt_with_the_carriers_own_words(account):
    """EMS publishes no list of retCodes: only what the centre knows as a refusal is surely not processed."""
    with (
        answering(account, Told(body=envelope("", code="S00099", words="系统处理超时"))) as ems,
        pytest.raises(InDoubt, match="S00099 系统处理超时"),
    ):
        order_at(ems)


def test_codes_that_the_account_knows_for_duplicates_and_credentials_are_told_apart(account):
    known = account.model_copy(update={"duplicate_codes": ("D1",), "unauthorised_codes": ("U1",)})
    for code, error in (("D1", Duplicate), ("U1", Unauthorised), ("X1", InDoubt)):
        with answering(known, Told(body=envelope("", code=code))) as ems, pytest.raises(error):
            order_at(ems)


def test_a_code_that_comes_as_a_number_is_read_like_its_text(account):
    """CARRIERS §0.7. Once it was no answer at all: the post's words were lost, and its breaker counted a silence."""
    known = account.model_copy(update={"refused_codes": ("10217",), "duplicate_codes": ("10218",)})
    for code, error in ((10217, Refused), (10218, Duplicate), (10219, InDoubt)):
        with answering(known, Told(body=envelope("", code=code, words="原话"))) as ems:
            with pytest.raises(CarrierError, match=f"{code} 原话") as raised:
                order_at(ems)
            assert type(raised.value) is error


def test_a_duplicate_that_tells_our_orders_number_is_as_good_as_booked(account):
    """Once it was doubt «without a number», while the number stood in the answer."""
    known = account.model_copy(update={"duplicate_codes": ("D1",)})
    told = {"waybillNo": NUMBER, "logisticsOrderNo": ORDER.order_no, "routeCode": "330-A1"}
    with answering(known, Told(body=envelope(told, code="D1"))) as ems:
        assert order_at(ems) == Booked(NUMBER, "330-A1")


@pytest.mark.parametrize(
    "change", [{"logisticsOrderNo": "ZDOTHER"}, {"logisticsOrderNo": ""}, {"waybillNo": "11"}, {"waybillNo": None}]
)
def test_a_duplicate_with_another_orders_number_or_with_none_stays_doubt(account, change):
    known = account.model_copy(update={"duplicate_codes": ("D1",)})
    told = {"waybillNo": NUMBER, "logisticsOrderNo": ORDER.order_no, **change}
    with answering(known, Told(body=envelope(told, code="D1"))) as ems, pytest.raises(Duplicate):
        order_at(ems)


@pytest.mark.parametrize(
    ("phone", "field"),
    [
        *(("13900000001", "mobile"), ("19912345678", "mobile"), ("12345", "phone"), ("12900000001", "phone")),
        *(("139000000011", "phone"), ("0578-5082345", "phone"), ("１３９00000001", "phone")),
    ],
)
def test_only_a_mobiles_number_goes_into_the_field_for_mobiles(account, phone, field):
    """A hotline there makes the post's SMS to the addressee fail, or the whole order."""
    with answering(account, Told()) as ems:
        [said] = json.loads(ems.booking(replace(ORDER, recipient=replace(CITIZEN, phone=phone))).kept)
    assert {name: said["receiver"].get(name) for name in ("mobile", "phone")} == {
        **dict.fromkeys(("mobile", "phone")),
        field: phone,
    }


def test_of_several_numbers_the_first_is_the_envelopes(account):
    with answering(account, Told(body=booked(f"{NUMBER},1100000000002"))) as ems:
        assert order_at(ems).waybill_no == NUMBER


def ask(ems: Ems) -> tuple:
    return ems.read_trace(ems.speak(ems.question(Parcel(NUMBER))))


@pytest.mark.parametrize("words", ["无客户信息", "无查询信息", "查无邮件信息", "该邮件查无轨迹", "无邮件信息"])
def test_nothing_yet_is_an_empty_trace_and_no_error(account, words):
    with answering(account, Told(body=envelope("", code="E1", words=words))) as ems:
        assert ask(ems) == ()


def test_any_other_refused_question_is_no_empty_trace(account):
    with answering(account, Told(body=envelope("", code="E1", words="系统繁忙"))) as ems, pytest.raises(InDoubt):
        ask(ems)


def test_a_trace_is_read_with_its_codes_in_whatever_order(account):
    items = [
        {"waybillNo": NUMBER, "opTime": "2026-11-20 09:00:00", "opCode": 704, "deliverCode": "10"},
        {"waybillNo": NUMBER, "opTime": "2026-11-19 09:00:00", "opCode": "203"},
        "not an event",
    ]
    with answering(account, Told(body=envelope({"responseItems": items}))) as ems:
        assert [seen.news for seen in ask(ems)] == [News.DELIVERED, News.COLLECTED]


@pytest.mark.parametrize("body", ["", " ", None])
def test_an_empty_body_tells_nothing_and_is_no_doubt(account, body):
    """It is allowed (CARRIERS §1.3): as doubt, a letter that nobody collected would be asked after for ever."""
    answer = envelope("", retBody=body)
    with answering(account, Told(body=answer)) as ems:
        assert ask(ems) == ()


@pytest.mark.parametrize(
    "body",
    [{}, {"responseItems": None}, {"responseItems": {}}, {"responseItems": "704"}, {"responseItems": ["704"]}, []],
    ids=str,
)
def test_a_trace_that_cannot_be_read_is_doubt_and_not_silence(account, body):
    """Read as «nothing yet», a change of their form would make every letter look as if it lay still."""
    for told in (body, json.dumps(body)):
        with answering(account, Told(body=envelope("", retBody=told))) as ems, pytest.raises(InDoubt):
            ask(ems)


# The real sandbox post.


@dataclass(frozen=True)
class Post:
    """A sandbox post over a real socket, and our account there."""

    url: str
    ems: Ems


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    """No service and no database stand behind it: here one account speaks and listens."""
    keys = {"sender_no": "1100000000000", "authorization": "SANDBOX-CODE", "sk": "QUJDREVGR0hJSktMTU5PUA=="}
    waits = {"gap_seconds": 1.0, "push_url": "http://127.0.0.1:9/"}
    storage = tmp_path_factory.mktemp("post") / "post.sqlite"
    with running(EmsSettings(host="127.0.0.1", port=0, storage=storage, **keys, **waits)) as opened:
        account = EmsAccount(
            endpoint=f"{opened.url}/amp-prod-api/f/amp/api/open",
            **keys,
            unauthorised_codes=("SBX101", "SBX102", "SBX105"),
        )
        line = open_line(account)
        with line.client:
            yield Post(opened.url, Ems(account, line, now))


def test_the_sandbox_books_once_and_repeats_its_number(post):
    ems = post.ems
    first, again = order_at(ems), order_at(ems)
    assert first == again
    assert ems.is_number(first.waybill_no)
    assert httpx2.get(f"{post.url}/books").json()["bookings"] == 1


def test_the_sandbox_knows_no_trace_of_a_letter_that_was_not_collected(post):
    ems = post.ems
    number = order_at(ems).waybill_no
    assert ems.read_trace(ems.speak(ems.question(Parcel(number)))) == ()


@pytest.mark.parametrize(("field", "value"), [("sender_no", "1100000000009"), ("authorization", "wrong")])
def test_the_sandbox_refuses_a_wrong_account_in_its_own_words(post, field, value):
    ems = post.ems
    wrong = replace(ems, account=ems.account.model_validate({**ems.account.model_dump(), field: value}))
    with pytest.raises(Unauthorised, match="SBX10"):
        order_at(wrong)


# The door for pushes.


def pushed(ems: Ems, change: Callable[[dict], None] = lambda _: None, sealed: str | None = None) -> bytes:
    told = {"waybillNo": NUMBER, "opTime": "2026-11-20 09:00:00", "opCode": "203"}
    sealed = sealed or seal(json.dumps(told), ems.account.sk.get_secret_value())
    call = {"logitcsInterface": sealed, "method": "040002", "senderNo": ems.account.sender_no, "serialNo": "s-1"}
    change(call)
    return json.dumps(call).encode()


def test_a_push_under_our_key_is_vouched_for_and_its_serial_number_echoed(post):
    ems = post.ems
    vouched = ems.vouch(Knock(pushed(ems)))
    assert [seen.waybill_no for seen in ems.read_push(vouched.body)] == [NUMBER]
    reply = ems.acknowledge(vouched.reference)
    assert (reply.status, *serial_and_code(reply)) == (200, "s-1", "00000")


def test_a_push_under_a_retired_key_is_still_read_until_the_key_is_taken_away(post):
    ems = post.ems
    raw = pushed(ems)
    newer = ems.account.model_validate({**ems.account.model_dump(), "sk": "TvaBgrhE46sft3nZlfe7xw=="})
    with pytest.raises(NotVouched):
        replace(ems, account=newer).vouch(Knock(raw))
    both = newer.model_copy(update={"retired_sk": (ems.account.sk,)})
    assert replace(ems, account=both).vouch(Knock(raw))


@pytest.mark.parametrize("time", ["", "2026-13-01 00:00:00", "明天", None])
def test_a_push_without_a_time_that_can_be_read_is_news_that_a_person_reads(post, time):
    """The port promises it: as an error the event would be nobody's, although it names the parcel."""
    ems = post.ems
    told = {"waybillNo": NUMBER, "orderNo": "ZD1", "opTime": time, "opCode": "704", "opName": "妥投"}
    [seen] = ems.read_push(json.dumps(told))
    assert (seen.waybill_no, seen.order_no, seen.code, seen.news, seen.at) == (
        *(NUMBER, "ZD1", "704"),
        *(News.UNKNOWN, NEVER),
    )


@pytest.mark.parametrize("body", ["{}", '{"opCode": "704"}', "[]"])
def test_a_push_that_names_no_parcel_is_no_news(post, body):
    with pytest.raises(Unreadable):
        post.ems.read_push(body)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 60_000, b'{"senderNo": NaN}', "蓝".encode("gbk"), b"1" * 5000],
)
def test_noise_at_the_door_is_turned_away_and_never_breaks_it(post, raw):
    with pytest.raises(NotVouched):
        post.ems.vouch(Knock(raw))


@pytest.mark.parametrize("change", [{"senderNo": "1"}, {"method": "040001"}, {"logitcsInterface": "|$4|AAAA"}])
def test_a_push_for_another_customer_of_another_kind_or_under_another_key_is_turned_away(post, change):
    ems = post.ems
    with pytest.raises(NotVouched):
        ems.vouch(Knock(pushed(ems, lambda call: call.update(change))))


@pytest.mark.parametrize("inside", ["[]", "null", "no json", "[" * 60_000])
def test_a_sealed_text_that_is_no_object_is_turned_away(post, inside):
    ems = post.ems
    with pytest.raises(NotVouched):
        ems.vouch(Knock(pushed(ems, sealed=seal(inside, ems.account.sk.get_secret_value()))))
