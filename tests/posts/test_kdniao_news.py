"""Kdniao's news: every state of its tables, and a whole history told again and again that is told once."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.journey import News, Signer, Tracked
from dispatch.posts.history import NOTHING_YET
from dispatch.posts.kdniao.account import Kdniao
from dispatch.posts.kdniao.codes import STATES
from dispatch.posts.line import open_line
from dispatch.posts.times import NEVER
from tests.posts.kdniao_samples import (
    ACCOUNT,
    CODES,
    COLLECTED,
    GOING_OUT,
    NOW,
    NUMBER,
    SIGNED,
    news,
    node,
    one,
    parcel,
    pushed,
    said,
    told,
    tracked,
)


@pytest.fixture(scope="module")
def line():
    line = open_line(ACCOUNT)
    yield line
    line.client.close()


@pytest.fixture(scope="module")
def kdniao(line):
    return Kdniao(ACCOUNT, line, lambda: NOW, {"ZTO": "zto", "YZPY": "parcel_post"})


# States.


def test_every_published_state_has_our_word_and_its_name_and_none_is_invented(kdniao):
    assert list(STATES) == CODES
    assert all(kdniao.state_name(code) for code in CODES)
    assert kdniao.state_name("999") == ""


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("as_number", [True, False])
def test_every_state_is_read_at_its_node_and_its_first_digit_is_the_coarse_one(kdniao, code, as_number):
    seen = one(kdniao, parcel(node("24 08:10:00", "话", int(code) if as_number else code), state=code[0]))
    assert (seen.code, seen.detail) == (code[0], code if len(code) > 1 else "")
    assert (seen.news, seen.signer) == (STATES[code].news, STATES[code].signer)
    assert seen.at == datetime(2026, 11, 24, 0, 10, tzinfo=UTC)
    assert (seen.waybill_no, seen.order_no, seen.carrier, seen.place) == (NUMBER, "ZD1", "zto", "丽水市")


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("10", (News.NOTE, None)),
        ("202", (News.OUT_FOR_DELIVERY, None)),
        ("205", (News.AT_OFFICE, None)),
        ("211", (News.AWAITING_PICKUP, None)),
        ("3", (News.DELIVERED, Signer.UNKNOWN)),
        ("301", (News.DELIVERED, Signer.UNKNOWN)),
        ("302", (News.DELIVERED, Signer.UNKNOWN)),
        ("304", (News.DELIVERED, Signer.PROXY)),
        ("311", (News.AWAITING_PICKUP, None)),
        *((code, (News.NOTE, None)) for code in ("401", "402", "403", "417")),
        ("404", (News.RETURNING, None)),
        ("405", (News.ATTEMPT_FAILED, None)),
        ("406", (News.RETURNED, None)),
        ("407", (News.RETURNING, None)),
        ("412", (News.AWAITING_PICKUP, None)),
        *((code, (News.UNKNOWN, None)) for code in ("4", "413", "414", "415", "418", "423", "5", "305", "x")),
        ("416", (News.ATTEMPT_FAILED, None)),
        ("419", (News.OUT_FOR_DELIVERY, None)),
        ("420", (News.ADDRESS_UNCLEAR, None)),
        ("421", (News.ADDRESS_UNCLEAR, None)),
    ],
)
def test_lockers_returns_and_proxies_are_told_from_deliveries(kdniao, code, meaning):
    seen = one(kdniao, parcel(node("24 08:10:00", "您的快件已签收", code), state=code))
    assert (seen.news, seen.signer) == meaning


def test_a_node_that_is_told_finely_by_one_door_and_coarsely_by_another_is_one_event(kdniao):
    coarse = news(kdniao, parcel(node("24 09:30:00", "已放入快递柜", "3"), state="3"))
    assert coarse[0].wants_detail
    assert tracked(coarse).state is Tracked.DELIVERED
    fine = kdniao.read_query(said(**parcel(node("24 09:30:00", "已放入快递柜", "311"), state="3", state_ex="311")))
    assert tracked([*coarse, *fine]).state is Tracked.AWAITING_PICKUP


# The state of the parcel.


def test_without_states_at_the_nodes_the_last_one_has_the_parcels_and_the_others_move_nothing(kdniao):
    lines = news(
        kdniao, parcel(node("23 15:00:00", "已收寄"), node("24 09:30:00", "已签收"), state="3", state_ex="301")
    )
    assert [(seen.code, seen.detail, seen.news) for seen in lines] == [
        ("", "", News.NOTE),
        ("3", "301", News.DELIVERED),
    ]


def test_the_last_node_is_the_latest_whichever_way_the_nodes_are_sorted(kdniao):
    nodes = [node("23 15:00:00", "已收寄"), node("24 09:30:00", "进站"), node("24 09:30:00", "已签收")]
    up, down = (news(kdniao, parcel(*told, state="3")) for told in (nodes, nodes[::-1]))
    assert told(up) == told(down)
    assert {seen.text for seen in up if seen.news is News.DELIVERED} == {"已签收"}


def test_a_reminder_without_a_state_does_not_take_a_parcel_out_of_its_locker(kdniao):
    put_in, reminder = node("24 09:30:00", "已放入快递柜"), node("24 18:00:00", "请及时取件")
    first = news(kdniao, parcel(put_in, state="2", state_ex="211"))
    later = news(kdniao, parcel(put_in, reminder, state="2", state_ex="211"))
    assert tracked([*first, *later]).state is Tracked.AWAITING_PICKUP


def test_a_state_that_no_node_tells_is_told_at_the_time_of_the_last(kdniao):
    put_in = node("24 09:30:00", "已放入快递柜", "211")
    *_, overdue = news(kdniao, parcel(COLLECTED, put_in, state="4", state_ex="412"))
    assert (overdue.detail, overdue.news, overdue.text) == ("412", News.AWAITING_PICKUP, "快递柜或驿站超时未取")
    assert overdue.at == datetime(2026, 11, 24, 1, 30, tzinfo=UTC)


def test_a_state_that_lags_behind_its_nodes_moves_nothing_back(kdniao):
    lines = news(kdniao, parcel(COLLECTED, GOING_OUT, SIGNED, state="2", state_ex="202"))
    assert len(lines) == 3
    lines = news(kdniao, parcel(COLLECTED, SIGNED, state="2", state_ex="201"))
    assert (tracked(lines).state, tracked(lines).signer) == (Tracked.DELIVERED, Signer.PROXY)


@pytest.mark.parametrize("state", ["3", 4, "7"])
def test_a_state_without_any_node_moves_nothing_and_a_person_looks(kdniao, state):
    seen = one(kdniao, parcel(state=state, Reason="历史单号"))
    assert (seen.news, seen.at, seen.code) == (News.UNKNOWN, NEVER, str(state))
    assert "历史单号" in seen.text


@pytest.mark.parametrize("state", sorted(NOTHING_YET))
def test_a_push_about_a_parcel_without_a_trace_has_no_news(kdniao, state):
    assert news(kdniao, parcel(state=state, Success=False, Reason="暂无轨迹")) == ()


# Whole histories.


def test_a_history_that_is_told_again_and_again_by_push_and_by_query_is_told_once(kdniao):
    after_one = news(kdniao, parcel(COLLECTED, state="1"))
    after_two = news(kdniao, parcel(COLLECTED, GOING_OUT, state=2, state_ex=202))
    after_three = kdniao.read_query(said(**parcel(COLLECTED, GOING_OUT, SIGNED, state="3", state_ex="304")))
    backwards = news(kdniao, parcel(SIGNED, GOING_OUT, COLLECTED, state="3", state_ex="304"))
    assert told(after_one) < told(after_two) < told(after_three) == told(backwards)
    assert len(told(after_three)) == 3


def test_several_parcels_in_one_push_keep_their_carriers_and_a_strangers_is_named_as_the_tracker_names_it(kdniao):
    other = parcel(COLLECTED, state="1", ShipperCode="YZPY", LogisticCode="9900000000001")
    stranger = parcel(COLLECTED, state="1", ShipperCode="YD", LogisticCode="4300000000001")
    lines = kdniao.read_push(pushed(parcel(COLLECTED, state="1"), other, stranger, count=3))
    assert [(seen.carrier, seen.waybill_no) for seen in lines] == [
        ("zto", NUMBER),
        ("parcel_post", "9900000000001"),
        ("kdniao:YD", "4300000000001"),
    ]


@pytest.mark.parametrize("time", ["", "昨天", "2026-11-24", "0001-01-01 00:00:00", 20261124])
def test_a_node_without_a_time_costs_no_other_and_goes_before_a_person(kdniao, time):
    lines = news(kdniao, parcel(COLLECTED, {**SIGNED, "AcceptTime": time}, GOING_OUT, state="2", state_ex="202"))
    assert [seen.news for seen in lines] == [News.COLLECTED, News.UNKNOWN, News.OUT_FOR_DELIVERY]
    assert (lines[1].at, lines[1].code) == (NEVER, "304")
    assert tracked(lines).state is Tracked.OUT_FOR_DELIVERY


def test_the_parcels_state_is_not_lost_with_a_node_whose_time_cannot_be_read(kdniao):
    lines = news(kdniao, parcel(GOING_OUT, {**SIGNED, "AcceptTime": "", "Action": "3"}, state="3"))
    assert tracked(lines).state is Tracked.DELIVERED


def test_the_remark_stands_beside_the_words_of_a_node(kdniao):
    assert one(kdniao, parcel(node("24 08:10:00", "派件中", "202", Remark="改约明日"))).text == "派件中 改约明日"


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"Data":{}}', '{"Data":"x"}', "[" * 100_000])
def test_a_push_of_an_unknown_shape_is_an_error_and_not_no_news(kdniao, body):
    with pytest.raises(ValueError, match="Data"):
        kdniao.read_push(body)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_junk_in_any_field_never_breaks_the_reading_of_the_rest(kdniao, junk):
    broken = [parcel(COLLECTED, state="1", **{field: junk}) for field in ("State", "Traces", "OrderCode", "Reason")]
    lines = kdniao.read_push(pushed(*broken, parcel({**COLLECTED, "Action": junk}, state="1"), parcel(SIGNED)))
    assert any(seen.detail == "304" for seen in lines)
