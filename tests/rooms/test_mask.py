"""Masking: what must be hidden is hidden, whatever the text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.mask import mask_address, mask_address_to_town, mask_name, mask_phone


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("任长霞", "任**"),
        ("欧阳修", "欧**"),
        ("王", "*"),
        ("𬎆", "*"),
        ("𠮷田", "𠮷*"),
        ("买买提·艾山江", "买**·***"),
        ("Anna Schmidt", "A*** *******"),
        ("  任 ", "*"),
        ("A·", "*"),
        ("", ""),
        ("   ", ""),
        ("王" * 500, "王" + "*" * 29),
        ("葛\U000e0100亮", "葛*"),
    ],
)
def test_names(name: str, shown: str) -> None:
    assert mask_name(name, organisation=False) == shown


def test_organisations_are_not_personal() -> None:
    assert mask_name(" 建德市某某\n有限公司 ", organisation=True) == "建德市某某 有限公司"
    assert mask_name("", organisation=True) == ""


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13800138034", "138******34"),
        ("+86 138-0013-8034", "138******34"),
        ("１３８００１３８０３４", "138******34"),
        ("0571-64812345", "0571-******45"),
        ("(0571)6481234 转 8012", "0571-******4"),
        ("0571-64812345-801", "0571-******45"),
        ("010-12345678", "010-******78"),
        ("86-0571-64812345", "0571-******45"),
        ("13800138034/13900139000", "138******34"),
        ("400-800-8820", "40******20"),
        ("64812345", "******45"),
        ("12345", "******"),
        ("没有", "******"),
        ("", ""),
    ],
)
def test_phones(phone: str, shown: str) -> None:
    assert mask_phone(phone) == shown


HERE = ("浙江省", "杭州市", "建德市", "新安江街道")


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        ("严州大道1288号3幢2单元501室", "严州大道****号*幢*单元***室"),
        ("严州大道三幢二单元五零一室", "严州大道*幢*单元***室"),
        ("五一路12号", "五一路**号"),
        ("凤凰村８号", "凤凰村*号"),
        ("八一村十二组7号", "八一村**组*号"),
        ("320国道旁15号", "320国道旁**号"),
        ("2号大街8号", "2号大街*号"),
        ("解放路88号村委会", "解放路**号村委会"),
        ("B栋A-501", "*栋*-***"),
        ("1501A室", "*****室"),
        ("凤凰村（张三家隔壁）", "凤凰村"),
        ("浙江省杭州市建德市新安江街道凤凰村", "凤凰村"),
        ("", ""),
    ],
)
def test_addresses(detail: str, shown: str) -> None:
    assert mask_address(*HERE, detail) == "浙江省杭州市建德市新安江街道" + shown


def test_public_page_shows_the_town_and_nothing_below() -> None:
    assert mask_address_to_town(*HERE) == "浙江省杭州市建德市新安江街道"
    assert mask_address_to_town("北京市", "市辖区", "东城区", "") == "北京市东城区"
    assert mask_address_to_town("北京市", "北京市", "东城区", " 东华门街道 ") == "北京市东城区东华门街道"
    assert mask_address_to_town("", "", "", "") == ""


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(max_size=40))
def test_a_name_always_hides_something(name: str) -> None:
    shown = mask_name(name, organisation=False)
    assert len(shown) <= 30
    assert not shown or "*" in shown


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(alphabet="0123456789+-() /转１２３ab", max_size=24))
def test_a_number_always_hides_six_digits(phone: str) -> None:
    shown = mask_phone(phone)
    assert not shown or shown.count("*") >= 6


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(alphabet="严州幢单元室号楼AB12390一二三-#（）路", max_size=24))
def test_no_building_unit_or_room_shows(detail: str) -> None:
    shown = mask_address("", "", "", "", detail)
    for place in ("幢", "单元", "室"):
        for part in shown.split(place)[:-1]:
            assert not part or part[-1] not in "12390一二三AB"
