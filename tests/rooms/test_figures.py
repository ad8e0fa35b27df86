"""The monthly figures: what is divided by what, and which month it belongs to."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from on_the_road import CLERK, Road, as_given
from sqlalchemy import text
from typer.testing import CliRunner

from dispatch.errors import NotFoundError
from dispatch.hall_time import SHANGHAI
from dispatch.zero_visits.figures import Share, month_in_shanghai, report
from dispatch.zero_visits.word import confirm_received
from zhuandi import look

MORNING = datetime(2026, 11, 12, 10, 0, tzinfo=SHANGHAI)
EVENING = datetime(2026, 11, 12, 16, 0, tzinfo=SHANGHAI)


@pytest.fixture
def road(post, drain):
    return Road(post.world, drain)


def total(road: Road, month: str = "2026-11"):
    return report(road.world, month).total


def test_a_share_shows_both_counts_and_nothing_where_it_cannot_be_divided():
    assert str(Share(12, 15)) == "12/15 80.0%"
    assert str(Share(1, 3)) == "1/3 33.3%"
    assert str(Share(1, 16)) == "1/16 6.3%"  # 6.25, halves up
    assert str(Share(0, 0)) == "—"
    assert Share(0, 0).percent is None
    assert Share(0, 4).percent == Decimal("0.0")


def test_a_month_without_cases_has_figures_that_cannot_be_divided(road):
    told = report(road.world, "2026-02")
    assert told.departments == ()
    assert told.total.decided == 0
    shares = (told.total.zero_visits, told.total.unverified, told.total.posted_same_day, told.total.returned)
    assert [str(share) for share in shares] == ["—"] * 4


@pytest.mark.parametrize("wrong", ["2026-13", "2026-00", "11月", "2026-1", "0000-01", "9999-12", ""])
def test_what_is_no_month_is_told_so(wrong):
    with pytest.raises(NotFoundError, match="不是月份"):
        month_in_shanghai(wrong)


def test_a_month_begins_and_ends_at_midnight_in_shanghai(road, decided):
    assert month_in_shanghai("2026-12")[1] == datetime(2027, 1, 1, tzinfo=SHANGHAI)
    for case_no, at in (
        ("last-of-october", "2026-10-31T15:59:59Z"),
        ("first-of-november", "2026-10-31T16:00:00Z"),
        ("last-of-november", "2026-11-30T23:59:59+08:00"),
        ("first-of-december", "2026-11-30T16:00:00Z"),
    ):
        road.lodge(decided(case_no, decided_at=at))
    assert [total(road, month).decided for month in ("2026-10", "2026-11", "2026-12")] == [1, 2, 1]


def test_a_case_is_a_zero_visit_only_if_it_is_proved_and_nobody_went_anywhere(road, decided):
    to_the_village = {"way": "village_station", "point": "大均村邮站"}
    road.hand_over(
        decided("zero"),
        decided("hall", application={"kind": "hall_counter"}),
        decided("village", slip=to_the_village),
        decided("moving"),
    )
    for case_no, signer in (("zero", "10"), ("hall", "10"), ("village", "160")):
        road.deliver(case_no, signer)
    road.tell("moving", "203")
    seen = total(road)
    assert str(seen.zero_visits) == "1/4 25.0%"
    assert str(seen.unverified) == "1/4 25.0%"
    assert str(seen.zero_office_trips) == "2/4 50.0%"  # fetched in the village: a trip, but to no office


def test_a_visit_in_another_case_of_the_matter_counts_for_both(road, decided):
    walked = {"kind": "hall_counter"}
    road.hand_over(decided("A", matter_no="M"), decided("B", matter_no="M", application=walked), decided("C"))
    for case_no in "ABC":
        road.deliver(case_no)
    assert str(total(road).zero_visits) == "1/3 33.3%"


def test_a_disputed_closing_is_unverified_until_the_applicant_confirms_it(road, decided):
    road.hand_over(decided("A"))
    road.deliver("A")
    assert str(total(road).zero_visits) == "1/1 100.0%"
    road.revoke("A")
    assert (str(total(road).zero_visits), str(total(road).unverified)) == ("0/1 0.0%", "1/1 100.0%")
    confirm_received(road.world, "A", CLERK, "电话核实，本人收到")
    assert (str(total(road).zero_visits), str(total(road).unverified)) == ("1/1 100.0%", "0/1 0.0%")


def test_posted_the_same_day_counts_only_paper_that_was_in_before_the_cut_off(road, decided):
    morning, evening = road.at(MORNING), road.at(EVENING)
    morning.hand_over(decided("same-day"), decided("next-day"), decided("never"), decided("taken-back"))
    evening.hand_over(decided("too-late"))
    morning.tell("same-day", "203", at=MORNING + timedelta(minutes=30))
    morning.tell("taken-back", "203", at=MORNING + timedelta(minutes=30))
    morning.tell("taken-back", "207", at=MORNING + timedelta(minutes=40))
    midnight = datetime(2026, 11, 13, tzinfo=SHANGHAI)
    late = road.at(midnight)
    late.tell("next-day", "203", at=midnight)
    late.tell("too-late", "203", at=EVENING + timedelta(minutes=5))
    assert str(total(road).posted_same_day) == "1/4 25.0%"


def test_returned_is_measured_against_what_was_handed_over(road, decided):
    road.hand_over(decided("A"), decided("B"), decided("C"))
    road.lodge(decided("D"))
    road.tell("A", "711")
    road.tell("B", "708")  # on its way back, not back
    assert str(total(road).returned) == "1/3 33.3%"


def test_an_envelope_of_two_departments_counts_in_each_and_once_in_the_total(post, drain, decided):
    grouped = post.world.settings.model_copy(update={"item_grouping": timedelta(hours=1)})
    road = Road(type(post.world)(**{**vars(post.world), "settings": grouped}), drain)
    road.lodge(decided("A", department="县人社局"), decided("B", department="县公安局"))
    road.seal_envelopes()
    road.hand_over()
    road.tell("A", "711")
    told = report(road.world, "2026-11")
    by_name = {figures.department: str(figures.returned) for figures in told.departments}
    assert by_name == {"县人社局": "1/1 100.0%", "县公安局": "1/1 100.0%"}
    assert (told.total.department, told.total.decided, str(told.total.returned)) == (None, 2, "1/1 100.0%")
    only = report(road.world, "2026-11", "县人社局")
    assert [figures.department for figures in only.departments] == ["县人社局"]
    assert only.total.decided == 1


MANY = """
INSERT INTO matters (id, number) SELECT gen_random_uuid(), 'M' || n FROM generate_series(1, 10000) n;
INSERT INTO cases (id, case_no, matter_id, item_id, department, decided_at, applicant_kind, applicant_name, content,
                   source, received_at, paper_ready_at)
  SELECT gen_random_uuid(), 'N' || m.number, m.id, (SELECT id FROM items), 'D' || (length(m.number) % 7),
         '2026-11-05T00:00Z', 'person', '', '{}', 'test', now(), '2026-11-05T02:00Z' FROM matters m
  WHERE m.number LIKE 'M%';
