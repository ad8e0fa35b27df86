"""SF's calls as they go out: signed over what is sent, every field in its place."""

import json
from dataclasses import replace
from urllib.parse import unquote_plus

import pytest
from hypothesis import given

from dispatch.carrier import Means, Parcel, Refused, Standing
from dispatch.posts.sf.envelope import digest, java_url_encode
from tests.posts.sf_samples import CITIZEN, NUMBER, ORDER, awkward, fields, sf
from tests.posts.vectors import VECTORS

VECTOR = VECTORS["sf_official"]
PARCEL = Parcel(NUMBER, ORDER.order_no, "13900000001")

# The envelope.


@pytest.mark.parametrize("kind", ["standard_md5", "simple_md5", "sm3"])
def test_the_official_sample_has_each_digest_byte_for_byte(kind):
    assert digest(kind, VECTOR["msgData"], VECTOR["timestamp"], VECTOR["checkword"]) == VECTOR[kind]


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("~", "%7E"),
        ("*", "*"),
        (" ", "+"),
        ("+", "%2B"),
        ("!'()", "%21%27%28%29"),
        ("a.-_Z9", "a.-_Z9"),
        ("蓝", "%E8%93%9D"),
    ],
)
def test_java_encodes_what_python_and_javascript_do_not(text, encoded):
    assert java_url_encode(text) == encoded


def java_says(text: str) -> str:
    """java.net.URLEncoder anew, byte by byte, from its documentation."""
    stays = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-*_"
    return "".join("+" if byte == 0x20 else chr(byte) if byte in stays else f"%{byte:02X}" for byte in text.encode())


@given(awkward)
def test_any_text_is_encoded_as_java_encodes_it(text):
    assert java_url_encode(text) == java_says(text)
    assert unquote_plus(java_url_encode(text)) == text


@given(awkward, awkward)
def test_whatever_is_in_the_order_the_digest_is_over_the_text_that_arrives(name, detail):
    """Serialised twice, or encoded otherwise than signed, SF answers A1006 to that one citizen for ever."""
    post = sf()
    call = post.booking(replace(ORDER, recipient=replace(CITIZEN, name=name, address=detail)))
    told = fields(call)
    assert told["msgData"] == call.kept
    checkword = post.account.checkword.get_secret_value()
    assert told["msgDigest"] == digest("standard_md5", told["msgData"], told["timestamp"], checkword)


def test_the_form_holds_what_is_published_and_no_secret():
    call = sf().look_up(ORDER.order_no)
    told = fields(call)
    assert set(told) == {"partnerID", "requestID", "serviceCode", "timestamp", "msgDigest", "msgData"}
    assert (told["partnerID"], told["serviceCode"]) == ("ZWZX01", "EXP_RECE_SEARCH_ORDER_RESP")
    assert told["timestamp"] == "1795395723456"
    assert call.request.content_type.startswith("application/x-www-form-urlencoded")
    assert "fjcg5PGK" not in call.request.body.decode() + call.kept


def test_said_again_it_is_word_for_word_the_same_under_a_new_request_number():
    """The same requestID would be A1007 重复请求; other words under the same order number another order."""
    post = sf()
    first = post.booking(ORDER)
    again = post.again(post.booking(replace(ORDER, contents=("别的",))), first.kept)
    assert again.kept == first.kept == fields(again)["msgData"]
    assert fields(again)["requestID"] != fields(first)["requestID"]
    assert again.operation == "EXP_RECE_CREATE_ORDER"


def test_sf_is_an_express_company_that_can_be_asked_for_our_order():
    post = sf(prints_own_label=True, per_second=7)
    assert (post.standing, post.means, post.name, post.title) == (Standing.EXPRESS, Means.LOOK_UP, "sf", "顺丰速运")
    assert post.insists_on_label
    assert post.limits.per_second == 7


# What is asked.


