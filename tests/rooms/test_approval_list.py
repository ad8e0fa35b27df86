"""The list of issued cases as a file: what is taken, and how it is read."""

import io
from datetime import datetime

import pytest
from approval_files import CELLS, HEAD, TODAY, case_of, refusal, row_of, text, workbook
from python_calamine import CalamineWorkbook

from dispatch.approval.check import check
from dispatch.approval.columns import COLUMNS
from dispatch.approval.decided_case import DecidedCase
from dispatch.approval.read_list import read_list
from dispatch.approval.template import write_template


def test_a_workbook_gives_its_rows_as_excel_counts_them() -> None:
    found = read_list(workbook([HEAD, row_of(), row_of(case_no="2")]), "a.xlsx")
    assert [number for number, _ in found.rows] == [2, 3]
    assert case_of(found).slip.recipient_name == "张𠮷"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_every_encoding_and_delimiter_gives_the_same_case(encoding: str, delimiter: str) -> None:
    rows = [HEAD, row_of(slip__detail=f"示例路1号{delimiter}2幢" if delimiter != "\t" else "示例路1号")]
    from_text = case_of(read_list(text(rows, delimiter, encoding), "a.txt"))
    assert from_text.content() == case_of(read_list(workbook(rows), "a.csv")).content()


def test_the_kind_is_told_by_the_content_not_by_the_name() -> None:
    assert read_list(text([HEAD, row_of()]), "a.pdf").rows
    assert "PDF" in refusal(b"%PDF-1.7 ...")


def test_real_date_cells_and_number_cells_are_read() -> None:
    row = row_of(decided_at=datetime(2026, 11, 2), slip__phone=13900000101)  # noqa: DTZ001 - as Excel has it
    case = case_of(read_list(workbook([HEAD, row]), "a.xlsx"))
    assert case.content() == case_of(read_list(workbook([HEAD, row_of()]), "a.xlsx")).content()


def test_names_that_look_like_formulas_stay_text() -> None:
    found = read_list(text([HEAD, row_of(slip__recipient_name="=HYPERLINK(1)")]), "a.csv")
    assert case_of(found).slip.recipient_name == "=HYPERLINK(1)"


def test_five_title_rows_above_the_headings_are_passed_over() -> None:
    titles = [["出证清单"], [], ["制表：示例"], [], [""]]
    assert [number for number, _ in read_list(workbook([*titles, HEAD, row_of()]), "a").rows] == [7]
    assert "缺少" in refusal(workbook([*titles, ["再一行"], HEAD, row_of()]))


def test_blank_rows_and_merged_captions_are_no_cases() -> None:
    found = read_list(workbook([HEAD, row_of(), [], ["鹤溪片区"], row_of(case_no="2")], merge=[3]), "a.xlsx")
    assert [number for number, _ in found.rows] == [2, 5]
    assert found.merged == (4,)


def test_headings_of_the_published_list_are_taken_by_name_and_by_code() -> None:
    codes = {
        "decided_at": "XK_JDRQ",
        "department": "许可机关",
        "applicant_name": "XK_XDR_MC",
        "applicant_kind": "XK_XDR_LB",
    }
    head = [codes.get(field, heading) for field, heading in zip(CELLS, HEAD, strict=True)]
    more = ["XK_XKZS", "统一社会信用代码", "XK_FR_SFZH", "XK_NR", "XK_WSH"]
    values = ["食品经营许可证", "91330106MA2AAAAA15", "330106199001010018", "餐饮", "（2026）浙0727行审字第1号"]
    found = read_list(workbook([head + more, row_of(applicant_kind="法人及非法人组织") + values]), "a.xlsx")
    case = case_of(found)
    assert (case.applicant_id_no, case.documents[0].name) == ("91330106MA2AAAAA15", "食品经营许可证")
    assert case.decision_doc_no == "（2026）浙0727行审字第1号"
    assert (found.unknown, found.never_read) == (("XK_NR",), ("XK_FR_SFZH",))
    assert "330106199001010018" not in str(found)


def test_a_second_row_of_codes_is_not_a_case() -> None:
    assert len(read_list(workbook([HEAD, list(CELLS), row_of()]), "a.xlsx").rows) == 1


def test_headings_are_found_in_spite_of_marks_width_and_spaces() -> None:
    head = [f" {heading}* " for heading in HEAD]
    head[HEAD.index("县（市、区）")] = "县(市、区)（必填）"
    assert case_of(read_list(workbook([head, row_of()]), "a")).slip.county == "磐安县"


def test_a_wrong_row_of_headings_says_what_is_missing_and_what_was_found() -> None:
    words = refusal(workbook([["办件编号", "收件人", "备注"], ["1", "甲", ""]]))
    assert "缺少：事项名称" in words
    assert "收件地址" in words
    assert "已找到：办件编号、收件人）" in words
    assert "空表" in words


def test_the_same_heading_twice_is_not_guessed() -> None:
    assert "出现了两次" in refusal(workbook([[*HEAD, "收件人"], [*row_of(), "乙"]]))


def test_the_same_case_twice_with_the_same_content_is_one_case() -> None:
    found = read_list(workbook([HEAD, row_of(), row_of()]), "a.xlsx")
    assert ([number for number, _ in found.rows], found.repeated, found.problems) == ([2], ((3, 2),), ())


def test_the_same_case_twice_with_other_content_names_both_rows() -> None:
    found = read_list(workbook([HEAD, row_of(), row_of(case_no="2"), row_of(slip__phone="13900000102")]), "a.xlsx")
    assert [number for number, _ in found.rows] == [3]
    assert [problem.row for problem in found.problems] == [2, 4]
    assert "第2行" in found.problems[1].wrong


def test_rows_without_a_case_number_are_all_kept_for_the_check() -> None:
    assert len(read_list(workbook([HEAD, row_of(case_no=""), row_of(case_no="")]), "a.xlsx").rows) == 2


def test_the_template_is_a_list_without_rows_that_explains_every_column() -> None:
    template = write_template()
    assert template == write_template()
    assert "没有数据行" in refusal(template)
    with CalamineWorkbook.from_filelike(io.BytesIO(template)) as book:
        assert book.sheet_names == ["出证清单", "说明"]
        explained = {row[0] for row in book.get_sheet_by_name("说明").to_python()}
    assert {column.heading for column in COLUMNS if column.in_template} <= explained


def test_every_example_of_the_template_is_right_by_itself() -> None:
    row = {column.field: column.example for column in COLUMNS if column.example}
    contradicting = ("slip.address", "slip.point", "hold")
    outcome = check({k: v for k, v in row.items() if k not in contradicting}, undrawable=lambda _: [], today=TODAY)
    assert isinstance(outcome, DecidedCase), [str(problem) for problem in outcome]
