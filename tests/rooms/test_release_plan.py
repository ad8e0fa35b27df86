"""A trial of a release: what would go in how many envelopes, and why the others would not; nothing is done."""

from dataclasses import replace
from datetime import timedelta

import pytest
from carriers import own_people
from road_steps import at_once, shipments
from sqlalchemy import select, true

from dispatch.approval import dispatch_many
from dispatch.approval.case import Case, Document
from dispatch.approval.dispatch_many import begin_many, go_on
from dispatch.approval.lodge import lodge
from dispatch.approval.release import hold, lift, release
from dispatch.batch import Kind
from dispatch.booking.cancel import call_off
from dispatch.booking.plan import Expected, plan_release
from dispatch.booking.route import set_route
from dispatch.shipment import Content, Shipment
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


# Whether those of one recipient share an envelope, the clerk says.


def released(world, cases, alone=(), by="li.na"):
    """At the desk, step by step, as a batch."""
    batch = begin_many(world, Kind.RELEASE, cases, by, alone=alone)
    while go_on(world, batch):
        pass
    run_due(world, "case.gather")


def inside(world):
    """Of each envelope that was not given up: its cases, whether it is sealed, and its order number."""
    query = (
        select(Shipment.id, Shipment.stage, Shipment.order_no, Case.case_no)
        .join(Content, (Content.shipment_id == Shipment.id) & ~Content.void)
        .join(Document, Document.id == Content.document_id)
        .join(Case, Case.id == Document.case_id)
        .order_by(Case.case_no)
    )
    found = {}
    with world.reading() as session:
        for key, stage, order_no, case_no in session.execute(query):
            found.setdefault(key, (stage != "gathering", order_no, []))[2].append(case_no)
    return sorted(found.values(), key=lambda one: one[2])


def test_declined_each_case_gets_an_envelope_of_its_own_that_waits_for_nobody(waiting, decided):
    """The trial told who shares one, and the release joined them whatever the clerk wanted."""
    for which in range(3):
        lodge(waiting, decided(number(which)), "test")
    mine = ids(waiting, 0, 1)
    plan = plan_release(waiting, mine, true(), mine)
    assert ([row.envelope for row in plan.rows], plan.shared, plan.offers) == ([1, 2], {}, [])
    released(waiting, mine, alone=mine)
    released(waiting, ids(waiting, 2))
    first, second, third = inside(waiting)
    assert [(sealed, cases) for sealed, _, cases in (first, second)] == [(True, [number(0)]), (True, [number(1)])]
    assert third == (False, None, [number(2)])  # and whoever comes for the same recipient may still join it
    assert first[1] != second[1]


def test_one_alone_neither_joins_the_envelope_that_is_open_nor_opens_one_that_others_join(waiting, decided):
    for which in range(3):
        lodge(waiting, decided(number(which)), "test")
    released(waiting, ids(waiting, 0))
    [row] = plan_release(waiting, ids(waiting, 1), true(), ids(waiting, 1)).rows
    assert not row.joins
    released(waiting, ids(waiting, 1), alone=ids(waiting, 1))
    released(waiting, ids(waiting, 2))
    assert [cases for _, _, cases in inside(waiting)] == [[number(0), number(2)], [number(1)]]


def test_whoever_goes_on_after_a_restart_knows_what_the_clerk_had_declined(waiting, decided, monkeypatch):
    monkeypatch.setattr(dispatch_many, "STEP", 1)
    for which in range(3):
        lodge(waiting, decided(number(which)), "test")
    mine = ids(waiting, 0, 1, 2)
    batch = begin_many(waiting, Kind.RELEASE, mine, "li.na", alone=mine[1:])
    go_on(waiting, batch)  # and then the line was lost
    run_due(waiting, dispatch_many.WORK)
    run_due(waiting, "case.gather")
    assert [(sealed, cases) for sealed, _, cases in inside(waiting)] == [
        (False, [number(0)]),
        (True, [number(1)]),
        (True, [number(2)]),
    ]


def test_of_two_who_release_the_same_at_once_the_first_says_how_and_nothing_is_doubled(waiting, decided):
    for which in range(4):
        lodge(waiting, decided(number(which)), "test")
    mine = ids(waiting, 0, 1, 2, 3)
    at_once([lambda: released(waiting, mine), lambda: released(waiting, mine, alone=mine, by="wang.wu")])
    run_due(waiting, "case.gather")
    with waiting.reading() as session:
        said = set(session.execute(select(Case.released_by, Case.alone)).all())
    assert said in ({("li.na", False)}, {("wang.wu", True)})
    cases = [case_no for _, _, cases in inside(waiting) for case_no in cases]
    assert cases == sorted(cases) == [number(which) for which in range(4)]
    assert len(inside(waiting)) == (4 if said == {("wang.wu", True)} else 1)


def test_called_off_and_sent_after_all_it_is_alone_again_under_the_next_order_number(waiting, decided):
    for which in range(2):
        lodge(waiting, decided(number(which)), "test")
    released(waiting, ids(waiting, 0, 1), alone=ids(waiting, 0, 1))
    before = inside(waiting)
    [first] = [one for one in shipments(waiting) if one.order_no == before[0][1]]
    call_off(waiting, first.id, "li.na")
    lift(waiting, number(0), "li.na")
    run_due(waiting, "case.gather")
    after = inside(waiting)
    assert [cases for _, _, cases in after] == [[number(0)], [number(1)]]
    assert after[0][1] not in {before[0][1], None}
    assert after[1] == before[1]
