"""The order as 政务专递 gets it: the cipher byte for byte, every field in its place, both directions."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.carrier import (
    Knock,
    Means,
    NotVouched,
    Parcel,
    Refused,
    Standing,
)
from dispatch.posts.gov_ems.des import deciphered, enciphered
from dispatch.posts.xml import carriable, named, text_at
from dispatch.settings import Settings
from tests.posts.gov_ems_samples import CENTRE, CITIZEN, KEY, NUMBER, ORDER, VECTOR, awkward, field, post, said, sent

# The cipher and the envelope.


def test_the_vector_is_made_byte_for_byte_and_opens_again():
    assert enciphered(VECTOR["xml"], KEY) == VECTOR["hex"]
    assert deciphered(VECTOR["hex"], KEY) == VECTOR["xml"]


def test_the_question_for_the_vectors_order_is_the_vector():
    call = post().look_up("XF0001")
    assert call.kept == VECTOR["xml"]
    assert f"<arg0>{VECTOR['hex']}</arg0>" in call.request.body.decode()


def test_the_envelope_is_soap_1_1_as_published():
    request = post().look_up("XF0001").request
    assert request.body.decode() == (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:s="http://service.cityToGovService.sparknet.com.cn/"><soapenv:Body><s:CityGetGovLogis>'
        f"<arg0>{VECTOR['hex']}</arg0></s:CityGetGovLogis></soapenv:Body></soapenv:Envelope>"
    )
    assert (request.content_type, request.headers["SOAPAction"]) == ("text/xml;charset=utf-8", '""')


@given(awkward, st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=8, max_size=8))
def test_any_text_survives_the_cipher(text, key):
    assert deciphered(enciphered(text, key), key) == text


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_name_arrives_with_every_field_in_its_place(name, contents):
    order = replace(ORDER, recipient=replace(CITIZEN, name=name), contents=(contents,))
    assert field(order, "RCV_NAME") == carriable(name).strip()
    assert field(order, "RCV_PHONE") == CITIZEN.phone
    assert field(order, "ITEM") == f"{carriable(contents)}（须上门投递）".strip()


@pytest.mark.parametrize("key", ["short", "ninebytes", "政务专递八个字符"])
def test_a_key_that_is_not_eight_bytes_enciphers_nothing(key):
    with pytest.raises(ValueError, match="8 个字节"):
        enciphered("x", key)


@pytest.mark.parametrize("arg0", ["", "zz", "00", VECTOR["hex"][:-2], VECTOR["hex"][:-16]])
def test_what_was_not_enciphered_under_the_key_does_not_open(arg0):
    with pytest.raises(ValueError):  # noqa: PT011 - any ValueError: its text is never shown
        deciphered(arg0, KEY)


# The order.


def test_an_envelope_of_several_cases_names_each_of_them():
    cases = named(sent(ORDER), "ApplyInfo")
    assert [(text_at(case, "INTERNAL_NO"), text_at(case, "ZWFWZX_CODE")) for case in cases] == [
        ("331127202611220001", "3200JT"),
        ("331127202611220002", "3200JT"),
    ]


def test_a_result_goes_out_at_the_centres_cost():
    codes = [field(ORDER, name) for name in ("NET_TYPE", "POST_TYPE", "BUSS_TYPE")]
    assert codes == ["2", "1", "1"]
    assert (field(ORDER, "SEND_NAME"), field(ORDER, "RCV_NAME")) == (CENTRE.name, CITIZEN.name)


def test_materials_come_in_at_the_centres_cost_too():
    """«Sender pays» on this leg would make the citizen pay."""
    inbound = replace(ORDER, direction="inbound", sender=CITIZEN, recipient=CENTRE)
    assert [field(inbound, name) for name in ("NET_TYPE", "POST_TYPE", "BUSS_TYPE")] == ["1", "2", "2"]
    assert (field(inbound, "SEND_NAME"), field(inbound, "RCV_NAME")) == (CITIZEN.name, CENTRE.name)
    assert field(inbound, "RCV_POSTCODE") == CENTRE.postcode


def test_every_field_of_the_table_is_there_under_its_own_spelling():
    (info,) = named(sent(ORDER, department_codes={"县市场监督管理局": "SC01"}), "PostInfo")
    assert {child.tag: child.text or "" for child in info} == {
        "EMS_ORD_NO": "XF0001",
        "MAIL_NUM": "",
        "GOV_TB_NAME": "12",
        "POST_TYPE": "1",
        "NET_TYPE": "2",
        "BUSS_TYPE": "1",
        "SEND_NAME": "县政务服务中心",
        "SEND_PROV": "浙江省",
        "SEND_CITY": "丽水市",
        "SEND_COUNTRY": "景宁畲族自治县",
        "SEND_STRECT": "人民中路1号",
        "SEND_PHONE": "0578-5082345",
        "SEND_CALL": "0578-5082345",
        "RCV_NAME": "蓝小雨",
        "RCV_PROV": "浙江省",
        "RCV_CITY": "丽水市",
        "RCV_COUNTRY": "景宁畲族自治县",
        "RCV_STRECT": "红星街道团结西路8号",
        "RCV_PHONE": "13900000001",
        "RCV_CALL": "13900000001",
        "RCV_POSTCODE": "000000",
        "ITEM": "食品经营许可证、告知书（须上门投递）",
        "CHK_CODE": "482915",
        "ISSEND": "2",
        "ORGNAME": "县市场监督管理局",
        "ORGNAME_ID": "SC01",
        "SENDTIME": "2026-11-20 09:00:00",
        "ZWFWZX_CODE": "3200JT",
    }


def test_the_same_order_is_the_same_text_and_is_said_again_word_for_word():
    one, two = post().booking(ORDER), post().booking(replace(ORDER))
    assert one == two
    changed = post(window="13").booking(ORDER)
    assert post(window="13").again(changed, one.kept).request == one.request
    assert KEY not in one.kept


def test_long_descriptions_are_shortened_in_sight_and_the_way_of_delivery_stays():
    item = field(replace(ORDER, contents=("许" * 300,)), "ITEM")
    assert len(item) == 200
    assert item.endswith("许…（须上门投递）")
    crowded = replace(ORDER, way_of_delivery="点" * 198)
    assert field(crowded, "ITEM") == f"（{crowded.way_of_delivery}）"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"order_no": "X" * 31}, "订单号"),
        ({"collection_code": "1234567"}, "取件验证码"),
        ({"recipient": replace(CITIZEN, phone="0578-5082345-8012")}, "收件人电话"),
        ({"recipient": replace(CITIZEN, postcode="3" * 21)}, "邮编"),
        ({"recipient": replace(CITIZEN, name="蓝" * 21)}, "收件人姓名超过 20 "),
        ({"recipient": replace(CITIZEN, address="路" * 197 + "301室")}, "收件地址超过 200 "),
        ({"sender": replace(CENTRE, name="县" * 21)}, "寄件人姓名超过 20 "),
        ({"sender": replace(CENTRE, address="路" * 201)}, "寄件地址超过 200 "),
        ({"way_of_delivery": "点" * 199}, "投递方式超过 200 "),
    ],
)
def test_what_would_be_another_thing_when_cut_is_refused_before_it_is_sent(change, words):
    """A cut name is another person, a cut address has lost its room."""
    with pytest.raises(Refused, match=f"{words}.*收不下"):
        post().booking(replace(ORDER, **change))


def test_how_long_a_name_may_be_is_the_accounts_to_say():
    company = replace(ORDER, recipient=replace(CITIZEN, name="景宁畲族自治县红星街道团结西路某某食品有限公司"))
    assert field(company, "RCV_NAME", name_most=30) == company.recipient.name


# The account.


def test_it_does_not_exist_unless_it_is_set():
    assert Settings().gov_ems is None


def test_it_is_the_postal_enterprise_that_is_looked_up_by_our_number():
    ours = post()
    assert (ours.standing, ours.means, ours.name) == (Standing.POSTAL, Means.LOOK_UP, "gov_ems")
    assert ours.cancelling(Parcel(NUMBER, "XF0001")) is None
    assert ours.question(Parcel(NUMBER)) is None
    assert ours.question(Parcel(NUMBER, "XF0001")) == ours.look_up("XF0001")
    assert (ours.code_name("F"), ours.code_name("C")) == ("寄件人已签收（退回）", "")
    assert [ours.is_number(text) for text in (NUMBER, "EB000717618HK", "12345")] == [True, True, False]


KNOCKS: list[Callable[[], Knock]] = [lambda: Knock(b""), lambda: Knock(said("0").raw, "text/xml")]


@pytest.mark.parametrize("knock", KNOCKS)
def test_whoever_pushes_here_is_turned_away(knock):
    with pytest.raises(NotVouched):
        post().vouch(knock())
    assert post().turn_away(knock(), "没有推送").status == 404


def test_a_key_of_another_length_is_refused_with_the_settings():
    with pytest.raises(ValueError, match="8"):
        post(des_key="1234567")
    assert KEY not in repr(post().account)
