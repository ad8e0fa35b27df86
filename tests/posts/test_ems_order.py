"""What an EMS order says: who pays on which way, what the account adds, nothing cut off; and what 030005 means."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from dispatch.accounts import EmsAccount
from dispatch.carrier import Answer, Knock, Order, Party
from dispatch.posts.ems.account import Ems

CENTRE = Party("县政务服务中心", "0578-5082345", "浙江省", "丽水市", "景宁畲族自治县", "人民中路1号", "323500")
CITIZEN = Party("蓝小雨", "13900000001", "浙江省", "丽水市", "景宁畲族自治县", "红星街道团结西路8号")
NOW = datetime(2026, 11, 20, tzinfo=UTC)
OUTBOUND = Order("ZDTEST1", NOW, CENTRE, CITIZEN, ("许可证",), "door", "须上门投递")
INBOUND = replace(OUTBOUND, sender=CITIZEN, recipient=CENTRE, direction="inbound")


class Silent:
    """A line that nobody speaks on: these tests build and read."""

    def speak(self, request: object) -> Answer:
        raise AssertionError("nothing is said here")


def ems(**changes: object) -> Ems:
    told = {"sender_no": "1100000000000", "sk": "TvaBgrhE46sft3nZlfe7xw==", **changes}
    return Ems(EmsAccount.model_validate(told), Silent(), lambda: NOW)


def order_of(order: Order, **changes: object) -> dict[str, object]:
    (told,) = json.loads(ems(**changes).booking(order).kept)
    return told


def test_the_citizen_pays_neither_on_the_way_out_nor_on_the_way_in():
    """«The sender pays» said of an inbound letter makes the applicant pay at the door."""
    assert order_of(OUTBOUND)["paymentMode"] == "1"
    assert order_of(INBOUND)["paymentMode"] == "2"
    assert (order_of(INBOUND)["sender"]["name"], order_of(INBOUND)["pickupType"]) == ("蓝小雨", "1")


def test_how_the_centre_pays_is_the_accounts_to_say_on_each_way():
    paid = {"payment_mode": "7", "inbound_payment_mode": "4"}
    assert [order_of(order, **paid)["paymentMode"] for order in (OUTBOUND, INBOUND)] == ["7", "4"]


@pytest.mark.parametrize("mode", ["1", "6", "", "8"])
def test_no_setting_makes_the_applicant_pay_for_sending_materials(mode):
    with pytest.raises(ValidationError):
        ems(inbound_payment_mode=mode)


def test_what_an_account_adds_is_said_and_what_it_has_not_is_not():
    plain = order_of(OUTBOUND)
    assert (plain["receiptFlag"], plain["insuranceFlag"]) == ("1", "1")
    assert not {"projectId", "insuranceAmount"} & plain.keys()
    told = order_of(OUTBOUND, project_id="SXGAHJ", receipt_flag="2", insurance_flag="2", insured_yuan="300")
    assert (told["projectId"], told["receiptFlag"]) == ("SXGAHJ", "2")
    assert (told["insuranceFlag"], told["insuranceAmount"]) == ("2", "300")


def test_a_long_address_keeps_its_room_number_for_ems_publishes_no_limit():
    """Cut at 200 characters the letter would go to a house without the room."""
    long = replace(OUTBOUND, recipient=replace(CITIZEN, name="蓝" * 60, address="路" * 240 + "2幢301室"))
    assert order_of(long)["receiver"]["address"].endswith("路2幢301室")
    assert len(order_of(long)["receiver"]["name"]) == 60


# 030005, whose numbers one source tells.


def reach_answer(status: str) -> Answer:
    return Answer(200, json.dumps({"retCode": "00000", "retBody": json.dumps({"status": status})}).encode())


def test_what_a_status_of_the_reach_means_is_the_accounts_to_say():
    other = {"reach_type": "3", "reach_inside_codes": ("0", "9"), "reach_outside_codes": ("1", "10")}
    assert [ems().read_reach(reach_answer(s)).inside for s in ("0", "1", "9", "10", "")] == [True, False, *[None] * 3]
    assert [ems(**other).read_reach(reach_answer(s)).inside for s in ("9", "10", "8")] == [True, False, None]
    assert json.loads(ems().reach(CITIZEN).kept)["type"] == "2"
    assert json.loads(ems(**other).reach(CITIZEN).kept)["type"] == "3"


def test_the_word_for_a_push_that_is_turned_away_is_the_accounts_to_say():
    knock = Knock(b'{"serialNo": "s-1"}')
    assert json.loads(ems().turn_away(knock, "打不开").text)["code"] == "S00001"
    assert json.loads(ems(not_accepted_code="B0001").turn_away(knock, "打不开").text)["code"] == "B0001"
