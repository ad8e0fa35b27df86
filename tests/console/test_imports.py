"""Import at the counter: what is wrong is told row by row, the good rows are taken once, the bad ones come back."""

import csv
import dataclasses
import io
import re
from datetime import timedelta

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select, text

from dispatch.approval.case import Case
from dispatch.approval.decided_case import RowProblem
from dispatch.approval.files.inert import alive, in_workbook, inert
from dispatch.approval.lodge import lodge
from dispatch.approval.read_list import read_list
from dispatch.approval.upload.kept import HeadingMap, Import, forget_false_headings, forget_imports, remember
from dispatch.approval.upload.masked import masked
from dispatch.approval.upload.preview import upload
from dispatch.errors import NotFoundError
from dispatch.staff.role import Role
from tests.console.conftest import ORIGIN
from tests.rooms.approval_files import CELLS, HEAD, archive, case_of, row_of, workbook
from tests.rooms.approval_files import text as csv_text


def send(clerk, content: bytes, name: str = "清单.xlsx"):
    files = {"file": (name, content, "application/octet-stream")}
    return clerk.browser.post("/console/import", data={"csrf": clerk.csrf}, files=files, headers=ORIGIN)


def cases(world) -> list[str]:
    with world.reading() as session:
        return list(session.scalars(select(Case.case_no).order_by(Case.case_no)))


def tally(page: str) -> dict[str, int]:
    return {name: int(count) for name, count in re.findall(r'data-count="(\w+)">(\d+)<', page)}


@pytest.fixture
def clerk(person):
    return person(Role.WINDOW)


GOOD, BAD = row_of(case_no="A-1"), row_of(case_no="A-2", slip__phone="1390000010")


def test_the_preview_says_what_is_wrong_and_takes_nothing(world, clerk):
    answer = send(clerk, workbook([HEAD, GOOD, BAD]))
    page = clerk.get(answer.headers["location"]).text
    assert tally(page) == {"new": 1, "there": 0, "bad": 1}
    assert "收件人电话" in page
    assert '<td class="number">3</td>' in page, "the row, as Excel counts"
    assert "1390000010" not in page, "masked, like everything on a page"
    assert cases(world) == []


def test_the_good_rows_are_taken_once_however_often_the_button_is_pressed(world, clerk):
    at = send(clerk, workbook([HEAD, GOOD, BAD])).headers["location"]
    for _ in range(3):
        assert clerk.post(f"{at}/take").headers["location"] == at
        assert tally(clerk.get(at).text) == {"new": 1, "there": 0, "bad": 1}
    assert cases(world) == ["A-1"]


def test_a_file_that_is_sent_twice_is_one_upload(world, clerk):
    first, second = (send(clerk, workbook([HEAD, GOOD])).headers["location"] for _ in range(2))
    assert first == second
    with world.reading() as session:
        assert session.scalar(select(func.count()).select_from(Import)) == 1


def test_what_is_here_already_is_foreseen_and_what_says_otherwise_is_a_fault(world, clerk):
    at = send(clerk, workbook([HEAD, GOOD, row_of(case_no="A-3")])).headers["location"]
    clerk.post(f"{at}/take")
    again = [HEAD, GOOD, row_of(case_no="A-3", slip__phone="13900000999"), row_of(case_no="A-4")]
    page = clerk.get(send(clerk, workbook(again)).headers["location"]).text
    assert tally(page) == {"new": 1, "there": 1, "bad": 1}
    assert "已受理过，但内容不同" in page


def test_the_bad_rows_come_back_as_a_workbook_with_what_is_wrong_beside_and_go_in_once_mended(world, clerk):
    at = send(clerk, workbook([HEAD, GOOD, BAD])).headers["location"]
    clerk.post(f"{at}/take")
    saved = clerk.post(f"{at}/bad")
    assert "%E6%9C%AA%E6%94%B6.xlsx" in saved.headers["content-disposition"]
    [head, row] = CalamineWorkbook.from_filelike(io.BytesIO(saved.content)).get_sheet_by_index(0).to_python()
    assert head == [*HEAD, "未收原因"]
    assert row[:-1] == BAD
    assert "收件人电话" in row[-1]
    row[HEAD.index("收件人电话")] = "13900000102"
    again = send(clerk, workbook([head, row])).headers["location"]
    assert not again.endswith("/columns"), "our own column of faults is no unknown one"
    clerk.post(f"{again}/take")
    assert cases(world) == ["A-1", "A-2"]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig"])
