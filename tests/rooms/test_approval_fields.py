"""Each field of a decided case: what is taken, how it is written, and what a clerk is told."""

import subprocess
import sys
from datetime import date, datetime

import pytest
from approval_rows import on_one_line, only, problems, row_with, taken

from dispatch.hall_time import SHANGHAI


@pytest.mark.parametrize(
    "number",
    ["360426199101010071", *(f"3301061990010100{tail}" for tail in ("18", "26", "34", "42", "50"))],
)
def test_citizen_numbers_of_the_standard_are_taken(number: str) -> None:
    assert taken(row_with(applicant_id_no=number)).applicant_id_no == number


@pytest.mark.parametrize(
    "code", ["91110000600037341L", "11330100MB1234567E", "91330106MA2AAAAA15", "12330000000000001C"]
)
def test_credit_codes_of_the_standard_are_taken(code: str) -> None:
    given = row_with(applicant_kind="法人及其他组织", applicant_id_no=code.lower())
    assert taken(given).applicant_id_no == code


@pytest.mark.parametrize(
    ("kind", "number", "wrong"),
    [
        ("自然人", "330106199001010019", "校验码"),
        ("自然人", "330106199013010018", "出生日期"),
        ("自然人", "33010619900101001", "现有17位"),
        ("自然人", "330106900101001", "15位旧号码"),
        ("自然人", "91330106MA2AAAAA15", "18位"),
        ("法人及其他组织", "330106199001010018", "校验码"),
        ("法人及其他组织", "91330106MA2AAAAA16", "校验码"),
        ("法人及其他组织", "9133O106MA2AAAAA15", "不会有“O”"),
        ("自然人", 3.30106199001010018e17, "丢失"),
        ("自然人", "3.30106E+17", "丢失"),
    ],
)
def test_a_number_of_identity_that_is_wrong_says_why(kind: str, number: object, wrong: str) -> None:
    problem = only(row_with(applicant_kind=kind, applicant_id_no=number))
    assert problem.field == "申请人证件号码"
    assert wrong in problem.wrong


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("+86 139-0000-0101", "13900000101"),
        ("008613900000101", "13900000101"),
        ("１３９０００００１０１", "13900000101"),
        (13900000101.0, "13900000101"),
        (13900000101, "13900000101"),
        ("(0578) 5082345", "0578-5082345"),
        ("0578—5082345", "0578-5082345"),
        ("01062345678", "010-62345678"),
        ("+852 2345 6789", "+85223456789"),
        ("00853 28881234", "+85328881234"),
    ],
)
def test_phone_numbers_are_written_one_way(written: object, kept: str) -> None:
    assert taken(row_with(slip__phone=written)).slip.phone == kept


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("1390000010", "现有10位"),
        ("139000001011", "现有12位"),
        ("5082345", "没有区号"),
        ("0578-5082345转801", "不是一个电话号码"),
        ("13900000101/13900000102", "不是一个电话号码"),
        ("+1 202 555 0123", "不是内地或港澳"),
        ("4001234567", "不是手机"),
        ("无", "不是一个电话号码"),
        ("", "没有填"),
    ],
)
def test_a_phone_number_that_cannot_be_called_says_why(written: str, wrong: str) -> None:
    problem = only(row_with(slip__phone=written))
    assert problem.field == "收件人电话"
    assert wrong in problem.wrong


@pytest.mark.parametrize(
    "line", ["浙江省丽水市景宁畲族自治县大均乡示例村1号", "景宁县大均乡示例村１号", "景宁 大均乡示例村1号"]
)
def test_a_free_line_is_read_into_the_same_parts(line: str) -> None:
    slip = taken(on_one_line(line)).slip
    assert (slip.province, slip.city, slip.county, slip.town) == ("浙江省", "丽水市", "景宁畲族自治县", "大均乡")
    assert slip.detail == "示例村1号"
    assert slip.address is None


@pytest.mark.parametrize(
    ("line", "lacking"),
    [
        ("景宁畲族自治县人民中路1号", "乡镇（街道）"),
        ("丽水市人民街1号", "县（市、区）、乡镇（街道）"),
        ("3幢301室", "省、市、县（市、区）、乡镇（街道）"),
        ("浙江省丽水市景宁畲族自治县大均乡", "详细地址"),
    ],
)
def test_a_free_line_that_is_incomplete_says_what_is_missing(line: str, lacking: str) -> None:
    problem = only(on_one_line(line))
    assert problem.field == "收件地址"
    assert f"认不出{lacking}（" in problem.wrong


def test_an_incomplete_address_and_a_bad_phone_are_two_problems() -> None:
    assert len(problems(on_one_line("人民路1号") | {"slip.phone": "1"})) == 2


@pytest.mark.parametrize(
    ("part", "heading"), [("town", "乡镇（街道）"), ("county", "县（市、区）"), ("detail", "详细地址")]
)
def test_an_address_in_parts_must_have_each(part: str, heading: str) -> None:
    assert only(row_with(**{f"slip__{part}": ""})).field == heading


