"""What an applicant says of their trips: the higher figure stands until a supervisor rules, everywhere alike."""

import pytest
from on_the_road import CLERK, Road, as_given
from road_steps import at_once, with_settings
from sqlalchemy import select, text
from typer.testing import CliRunner

from dispatch.api.case_view import look_at
from dispatch.approval.case import find_case
from dispatch.approval.lodge import lodge
from dispatch.approval.published import publish_trips
from dispatch.audit import AuditEntry, verify
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.ledger import Count, Stands, record_all, visit, what_stands
from dispatch.visits import Asked, VisitKind
from dispatch.zero_visits.figures import report
from dispatch.zero_visits.outcomes import count_outcomes
from dispatch.zero_visits.story import Kind, story
from dispatch.zero_visits.trips.ruling import RECORD, rule
from dispatch.zero_visits.trips.shown import trips_of
from dispatch.zero_visits.trips.testimony import Said, take_testimony
from dispatch.zero_visits.trips.to_rule import over_in, to_rule
from zhuandi import desk, look, trips

SUPERVISOR = "林督查"
NONE, ONCE, TWICE = Count(0, 0), Count(1, 1), Count(2, 2)


@pytest.fixture
def road(post, drain, decided):
    """Case A is closed, and nobody went anywhere for it by our record."""
    road = Road(post.world, drain)
    road.hand_over(decided("A"))
    road.deliver("A")
    return road


def says(road, case_no, count, way=Asked.TELEPHONE, note=""):
    return take_testimony(road.world, case_no, Said(way, count.office_trips, count.trips, note), CLERK)


def seen(road, case_no="A"):
    with road.world.reading() as session:
        return trips_of(session, find_case(session, case_no).matter_id)


def news(road, case_no="A", kind=VisitKind.HALL_COUNTER):
    """A trip that the record learns of later."""
    with road.world.begin() as session:
        case = find_case(session, case_no)
        origin = f"late:{case_no}:{len(seen(road, case_no).testimonies)}:{kind}"
        record_all(session, [visit(road.world, case.matter_id, kind, origin, case_id=case.id)])


def stands(road, case_no="A") -> tuple[Count, bool]:
    with road.world.reading() as session:
        found = what_stands(session, find_case(session, case_no).matter_id)
    return found.count, found.differs_since is not None


def zero(road) -> str:
    return str(report(road.world, "2026-11").total.zero_visits)


def test_the_higher_figure_of_each_counter_stands_until_a_supervisor_rules(road):
    assert zero(road) == "1/1 100.0%"
    says(road, "A", Count(0, 2))
    assert stands(road) == (Count(0, 2), True)
    says(road, "A", Count(1, 1))
    assert stands(road) == (Count(1, 2), True)
    assert zero(road) == "0/1 0.0%"
    rule(road.world, "A", RECORD, SUPERVISOR, "查过监控，没有来过")
    assert stands(road) == (NONE, False)
    assert zero(road) == "1/1 100.0%"


def test_where_the_record_is_the_higher_one_the_record_stands(road):
    news(road)
    says(road, "A", NONE)
    assert stands(road) == (ONCE, True)


def test_what_agrees_with_the_record_changes_nothing_and_waits_for_nobody(road):
    says(road, "A", NONE, Asked.SAMPLE)
    assert stands(road) == (NONE, False)
    assert to_rule(road.world).rows == []
    assert zero(road) == "1/1 100.0%"


def test_every_reader_tells_what_stands(road):
    """The page, the story, the figures, the tracking page's verdict, and what the approval system is told."""
    says(road, "A", TWICE)
    told = story(road.world, "A")
    assert (told.count, told.differs) == (TWICE, True)
    assert "上门 2 次，跑动 2 次" in next(line.words for line in told.lines if line.kind is Kind.CLOSURE)
    answer = look_at(road.world, "A", "审批系统").zero_visits
    assert (answer.verdict, answer.office_trips, answer.trips) == ("visits", 2, 2)
    with road.world.reading() as session:
        assert (count_outcomes(session).zero_visits, count_outcomes(session).after_visits) == (0, 1)
    assert str(report(road.world, "2026-11").total.zero_office_trips) == "0/1 0.0%"


def test_the_closing_is_not_taken_back(road):
    says(road, "A", ONCE)
    with road.world.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM closures")) == 1
    assert str(report(road.world, "2026-11").total.unverified) == "0/1 0.0%"


def test_a_ruling_for_the_applicant_stands_against_the_record(road):
    says(road, "A", TWICE)
    says(road, "A", ONCE)
    rule(road.world, "A", str(seen(road).testimonies[1].id), SUPERVISOR, "第二次说的有车票为证")
    assert stands(road) == (ONCE, False)
    assert zero(road) == "0/1 0.0%"