def test_a_csv_comes_back_in_its_own_encoding_and_with_its_own_delimiter(clerk, encoding):
    at = send(clerk, csv_text([HEAD, GOOD, BAD], ";", encoding), "清单.csv").headers["location"]
    saved = clerk.post(f"{at}/bad").content
    assert saved.startswith(b"\xef\xbb\xbf") == (encoding == "utf-8-sig")
    rows = list(csv.reader(io.StringIO(saved.decode(encoding)), delimiter=";"))
    assert rows[0] == [*HEAD, "未收原因"]
    assert rows[1][:-1] == BAD


@pytest.mark.parametrize("live", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\tx"])
def test_a_cell_that_a_spreadsheet_would_compute_is_text_in_the_export(clerk, live):
    """Formula injection: the apostrophe goes away again when the mended file comes back."""
    rows = [HEAD, row_of(case_no="A-2", slip__phone="1", applicant_name=live)]
    at = send(clerk, csv_text(rows, ","), "清单.csv").headers["location"]
    saved = list(csv.reader(io.StringIO(clerk.post(f"{at}/bad").content.decode())))
    place = HEAD.index("申请人")
    assert saved[1][place] == f"'{live}"
    at = send(clerk, clerk.post(f"{at}/bad").content, "改.csv").headers["location"]
    again = list(csv.reader(io.StringIO(clerk.post(f"{at}/bad").content.decode())))
    assert again[1][place] == f"'{live}"


@pytest.mark.parametrize("number", ["A-2", "-777002", "'-777002", "''-777002", "'", "'A-2", "＝1", "' =1"])
def test_an_apostrophe_is_put_before_a_cell_and_taken_off_without_losing_one_of_its_own(number):
    assert alive(inert(number)) == alive(in_workbook(number)) == number
    assert not inert(number).lstrip(" ").startswith(("=", "+", "-", "@", "＝"))


def detail_once_mended(rows: list[list[object]], save=workbook) -> str:
    rows[1][HEAD.index("收件人电话")] = "13900000102"
    return case_of(read_list(save(rows), "改.xlsx")).slip.detail


@pytest.mark.parametrize("save", [csv_text, workbook])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_what_begins_like_a_formula_is_the_same_once_our_csv_was_mended_and_saved(clerk, encoding, save):
    """Saved as a workbook, which a spreadsheet proposes, the apostrophe became part of an address."""
    sent = csv_text([HEAD, row_of(slip__detail="-1层3号", slip__phone="1")], ",", encoding)
    bad = clerk.post(f"{send(clerk, sent, '清单.csv').headers['location']}/bad").content.decode(encoding)
    assert detail_once_mended(list(csv.reader(io.StringIO(bad))), save) == "-1层3号"


@pytest.mark.parametrize("detail", ["'-1层3号", "-1层3号", "'甲'座3号"])
def test_a_workbook_of_bad_rows_comes_back_with_the_apostrophes_of_its_own(clerk, detail):
    sent = workbook([HEAD, row_of(slip__detail=detail, slip__phone="1")])
    bad = clerk.post(f"{send(clerk, sent).headers['location']}/bad").content
    assert (
        detail_once_mended(CalamineWorkbook.from_filelike(io.BytesIO(bad)).get_sheet_by_index(0).to_python())
        == detail
    )


def test_a_formula_in_an_exported_workbook_is_a_string(clerk):
    at = send(clerk, workbook([HEAD, row_of(slip__phone="1", applicant_name="=1+1")])).headers["location"]
    saved = clerk.post(f"{at}/bad").content
    import zipfile  # noqa: PLC0415

    with zipfile.ZipFile(io.BytesIO(saved)) as packed:
        assert b"<f>" not in packed.read("xl/worksheets/sheet1.xml")


STRANGE = ["联系手机" if name == "收件人电话" else name for name in HEAD]


def test_an_unknown_heading_is_asked_for_once_and_remembered_for_the_same_set(world, clerk, person):
    at = send(clerk, workbook([STRANGE, GOOD])).headers["location"]
    assert at.endswith("/columns")
    page = clerk.get(at).text
    assert "认不出" in page
    assert "收件人电话" in page
    chosen = re.findall(r'<option value="([^"]*)" selected>', page)
    fields = [*chosen]
    fields.insert(STRANGE.index("联系手机"), "slip.phone")
    assert len(fields) == len(STRANGE)
    settled = clerk.post(at, {"field": fields})
    assert settled.status_code == 303, settled.text
    assert tally(clerk.get(settled.headers["location"]).text) == {"new": 1, "there": 0, "bad": 0}
    another = person(Role.DISPATCH)
    order = [*reversed(STRANGE)]
    again = send(another, workbook([order, [*reversed(row_of(case_no="B-1"))]])).headers["location"]
    assert tally(another.get(again).text)["new"] == 1, "the same headings in another order: nobody is asked again"


SOMEBODY = "蓝小雨13900001234"


@pytest.mark.parametrize("field", [name for name in CELLS if name != "case_no"])
def test_a_person_who_stands_in_any_wrong_column_is_masked_in_the_preview(clerk, field):
    """Columns are shifted easily: name and telephone stood in full under 投递方式."""
    rows = [HEAD, row_of(**({"slip__phone": ""} | {field.replace(".", "__"): SOMEBODY}))]
    page = clerk.get(send(clerk, workbook(rows)).headers["location"]).text
    assert tally(page)["bad"] == 1
    assert [told for told in ("蓝小雨", "小雨", "13900001234") if told in page] == []


def test_a_person_in_a_column_of_numbers_or_visits_is_masked_too(clerk):
    extra = ["申请方式", "跑动记录", "出件", "一件事编号", "证照已出", "公民身份号码"]
    for value in (SOMEBODY, f"{SOMEBODY}×100", f"网上办理;{SOMEBODY}", f"{SOMEBODY} 1", "330106199013010018"):
        rows = [
            [*row_of(case_no=f"A-{place}"), *(value if name == one else "" for one in extra)]
            for place, name in enumerate(extra)
        ]
        page = clerk.get(send(clerk, workbook([[*HEAD, *extra], *rows])).headers["location"]).text
        assert tally(page)["bad"] > 2, "what is refused is shown"
        assert [told for told in ("小雨", "13900001234", "19901301", "199013010018") if told in page] == [], value


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        ("slip.way", "须上门投递", "须上门投递"),
        ("slip.proxy_allowed", "村邮站", "村邮站"),  # two columns further than it should be: the clerk sees it
        ("slip.way", "送货上门", "送***"),
        ("decided_at", "2026-13-40", "2026-13-40"),
        ("decided_at", "20261332", "20261332"),
        ("decided_at", "65082345", "6*******"),
        ("case_no", "331127-2026-000123", "331127-2026-000123"),
        ("case_no", "景审〔2026〕12号", "景审〔2026〕12号"),
        ("case_no", "13900001234", "1**********"),
        ("case_no", "0578-5082345", "0***********"),
        ("case_no", "330106199001010018", "3*****************"),
        ("case_no", "蓝小雨", "蓝**"),
        ("department", "县公安局", "县公安局"),
        ("department", "蓝小雨", "蓝**"),
        ("visits", "窗口办理@2026-13-40", "窗口办理@2026-13-40"),
        ("visits", "窗口办理#蓝小雨", "窗*******"),
        ("slip.postcode", "32350", "32350"),
        ("slip.phone", "1390000010", "13******10"),
        ("slip.phone", "蓝小雨", "蓝**"),
        ("slip.address", "蓝小雨", "蓝**"),
        ("applicant_id_no", "欧阳望舒秋水", "欧*****"),
        ("item_name", "", ""),
    ],
)
def test_of_a_refused_value_is_shown_what_its_field_may_have(path, value, shown):
    assert masked(RowProblem(2, "", value, "", "", path)) == shown


