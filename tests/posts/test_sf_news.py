"""What SF's codes and texts mean to us, line by line: a code that we cannot be sure of goes to a person."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.carrier import InDoubt, Seen
from dispatch.journey import News, Observed, Signer, Tracked, fold
from dispatch.posts.sf.codes import OPERATIONS
from dispatch.posts.times import NEVER
from tests.posts.sf_samples import NUMBER, OTHER, awkward, failed, json_push, route, said, sf, traced

# The table, written anew from CARRIERS §2.7.

MAIN = """50 51 54 43 30 36 10 11 31 302 304 3036 105 106 570 571 405 406 77 66 44 204 122 34 880 870 677 80 8000 33
70 72 99 648 631 660 607"""
POINTS = "125 126 127 128 129 131 123 130 632 642 643 655 656 657 658 664 678 679"
THIRD_PARTIES = "626 627 630 649 98 208 930 931 932 933 934 935"
OTHERS = """14 15 16 17 18 41 46 47 64 65 86 87 921 75 84 88 89 96 97 135 136 137 138 140 141 147 151 152 153 154
186 187 188 189 190 201 202 830 205 206 211 212 214 215 407 604 605 606 611 612 613 614 619 620 621 623 633 634 646
647 651 676 700 701 831 833 843 844 847 850 851 900 950"""
PUBLISHED = f"{MAIN} {POINTS} {THIRD_PARTIES} {OTHERS}".split()

MEANT = {
    **dict.fromkeys(("125", "130", "632", "642", "657", "678"), (News.AWAITING_PICKUP, None)),
    **dict.fromkeys(("33", "70"), (News.ATTEMPT_FAILED, None)),
    **dict.fromkeys(("99", "660", "215"), (News.RETURNING, None)),
    **dict.fromkeys(("44", "126", "204", "880"), (News.OUT_FOR_DELIVERY, None)),
    **dict.fromkeys(("50", "54", "129"), (News.COLLECTED, None)),
    **dict.fromkeys(("870", "72", "131", "18", "658", "679", "934", "97", "664", "643", "186"), (News.UNKNOWN, None)),
    **dict.fromkeys(("80", "935"), (News.DELIVERED, Signer.UNKNOWN)),
    "607": (News.DELIVERED, Signer.PROXY),
    "128": (News.FETCHED, Signer.FETCHED),
    "8000": (News.NOTE, None),
    "31": (News.IN_TRANSIT, None),
    "77": (News.IN_TRANSIT, None),
    "127": (News.NOTE, None),
}


def told(code: object, **changes: object) -> Seen:
    """The news of one line of a query."""
    (seen,) = sf().read_trace(traced(route(code, **changes)))
    return seen


def folded(*lines: tuple[str, str]) -> tuple[Tracked, Signer | None]:
    """What lines of a code and a minute come to, in any order of arrival."""
    seen = [told(code, acceptTime=f"2026-11-22 10:{minute}:00") for code, minute in lines]
    observed = [Observed(line.at, line.code, line.news, line.detail, line.signer, digest=line.code) for line in seen]
    (one,) = {(tracking.state, tracking.signer) for tracking in map(fold, permutations(observed))}
    return one


def test_the_table_holds_every_published_code_and_no_other():
    assert sorted(OPERATIONS) == sorted(PUBLISHED)
    assert all(name for name, _ in OPERATIONS.values())


@pytest.mark.parametrize("code", MEANT)
def test_a_code_means_what_we_hold_it_to_mean(code):
    seen = told(code)
    assert (seen.news, seen.signer) == MEANT[code]


def test_only_three_codes_say_delivered_and_none_that_it_is_back():
    """A locker or a partner's shelf is not the citizen's hand, and 退件给客户 does not say which customer."""
    delivered = {code for code, (_, news) in OPERATIONS.items() if news is News.DELIVERED}
    assert delivered == {"80", "607", "935"}
    assert not {code for code, (_, news) in OPERATIONS.items() if news in {News.RETURNED, News.LOST, News.VOIDING}}


@pytest.mark.parametrize("code", ["81", "080", "8 0", "签收", "100", "161"])
def test_a_code_that_is_not_published_moves_nothing_and_a_person_reads_it(code):
    seen = told(code, remark="已签收")
    assert (seen.news, seen.code, seen.text) == (News.UNKNOWN, code, "已签收")


def test_codes_have_the_names_of_the_list_and_others_have_none():
    names = {code: sf().code_name(code) for code in ("50", "125", "04-40001", "81")}
    assert names == {"50": "顺丰已收件", "125": "快递员派件至丰巢", "04-40001": "调度成功", "81": ""}


def test_a_parcel_in_a_locker_is_out_again_when_the_courier_takes_it_back():
    assert folded(("125", "01")) == (Tracked.AWAITING_PICKUP, None)
    assert folded(("125", "01"), ("126", "02")) == (Tracked.OUT_FOR_DELIVERY, None)
    assert folded(("125", "01"), ("128", "02"), ("80", "03")) == (Tracked.DELIVERED, Signer.FETCHED)
    assert folded(("44", "01"), ("80", "02"), ("8000", "03")) == (Tracked.DELIVERED, Signer.UNKNOWN)


def test_who_signed_is_known_only_where_the_account_knows_the_sub_code():
    known = sf(signers={"4-1": "self", "4-2": "proxy"})
    for code in ("80", "8000"):
        (own,) = known.read_trace(traced(route(code, secondaryStatusCode="4-1")))
        assert (own.news, own.signer, own.detail) == (News.DELIVERED, Signer.SELF, "4-1")
    (unknown,) = known.read_trace(traced(route("80", secondaryStatusCode="4-9", remark="本人签收")))
    assert (unknown.news, unknown.signer) == (News.DELIVERED, Signer.UNKNOWN)
    (elsewhere,) = known.read_trace(traced(route("44", secondaryStatusCode="4-1")))
    assert (elsewhere.news, elsewhere.signer) == (News.OUT_FOR_DELIVERY, None)


def test_the_reason_of_a_failed_attempt_is_kept_beside_the_text():
    (seen,) = sf().read_push(json_push(route(33, reasonCode=12, reasonName="客户不在")).decode())
    assert (seen.news, seen.detail, seen.text) == (News.ATTEMPT_FAILED, "12", "原话 客户不在")


# The number under which it comes back.


@pytest.mark.parametrize("code", ["648", "631"])
@pytest.mark.parametrize(
    ("remark", "number"),
    [
        (f"快件已退回/转寄，新单号为：{OTHER}", OTHER),
        (f"已退回,新单号为{OTHER}。原单号{NUMBER}", OTHER),
        (f"新单号为 {OTHER}（{OTHER}）", OTHER),
        ("新单号为123456789012", "123456789012"),
        (f"新单号{OTHER}, 请致电13900000001", OTHER),
        (f"新单号为{OTHER}，请电057112345678", OTHER),
        ("新单号为 123456789012，请电057112345678", "123456789012"),
        ("新运单号：057112345678", "057112345678"),
        (f"快件已退回（{OTHER}），运费到付 202611221000", OTHER),
        ("快件已退回 123456789012，客服057112345678", "123456789012"),
        ("快件已退回 123456789012，请联系571123456789", "123456789012"),
    ],
)
def test_the_new_number_is_read_out_of_the_text(code, remark, number):
    seen = told(code, remark=remark)
    assert (seen.news, seen.new_number) == (News.RETURNING, number)


@pytest.mark.parametrize("code", ["648", "631"])
@pytest.mark.parametrize(
    "remark",
    [
        "已退回",
        f"原单号{NUMBER}",
        f"{OTHER} 或 SF0000000000003",
        "SF00000000000021",
        "XSF0000000000002",
        "sf0000000000002",
        "快件已退回，请联系057112345678",
        "快件已退回，请致电：571123456789",
        "快件已退回，客服热线957112345678",
        f"原单号{OTHER}",
        f"新单号为{NUMBER}，原单号{OTHER}",
        f"新单号为{OTHER}，新单号为SF0000000000003",
        "已退回 123456789012 或 123456789013",
        "新单号为SF00000000000021",
        "",
    ],
)
def test_without_exactly_one_new_number_a_person_reads_it(code, remark):
    """Guessed wrong, a stranger's parcel would be followed in place of the citizen's."""
    seen = told(code, remark=remark)
    assert (seen.news, seen.new_number) == (News.UNKNOWN, "")


def test_a_number_in_the_text_of_any_other_code_is_only_text():
    assert told("99", remark=f"新单号为{OTHER}").new_number == ""


@given(st.from_regex(r"SF[0-9]{13}|[0-9]{12}", fullmatch=True), awkward)
def test_what_is_taken_for_a_new_number_is_a_number_and_another_one(number, words):
    seen = told("648", remark=f"{words}：{number}")
    assert seen.new_number in {"", *([number] if number != NUMBER else [])}


@pytest.mark.parametrize("text", [NUMBER, "123456789012"])
def test_both_shapes_are_waybill_numbers(text):
    assert sf().is_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SF1",
        NUMBER + "1",
        "SF000000000000",
        f"{NUMBER}\n",
        "1234567890123",
        "１２３４５６７８９０１２",
        f" {NUMBER}",
    ],
)
def test_anything_else_is_none(text):
    assert not sf().is_number(text)


# Asked for.


def test_a_trace_is_read_line_by_line_in_beijing_time():
    (seen,) = sf().read_trace(traced({"acceptTime": "2026-11-24 10:00:00", "acceptAddress": "杭州市", "opCode": 80}))
    assert seen == Seen(
        NUMBER,
        datetime(2026, 11, 24, 2, tzinfo=UTC),
        "80",
        News.DELIVERED,
        signer=Signer.UNKNOWN,
        place="杭州市",
    )


@pytest.mark.parametrize(
    "answer", [traced(), said({"routeResps": []}), failed("8018"), failed("8024"), failed("6150")]
)
def test_nothing_yet_is_an_empty_trace_and_no_error(answer):
    assert sf().read_trace(answer) == ()


@pytest.mark.parametrize(
    "told",
    [
        *({}, {"routeResps": None}, {"routeResps": "SF0000000000001"}, {"routeResps": {}}, {"routeResps": ["80"]}),
        *({"routeResps": [{"mailNo": NUMBER, "routes": routes}]} for routes in (None, {}, "80", [80])),
        {"routeResps": [{"mailNo": NUMBER}]},
    ],
    ids=str,
)
def test_routes_that_cannot_be_read_are_doubt_and_not_silence(told):
    """Read as «nothing yet», a change of SF's form would make every parcel look as if it lay still."""
    with pytest.raises(InDoubt):
        sf().read_trace(said(told))