def test_later_news_open_the_difference_anew(road):
    says(road, "A", TWICE)
    rule(road.world, "A", RECORD, SUPERVISOR, "没有来过")
    news(road)
    assert stands(road) == (TWICE, True)
    assert [row.case_nos for row in to_rule(road.world).rows] == [["A"]]


def test_a_later_word_opens_the_difference_anew_and_one_that_agrees_with_the_ruling_does_not(road):
    says(road, "A", TWICE)
    rule(road.world, "A", RECORD, SUPERVISOR, "没有来过")
    says(road, "A", NONE)
    assert stands(road) == (NONE, False), "what was ruled out does not come back"
    says(road, "A", ONCE)
    assert stands(road) == (ONCE, True)


def test_news_that_bring_the_record_to_what_the_applicant_said_end_the_difference(road):
    says(road, "A", ONCE)
    news(road)
    assert stands(road) == (ONCE, False)


def test_a_ruling_is_taken_back_by_another(road):
    says(road, "A", TWICE)
    rule(road.world, "A", RECORD, SUPERVISOR, "没有来过")
    rule(road.world, "A", str(seen(road).testimonies[0].id), SUPERVISOR, "又找到了车票")
    assert stands(road) == (TWICE, False)
    first, second = seen(road).rulings
    assert (first.replaced_at is not None, second.replaced_at) == (True, None)
    lines = [line for line in story(road.world, "A").lines if line.kind is Kind.RULING]
    assert [line.voided for line in lines] == [True, False]


def test_a_matter_of_several_cases_has_one_count(road, decided):
    road.hand_over(decided("B", matter_no="M"), decided("C", matter_no="M", slip={"detail": "鹤溪路9号"}))
    says(road, "B", ONCE)
    assert stands(road, "C") == (ONCE, True)
    [row] = to_rule(road.world).rows
    assert row.case_nos == ["B", "C"]


def test_who_rules_on_what_is_not_there_any_more_is_told(road):
    says(road, "A", ONCE)
    basis = seen(road).basis
    says(road, "A", TWICE)
    with pytest.raises(ConflictError, match=rf"{CLERK} 于 .* 记下群众反映（电联）：上门 2 次，跑动 2 次"):
        rule(road.world, "A", RECORD, SUPERVISOR, "没有来过", basis)
    basis = seen(road).basis
    news(road)
    with pytest.raises(ConflictError, match=r"跑动记录于 .* 有了变化：上门 \d 次，跑动 \d 次"):
        rule(road.world, "A", RECORD, SUPERVISOR, "没有来过", basis)
    assert seen(road).rulings == []


@pytest.mark.parametrize(
    ("choice", "by", "reason", "wrong", "words"),
    [
        (RECORD, " ", "查过", NotAllowedError, "经办人"),
        (RECORD, SUPERVISOR, " ", NotAllowedError, "怎样核实"),
        ("", SUPERVISOR, "查过", NotFoundError, "以谁为准"),
        ("00000000-0000-7000-8000-00000000ffff", SUPERVISOR, "查过", NotFoundError, "以谁为准"),
    ],
)
def test_a_ruling_has_a_name_a_reason_and_a_figure(road, choice, by, reason, wrong, words):
    says(road, "A", ONCE)
    with pytest.raises(wrong, match=words):
        rule(road.world, "A", choice, by, reason)


def test_where_nobody_spoke_there_is_nothing_to_rule(road):
    with pytest.raises(NotAllowedError, match="没有群众反映"):
        rule(road.world, "A", RECORD, SUPERVISOR, "查过")


@pytest.mark.parametrize("count", [Count(2, 1), Count(-1, 0), Count(0, 100)])
def test_numbers_that_cannot_be_are_refused(road, count):
    with pytest.raises(NotAllowedError, match="次数不对"):
        says(road, "A", count)


def test_a_trip_and_a_word_at_the_same_moment_see_each_other(road, decided):
    """Neither may count without the other: what stands would stay wrong until somebody came by."""
    for round_ in range(5):
        case_no = f"R{round_}"
        road.lodge(decided(case_no))
        at_once([lambda no=case_no: news(road, no), lambda no=case_no: says(road, no, TWICE)])
        assert stands(road, case_no) == (TWICE, True)
        rule(road.world, case_no, RECORD, SUPERVISOR, "查过")
        assert stands(road, case_no) == (ONCE, False), "both were seen"