def test_a_list_without_headings_is_refused_and_nobody_in_it_is_named_or_kept(world, clerk):
    """Its first person was shown unmasked, kept in the clear for ever as "headings", and silently not imported."""
    for first in (GOOD, row_of(case_no="A-1", slip__phone="")):
        for content, name in ((workbook([first, BAD]), "清单.xlsx"), (csv_text([first, BAD], ","), "清单.csv")):
            refused = send(clerk, content, name)
            assert refused.status_code == 409
            assert re.search(r"第[12]行不是列名", refused.text)
            assert "请在第一行写上每一列的列名再传" in refused.text
            assert [value for value in GOOD if str(value) in refused.text] == []
    with world.reading() as session:
        assert session.scalar(select(func.count()).select_from(Import)) == 0


@pytest.mark.parametrize(
    "false",
    [
        *("a.b@example.com", "2026-11-02", "2026年11月2日", "浙江省丽水市景宁畲族自治县" * 4),
        "13900000777",
        "139 0000 0777",
        "１３９００００００７７",
        "0578-5082345",
        "330106199001010018",
        "331127-2026-000123",
    ],
)
def test_what_stands_in_a_row_is_no_heading_among_others(clerk, false):
    refused = send(clerk, workbook([[*STRANGE, false], [*GOOD, "x"]]))
    assert refused.status_code == 409
    assert f"第{len(STRANGE) + 1}列" in refused.text
    assert false not in refused.text