@pytest.mark.parametrize(
    ("province", "city", "county", "town"),
    [("北京市", "", "东城区", "东华门街道"), ("广东省", "东莞市", "", "虎门镇"), ("海南省", "", "琼海市", "嘉积镇")],
)
def test_places_that_lack_a_level_by_law_are_complete(province: str, city: str, county: str, town: str) -> None:
    place = {"slip__province": province, "slip__city": city, "slip__county": county, "slip__town": town}
    assert taken(row_with(**place)).slip.town == town


def test_an_address_given_in_both_forms_is_not_guessed() -> None:
    assert "只填一种" in only(row_with(slip__address="景宁县大均乡示例村2号")).right


def test_a_character_that_the_label_cannot_draw_is_named_with_its_code_point() -> None:
    problem = only(row_with(slip__recipient_name="周𬎆"), lambda text: [c for c in text if c == "𬎆"])
    assert "𬎆" in problem.wrong
    assert "U+2C386" in problem.wrong
    assert problem.field == "收件人"


def test_an_emoji_in_the_address_is_refused_by_the_fonts() -> None:
    assert "U+1F600" in only(row_with(slip__detail="1号😀"), lambda text: [c for c in text if c == "😀"]).wrong


@pytest.mark.parametrize("name", ["周\ue863", "周\U000f1234"])
def test_a_private_use_character_is_refused(name: str) -> None:
    assert "自造字" in only(row_with(applicant_name=name)).wrong


@pytest.mark.parametrize("name", ["蓝\u200b样", "蓝\u202e样", "蓝\x07样"])
def test_characters_that_nobody_sees_are_refused(name: str) -> None:
    assert "看不见" in only(row_with(slip__recipient_name=name)).wrong


@pytest.mark.parametrize(
    "name", ["蓝𬭎", "雷㛃", "钟䶮", "陈堃", "张𠮷", "周𬎆", "阿依古丽·示例", "=1+1", "@SUM(A1)", "-2"]
)
def test_rare_minority_and_formula_like_names_are_kept_as_text(name: str) -> None:
    assert taken(row_with(slip__recipient_name=name)).slip.recipient_name == name


def test_a_name_of_three_hundred_characters_is_refused() -> None:
    problem = only(row_with(slip__recipient_name="蓝" * 300))
    assert "300" in problem.wrong
    assert problem.value is not None
    assert len(problem.value) < 100


@pytest.mark.parametrize(
    "cell",
    [
        date(2026, 11, 2),
        datetime(2026, 11, 2),  # noqa: DTZ001 - as spreadsheets have it
        46328,
        46328.0,
        "46328",
        "2026-11-02",
        "2026/11/2",
        "2026年11月2日",
        "20261102",
        "２０２６-１１-０２",
        "2026-11-02 00:00:00",
    ],
)
def test_dates_are_read_as_people_and_spreadsheets_write_them(cell: object) -> None:
    assert taken(row_with(decided_at=cell)).decided_at == datetime(2026, 11, 2, tzinfo=SHANGHAI)


def test_an_excel_serial_keeps_its_time_of_day() -> None:
    assert taken(row_with(decided_at=46328.395833333)).decided_at == datetime(2026, 11, 2, 9, 30, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("cell", "wrong"),
    [
        ("2026-11-25", "还没有到"),
        ("1999-12-31", "太早"),
        ("2026-02-30", "日历上没有"),
        ("11/02/26", "不是日期"),
        ("", "没有填"),
        (True, "不是日期"),
        (float("nan"), "不是日期"),
    ],
)
def test_a_date_that_cannot_be_says_why(cell: object, wrong: str) -> None:
    assert wrong in only(row_with(decided_at=cell)).wrong


def test_today_and_tomorrow_are_not_the_future() -> None:
    taken(row_with(decided_at="2026-11-23"))
    taken(row_with(decided_at="2026-11-24"))


def test_the_free_line_parser_says_nothing_on_the_terminal_and_loads_late() -> None:
    program = (
        "import sys; from dispatch.approval.fields.address import read_line; assert 'jionlp' not in sys.modules;"
        "assert read_line('景宁县大均乡示例村1号').town == '大均乡'"
    )
    ran = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


FIRST_LINE = """
import io, sys, contextlib
with contextlib.redirect_stdout(io.StringIO()):
    import jionlp
reader = type(jionlp.parse_location)
prepared, as_it_is = [], reader._prepare
reader._prepare = lambda self: prepared.append("began") or as_it_is(self) or prepared.append("ready")
from dispatch.approval.fields import address
address._reader()
before = list(prepared)
address.read_line("浙江省丽水市景宁畲族自治县澄照乡团结西路40号")
assert before and before[-1] == "ready" and prepared == before, (before, prepared)
"""


def test_who_may_read_a_free_line_finds_the_tables_full_so_two_first_lines_at_once_are_read_alike() -> None:
    done = subprocess.run([sys.executable, "-c", FIRST_LINE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
