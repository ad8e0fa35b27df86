"""Carriers without an adapter: numbers from a segment, news from a tracker, and never an order to anybody."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from dispatch.accounts import KdniaoAccount, Kuaidi100Account, TrackedCarrier
from dispatch.carrier import (
    Answer,
    InDoubt,
    Knock,
    Means,
    NotVouched,
    Numbering,
    Order,
    Parcel,
    Party,
    Standing,
)
from dispatch.journey import News
from dispatch.posts.kdniao.account import Kdniao
from dispatch.posts.kuaidi100.account import Kuaidi100
from dispatch.posts.line import open_line
from dispatch.posts.tracked import Tracked

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=timezone(timedelta(hours=8)))
NUMBER = "73100000000001"
PARCEL = Parcel(NUMBER, "ZD1", "139-0000-0001")
ZTO = TrackedCarrier(title="中通快递", tracker="kdniao", code="ZTO", wants_phone=True, number_pattern=r"7\d{13}")
PARCEL_POST = TrackedCarrier(title="邮政快递包裹", tracker="kdniao", code="YZPY", postal=True)
YUNDA = TrackedCarrier(title="韵达快递", tracker="kuaidi100", code="yunda")
WITH_CALLBACK = Kuaidi100Account(
    customer="C", key="k", salt="s", callback_url="https://hall.example/pushes/kuaidi100"
)


@pytest.fixture(scope="module")
def lines():
    pair = open_line(KdniaoAccount()), open_line(Kuaidi100Account())
    yield pair
    for line in pair:
        line.client.close()


@pytest.fixture(scope="module")
def kdniao(lines):
    account = KdniaoAccount(business_id="1237100", app_key="k")
    return Kdniao(account, lines[0], lambda: NOW, {"ZTO": "zto", "YZPY": "parcel_post"})


@pytest.fixture(scope="module")
def zto(kdniao):
    return Tracked("zto", ZTO, kdniao)


@pytest.fixture(scope="module")
def yunda(lines):
    return Tracked("yunda", YUNDA, Kuaidi100(WITH_CALLBACK, lines[1], {"yunda": "yunda"}))


def told(code: str = "ZTO", state: str = "301") -> Answer:
    nodes = [{"AcceptTime": "2026-11-24 09:30:00", "AcceptStation": "已签收", "Action": state}]
    body = {"ShipperCode": code, "LogisticCode": NUMBER, "Success": True, "State": "3", "Traces": nodes}
    return Answer(200, json.dumps(body, ensure_ascii=False).encode())


def test_a_tracked_carrier_is_express_unless_it_is_the_posts_own_and_its_numbers_are_allotted(zto, kdniao):
    assert (zto.name, zto.title, zto.standing) == ("zto", "中通快递", Standing.EXPRESS)
    assert Tracked("parcel_post", PARCEL_POST, kdniao).standing is Standing.POSTAL
    assert (zto.numbering, zto.means) == (Numbering.ALLOTTED, Means.WAIT)


def test_its_calls_share_the_trackers_limits_wire_and_health(zto, kdniao):
    assert (zto.account_name, zto.limits, zto.line) == ("kdniao", kdniao.limits, kdniao.line)


def test_its_number_is_announced_by_subscription_and_asked_after_by_query(zto):
    announcing, question = zto.announcing(PARCEL), zto.question(PARCEL)
    assert (announcing.operation, question.operation) == ("8008", "8001")
    assert json.loads(question.kept)["ShipperCode"] == "ZTO"
    assert zto.again(question, announcing.kept).kept == announcing.kept
    zto.read_announcing(Answer(200, b'{"Success":true}'))


@pytest.mark.parametrize(
    ("phone", "end"), [("139-0000-0001", "0001"), ("0578-5082345", "2345"), ("", None), ("123", None)]
)
def test_a_tracker_is_told_four_digits_of_the_phone_where_it_asks_for_them(zto, phone, end):
    for call in (zto.question(Parcel(NUMBER, "ZD1", phone)), zto.announcing(Parcel(NUMBER, "ZD1", phone))):
        assert json.loads(call.kept).get("CustomerName") == end


def test_a_tracker_that_does_not_ask_is_told_no_digit_of_the_phone(kdniao, yunda):
    for carrier in (Tracked("parcel_post", PARCEL_POST, kdniao), yunda):
        for call in (carrier.question(PARCEL), carrier.announcing(PARCEL)):
            assert b"0001" not in call.request.body.replace(NUMBER.encode(), b"")


def test_a_tracker_that_cannot_push_is_not_announced_to(lines):
    silent = Kuaidi100(Kuaidi100Account(), lines[1], {})
    assert Tracked("yunda", YUNDA, silent).announcing(PARCEL) is None


def test_its_news_are_the_trackers_under_its_own_name(zto):
    (seen,) = zto.read_trace(told())
    assert (seen.carrier, seen.waybill_no, seen.news) == ("zto", NUMBER, News.DELIVERED)
    assert zto.code_name(seen.code) == "签收"
    assert zto.code_name(seen.detail) == "正常签收"


@pytest.mark.parametrize("code", ["YZPY", "YD", ""])
def test_a_like_number_of_another_company_never_delivers_our_parcel(zto, code):
    with pytest.raises(InDoubt):
        zto.read_trace(told(code))


@pytest.mark.parametrize(
    ("text", "can_be"), [(NUMBER, True), ("8" + NUMBER[1:], False), (NUMBER + "0", False), (NUMBER + "\n", False)]
)
def test_its_numbers_are_known_by_their_whole_shape(zto, text, can_be):
    assert zto.is_number(text) is can_be


def test_it_is_never_told_of_an_order(zto):
    party = Party("蓝小雨", "13900000001", "浙江省", "丽水市", "景宁畲族自治县", "红星街道")
    with pytest.raises(NotImplementedError, match="号段"):
        zto.booking(Order("ZD1", NOW, party, party, ("许可证",), "door", "须上门投递"))
    with pytest.raises(NotImplementedError, match="号段"):
        zto.read_booking(Answer(200, b""), "ZD1")
    assert (zto.look_up("ZD1"), zto.cancelling(PARCEL), zto.own_label(NUMBER), zto.reach(party)) == (None,) * 4


def test_nobody_is_believed_who_pushes_under_its_name(zto):
    with pytest.raises(NotVouched, match="kdniao"):
        zto.vouch(Knock(b"RequestData=%7B%7D"))
    with pytest.raises(ValueError, match="中通"):
        zto.read_push("{}")
    assert json.loads(zto.turn_away(Knock(b""), "不直接推送").text)["Success"] is False
    assert json.loads(zto.acknowledge("").text)["Success"] is True
