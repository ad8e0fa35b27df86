"""The table of visits, line by line as the hall counts them."""

import pytest

from dispatch.visits import KINDS, Fault, VisitKind, kind_from

ZERO = ("online", "telephone", "courier_collection", "cadre_visit", "inspection", "free_agent_fetched")
ONE_EACH = (
    "hall_counter",
    "relative_or_agent_at_hall",
    "collected_at_hall",
    "hall_after_failure",
    "compulsory_precheck",
)
ONLY_A_TRIP = ("free_agent_walked_to", "village_station", "post_office", "posted_materials", "locker_elsewhere")


@pytest.mark.parametrize("kind", [*ZERO, "locker_at_address", "consultation"])
def test_what_needs_no_trip_counts_zero(kind: str) -> None:
    assert KINDS[VisitKind(kind)].zero


@pytest.mark.parametrize("kind", [*ONE_EACH, "handed_in_again_incomplete_notice"])
def test_a_trip_to_an_office_counts_in_both(kind: str) -> None:
    rule = KINDS[VisitKind(kind)]
    assert (rule.office_trips, rule.trips) == (1, 1)


@pytest.mark.parametrize("kind", [*ONLY_A_TRIP, "village_station_without_consent", "handed_in_again_proper_notice"])
def test_a_trip_elsewhere_counts_for_the_person_only(kind: str) -> None:
    rule = KINDS[VisitKind(kind)]
    assert (rule.office_trips, rule.trips) == (0, 1)


def test_faults_and_remarks_are_where_the_hall_puts_them() -> None:
    assert KINDS[VisitKind.VILLAGE_STATION_WITHOUT_CONSENT].fault is Fault.POST
    assert KINDS[VisitKind.HANDED_IN_AGAIN_INCOMPLETE_NOTICE].fault is Fault.WINDOW
    assert KINDS[VisitKind.HALL_AFTER_FAILURE].fault is Fault.OF_THE_CAUSE
    assert KINDS[VisitKind.HANDED_IN_AGAIN_PROPER_NOTICE].shown_only == 1
    assert KINDS[VisitKind.COLLECTED_AT_HALL].voluntary
    assert KINDS[VisitKind.VILLAGE_STATION].nearby
    assert [fault.chinese for fault in Fault] == ["邮政", "窗口", "部门", "按原因认定"]


def test_every_kind_of_visit_has_one_rule_and_two_words() -> None:
    assert set(KINDS) == set(VisitKind)
    assert len({rule.chinese for rule in KINDS.values()}) == len(KINDS)
    assert all(kind_from(kind.value) is kind_from(KINDS[kind].chinese) is kind for kind in VisitKind)
    assert kind_from("散步") is None