def test_more_trips_than_published_are_an_alarm(road, decided):
    road.hand_over(decided("B", application={"kind": "hall_counter"}, item_name="不动产登记", item_code="BDC"))
    figures = report(road.world, "2026-11").total
    assert str(figures.over_published) == "1/2 50.0%"
    [over] = over_in(road.world, "2026-11")
    assert (over.case_no, over.office_trips, over.published) == ("B", 1, 0)
    publish_trips(road.world, "BDC", 1, SUPERVISOR)
    assert str(report(road.world, "2026-11").total.over_published) == "0/2 0.0%"
    says(road, "B", TWICE)
    assert [one.office_trips for one in over_in(road.world, "2026-11")] == [2], "what stands is compared"


def test_a_matter_of_several_items_may_cost_what_the_most_of_them_may(road, decided):
    walked = {"kind": "hall_counter"}
    road.lodge(
        decided("B", matter_no="M", item_name="一", item_code="I1", application=walked),
        decided("C", matter_no="M", item_name="二", item_code="I2"),
    )
    publish_trips(road.world, "I2", 1, SUPERVISOR)
    assert str(report(road.world, "2026-11").total.over_published) == "0/2 0.0%"
    with pytest.raises(NotFoundError, match="没有编码"):
        publish_trips(road.world, "I9", 1, SUPERVISOR)
    with pytest.raises(NotAllowedError, match="0 至 9"):
        publish_trips(road.world, "I2", 10, SUPERVISOR)


def test_samples_are_compared_with_the_record_of_their_moment(road, decided):
    road.lodge(decided("B"), decided("C"))
    says(road, "A", NONE, Asked.SAMPLE)
    says(road, "B", ONCE, Asked.SAMPLE)
    says(road, "C", ONCE)  # no sample: the applicant came by itself
    assert str(report(road.world, "2026-11").total.agreeing) == "1/2 50.0%"
    news(road, "A")
    assert str(report(road.world, "2026-11").total.agreeing) == "1/2 50.0%", "it agreed when it was asked"


def test_words_and_rulings_are_in_the_audit_log_and_sealed(road):
    says(road, "A", ONCE, note="蓝小雨说到过窗口")
    rule(road.world, "A", RECORD, SUPERVISOR, "问过蓝小雨，记错了")
    with road.world.reading() as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.subject.like("case:%"))).all()
        details = [road.world.vault.open(one, "detail") for one in noted]
        dumped = str(session.execute(text("SELECT note::text FROM testimonies")).all())
        dumped += str(session.execute(text("SELECT reason::text FROM trip_rulings")).all())
    assert any("群众反映（电联）：上门 1 次" in one for one in details)
    assert any("裁定跑动次数，以记录为准" in one for one in details)
    assert "蓝小雨".encode().hex() not in dumped
    assert verify(road.world).sound
    told = "".join(line.words for line in story(road.world, "A").lines)
    assert "蓝**说到过窗口" in told
    assert "蓝小雨" not in told


def test_the_same_is_typed(road, monkeypatch):
    for module in (trips, desk, look):
        monkeypatch.setattr(module, "open_world", lambda: as_given(road.world))
    monkeypatch.setenv("COLUMNS", "160")
    runner = CliRunner()

    def typed(app, *words):
        return runner.invoke(app, [str(word) for word in words]).output

    told = typed(
        trips.app, "testimony", "A", "--office-trips", 1, "--trips", 2, "--way", "sample", "--by", SUPERVISOR
    )
    assert "上门 1 次，跑动 2 次，待裁定" in told
    assert "1：1/2" in typed(trips.app, "rulings-due", "--month", "2026-11")
    assert "待裁定" in typed(look.app, "trace", "A")
    assert "以谁为准" in typed(trips.app, "rule", "A", "--testimony", 7, "--reason", "查过")
    assert "已裁定：上门 1 次，跑动 2 次。" in typed(trips.app, "rule", "A", "--testimony", 1, "--reason", "查过")
    assert "承诺不符：A" in typed(trips.app, "rulings-due", "--month", "2026-11")
    assert "中选一个" in typed(trips.app, "rule", "A", "--reason", "查过")
    [item] = [one.item for one in over_in(road.world, "2026-11")]
    assert "已改" in typed(desk.app, "item", item, "--published-trips", 1)
    assert over_in(road.world, "2026-11") == []
    assert "请给出" in typed(desk.app, "item", item)


def test_a_new_item_has_the_number_of_the_settings(world, decided):
    lodge(with_settings(world, item_published_trips=1), decided("N", application={"kind": "hall_counter"}), "test")
    assert over_in(world, "2026-11") == []
    lodge(world, decided("O", application={"kind": "hall_counter"}, item_name="另一事项"), "test")
    assert [one.case_no for one in over_in(world, "2026-11")] == ["O"]


def test_of_a_matter_that_nobody_speaks_of_the_record_stands(world, decided):
    lodge(world, decided("N", application={"kind": "hall_counter"}), "test")
    with world.reading() as session:
        assert what_stands(session, find_case(session, "N").matter_id) == Stands(ONCE)