INSERT INTO legs (id, case_id, direction)
  SELECT gen_random_uuid(), id, 'outbound' FROM cases WHERE source = 'test';
INSERT INTO visits (id, matter_id, case_id, kind, trip, origin, recorded_at)
  SELECT gen_random_uuid(), matter_id, id, 'online', id::text, id::text, now() FROM cases WHERE source = 'test';
INSERT INTO documents (id, case_id, number, code, name, copies)
  SELECT gen_random_uuid(), id, 1, case_no, 'x', 1 FROM cases WHERE source = 'test';
INSERT INTO shipments (id, direction, slip_id, group_digest, carrier, sequence, stage, tracked, last_news, moved_at,
                       overdue_asked, created_at, seal_at, doubts, absences, prints)
  SELECT d.id, 'outbound', (SELECT id FROM slips), '', 'ems', 1, 'closed', 'delivered', '', now(), false, now(),
         now(), 0, 0, 1 FROM documents d JOIN cases c ON c.id = d.case_id WHERE c.source = 'test';
INSERT INTO contents (id, shipment_id, document_id, void)
  SELECT gen_random_uuid(), id, id, false FROM shipments WHERE stage = 'closed';
INSERT INTO leg_evidence (id, leg_id, shipment_id, evidence, happened_at, recorded_at)
  SELECT gen_random_uuid(), l.id, d.id, 'signed_by_recipient', now(), now() FROM legs l
  JOIN documents d ON d.case_id = l.case_id JOIN cases c ON c.id = l.case_id WHERE c.source = 'test';
INSERT INTO closures (id, case_id, closed_at) SELECT gen_random_uuid(), id, now() FROM cases WHERE source = 'test';
INSERT INTO sightings (id, shipment_id, carrier, waybill_no, order_no, at, code, detail, news, voids, wants_detail,
                       words, place, source, pushed, new_number, received_at, digest)
  SELECT gen_random_uuid(), s.id, 'ems', s.id::text, '', '2026-11-05T03:00Z', k.code, '', k.news, '{}', false, '', '',
         'push', true, '', now(), k.code::bytea
  FROM shipments s, (VALUES ('203', 'collected'), ('389', 'in_transit'), ('704', 'delivered')) k (code, news)
  WHERE s.stage = 'closed';
"""


def test_ten_thousand_cases_are_counted_as_one_is(road, decided):
    road.lodge(decided())
    with road.world.begin() as session:
        for statement in MANY.split(";\n"):
            if statement.strip():
                session.execute(text(statement))
        session.execute(text("ANALYZE"))  # as autovacuum does within a minute
    seen = total(road)
    assert str(seen.zero_visits) == "10000/10001 100.0%"
    assert seen.posted_same_day.part == 10000


def test_the_report_reads_well_at_a_hundred_columns(road, decided, monkeypatch):
    road.hand_over(decided("A"))
    road.deliver("A")
    monkeypatch.setattr(look, "open_world", lambda: as_given(road.world))
    monkeypatch.setattr(look.console, "_width", 100)
    shown = CliRunner().invoke(look.app, ["report", "--month", "2026-11"])
    assert shown.exit_code == 0, shown.output
    for word in (
        "零跑率",
        "未核实率",
        "上门零次率",
        "承诺不符率",
        "抽查一致率",
        "当日交寄率",
        "退回率",
        "合计",
        "1/1",
        "100.0%",
    ):
        assert word in shown.output
    wrong = CliRunner().invoke(look.app, ["report", "--month", "11"])
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    assert "不是月份" in wrong.stderr
