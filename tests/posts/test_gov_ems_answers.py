"""What the answers of 政务专递 mean for the next step: codes, numbers, news, and what cannot be its answer."""

from datetime import UTC, datetime

import pytest

from dispatch.carrier import (
    Answer,
    Booked,
    Duplicate,
    InDoubt,
    NoAnswer,
    Refused,
    Throttled,
    Unauthorised,
)
from dispatch.journey import News, Observed, Signer, Tracked, fold
from dispatch.posts.times import NEVER
from tests.posts.gov_ems_samples import BOMB, ELSEWHERE, NUMBER, ORDER, OUTSIDE, answered, line, lines, post, said

# Answers to the order.


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("0", Duplicate),
        ("5", Duplicate),
        ("2", Refused),
        ("3", Refused),
        ("1", InDoubt),
        ("4", InDoubt),
        ("6", InDoubt),
        ("00", InDoubt),
        ("成功", InDoubt),
    ],
)
def test_each_code_means_what_the_dictionary_says_and_no_more(code, error):
    with pytest.raises(error) as raised:
        post().read_booking(said(code, "原话"), ORDER.order_no)
    assert type(raised.value) is error
    assert error is Duplicate or f"{code} 原话" in str(raised.value)


def test_a_code_without_words_is_told_in_the_dictionarys():
    with pytest.raises(Refused, match="3 格式错误或超长"):
        post().read_booking(said("3"), ORDER.order_no)


@pytest.mark.parametrize("root", ["ResponseMessage", "RequestMessage", "n:Whatever"])
def test_the_result_is_found_whatever_its_root_is_called(root):
    with pytest.raises(Refused):
        post().read_booking(said("2", root=root), ORDER.order_no)


NOTHING_CERTAIN = {
    "an error page": Answer(200, "<html><body>系统维护<br></body></html>".encode(), "text/html"),
    "empty": Answer(200, b""),
    "500 with a fault": answered("<Fault/>", status=500),
    "no return": Answer(200, b"<e:Envelope xmlns:e='x'><e:Body/></e:Envelope>"),
    "an empty return": answered(""),
    "a return that is no XML": answered("成功"),
    "no RtnMsg": answered("<ResponseMessage/>"),
    "no code": said(""),
    "two results": answered("<r>" + "<RtnMsg><Rtn_Code>2</Rtn_Code></RtnMsg>" * 2 + "</r>"),
    "cut off": Answer(200, said("2").raw[:-20]),
    "an entity bomb": answered(BOMB),
    "an entity from outside": answered(OUTSIDE),
    "a DTD from outside": answered(ELSEWHERE),
    "a bomb around it all": Answer(200, BOMB.encode()),
}


@pytest.mark.parametrize("answer", NOTHING_CERTAIN.values(), ids=NOTHING_CERTAIN.keys())
@pytest.mark.parametrize("read", ["read_booking", "read_look_up", "read_trace"])
def test_an_answer_that_cannot_be_the_posts_is_doubt_and_never_a_refusal(answer, read):
    order = (ORDER.order_no,) if read != "read_trace" else ()
    with pytest.raises(NoAnswer):
        getattr(post(), read)(answer, *order)


@pytest.mark.parametrize(("status", "error"), [(429, Throttled), (401, Unauthorised), (403, Unauthorised)])
def test_a_status_of_the_gateway_is_told_apart(status, error):
    with pytest.raises(error):
        post().read_booking(Answer(status, b""), ORDER.order_no)


# Looking up.


LOOKED_UP: dict[str, tuple[Answer, Booked | None]] = {
    "its number": (lines(line()), Booked(NUMBER)),
    "an S10 number": (lines(line(MAIL_NUM="EB000717618HK")), Booked("EB000717618HK")),
    "told on two lines": (lines(line(STATUS="A", MAIL_NUM=""), line(STATUS="B")), Booked(NUMBER)),
    "among others": (lines(line(EMS_ORD_NO="XF0002", MAIL_NUM="1100000000002"), line()), Booked(NUMBER)),
    "no such order": (lines(), None),
    "no list at all": (said("0", "成功"), None),
}


@pytest.mark.parametrize(("answer", "found"), LOOKED_UP.values(), ids=LOOKED_UP.keys())
def test_a_look_up_finds_the_number_of_our_order_or_surely_no_order(answer, found):
    assert post().read_look_up(answer, ORDER.order_no) == found


