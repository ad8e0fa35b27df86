"""The centre's own people as a carrier: what is signed is sent, and only what their desk surely said is believed."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.accounts import ByHandAccount
from dispatch.carrier import (
    Answer,
    Booked,
    InDoubt,
    Knock,
    Means,
    NoAnswer,
    NotVouched,
    Order,
    Parcel,
    Party,
    Refused,
    Standing,
    Throttled,
    Unauthorised,
)
from dispatch.journey import News, Observed, Signer, Tracked, fold
from dispatch.posts.by_hand.account import PATHS, ByHand
from dispatch.posts.by_hand.codes import CODES, SIGNERS, is_number, number_for
from dispatch.posts.line import open_line
from dispatch.posts.times import NEVER, wire_time

KEY = "practice-key"
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
HALL = Party("县政务服务中心", "0578-5082345", "浙江省", "丽水市", "景宁畲族自治县", "人民中路1号", "323500")
CITIZEN = Party("蓝小雨", "13900000001", "浙江省", "丽水市", "景宁畲族自治县", "红星街道团结西路8号")
ORDER = Order("ZDTEST1", NOW, HALL, CITIZEN, ("许可证",), "door", "须上门投递", case_nos=("33112720261122001",))
NUMBER = number_for(12)
PARCEL = Parcel(NUMBER, ORDER.order_no)


@pytest.fixture(scope="module")
def by_hand():
    account = ByHandAccount(endpoint="http://127.0.0.1:9/by-hand/", key=KEY, title="村邮员代送")
    line = open_line(account)
    yield ByHand(account, line, lambda: NOW)
    line.client.close()


def said(status: int = 200, **fields: object) -> Answer:
    return Answer(status, json.dumps(fields, ensure_ascii=False).encode())


def refused(status: int, code: str) -> Answer:
    return said(status, ok=False, code=code, words="代送点的话")


def witness(stamp: int, raw: bytes, key: str = KEY) -> str:
    """The signature as the protocol's text has it, made with nothing of the service's own."""
    made = hmac.new(key.encode(), f"{stamp}\n".encode() + raw, hashlib.sha256)
    return f"{stamp}:{made.hexdigest()}"


def event(code: str = "took", **fields: object) -> dict[str, object]:
    told = {"id": "e1", "number": NUMBER, "order_no": "ZDTEST1", "at": "2026-11-23 09:30:00", "code": code}
    return {**told, "signer": "", "note": "", "place": "红星街道", **fields}


def pushed(*events: dict[str, object], **fields: object) -> bytes:
    return json.dumps({"operation": "news", "id": "p1", "events": list(events), **fields}).encode()


def knock(raw: bytes, stamp: datetime = NOW, key: str = KEY) -> Knock:
    return Knock(raw, signature=witness(int(stamp.timestamp()), raw, key))


# What goes out.


def test_the_account_says_who_carries_and_how_doubt_ends(by_hand):
    assert (by_hand.name, by_hand.title) == ("by_hand", "村邮员代送")
    assert (by_hand.standing, by_hand.means) == (Standing.OWN, Means.LOOK_UP)
    assert by_hand.limits.settling == timedelta(seconds=30)


def test_an_order_says_everything_the_people_need_and_no_secret(by_hand):
    call = by_hand.booking(ORDER)
    told = json.loads(call.kept)
    assert told["operation"] == "book"
    assert (told["order_no"], told["created_at"]) == ("ZDTEST1", "2026-11-23 09:00:00")
    assert told["recipient"]["phone"] == "13900000001"
    assert set(told["sender"]) == {"name", "phone", "province", "city", "county", "address", "postcode"}
    assert (told["contents"], told["way"], told["way_of_delivery"]) == (["许可证"], "door", "须上门投递")
    assert told["case_nos"] == ["33112720261122001"]
    assert KEY not in call.kept + repr(call)


def test_every_call_is_signed_over_the_bytes_that_go_out_and_names_its_operation(by_hand):
    calls = (
        by_hand.booking(ORDER),
        by_hand.look_up("ZDTEST1"),
        by_hand.cancelling(PARCEL),
        by_hand.question(PARCEL),
    )
    for call, path in zip(calls, ("/book", "/look-up", "/cancel", "/trace"), strict=True):
        request = call.request
        assert request.url == f"http://127.0.0.1:9/by-hand{path}"
        assert request.headers["X-Signature"] == witness(int(NOW.timestamp()), request.body)
        assert json.loads(request.body)["operation"] == call.operation
        assert (request.body.decode(), request.method) == (call.kept, "POST")
    assert {call.operation for call in calls} == set(PATHS)


def test_said_again_later_it_is_the_same_text_under_a_new_signature(by_hand):
    later = replace(by_hand, now=lambda: NOW + timedelta(hours=1))
    one, two = by_hand.booking(ORDER), later.booking(ORDER)
    again = later.again(two, one.kept)
    assert one.kept == two.kept == again.kept
    assert again.request == two.request
    assert one.request.headers != two.request.headers


# What the desk answers.


def test_a_good_answer_is_a_number(by_hand):
    answer = said(ok=True, number=NUMBER, order_no="ZDTEST1")
    assert by_hand.read_booking(answer, "ZDTEST1") == Booked(NUMBER)


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (refused(409, "other_content"), Refused),
        (refused(409, "cancelled"), Refused),
        (refused(422, "bad_field"), Refused),
        (refused(401, "bad_signature"), Unauthorised),
        (refused(429, "too_fast"), Throttled),
        (refused(409, "a_code_of_next_year"), InDoubt),
        (refused(404, "no_such_order"), InDoubt),
        (refused(500, "other_content"), NoAnswer),
        (Answer(404, b"<html>not here</html>"), NoAnswer),
        (Answer(200, b"<html>sign in first</html>"), NoAnswer),
        (Answer(200, b""), NoAnswer),
        (Answer(200, b"[" * 100_000), NoAnswer),
        (Answer(409, b"\xff\xfe"), NoAnswer),
        (said(ok="true", number=NUMBER, order_no="ZDTEST1"), NoAnswer),
        (said(409, ok=False, words="没有代码"), NoAnswer),
        (said(409, ok=True, number=NUMBER, order_no="ZDTEST1"), NoAnswer),
        (refused(200, "other_content"), NoAnswer),
        (said(ok=True, number=NUMBER), InDoubt),
        (said(ok=True, number=NUMBER, order_no="ZDTEST2"), InDoubt),
        (said(ok=True, number="GB0000000013", order_no="ZDTEST1"), InDoubt),
        (said(ok=True, number=None, order_no="ZDTEST1"), InDoubt),
    ],
)
def test_an_answer_means_what_it_surely_says_and_otherwise_leaves_doubt(by_hand, answer, meaning):
    with pytest.raises(meaning) as raised:
        by_hand.read_booking(answer, "ZDTEST1")
    assert type(raised.value) is meaning
    if meaning is Refused:
        assert "代送点的话" in str(raised.value)


@given(st.integers(100, 599), st.binary(max_size=80) | st.builds(lambda said: json.dumps(said).encode(), st.none()))
def test_no_bytes_of_a_stranger_are_read_as_a_number_or_a_refusal(status, raw):
    account = ByHandAccount(key=KEY)
    by_hand = ByHand(account, None, lambda: NOW)
    for read in (by_hand.read_booking, by_hand.read_look_up):
        with pytest.raises((InDoubt, Unauthorised, Throttled)):
            read(Answer(status, raw), "ZDTEST1")
    with pytest.raises((InDoubt, Unauthorised, Throttled)):
        by_hand.read_trace(Answer(status, raw))


def test_a_look_up_finds_the_order_or_surely_finds_none(by_hand):
    found = said(ok=True, number=NUMBER, order_no="ZDTEST1", cancelled=False)
    assert by_hand.read_look_up(found, "ZDTEST1") == Booked(NUMBER)
    assert by_hand.read_look_up(refused(404, "no_such_order"), "ZDTEST1") is None


def test_an_order_that_was_cancelled_at_the_desk_gives_no_number_to_print(by_hand):
    gone = said(ok=True, number=NUMBER, order_no="ZDTEST1", cancelled=True)
    with pytest.raises(Refused, match="已撤销"):
        by_hand.read_look_up(gone, "ZDTEST1")


def test_a_desk_that_is_not_there_is_not_a_desk_without_the_order(by_hand):
    with pytest.raises(NoAnswer):
        by_hand.read_look_up(Answer(404, b'{"detail":"Not Found"}'), "ZDTEST1")


def test_a_cancelling_succeeds_once_and_again(by_hand):
    by_hand.read_cancelling(said(ok=True))


def test_an_order_that_the_desk_does_not_have_is_not_cancelled_it_may_still_arrive(by_hand):
    """Taken for cancelled, it was booked anew, and the first booking came in late: two people set out."""
    with pytest.raises(InDoubt, match="no_such_order"):
        by_hand.read_cancelling(refused(404, "no_such_order"))


def test_what_somebody_carries_already_is_not_cancelled(by_hand):
    with pytest.raises(Refused):
        by_hand.read_cancelling(refused(409, "already_taken"))
    with pytest.raises(InDoubt):
        by_hand.read_cancelling(refused(409, "a_code_of_next_year"))


# News.


def test_a_trace_tells_every_event_in_our_words(by_hand):
    answer = said(ok=True, number=NUMBER, events=[event(), event("handed", signer="proxy", note="儿子代收")])
    took, handed = by_hand.read_trace(answer)
    assert (took.waybill_no, took.order_no, took.code, took.news) == (NUMBER, "ZDTEST1", "took", News.COLLECTED)
    assert took.at == datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
    assert (took.text, took.place, took.signer) == ("已取件", "红星街道", None)
    assert (handed.news, handed.signer, handed.detail) == (News.DELIVERED, Signer.PROXY, "proxy")
    assert handed.text == "当面交付 儿子代收"


def test_nothing_yet_is_no_fault_and_silence_about_events_is_doubt(by_hand):
    assert by_hand.read_trace(said(ok=True, number=NUMBER, events=[])) == ()
    assert by_hand.read_trace(refused(404, "no_such_number")) == ()
    for strange in (said(ok=True, number=NUMBER), refused(409, "a_code_of_next_year")):
        with pytest.raises(InDoubt):
            by_hand.read_trace(strange)


@pytest.mark.parametrize("signer", [*SIGNERS, "", "neighbour", "Self"])
def test_who_signed_is_known_only_by_the_protocols_own_words(by_hand, signer):
    (seen,) = by_hand.read_push(pushed(event("handed", signer=signer)).decode())
    assert seen.signer is {name: known for name, (_, known) in SIGNERS.items()}.get(signer, Signer.UNKNOWN)


@pytest.mark.parametrize(
    ("code", "news", "tracked"),
    [
        ("left_at_point", News.AWAITING_PICKUP, Tracked.AWAITING_PICKUP),
        ("brought_back", News.RETURNED, Tracked.RETURNED),
        ("fetched", News.FETCHED, Tracked.DELIVERED),
        ("refused", News.RECIPIENT_REFUSED, Tracked.ATTEMPT_FAILED),
        ("note", News.NOTE, Tracked.UNSEEN),
        ("handed_over", News.UNKNOWN, Tracked.UNSEEN),
        ("Handed", News.UNKNOWN, Tracked.UNSEEN),
    ],
)
def test_a_point_and_a_return_are_no_delivery_and_an_unknown_code_moves_nothing(by_hand, code, news, tracked):
    (seen,) = by_hand.read_push(pushed(event(code, note="村口小店")).decode())
    assert (seen.news, seen.code, "村口小店" in seen.text) == (news, code, True)
    assert fold([_observed(seen)]).state is tracked


def test_a_delivery_taken_back_is_delivered_no_longer_and_a_person_sees_it(by_hand):
    news = by_hand.read_push(
        pushed(
            event("going_out"), event("handed", signer="self"), event("handed_revoked", at="2026-11-23 10:00:00")
        ).decode()
    )
    told = fold(_observed(seen) for seen in news)
    assert told.state is Tracked.OUT_FOR_DELIVERY
    assert [seen.code for seen in told.contradictions] == ["handed_revoked"]


def test_one_bad_line_costs_no_other(by_hand):
    bad = (
        event(at="yesterday"),
        event(at=""),
        event(number=""),
        event(code=None),
        {},
        event(at="0001-01-01 00:00:00"),
    )
    seen = by_hand.read_push(pushed(*bad, event("absent")).decode())
    assert [one.news for one in seen] == [News.UNKNOWN] * len(bad) + [News.ATTEMPT_FAILED]
    assert {one.at for one in seen[:-1]} == {NEVER}


def test_every_code_of_the_protocol_has_its_official_name(by_hand):
    assert by_hand.code_name("handed") == "当面交付"
    assert all(by_hand.code_name(code) for code in CODES)
    assert by_hand.code_name("nonsense") == ""
    assert not any(news is News.UNKNOWN for _, news in CODES.values())


# Pushes at the door.


def test_a_signed_push_is_vouched_for_and_acknowledged_with_its_own_id(by_hand):
    raw = pushed(event())
    vouched = by_hand.vouch(knock(raw))
    assert (vouched.body, vouched.reference) == (raw.decode(), "p1")
    reply = by_hand.acknowledge(vouched.reference)
    assert (reply.status, json.loads(reply.text)) == (200, {"ok": True, "id": "p1"})


@pytest.mark.parametrize("late", [-301, 301, 86_400])
def test_a_push_recorded_and_sent_again_after_the_window_is_nobodys(by_hand, late):
    raw = pushed(event())
    with pytest.raises(NotVouched, match="时钟"):
        by_hand.vouch(knock(raw, NOW + timedelta(seconds=late)))


@pytest.mark.parametrize("early", [-300, 0, 300])
def test_within_the_window_either_clock_may_be_ahead(by_hand, early):
    assert by_hand.vouch(knock(pushed(event()), NOW + timedelta(seconds=early))).reference == "p1"


def test_a_signature_fits_its_own_bytes_time_and_key_only(by_hand):
    raw = pushed(event())
    genuine = knock(raw)
    forged = (
        replace(genuine, raw=raw + b" "),
        replace(genuine, signature=f"{int(NOW.timestamp()) + 1}:{genuine.signature.partition(':')[2]}"),
        replace(genuine, signature=genuine.signature.upper()),
        knock(raw, key="another-key"),
        *(replace(genuine, signature=odd) for odd in ("", ":", "1", "é", "१२:ab", "-5:00", f"{10**30}:00")),
    )
    for one in forged:
        with pytest.raises(NotVouched):
            by_hand.vouch(one)


def test_without_a_key_nobody_is_believed(by_hand):
    keyless = replace(by_hand, account=ByHandAccount())
    with pytest.raises(NotVouched):
        keyless.vouch(knock(pushed(event()), key=""))


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff", b"[]", b"7", b"[" * 100_000, pushed(operation="trace"), pushed(id=""), pushed(id=None)],
    ids=["empty", "no text", "a list", "a number", "endless", "another operation", "no id", "null id"],
)
def test_signed_nonsense_is_turned_away_in_the_protocols_words(by_hand, raw):
    with pytest.raises(NotVouched) as reason:
        by_hand.vouch(knock(raw))
    reply = by_hand.turn_away(knock(raw), str(reason.value))
    assert reply.status == 401
    assert json.loads(reply.text) == {"ok": False, "code": "bad_signature", "words": str(reason.value)}


def test_a_booking_signed_for_the_desk_opens_no_push_door(by_hand):
    call = by_hand.booking(ORDER)
    with pytest.raises(NotVouched):
        by_hand.vouch(Knock(call.request.body, signature=call.request.headers["X-Signature"]))


@pytest.mark.parametrize("body", ["7", "{}", '{"events": {}}', "not json"])
def test_a_kept_push_of_no_known_shape_is_told_to_the_worker(by_hand, body):
    with pytest.raises(ValueError, match="events"):
        by_hand.read_push(body)


# Numbers.


def test_a_number_has_its_shape_and_its_check_digit(by_hand):
    assert NUMBER == "GB0000000125"
    assert by_hand.is_number(NUMBER)
    for odd in (
        "",
        "GB",
        "GB000000012",
        "GB00000001250",
        "gb0000000125",
        "XX0000000125",
        "GB000000012५",
        "000000000125",
    ):
        assert not is_number(odd), odd


@given(st.integers(0, 10**9 - 1), st.integers(2, 11), st.integers(1, 9))
def test_one_wrong_digit_is_never_a_number(serial, place, off):
    number = number_for(serial)
    assert is_number(number)
    wrong = number[:place] + str((int(number[place]) + off) % 10) + number[place + 1 :]
    assert not is_number(wrong)


@given(st.integers(0, 10**9 - 1), st.integers(2, 10))
def test_two_neighbouring_digits_exchanged_are_noticed_save_nought_and_nine(serial, place):
    number = number_for(serial)
    one, two = number[place], number[place + 1]
    exchanged = number[:place] + two + one + number[place + 2 :]
    assert one == two or {one, two} == {"0", "9"} or not is_number(exchanged)


@given(
    st.sampled_from(sorted(CODES)),
    st.sampled_from(["", *SIGNERS]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.integers(0, 10**9),
)
def test_pushed_and_asked_for_an_event_is_the_same_fact(code, signer, note, at):
    told = event(code, signer=signer, note=note, at=wire_time(NOW + timedelta(seconds=at)))
    by_hand = ByHand(ByHandAccount(key=KEY), None, lambda: NOW)
    vouched = by_hand.vouch(knock(pushed(told)))
    assert by_hand.read_push(vouched.body) == by_hand.read_trace(said(ok=True, number=NUMBER, events=[told]))


def test_the_document_names_every_code_and_signer_of_the_protocol():
    document = Path("docs/by-hand.md").read_text()
    for word, (name, _) in {**CODES, **SIGNERS}.items():
        assert f"`{word}`" in document, word
        assert name in document, name


def _observed(seen):
    return Observed(seen.at, seen.code, seen.news, seen.detail, seen.signer, seen.voids)