def test_the_order_says_what_is_published_with_every_field_in_its_place():
    told = json.loads(sf().booking(ORDER).kept)
    sender, recipient = told.pop("contactInfoList")
    assert told == {
        "language": "zh-CN",
        "orderId": "ZWZD2026112300001",
        "monthlyCard": "7551234567",
        "payMethod": 1,
        "expressTypeId": 2,
        "isReturnRoutelabel": 1,
        "isUnifiedWaybillNo": 1,
        "isSignBack": 0,
        "remark": "须上门投递",
        "cargoDetails": [
            {"name": "食品经营许可证", "count": 1, "unit": "件"},
            {"name": "告知书", "count": 1, "unit": "件"},
        ],
    }
    assert sender["contactType"] == 1
    assert (sender["tel"], sender["postCode"]) == ("0578-5082345", "323500")
    assert recipient == {
        "contactType": 2,
        "contact": "蓝小雨",
        "mobile": "13900000001",
        "country": "CN",
        "province": "浙江省",
        "city": "丽水市",
        "county": "景宁畲族自治县",
        "address": "红星街道团结西路8号",
    }


@pytest.mark.parametrize(("phone", "field"), [("13900000001", "mobile"), ("12345", "tel"), ("12900000001", "tel")])
def test_only_a_mobiles_number_goes_into_the_field_for_mobiles(phone, field):
    """A hotline there makes SF's SMS to the addressee fail, or the whole order."""
    told = json.loads(sf().booking(replace(ORDER, recipient=replace(CITIZEN, phone=phone))).kept)
    recipient = told["contactInfoList"][1]
    assert {name: one for name, one in recipient.items() if name in {"mobile", "tel"}} == {field: phone}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"recipient": replace(CITIZEN, address="路" * 197 + "301室")}, "收件地址超过 200 "),
        ({"sender": replace(CITIZEN, address="路" * 201)}, "寄件地址超过 200 "),
        ({"way_of_delivery": "门" * 101}, "投递方式超过 100 "),
    ],
)
def test_what_is_too_long_for_sf_is_refused_before_it_is_sent_and_never_cut(change, words):
    """The room number stands at the end of an address, the agreed point at the end of a way of delivery."""
    fits = replace(CITIZEN, address="路" * 200)
    sf().booking(replace(ORDER, recipient=fits, sender=fits, way_of_delivery="门" * 100))
    with pytest.raises(Refused, match=words):
        sf().booking(replace(ORDER, **change))


def test_the_long_name_of_a_document_is_shortened_in_sight():
    """Nothing is delivered by it: it must not stop the letter."""
    names = [
        cargo["name"]
        for cargo in json.loads(sf().booking(replace(ORDER, contents=("证" * 129, "证" * 128))).kept)["cargoDetails"]
    ]
    assert names == ["证" * 127 + "…", "证" * 128]


@pytest.mark.parametrize(("setting", "told"), [(1, 2), (2, 1), (3, 3)])
def test_on_the_way_to_the_centre_the_centre_still_pays_and_a_courier_is_asked_for(setting, told):
    """payMethod counts from the sender: unchanged, the applicant would be asked for the money."""
    inbound = replace(ORDER, direction="inbound", sender=CITIZEN, recipient=ORDER.sender)
    order = json.loads(sf(pay_method=setting).booking(inbound).kept)
    assert (order["payMethod"], order["isDocall"]) == (told, 1)


def test_every_other_question_names_its_parcel_and_nothing_more():
    post = sf(confirms=True)
    assert json.loads(post.look_up("ZD1").kept) == {"orderId": "ZD1", "searchType": "1", "language": "zh-CN"}
    assert json.loads(post.cancelling(PARCEL).kept) == {"orderId": ORDER.order_no, "dealType": 2, "language": "zh-CN"}
    assert json.loads(post.announcing(PARCEL).kept) == {
        "orderId": ORDER.order_no,
        "dealType": 1,
        "language": "zh-CN",
        "waybillNoInfoList": [{"waybillType": 1, "waybillNo": NUMBER}],
    }
    assert json.loads(post.question(PARCEL).kept) == {
        "language": "zh-CN",
        "trackingType": "1",
        "trackingNumber": [NUMBER],
        "methodType": "1",
        "checkPhoneNo": "0001",
    }


@pytest.mark.parametrize("phone", ["", "123", "0578-50x", "１２３４"])
def test_a_phone_without_four_last_digits_is_not_told(phone):
    assert "checkPhoneNo" not in json.loads(sf().question(Parcel(NUMBER, phone=phone)).kept)


def test_only_an_account_that_confirms_announces():
    assert sf().announcing(PARCEL) is None
