"""Many jobs done in one transaction come to what they come to singly, and one that is not plain stops no other."""

from datetime import timedelta

import pytest
from road_steps import (
    code_in,
    entries,
    hand_over_all,
    make_due,
    numbers,
    phone,
    push,
    raw_push,
    shipments,
    sql,
    with_settings,
)
from sqlalchemy import func, select

from dispatch import jobs, lease
from dispatch.approval.lodge import GATHER, lodge, lodge_all
from dispatch.approval.release import hold
from dispatch.errors import ConflictError
from dispatch.jobs import Job
from dispatch.shipment import WEIGH, Move
from dispatch.tracking.push import READ, Push
from dispatch.tracking.sighting import Sighting
from dispatch.worklist import Reason
from dispatch.zero_visits.close import Closure, LegEvidence
from dispatch.zero_visits.weigh import weigh_together
from workers.run import run_due

STORY = ("203", "305", "702", "704")


def case_no(number):
    return f"3311272026112200{number:02}"


def lodged(world, decided, count, **slip):
    return lodge_all(
        world,
        [decided(case_no(n), slip={**phone(1, n), "recipient_name": f"蓝小{n}", **slip}) for n in range(count)],
        "test",
    )


def tell(world, number, codes=STORY, signer="10"):
    """The carrier tells of this parcel, a push for each event."""
    for place, code in enumerate(codes):
        more = {"deliverCode": signer} if code == "704" and signer else {}
        at = world.now() + timedelta(seconds=place)
        assert code_in(push(world, raw_push(world, number, code, at, **more))) == "00000"


def count(world, row):
    with world.reading() as session:
        return session.scalar(select(func.count()).select_from(row))


@pytest.fixture
def away(post, drain, decided):
    """Six letters, each of a case of its own, that lie with the post."""
    lodged(post.world, decided, 6)
    drain(post.world)
    hand_over_all(post.world)
    drain(post.world)
    return post.world


def test_every_parcel_of_a_batch_is_closed_once_and_by_its_own_evidence(away, drain):
    for number in numbers(away):
        tell(away, number)
    drain(away)
    assert {shipment.stage for shipment in shipments(away)} == {"closed"}
    assert [count(away, row) for row in (Closure, LegEvidence, Sighting)] == [6, 6, 6 * len(STORY)]
    with away.reading() as session:
        told = session.scalars(select(Move.cause).where(Move.cause.startswith("news:"))).all()
    assert len(told) == 6, "news read together are one movement of their shipment"


def test_a_parcel_whose_signer_nobody_knows_comes_before_a_person_and_the_others_are_closed(away, drain):
    unknown, *others = numbers(away)
    tell(away, unknown, signer="99")
    for number in others:
        tell(away, number)
    drain(away)
    assert sorted(shipment.stage for shipment in shipments(away)) == ["closed"] * 5 + ["handed_over"]
    assert len(entries(away)) == 1


def test_a_push_that_does_not_open_fails_alone(away):
    away = with_settings(away, job_retry_first=timedelta(hours=1), job_retry_cap=timedelta(hours=1))
    first, second, *_ = numbers(away)
    tell(away, first)
    tell(away, second)
    sql(away, "UPDATE pushes SET body = substr(body, 1, 40) WHERE id = (SELECT min(id::text)::uuid FROM pushes)")
    run_due(away, READ)
    with away.reading() as session:
        unread = session.scalars(select(Push).where(Push.read_at.is_(None))).all()
        failed = session.scalars(select(Job).where(Job.name == READ, Job.done_at.is_(None))).all()
    assert [job.subject for job in failed] == [push.subject for push in unread]
    assert (len(unread), count(away, Sighting)) == (1, 2 * len(STORY) - 1)


def test_news_of_nobodys_parcel_waits_and_the_plain_news_beside_it_are_read(away):
    patient = with_settings(away, unmatched_grace=timedelta(hours=1))
    number, *_ = numbers(away)
    tell(patient, number, codes=STORY[:2])
    tell(patient, "1100999999999", codes=STORY[:1])
    run_due(patient, READ)
    with away.reading() as session:
        assert session.scalars(select(Job.done_at.is_(None)).where(Job.name == READ)).all().count(True) == 1
    make_due(away, READ)
    run_due(away, READ)
    assert Reason.UNKNOWN_PARCEL in entries(away)


def test_the_same_news_by_question_and_by_push_in_one_batch_is_one_sighting(away):
    number, *_ = numbers(away)
    at = away.now()
    for text in ("甲", "乙"):  # other bytes, the same event
        push(away, raw_push(away, number, "305", at, serialNo=text))
    push(away, raw_push(away, number, "203", at))
    run_due(away, READ)
    assert count(away, Sighting) == 2


def test_two_cases_of_one_recipient_without_a_window_travel_apart_also_when_gathered_together(world, decided):
    lodged(world, decided, 3, recipient_name="蓝小雨", **phone(1))
    run_due(world, GATHER)
    assert [shipment.stage for shipment in shipments(world)] == ["to_book"] * 3


def test_within_a_window_they_share_an_envelope(world, drain, decided):
    waiting = with_settings(world, item_grouping=timedelta(hours=1))
    lodged(waiting, decided, 3, recipient_name="蓝小雨", **phone(1))
    drain(waiting)
    assert [shipment.stage for shipment in shipments(waiting)] == ["gathering"]


def test_a_held_case_stays_and_the_others_of_its_batch_go(world, decided):
    lodged(world, decided, 4)
    hold(world, case_no(2), "待补件", "clerk")
    run_due(world, GATHER)
    assert len(shipments(world)) == 3


def test_of_cases_that_arrive_together_a_conflict_keeps_only_itself_out(world, decided):
    lodge(world, decided(case_no(1)), "test")
    other = decided(case_no(1), department="县自然资源局")
    told = lodge_all(world, [decided(case_no(0)), other, decided(case_no(1)), decided(case_no(0))], "test")
    assert isinstance(told[1], ConflictError)
    assert [str(told[place].outcome) for place in (0, 2, 3)] == ["accepted", "repeated", "repeated"]
    assert told[0].case_id == told[3].case_id


def test_what_is_left_again_while_it_is_weighed_with_others_runs_once_more(away):
    for number in numbers(away)[:2]:
        tell(away, number, codes=STORY[:2])
    run_due(away, READ)
    claims = lease.claim(away, WEIGH, 10)
    with away.begin() as session:
        jobs.leave(session, WEIGH, claims[0].subject)
    assert weigh_together(away, claims) == []
    assert run_due(away, WEIGH) == 1