@pytest.mark.parametrize(
    "name", ["联系手机（11位）", "2026年备注", "XK_JDRQ2", "收件人地址（请写全省、市、县、乡镇、村和门牌号）"]
)
def test_a_heading_with_an_explanation_or_a_year_is_one(clerk, name):
    assert send(clerk, workbook([[*HEAD, name], [*GOOD, "x"]])).headers["location"].endswith("/columns")


def test_what_headings_were_said_to_mean_goes_with_the_file_and_what_never_was_a_heading_goes_too(world, clerk):
    """Of the time before such lists were refused."""
    at = send(clerk, workbook([STRANGE, GOOD, BAD])).headers["location"]
    chosen = re.findall(r'<option value="([^"]*)" selected>', clerk.get(at).text)
    chosen.insert(STRANGE.index("联系手机"), "slip.phone")
    clerk.post(at, {"field": chosen})
    with world.begin() as session:
        remember(world, session, "earlier", {"周某": "applicant_name", "13900000777": "slip.phone"}, "li")
    soon = world.now() + timedelta(seconds=1)
    with world.begin() as session:
        assert (forget_imports(session, soon, 10), forget_false_headings(session, soon, 10)) == (1, 1)
    with world.reading() as session:
        assert session.scalars(select(Import.said)).all() == [{}]
        [kept] = session.scalars(select(HeadingMap.said))
        assert kept["联系手机"] == "slip.phone"
    whole = send(clerk, workbook([STRANGE, GOOD])).headers["location"]
    clerk.post(f"{whole}/take")
    with world.reading() as session:
        assert set(map(str, session.scalars(select(Import.said)))) == {"{}"}


def test_a_heading_may_be_said_to_mean_nothing(clerk):
    at = send(clerk, workbook([[*HEAD, "备注"], [*GOOD, "急"]])).headers["location"]
    page = clerk.get(at).text
    chosen = re.findall(r'<option value="([^"]*)" selected>', page)
    settled = clerk.post(at, {"field": [*chosen, ""]})
    assert settled.status_code == 303, settled.text
    assert "未采用的列：备注" in clerk.get(settled.headers["location"]).text


def test_a_required_heading_that_nobody_chose_is_named(clerk):
    at = send(clerk, workbook([STRANGE, GOOD])).headers["location"]
    chosen = re.findall(r'<option value="([^"]*)" selected>', clerk.get(at).text)
    chosen.insert(STRANGE.index("联系手机"), "")
    refused = clerk.post(at, {"field": chosen})
    assert refused.status_code == 409
    assert "缺少：收件人电话" in refused.text


def test_two_columns_that_are_said_to_be_one_are_refused(clerk):
    at = send(clerk, workbook([[*STRANGE, "手机二"], [*GOOD, "x"]])).headers["location"]
    chosen = re.findall(r'<option value="([^"]*)" selected>', clerk.get(at).text)
    chosen.insert(STRANGE.index("联系手机"), "slip.phone")
    refused = clerk.post(at, {"field": [*chosen, "slip.phone"]})
    assert refused.status_code == 409
    assert "两列都对应" in refused.text


def test_a_clerk_of_one_department_brings_no_cases_of_another(world, person):
    clerk = person(Role.WINDOW, departments=["县公安局"])
    rows = [HEAD, GOOD, row_of(case_no="P-1", department="县公安局")]
    at = send(clerk, workbook(rows)).headers["location"]
    page = clerk.get(at).text
    assert tally(page) == {"new": 1, "there": 0, "bad": 1}
    assert "不是您的部门" in page
    clerk.post(f"{at}/take")
    assert cases(world) == ["P-1"]


def test_nobody_reaches_anothers_upload(clerk, person):
    at = send(clerk, workbook([HEAD, BAD])).headers["location"]
    other = person(Role.DISPATCH)
    assert other.get(at).status_code == 404
    for act in ("take", "bad", "drop", "columns"):
        assert other.post(f"{at}/{act}").status_code == 404, act
    assert clerk.get("/console/import/no-such-id").status_code == 404