def test_an_order_that_is_there_without_a_number_is_a_duplicate_whose_number_follows():
    with pytest.raises(Duplicate):
        post().read_look_up(lines(line(MAIL_NUM="")), ORDER.order_no)


@pytest.mark.parametrize(
    "answer",
    [
        *(said(code) for code in "12345"),
        said("9"),
        lines(line(EMS_ORD_NO="XF0002")),
        lines(line(EMS_ORD_NO="")),
        lines(line(MAIL_NUM="12345")),
        lines(line(), line(MAIL_NUM="1100000000002")),
    ],
)
def test_a_failed_or_mixed_up_look_up_is_doubt_and_never_means_absent(answer):
    with pytest.raises(InDoubt) as raised:
        post().read_look_up(answer, ORDER.order_no)
    assert type(raised.value) is InDoubt


def test_where_empty_may_mean_not_yet_moved_an_empty_answer_is_doubt():
    with pytest.raises(InDoubt):
        post(empty_means_absent=False).read_look_up(lines(), ORDER.order_no)


# News.


def told(letter: str, at: str = "2026-11-21 10:00:00", **changes: object) -> tuple[News, Signer | None]:
    (seen,) = post(**changes).read_trace(lines(line(STATUS=letter, STS_TIME=at)))
    return seen.news, seen.signer


@pytest.mark.parametrize(
    ("letter", "news"),
    [
        ("A", News.COLLECTED),
        ("B", News.COLLECTED),
        ("D", News.IN_TRANSIT),
        ("E", News.OUT_FOR_DELIVERY),
        ("F", News.RETURNED),
        *((letter, News.UNKNOWN) for letter in ("C", "G", "a", "AB", "Ａ", "已签收")),
    ],
)
def test_each_published_letter_has_its_meaning_and_any_other_is_unknown(letter, news):
    assert told(letter) == (news, None)


def test_the_letter_for_a_delivery_is_the_centres_to_say_and_tells_no_signer():
    assert told("G", delivered_letters=("G",)) == (News.DELIVERED, Signer.UNKNOWN)


def test_a_letter_that_is_added_makes_no_delivery_of_the_dictionarys_return():
    assert told("F", delivered_letters=("F", "G")) == (News.RETURNED, None)


def test_what_the_letters_mean_is_the_centres_to_say_for_only_one_source_has_them():
    """M in CARRIERS §7.1: a post whose D means something else needs no new release."""
    other = {"A": "note", "C": "delivered", "E": "in_transit"}
    assert told("A", letters=other) == (News.NOTE, None)
    assert told("C", letters=other) == (News.DELIVERED, Signer.UNKNOWN)
    assert told("E", letters=other) == (News.IN_TRANSIT, None)
    assert told("D", letters=other) == (News.UNKNOWN, None)


def test_a_line_is_read_whole():
    (seen,) = post().read_trace(
        lines(line(STATUS="D", STS_TIME="2026-11-21 10:00:00", STS_INFO="运输中", STS_DESC="离开 <丽水> & 松阳"))
    )
    assert (seen.waybill_no, seen.order_no, seen.code) == (NUMBER, "XF0001", "D")
    assert seen.at == datetime(2026, 11, 21, 2, tzinfo=UTC)
    assert seen.text == "运输中 离开 <丽水> & 松阳"


@pytest.mark.parametrize("at", ["", "昨天", "2026-13-01 00:00:00", "0001-01-01 00:00:00"])
def test_a_line_without_a_time_is_read_by_a_person_and_costs_no_other_line(at):
    bad, good = post().read_trace(
        lines(line(STATUS="F", STS_TIME=at), line(STATUS="B", STS_TIME="2026-11-21 10:00:00"))
    )
    assert (bad.news, bad.at) == (News.UNKNOWN, NEVER)
    assert good.news is News.COLLECTED


def test_an_order_without_any_movement_has_no_news():
    assert post().read_trace(lines(line(MAIL_NUM=""))) == ()
    assert post().read_trace(lines()) == ()


def test_a_refused_question_is_no_empty_trace():
    with pytest.raises(InDoubt, match="4 其他未知"):
        post().read_trace(said("4"))


def test_a_whole_journey_folds_to_a_return():
    story = [line(STATUS=letter, STS_TIME=f"2026-11-2{day} 10:00:00") for day, letter in enumerate("ABDEF")]
    news = post().read_trace(lines(*reversed(story)))
    state = fold(Observed(seen.at, seen.code, seen.news, signer=seen.signer) for seen in news)
    assert (state.state, state.contradictions) == (Tracked.RETURNED, ())
