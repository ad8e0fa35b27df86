"""Cases that are never closed: forgotten in their time where nothing is open on them, else shown to a person."""

from datetime import timedelta

import pytest
from on_the_road import CLERK, Road
from road_steps import make_due
from sqlalchemy import select
from test_erasing import DAY, SECRETS, TOLD_OF_A, case_of, erased, opened

from dispatch import audit, worklist
from dispatch.approval.amend_slip import Wanted, amend_slip
from dispatch.approval.case import Hold, find_case
from dispatch.approval.issue import Paper, register_paper
from dispatch.approval.release import hold, lift, paper_ready_in, release
from dispatch.errors import ConflictError, NotAllowedError
from dispatch.queues.look import counts
from dispatch.queues.queue import Queue, Scope
from dispatch.retention import FORGET
from dispatch.settings import Settings
from dispatch.shipment import Shipment
from dispatch.wiring import now
from dispatch.worklist import Reason
from dispatch.zero_visits.put_right.remedy import Remedy, about, remedies
from dispatch.zero_visits.put_right.solve import Told, solve
from dispatch.zero_visits.settle import number_of, settle_entry
from dispatch.zero_visits.story import story
from workers.clock import leave_standing
from workers.run import run_due


@pytest.fixture
def waiting(post, drain, decided):
    """Case C waits for its paper, which never comes; nobody was ever sent anything."""
    road = Road(post.world, drain)
    leave_standing(road.world)
    road.lodge(decided("C", **TOLD_OF_A, paper_ready=False))
    return road


def past(road, more=DAY):
    return road.at(now() + road.world.settings.cases_kept + more)


def forgotten_round(road):
    """The clock's job, at that road's time."""
    make_due(road.world, FORGET)
    run_due(road.world, FORGET)
    return road


def kept_too_long(road):
    return [one for one in road.entries() if one.reason == Reason.KEPT_TOO_LONG]


def test_what_was_called_off_and_has_nothing_open_any_more_is_forgotten_from_the_last_that_happened(waiting):
    """Only closings started the clock: whoever never got anything was known for ever."""
    [hold_id] = hold_ended_a_year_later(waiting)
    forgotten_round(past(waiting))
    assert (erased(waiting, "C"), hold_id is not None) == ([False], True)
    later = forgotten_round(past(waiting, timedelta(days=400)))
    assert erased(waiting, "C") == [True]
    after = opened(later.world)
    assert [secret for secret in SECRETS if secret in after] == []
    assert audit.verify(later.world).sound


def hold_ended_a_year_later(road):
    """Held, let off, and nothing left open: as it is after a person has settled all there was."""
    held = road.at(now() + timedelta(days=365)).world
    hold(held, "C", "欠费", CLERK)
    lift(held, "C", CLERK)
    with road.world.reading() as session:
        return list(session.scalars(select(Hold.id)))


def test_once_forgotten_it_never_goes_out_and_nothing_is_written_about_it_anew(waiting):
    """With an empty slip it would have been gathered, booked, and sent to nobody."""
    later = forgotten_round(past(waiting))
    with pytest.raises(ConflictError, match="不再寄送"):
        register_paper(later.world, "C", Paper("科室 王某"), CLERK)
    with later.world.begin() as session:  # as a worker of the version before would say of it
        paper_ready_in(later.world, session, find_case(session, "C"))
    waiting.drain(later.world)
    with later.world.reading() as session:
        assert session.scalars(select(Shipment)).all() == []
    with pytest.raises(NotAllowedError, match="不再寄送"):
        hold(later.world, "C", "欠费", CLERK)
    with pytest.raises(NotAllowedError, match="不再寄送"):
        release(later.world, "C", CLERK)
    with pytest.raises(ConflictError, match="不再寄送"):
        amend_slip(later.world, "C", Wanted(phone="13900000002"), CLERK)
    assert counts(later.world, Scope())[Queue.TO_RELEASE] == counts(later.world, Scope())[Queue.TO_ISSUE] == 0
    assert "不再寄送" in "\n".join(one.words for one in story(later.world, "C").lines)


@pytest.mark.parametrize("open_thing", ["a hold", "an entry", "an envelope with the post"])
def test_while_anything_is_open_past_its_time_a_person_is_shown_it_and_nothing_is_erased(
    waiting, decided, open_thing
):
    road = waiting
    if open_thing == "a hold":
        hold(road.world, "C", "改窗口领取", CLERK)
    elif open_thing == "an entry":
        with road.world.begin() as session:
            worklist.put(road.world, session, Reason.PAPER_LATE, case_of(road, "C").subject)
    else:
        register_paper(road.world, "C", Paper("科室 王某"), CLERK)
        road.hand_over()
    later = forgotten_round(past(road))
    assert erased(road, "C") == [False]
    [entry] = kept_too_long(later)
    assert entry.subject == case_of(road, "C").subject
    forgotten_round(later)
    assert len(kept_too_long(later)) == 1
    with later.world.reading() as session:
        offered = remedies(later.world, session, about(session, entry))
    assert (Remedy.LAPSE in offered) == (open_thing != "an envelope with the post")


def test_a_person_lets_it_go_and_it_is_forgotten_with_the_next_round(waiting):
    hold(waiting.world, "C", "改窗口领取，一直没有来", CLERK)
    later = forgotten_round(past(waiting))
    [entry] = kept_too_long(later)
    number = number_of(entry.id)
    with pytest.raises(NotAllowedError):
        solve(later.world, number, Remedy.LAPSE, CLERK, Told())
    solve(later.world, number, Remedy.LAPSE, CLERK, Told(note="证件已移交科室归档"))
    assert (later.entries(), erased(waiting, "C")) == ([], [False])
    forgotten_round(later)
    assert erased(waiting, "C") == [True]
    after = opened(later.world)
    assert [secret for secret in SECRETS if secret in after] == []


def test_what_a_person_looked_at_and_left_is_shown_again_after_a_month(waiting):
    hold(waiting.world, "C", "改窗口领取", CLERK)
    later = forgotten_round(past(waiting))
    [entry] = kept_too_long(later)
    settle_entry(later.world, number_of(entry.id), CLERK, "再等一阵")
    assert kept_too_long(forgotten_round(past(waiting, 20 * DAY))) == []
    assert len(kept_too_long(forgotten_round(past(waiting, 40 * DAY)))) == 1


def test_what_begins_to_move_again_is_taken_off_the_list(waiting):
    hold(waiting.world, "C", "改窗口领取", CLERK)
    later = forgotten_round(past(waiting))
    lift(later.world, "C", CLERK)
    forgotten_round(later)
    assert (kept_too_long(later), erased(waiting, "C")) == ([], [False])


def test_who_configures_cases_to_be_kept_shorter_than_pushes_is_told_why_not():
    with pytest.raises(ValueError, match="pushes_kept"):
        Settings(cases_kept=timedelta(days=30), pushes_kept=timedelta(days=60))
