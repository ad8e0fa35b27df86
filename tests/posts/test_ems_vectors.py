"""The EMS dialect against published vectors and tables: envelope, codes, numbers, times."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.journey import News, Observed, Signer, Tracked, fold, taken_back
from dispatch.posts.ems.booking import is_waybill_no
from dispatch.posts.ems.codes import OPERATIONS, VOIDS, meaning
from dispatch.posts.ems.envelope import EnvelopeError, unwrap, wrap
from dispatch.posts.ems.trace import read_event
from dispatch.posts.times import read_time, wire_time
from sandbox.ems.envelope import seal, unseal
from tests.posts.vectors import VECTORS

OFFICIAL = VECTORS["ems_official"]
SK = OFFICIAL["sk"]


# The envelope.


def test_the_official_sample_is_made_byte_for_byte():
    assert wrap(OFFICIAL["json"], SK) == OFFICIAL["out"]


def test_the_official_sample_opens_to_the_json_without_the_key_text():
    assert unwrap(OFFICIAL["out"], SK) == OFFICIAL["json"]


awkward = st.text(
    alphabet=st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("*~+/ \"'\\蓝𠮷🏮|$="))
)


@given(awkward, st.binary(min_size=16, max_size=16))
def test_any_text_survives_the_envelope_both_ways_and_another_implementation_reads_it(text, key):
    sk = base64.b64encode(key).decode()
    assert unseal(wrap(text, sk), sk) == text + sk
    assert unwrap(wrap(text, sk), sk) == text


@given(st.dictionaries(awkward, awkward, max_size=4))
def test_a_push_opens_with_and_without_the_key_text_behind_it(body):
    told = json.dumps(body, ensure_ascii=False)
    assert json.loads(unwrap(seal(told, SK), SK)) == body
    assert json.loads(unwrap(seal(told + SK, SK), SK)) == body


@given(st.binary(max_size=80))
def test_bytes_that_are_no_ciphertext_are_refused_and_never_crash_the_door(noise):
    for wrapped in ("|$4|" + base64.b64encode(noise).decode(), noise.decode("latin-1")):
        try:
            unwrap(wrapped, SK)
        except EnvelopeError:
            continue


def test_a_changed_mark_another_key_and_broken_base64_do_not_open():
    other = base64.b64encode(b"another sixteen!").decode()
    for wrapped, key in ((OFFICIAL["out"][4:], SK), (OFFICIAL["out"], other), (OFFICIAL["out"][:-1], SK), ("", SK)):
        with pytest.raises(EnvelopeError):
            unwrap(wrapped, key)


# The tables: 妥投代码 and 未妥投代码 as published, with the class that the reading of them recommends.

ASK = (News.DELIVERED, Signer.UNKNOWN)
POINT = (News.AWAITING_PICKUP, None)
DELIVERED_CODES = {
    "10": (News.DELIVERED, Signer.SELF),
    "20": (News.DELIVERED, Signer.PROXY),
    "60": (News.DELIVERED, Signer.MAILROOM),
    "70": (News.DELIVERED, Signer.PROPERTY),
    "160": (News.DELIVERED, Signer.VILLAGE),
    "162": (News.DELIVERED, Signer.OFFICE),
    **dict.fromkeys(("30", "50", "80", "90", "120", "150", "163", "164", "165", "167"), POINT),
    **dict.fromkeys(("100", "161", "166", "168", "169", "181", "ZDY", ""), ASK),
    "180": (News.UNKNOWN, None),  # 理赔签收: signed for a claim, in nobody's hands that we could name
}
NOT_DELIVERED_CODES = {
    **dict.fromkeys(("", "1", "4", "6", "16"), News.ATTEMPT_FAILED),
    **dict.fromkeys(("2", "3", "5", "11", "12"), News.ADDRESS_UNCLEAR),  # 11, 12: to another address than the slip's
    "7": News.RECIPIENT_REFUSED,
    **dict.fromkeys(("8", "9", "14"), News.AWAITING_PICKUP),
    **dict.fromkeys(("10", "15"), News.RETURNING),
    "13": News.LOST,
}
OPERATION_CODES = {
    **dict.fromkeys(("203", "208"), News.COLLECTED),
    **dict.fromkeys(("303", "305", "336", "345", "356", "358", "360", "389", "396", "516", "954"), News.IN_TRANSIT),
    "713": News.AT_OFFICE,
    **dict.fromkeys(("702", "749"), News.OUT_FOR_DELIVERY),
    "705": News.ATTEMPT_FAILED,
    **dict.fromkeys(("747", "723"), News.AWAITING_PICKUP),
    "704": News.DELIVERED,
    "748": News.FETCHED,
    **dict.fromkeys(("708", "741", "312", "326", "405", "447", "750"), News.RETURNING),
    "711": News.RETURNED,
    **dict.fromkeys(("207", "212", "304", "424", "448", "472", "474", "483", "742", "743", "744"), News.VOIDING),
    **dict.fromkeys(("987", "988"), News.LOST),
    **dict.fromkeys(("801", "013", "993", "651", "751"), News.UNKNOWN),
    **dict.fromkeys(("756", "802", "803"), News.UNKNOWN),  # 改址: it leaves the way that was agreed
    **dict.fromkeys(("470", "564"), News.UNKNOWN),  # held by customs: it waits for somebody
}
NEVER_DELIVERED = ("711", "743", "741", "744", "463", "O_016")
ABROAD = """C_001 到达 · C_002 待清关 · C_003 已通关 · C_004 税单已出 · C_005 待征税 · C_006 待申报 ·
C_007 申报审核未通过 · C_008 已放行 · C_009 退运 · C_010 正在报关 · C_011 海关查扣 · C_012 清关延误 ·
C_032 已通关 · C_033 正在报关 · O_001 入库收寄 · O_002 已通关 · O_003 送往机场 · O_004 离港 ·
O_005 转运中 · O_006 停发 · O_007 目的地转运中 · O_008 到达处理中心 · O_009 离开处理中心 · O_010 已投递 ·
O_011 退回 · O_012 拒收 · O_013 投递失败 · O_014 出门投递 · O_016 已妥投 · O_017 到达待取 ·
O_020 邮件复重 · O_022 离境封发 · O_029 互封封发 · O_031 等待出口清关 · O_032 离开收寄机构 ·
O_033 达到处理中心 · O_034 离开处理中心 · O_035 启运 · O_036 中转 · O_037 到达 · O_038 目的国待清关 ·
O_039 目的国待申报 · O_040 目的国申报审核未通过 · O_041 目的国海关查扣 · O_042 目的国清关延误 ·
O_043 目的国已通关 · O_044 目的国已放行 · O_045 出口清关异常 · O_046 出口清关完成 · O_047 承运商接收 ·
O_048 目的国清关异常 · O_049 到达投递点 · O_050 已交承运商运输 · O_051 到达境外目的地 ·
V_398 处理中心封车 · V_954 邮件到达处理中心 · EDA 进口互换局留存 · EDAD 进口互换局留存删除 ·
EDB 送交进口海关 · EDC 进口海关放行 · EDCD 进口海关放行删除 · EME 进口海关留存待验 ·
EMED 进口海关留存待验删除 · EXA 送交出口海关/安全 · EXAD 送交出口海关/安全删除 · EXB 出口海关/安全留存待验 ·
EXBD 出口海关/安全留存待验删除 · EXC 出口海关/安全放行 · EXCD 出口海关/安全放行删除 · EXD 出口互换局留存 ·
EXDD 出口互换局留存删除"""
"""The international codes of CARRIERS §1.8, written down a second time."""


@pytest.mark.parametrize(("detail", "meant"), DELIVERED_CODES.items())
def test_each_code_of_a_delivery_says_who_signed_and_no_more_than_it_says(detail, meant):
    assert meaning("704", detail) == meant


@pytest.mark.parametrize(("detail", "meant"), NOT_DELIVERED_CODES.items())
def test_each_code_of_a_failed_delivery_says_why(detail, meant):
    assert meaning("705", detail) == (meant, None)


@pytest.mark.parametrize(("code", "meant"), OPERATION_CODES.items())
def test_each_operation_code_has_the_meaning_that_was_agreed(code, meant):
    assert meaning(code, "")[0] is meant


@pytest.mark.parametrize("detail", ["999", "1O", "10 ", "010", "本人签收", "-1"])
def test_a_sub_code_that_is_not_in_the_table_is_not_guessed_from_its_looks(detail):
    assert meaning("704", detail) == (News.UNKNOWN, None)
    assert meaning("705", detail) == (News.UNKNOWN, None)


@pytest.mark.parametrize("code", ["", "Z99", "7O4", "704 ", "妥投", "O_018", "o_016", "C_013", "EDBD", "0704"])
def test_an_operation_code_that_is_not_in_the_table_is_unknown_whatever_it_looks_like(code):
    assert meaning(code, "10")[0] is News.UNKNOWN


@pytest.mark.parametrize("code", NEVER_DELIVERED)
def test_a_name_with_the_word_for_delivered_in_it_is_not_a_delivery(code):
    assert "妥投" in OPERATIONS[code][0]
    assert meaning(code, "10")[0] not in {News.DELIVERED, News.FETCHED}


def test_every_published_code_of_customs_and_of_carriage_abroad_is_known_by_its_official_name():
    """One that is missing would stand before a clerk as a code that nobody has published."""
    published = dict(row.split() for row in ABROAD.split("·"))
    assert len(published) == 71
    assert {code: OPERATIONS[code][0] for code in published} == published


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        *((code, News.IN_TRANSIT) for code in ("C_001", "O_008", "O_009", "O_033", "V_954", "EDA", "EXD")),
        *((code, News.UNKNOWN) for code in ("O_010", "O_016", "O_006", "C_004", "C_006", "C_009", "C_011", "O_041")),
        *((code, News.NOTE) for code in ("C_010", "EDB", "EME", "EXC", "O_020")),
        ("O_001", News.COLLECTED),
        ("O_011", News.RETURNING),
        ("O_012", News.RECIPIENT_REFUSED),
        ("O_013", News.ATTEMPT_FAILED),
        ("O_014", News.OUT_FOR_DELIVERY),
        ("O_017", News.AWAITING_PICKUP),
    ],
)
def test_what_no_domestic_document_sees_moves_it_only_where_the_name_leaves_no_doubt(code, meant):
    assert meaning(code, "10") == (meant, None)


@pytest.mark.parametrize("code", ["EDA", "EDC", "EME", "EXA", "EXB", "EXC", "EXD"])
def test_what_customs_or_the_exchange_office_deletes_is_taken_back(code):
    at = datetime(2026, 11, 20, 1, tzinfo=UTC)
    told = [
        Observed(at, "203", News.COLLECTED),
        Observed(at + timedelta(hours=1), code, meaning(code, "")[0]),
        Observed(at + timedelta(hours=2), f"{code}D", meaning(f"{code}D", "")[0], voids=VOIDS[f"{code}D"]),
    ]
    assert (at + timedelta(hours=1), code) in taken_back(told)
    assert fold(told).state is Tracked.COLLECTED


def test_only_704_is_a_delivery_and_only_748_a_fetching():
    delivered = [code for code in OPERATIONS if meaning(code, "10")[0] in {News.DELIVERED, News.FETCHED}]
    assert sorted(delivered) == ["704", "748"]


def test_every_voiding_code_names_codes_that_exist_and_are_no_voidings():
    assert {code for code, (_, news) in OPERATIONS.items() if news is News.VOIDING} == set(VOIDS)
    assert all(OPERATIONS[named][1] is not News.VOIDING for names in VOIDS.values() for named in names)


def test_the_sub_code_of_the_other_kind_of_news_is_not_taken_for_this_ones():
    told = {"waybillNo": "1100000000001", "opTime": "2026-11-20 09:00:00", "opCode": "705"}
    assert read_event({**told, "deliverCode": "10"}).news is News.ATTEMPT_FAILED
    assert read_event({**told, "attemptDeliveryCode": 7}).news is News.RECIPIENT_REFUSED


# Numbers.


@pytest.mark.parametrize("number", ["EB000717618HK", "EB000717595HK", "EE471108151FR", "RR473124829GB"])
def test_published_s10_numbers_are_accepted_and_any_other_check_digit_is_refused(number):
    assert [str(c) for c in range(10) if is_waybill_no(f"{number[:10]}{c}{number[11:]}")] == [number[10]]


@pytest.mark.parametrize(("serial", "check"), [("00071758", 1), ("96633102", 0), ("76129403", 8), ("47312482", 9)])
def test_the_check_digit_of_s10_follows_its_weights_with_ten_as_nought(serial, check):
    assert [c for c in range(10) if is_waybill_no(f"EE{serial}{c}CN")] == [check]


@pytest.mark.parametrize(
    "number", ["1100000000001", "5012345678901", "9712345678901", "1234567890123", "9812345678901"]
)
def test_thirteen_digits_are_a_number_for_no_check_digit_is_published(number):
    assert is_waybill_no(number)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "110000000000",
        "11000000000011",
        "110000000000a",
        "1100000000001 ",
        "１１０００００００００01",
        "eb000717618hk",
        "EB000717618H1",
        "1B000717618HK",
        "EB00071761ⅧHK",
        "SF1234567890123",
        "-100000000001",
        "1100000000001\n",
    ],
)
def test_what_is_no_number_is_refused(number):
    assert not is_waybill_no(number)


# Times.


def test_a_time_without_a_zone_is_beijing_time():
    assert read_time("2026-11-23 00:30:00") == datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
    assert wire_time(datetime(2026, 11, 22, 16, 30, tzinfo=UTC)) == "2026-11-23 00:30:00"
    tokyo = timezone(timedelta(hours=9))
    assert wire_time(datetime(2026, 11, 23, 1, 30, tzinfo=tokyo)) == "2026-11-23 00:30:00"


@given(st.datetimes(min_value=datetime(1992, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_a_time_comes_back_to_the_second(at):
    moment = at.replace(microsecond=0, tzinfo=UTC)
    assert read_time(wire_time(moment)) == moment


@pytest.mark.parametrize("text", ["", "2026-11-23", "2026-13-01 00:00:00", "2026-11-23T00:00:00Z", "昨天"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - any ValueError: its text is never shown
        read_time(text)


def test_the_null_date_of_other_systems_is_refused_and_does_not_break_the_reader():
    with pytest.raises(ValueError, match="0001"):
        read_time("0001-01-01 00:00:00")