def test_only_who_may_import_may_upload(person):
    assert send(person(Role.SUPERVISOR), workbook([HEAD, GOOD])).status_code == 403
    assert send(person(Role.POST), workbook([HEAD, GOOD])).status_code == 403


def test_the_file_lies_sealed_and_goes_when_all_is_taken_or_a_day_is_over(world, clerk):
    content = csv_text([HEAD, GOOD, BAD], ",")
    at = send(clerk, content, "周某的清单.csv").headers["location"]
    with world.reading() as session:
        stored = session.execute(text("SELECT imports::text FROM imports")).scalar_one()
    raw = bytes.fromhex("".join(re.findall(r"\\x([0-9a-f]+)", stored)))
    assert b"13900000101" not in raw
    assert "周某" not in stored
    with world.begin() as session:
        assert forget_imports(session, world.now() + timedelta(seconds=1), 10) == 1
    assert clerk.post(f"{at}/take").status_code == 404
    assert cases(world) == []
    whole = send(clerk, workbook([HEAD, GOOD])).headers["location"]
    clerk.post(f"{whole}/take")
    with world.reading() as session:
        assert session.scalar(select(func.count()).where(Import.content.is_not(None))) == 0


def test_after_a_day_the_file_is_not_opened_even_where_it_was_not_erased_yet(world, clerk):
    row = upload(world, "清单.xlsx", workbook([HEAD, GOOD]), clerk.login, None)
    later = dataclasses.replace(world, now=lambda: world.now() + timedelta(days=1, seconds=1))
    from dispatch.approval.upload.take import take  # noqa: PLC0415

    with pytest.raises(NotFoundError, match="重新上传"):
        take(later, row.id, clerk.login, None)


def test_a_dropped_list_is_gone_and_takes_nothing(world, clerk):
    at = send(clerk, workbook([HEAD, GOOD])).headers["location"]
    clerk.post(f"{at}/drop")
    assert clerk.post(f"{at}/take").status_code == 404
    assert cases(world) == []


def test_a_case_that_came_between_preview_and_taking_is_counted_as_here(world, clerk, decided):
    at = send(clerk, workbook([HEAD, GOOD])).headers["location"]
    lodge(world, decided(case_no="A-1"), "test")
    clerk.post(f"{at}/take")
    assert tally(clerk.get(at).text) == {"new": 0, "there": 0, "bad": 1}


def hostile() -> dict[str, tuple[bytes, str]]:
    bomb = archive({"xl/workbook.xml": b"", "xl/worksheets/sheet1.xml": b" " * 210_000_000})
    return {
        "zip bomb": (bomb, "200 MB"),
        "nested zip": (archive({"inner.xlsx": workbook([HEAD, GOOD])}), "是压缩包，不是表格"),
        "no zip": (b"PK\x03\x04 and nothing more", "打不开"),
        "not even that": (b"\x00\x01\x02\x03", "不是表格"),
        "NULs in CSV": (csv_text([HEAD, GOOD], ",").replace(b"A-1", b"A\x00-1"), "不是表格"),
        "a page": (b"<html><table><tr><td>1</td></tr></table></html>", "网页格式"),
        "nothing": (b"", "空文件"),
    }


def test_a_hostile_file_gets_a_clear_answer_and_nothing_is_kept(world, clerk):
    for name, (content, words) in hostile().items():
        refused = send(clerk, content)
        assert refused.status_code == 409, name
        assert words in refused.text, name
    with world.reading() as session:
        assert session.scalar(select(func.count()).select_from(Import)) == 0


def test_a_form_without_a_file_is_told_so(clerk):
    assert "没有选择文件" in clerk.post("/console/import").text


def test_a_body_of_fifty_megabytes_is_refused_by_its_declared_length_and_while_it_is_read(clerk):
    token = clerk.csrf
    declared = send(clerk, b"x" * (50 * 1024 * 1024))
    assert declared.status_code == 413
    assert "超过 20 MB" in declared.text
    seen = []

    def endless():
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        for _ in range(200):
            seen.append(1)
            yield b"x" * (1024 * 1024)

    headers = {**ORIGIN, "Content-Type": "multipart/form-data; boundary=b"}
    streamed = clerk.browser.post("/console/import", content=endless(), headers={**headers, "X-CSRF-Token": token})
    assert streamed.status_code == 413


def test_the_template_is_a_list_that_is_recognised_whole(clerk):
    saved = clerk.get("/console/import/template")
    [sheet] = CalamineWorkbook.from_filelike(io.BytesIO(saved.content)).sheet_names[:1]
    assert sheet == "出证清单"
