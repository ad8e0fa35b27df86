"""What a decided case must be as a whole, and what may contradict in it."""

from datetime import date, datetime

import pytest
from approval_rows import JSON, ROW, TODAY, all_drawn, only, problems, row_with, taken

from dispatch.approval.check import check_json
from dispatch.approval.decided_case import RowProblem
from dispatch.approval.fields.way import Way
from dispatch.hall_time import SHANGHAI
from dispatch.visits import VisitKind


def test_a_good_row_is_a_case() -> None:
    case = taken(ROW)
    assert case.decided_at == datetime(2026, 11, 2, tzinfo=SHANGHAI)
    assert case.application.kind is VisitKind.ONLINE
    assert [(document.name, document.copies) for document in case.documents] == [("食品经营许可", 1)]
    assert case.slip.way is Way.DOOR


def test_both_doors_give_the_same_case() -> None:
    assert check_json(JSON, undrawable=all_drawn, today=TODAY) == taken(ROW)


def test_a_row_with_two_faults_gives_two_problems() -> None:
    found = problems(row_with(slip__phone="139", applicant_id_no="330106199001010019"))
    assert [problem.field for problem in found] == ["申请人证件号码", "收件人电话"]


def test_faults_of_reading_and_of_rules_are_told_together() -> None:
    found = problems(row_with(decided_at="昨天", slip__way="飞鸽", slip__town="", applicant_name=""))
    assert [problem.path for problem in found] == ["decided_at", "applicant_name", "slip.town", "slip.way"]


def test_ways_other_than_the_door_name_their_point() -> None:
    assert only(row_with(slip__way="智能快件箱")).field == "投递点"
    slip = taken(row_with(slip__way="村邮站", slip__point="示例村村邮站", slip__brought_to_door="是")).slip
    assert (slip.way, slip.point, slip.brought_to_door) == (Way.VILLAGE_STATION, "示例村村邮站", True)


def test_what_contradicts_the_way_is_not_guessed() -> None:
    assert "却又" in only(row_with(slip__point="快件箱")).wrong
    assert "智能快件箱" in only(row_with(slip__point_at_address="是")).wrong
    assert "看不出" in only(row_with(slip__proxy_allowed="也许")).wrong


def test_documents_and_visits_are_written_in_one_cell_each() -> None:
    case = taken(
        row_with(
            documents="营业执照；副本×2;附图 x 3份", visits="hall_counter@2026-11-02#甲;咨询", application="窗口办理"
        )
    )
    assert [(one.name, one.copies) for one in case.documents] == [("营业执照", 1), ("副本", 2), ("附图", 3)]
    assert case.application.kind is VisitKind.HALL_COUNTER
    first, second = case.visits
    assert (first.kind, first.on, first.trip) == (VisitKind.HALL_COUNTER, date(2026, 11, 2), "甲")
    assert (second.kind, second.on, second.trip) == (VisitKind.CONSULTATION, None, None)


@pytest.mark.parametrize(
    ("field", "cell"),
    [("visits", "散步"), ("visits", "咨询@某天"), ("documents", "副本×0"), ("documents", "副本×100")],
)
def test_a_cell_of_several_things_says_which_is_wrong(field: str, cell: str) -> None:
    assert only(row_with(**{field: cell})).path == field


def test_a_case_number_is_opaque_but_visible() -> None:
    assert taken(row_with(case_no="（甲）A/1_" + "0" * 42)).case_no.startswith("（甲）")
    assert "51" in only(row_with(case_no="1" * 51)).wrong
    assert "空格" in only(row_with(case_no="A 1")).wrong
    assert "丢失" in only(row_with(case_no=2.026e19)).wrong


@pytest.mark.parametrize(
    ("code", "kind"),
    [("1", "person"), ("1-自然人", "person"), (2.0, "organisation"), ("法人及非法人组织", "organisation")],
)
def test_the_applicants_kind_is_read_from_words_and_codes(code: object, kind: str) -> None:
    assert taken(row_with(applicant_kind=code, applicant_id_no="")).applicant_kind == kind


def test_the_two_number_columns_of_the_published_list_are_told_apart() -> None:
    company = row_with(applicant_kind="2", applicant_id_no="330106199001010018", credit_code="91330106MA2AAAAA15")
    assert taken(company).applicant_id_no == "91330106MA2AAAAA15"
    assert taken(row_with(credit_code="")).applicant_id_no == "330106199001010018"
    assert taken(row_with(id_kind="护照", applicant_id_no="E12345678")).applicant_id_no is None


def test_same_content_does_not_depend_on_how_it_was_written() -> None:
    one = taken(row_with(decision_doc_no="（2026）浙1127行审字第00123号", slip__phone="+8613900000101"))
    other = taken(row_with(decision_doc_no="(2026)浙1127行审字第00123号", decided_at=46328))
    assert one.content() == other.content()
    assert list(one.content()) == sorted(one.content())
    assert one.decision_doc_no == "（2026）浙1127行审字第00123号"


def test_other_content_differs_in_the_field_that_was_changed() -> None:
    one, other = taken(ROW).content(), taken(row_with(slip__phone="13900000102")).content()
    assert {name for name in one if one[name] != other.get(name)} == {"slip.phone"}


def test_a_case_in_a_log_shows_no_person() -> None:
    shown = repr(taken(ROW)) + str(taken(ROW))
    assert not any(secret in shown for secret in ("蓝样本", "13900000101", "330106199001010018", "示例村"))


def test_problems_speak_in_sentences() -> None:
    problem = only(row_with(slip__phone="139"))
    assert str(RowProblem.at(7, problem)).startswith("第7行 收件人电话“139”：手机号码应为11位，现有3位。")
