"""Kuaidi100's news: every state of its tables, whole histories, and what its giving up and its corrections mean."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.journey import News, Signer, Tracked
from dispatch.posts.kuaidi100.account import Kuaidi100
from dispatch.posts.kuaidi100.codes import STATES
from dispatch.posts.line import open_line
from dispatch.posts.times import NEVER
from tests.posts.kuaidi100_samples import (
    ACCOUNT,
    COLLECTED,
    FINER,
    GOING_OUT,
    NUMBER,
    SIGNED,
    having,
    news,
    node,
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
def kuaidi(line):
    return Kuaidi100(ACCOUNT, line, {"yunda": "yunda", "ems": "ems_parcel"})


# States.


def test_every_published_state_has_our_word_and_its_name_and_none_is_invented(kuaidi):
    assert {(state.of or code, code if state.of else "") for code, state in STATES.items()} == set(FINER)
    assert all(kuaidi.state_name(code) for code in STATES)
    assert kuaidi.state_name("999") == ""


@pytest.mark.parametrize(("code", "finer"), FINER)
@pytest.mark.parametrize("as_number", [True, False])
def test_every_state_is_read_at_its_node_under_its_coarse_one(kuaidi, code, finer, as_number):
    value = finer or code
    (seen,) = news(kuaidi, node("24 08:10:00", "话", int(value) if as_number else value), state=code)
    assert (seen.code, seen.detail) == (code, finer)
    assert (seen.news, seen.signer) == (STATES[value].news, STATES[value].signer)
    assert seen.at == datetime(2026, 11, 24, 0, 10, tzinfo=UTC)
    assert (seen.waybill_no, seen.order_no, seen.carrier, seen.place) == (NUMBER, "", "yunda", "浙江,丽水市")


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("101", (News.NOTE, None)),
        ("103", (News.COLLECTED, None)),
        ("0", (News.IN_TRANSIT, None)),
        ("5", (News.OUT_FOR_DELIVERY, None)),
        ("501", (News.AWAITING_PICKUP, None)),
        ("3", (News.DELIVERED, Signer.UNKNOWN)),
        ("301", (News.DELIVERED, Signer.SELF)),
        ("302", (News.DELIVERED, Signer.UNKNOWN)),
        ("303", (News.DELIVERED, Signer.PROXY)),
        ("304", (News.AWAITING_PICKUP, None)),
        ("6", (News.RETURNING, None)),
        ("4", (News.RETURNED, None)),
        ("14", (News.RECIPIENT_REFUSED, None)),
        ("203", (News.RECIPIENT_REFUSED, None)),
        ("204", (News.ATTEMPT_FAILED, None)),
        ("205", (News.AWAITING_PICKUP, None)),
        ("206", (News.ATTEMPT_FAILED, None)),
        *((code, (News.NOTE, None)) for code in ("201", "202", "208", "8", "10", "11", "12")),
        *((code, (News.UNKNOWN, None)) for code in ("2", "7", "401", "207", "209", "210", "13", "305", "x")),
    ],
)
def test_lockers_returns_and_proxies_are_told_from_deliveries(kuaidi, code, meaning):
    (seen,) = news(kuaidi, node("24 08:10:00", "您的快件已签收", code), state=code)
    assert (seen.news, seen.signer) == meaning


def test_what_one_source_alone_says_of_state_4_can_be_switched_off(line):
    cautious = having(line, state_4_is_returned=False)
    assert [seen.news for seen in news(cautious, node("24 08:10:00", "退签", "4"), state="4")] == [News.UNKNOWN]
    assert [seen.news for seen in news(cautious, node("24 08:10:00", "拒签", "14"), state="4")] == [
        News.RECIPIENT_REFUSED
    ]


def test_a_parcel_that_was_refused_is_not_back_with_us_though_the_coarse_state_says_so(kuaidi):
    coarse = news(kuaidi, node("24 08:10:00", "拒签", "4"), state="4")
    finer = news(kuaidi, node("24 08:10:00", "拒签", "14"), state="4")
    assert coarse[0].wants_detail
    assert tracked([*coarse, *finer]).state is Tracked.ATTEMPT_FAILED


@pytest.mark.parametrize("state", ["3", 3])
def test_without_finer_states_the_newest_node_has_the_parcels_and_the_others_move_nothing(kuaidi, state):
    lines = news(kuaidi, node("24 09:30:00", "已签收"), node("24 08:10:00", "派件中"), state=state)
    assert [(seen.text, seen.news) for seen in lines] == [("已签收", News.DELIVERED), ("派件中", News.NOTE)]


def test_a_finer_state_of_the_parcel_completes_the_coarse_one_of_its_last_node(kuaidi):
    lines = news(kuaidi, node("24 09:30:00", "已放柜", "3"), COLLECTED, state="304")
    assert tracked(lines).state is Tracked.AWAITING_PICKUP


# Whole histories.


def test_a_history_that_is_told_again_and_again_by_push_and_by_query_is_told_once(kuaidi):
    after_one = news(kuaidi, COLLECTED, state="1")
    after_two = news(kuaidi, GOING_OUT, COLLECTED, state=5)
    after_three = kuaidi.read_query(said(**parcel(SIGNED, GOING_OUT, COLLECTED, state="3", ischeck=1)))
    again = kuaidi.read_push(pushed(parcel(SIGNED, GOING_OUT, COLLECTED, state=3), status="updateall"))
    assert told(after_one) < told(after_two) < told(after_three) == told(again)
    assert len(told(after_three)) == 3
    assert tracked([*again, *after_one]).signer is Signer.PROXY


@pytest.mark.parametrize("time", ["", "昨天", "2026-11-24", "0001-01-01 00:00:00", 20261124])
def test_a_node_without_a_time_costs_no_other_and_goes_before_a_person(kuaidi, time):
    lines = news(kuaidi, {**SIGNED, "time": time, "ftime": time}, GOING_OUT, COLLECTED, state="5")
    assert [seen.news for seen in lines] == [News.UNKNOWN, News.OUT_FOR_DELIVERY, News.COLLECTED]
    assert lines[0].at == NEVER


def test_the_formatted_time_stands_in_where_the_plain_one_is_missing(kuaidi):
    assert told(news(kuaidi, {**SIGNED, "time": None}, state="3")) == told(news(kuaidi, SIGNED, state="3"))


def test_a_parcel_of_a_company_that_we_do_not_use_is_named_as_the_tracker_names_it(kuaidi):
    assert {seen.carrier for seen in news(kuaidi, SIGNED, com="zhongtong")} == {"kuaidi100:zhongtong"}


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"lastResult":[]}', '{"lastResult":null}', "[" * 100_000])
def test_a_push_of_an_unknown_shape_is_an_error_and_not_no_news(kuaidi, body):
    with pytest.raises(ValueError, match="lastResult"):
        kuaidi.read_push(body)


def test_the_last_result_may_be_text_in_text(kuaidi):
    body = pushed(json.dumps(parcel(SIGNED, state="3"), ensure_ascii=False))
    assert told(kuaidi.read_push(body)) == told(news(kuaidi, SIGNED, state="3"))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_junk_in_any_field_never_breaks_the_reading(kuaidi, junk):
    for field in ("state", "com", "message", "statusCode"):
        last = parcel({**COLLECTED, field: junk}, SIGNED, **({field: junk} if field != "statusCode" else {}))
        assert any(seen.detail == "303" for seen in kuaidi.read_push(pushed(last, status=junk, autoCheck=junk)))
    kuaidi.read_push(pushed(parcel(data=junk)))


# What the tracker tells of its own watching.


@pytest.mark.parametrize("message", ["3天查询无记录", "60天无变化"])
def test_a_tracker_that_gives_up_moves_nothing_and_says_so_in_the_same_way_each_time(kuaidi, message):
    body = pushed(parcel(GOING_OUT, COLLECTED, state="5"), status="abort", message=message)
    *lines, gave_up = kuaidi.read_push(body)
    assert tracked([*lines, gave_up]).state is Tracked.OUT_FOR_DELIVERY
    assert (gave_up.news, gave_up.watching_ended, gave_up.code) == (News.NOTE, True, "abort")
    assert (gave_up.waybill_no, gave_up.carrier) == (NUMBER, "yunda")
    assert not any(seen.watching_ended for seen in lines)
    assert message in gave_up.text
    assert gave_up.at == max(seen.at for seen in lines)
    assert kuaidi.read_push(body)[-1] == gave_up


def test_a_tracker_that_never_saw_the_parcel_says_so_without_a_time(kuaidi):
    last = parcel(status="201", message="快递公司参数异常", condition="")
    (gave_up,) = kuaidi.read_push(pushed(last, status="abort", message="3天查询无记录"))
    assert (gave_up.watching_ended, gave_up.at) == (True, NEVER)
    assert tracked([gave_up]).state is Tracked.UNSEEN


@pytest.mark.parametrize("status", ["polling", "shutdown", "updateall", "", "new"])
def test_no_other_status_of_the_watching_is_news(kuaidi, status):
    assert len(kuaidi.read_push(pushed(parcel(SIGNED, state="3"), status=status, message="到达"))) == 1


@pytest.mark.parametrize("auto_check", ["1", 1])
def test_a_corrected_company_delivers_no_parcel_of_ours_and_a_person_looks(kuaidi, auto_check):
    last = parcel(SIGNED, state="3", com="zhongtong")
    *theirs, ours = kuaidi.read_push(pushed(last, autoCheck=auto_check, comOld="yunda", comNew="zhongtong"))
    assert {seen.carrier for seen in theirs} == {"kuaidi100:zhongtong"}
    assert (ours.carrier, ours.waybill_no, ours.news) == ("yunda", NUMBER, News.UNKNOWN)
    assert "zhongtong" in ours.text


@pytest.mark.parametrize(
    "fields",
    [
        {"autoCheck": "0", "comOld": "yunda", "comNew": "zhongtong"},
        {"autoCheck": "1", "comOld": "yunda", "comNew": "yunda"},
        {"autoCheck": "1", "comOld": "yunda", "comNew": ""},
    ],
)
def test_a_company_that_is_not_corrected_is_no_news(kuaidi, fields):
    assert len(kuaidi.read_push(pushed(parcel(SIGNED, state="3"), **fields))) == 1