def test_a_time_with_a_fraction_is_the_same_event_as_without():
    """Java's timestamps end in .0: once nobody could read them, and a person got every line."""
    assert told("50", acceptTime="2026-11-23 09:00:00.0") == told("50", acceptTime="2026-11-23 09:00:00")
    for unreadable in ("2026-11-23 09:00:00.", "2026-11-23 09:00.5", "2026-11-23 09:00:00.0.0"):
        assert told("50", acceptTime=unreadable).at == NEVER


@pytest.mark.parametrize(
    "changes", [{"acceptTime": ""}, {"acceptTime": "0001-01-01 00:00:00"}, {"acceptTime": None}, {"opCode": ""}]
)
def test_one_bad_line_costs_only_itself_and_a_person_reads_it(changes):
    good, bad = route("50"), {**route("80", remark="已签收"), **changes}
    first, second, third = sf().read_trace(traced(good, bad, "no object", good))
    assert first == third
    assert (second.news, second.at, second.signer, second.waybill_no) == (News.UNKNOWN, NEVER, None, NUMBER)
    assert "已签收" in second.text


@given(
    st.dictionaries(
        st.sampled_from(sorted(route("80"))), st.one_of(awkward, st.none(), st.integers(), st.lists(awkward))
    )
)
def test_no_line_whatever_it_holds_breaks_the_reading_or_the_table_that_it_goes_to(changes):
    (seen,) = sf().read_push(json_push({**route("80"), **changes}).decode())
    assert "\x00" not in seen.waybill_no + seen.order_no + seen.code + seen.detail + seen.text + seen.place
