"""A trial of a release: what would go in how many envelopes, and why the others would not; nothing is done."""

from dataclasses import replace
from datetime import timedelta

import pytest
from carriers import own_people
from road_steps import shipments
from sqlalchemy import select, true

from dispatch.approval.case import Case
from dispatch.approval.lodge import lodge
from dispatch.approval.release import hold, release
from dispatch.booking.plan import Expected, plan_release
from dispatch.booking.route import set_route
from workers.run import run_due


@pytest.fixture
def waiting(world):
    told = {"item_release": "when_released", "item_grouping": timedelta(minutes=30)}
    return replace(world, settings=world.settings.model_copy(update=told))


def number(which):
    return f"33112720261122{which:04}"


def ids(world, *which):
    with world.reading() as session:
        found = dict(session.execute(select(Case.case_no, Case.id)).all())
    return [found[number(one)] for one in which]


def road(which):
    return {"detail": f"团结路{which + 1}号"}


def test_cases_of_one_recipient_share_an_envelope_and_the_release_makes_it_so(waiting, decided):
    for which, house in enumerate((0, 0, 1)):
        lodge(waiting, decided(number(which), slip=road(house)), "test")
    plan = plan_release(waiting, ids(waiting, 0, 1, 2), true())
    assert [row.envelope for row in plan.rows] == [1, 1, 2]
    assert (plan.going, sum(plan.envelopes.values()), plan.shared) == (3, 2, {1: 2})
    assert shipments(waiting) == []
    for which in range(3):
        release(waiting, number(which), "li.na")
    run_due(waiting, "case.gather")
    assert len(shipments(waiting)) == 2


def test_without_time_to_join_each_case_goes_alone(world, decided):
    alone = replace(world, settings=world.settings.model_copy(update={"item_release": "when_released"}))
    for which in range(2):
        lodge(alone, decided(number(which)), "test")
    plan = plan_release(alone, ids(alone, 0, 1), true())
    assert [row.envelope for row in plan.rows] == [1, 2]
    assert plan.shared == {}


def test_what_cannot_go_says_why(waiting, decided):
    lodge(waiting, decided(number(0), slip=road(0)), "test")
    lodge(waiting, decided(number(1), slip=road(1)), "test")
    lodge(waiting, decided(number(2), slip=road(2), paper_ready=False), "test")
    lodge(waiting, decided(number(3), slip=road(3)), "test")
    hold(waiting, number(0), "欠费", "li.na")
    release(waiting, number(1), "li.na")
    plan = plan_release(waiting, ids(waiting, 0, 1, 2, 3), true())
    expected = [row.expected for row in plan.rows]
    assert expected == [Expected.HELD, Expected.ALREADY, Expected.WAITS, Expected.GOES]
    assert "li.na" in plan.rows[1].words
    run_due(waiting, "case.gather")
    assert plan_release(waiting, ids(waiting, 1), true()).rows[0].words == "已在邮件里。"


def test_who_waits_for_the_same_recipient_is_offered_but_for_the_held(waiting, decided):
    for which in range(3):
        lodge(waiting, decided(number(which)), "test")
    hold(waiting, number(2), "欠费", "li.na")
    plan = plan_release(waiting, ids(waiting, 0), true())
    assert [(offer.case_no, offer.envelope) for offer in plan.offers] == [(number(1), 1)]
    assert plan_release(waiting, ids(waiting, 0), Case.department == "别的部门").offers == []


def test_an_envelope_that_is_open_already_is_joined(waiting, decided):
    for which in range(2):
        lodge(waiting, decided(number(which)), "test")
    release(waiting, number(0), "li.na")
    run_due(waiting, "case.gather")
    [row] = plan_release(waiting, ids(waiting, 1), true()).rows
    assert row.joins


def test_carriers_are_those_of_the_table(waiting, tmp_path, decided):
    with own_people(tmp_path) as (_, carrier):
        two = replace(waiting, carriers={**waiting.carriers, "by_hand": carrier})
        lodge(two, decided(number(0), slip=road(0)), "test")
        lodge(two, decided(number(1), slip=road(1), item_code="OTHER"), "test")
        set_route(two, "", "OTHER", "by_hand", "admin")
        plan = plan_release(two, ids(two, 0, 1), true())
        assert plan.envelopes == {two.title("ems"): 1, two.title("by_hand"): 1}
