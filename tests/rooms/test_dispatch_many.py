"""Many cases at once: in steps, each with its own outcome; who dies in between does nothing twice."""

from dataclasses import replace

import pytest
from road_steps import at_once
from sqlalchemy import select

from dispatch import audit
from dispatch.approval import dispatch_many
from dispatch.approval.case import Case, Hold
from dispatch.approval.dispatch_many import WORK, begin_many, go_on, try_failed_again
from dispatch.approval.lodge import lodge
from dispatch.approval.release import hold, lift, release
from dispatch.batch import Batch, Kind, Outcome, items_of, tally
from dispatch.errors import ConflictError, NotAllowedError
from workers.run import run_due


@pytest.fixture
def waiting(world):
    """Items whose cases wait for a person."""
    return replace(world, settings=world.settings.model_copy(update={"item_release": "when_released"}))


@pytest.fixture
def lodged(waiting, decided):
    """So many cases that wait; their ids in the order of their numbers."""

    def make(count):
        for number in range(count):
            lodge(waiting, decided(f"33112720261122{number:04}"), "test")
        with waiting.reading() as session:
            return list(session.scalars(select(Case.id).order_by(Case.case_no)))

    return make


def outcomes(world, batch_id):
    with world.reading() as session:
        return [(item.outcome, item.words) for item in items_of(session, batch_id)]


def ended(world, batch_id):
    with world.reading() as session:
        return session.get(Batch, batch_id).ended_at is not None


def deeds(world):
    with world.reading() as session:
        return list(session.scalars(select(audit.AuditEntry.deed).order_by(audit.AuditEntry.seq)))


def test_each_case_is_released_or_says_why_it_was_not(waiting, lodged):
    first, second, third = ids = lodged(3)
    release(waiting, "331127202611220000", "li.na")
    hold(waiting, "331127202611220001", "欠费", "li.na")
    batch = begin_many(waiting, Kind.RELEASE, ids, "wang.wu")
    assert not go_on(waiting, batch)
    (already, who), (held, why), (done, nothing) = outcomes(waiting, batch)
    assert (already, held, done) == (Outcome.ALREADY, Outcome.DONE, Outcome.DONE)
    assert who.startswith("li.na ")
    assert "仍在暂缓" in why
    assert nothing == ""
    assert ended(waiting, batch)


def test_what_was_left_undone_is_gone_on_with_by_a_worker_and_nothing_is_done_twice(waiting, lodged, monkeypatch):
    """The line was lost after the first step: each case is let go once, and stands once in the audit log."""
    monkeypatch.setattr(dispatch_many, "STEP", 2)
    batch = begin_many(waiting, Kind.RELEASE, lodged(5), "wang.wu")
    assert go_on(waiting, batch)
    with waiting.reading() as session:
        assert tally(session, batch) == {Outcome.DONE: 2, Outcome.WAITING: 3}
    run_due(waiting, WORK)
    with waiting.reading() as session:
        assert tally(session, batch) == {Outcome.DONE: 5}
    assert ended(waiting, batch)
    assert not go_on(waiting, batch)
    assert deeds(waiting) == ["change"] * 6  # the batch, and each case


def test_two_who_go_on_with_one_batch_at_once_do_each_case_once(waiting, lodged, monkeypatch):
    monkeypatch.setattr(dispatch_many, "STEP", 2)
    batch = begin_many(waiting, Kind.RELEASE, lodged(6), "wang.wu")
    at_once([lambda: go_on(waiting, batch) for _ in range(3)])
    with waiting.reading() as session:
        assert tally(session, batch) == {Outcome.DONE: 6}
    assert deeds(waiting) == ["change"] * 7


def test_many_are_held_for_one_reason_and_let_off_again(waiting, lodged):
    ids = lodged(3)
    hold(waiting, "331127202611220001", "待签字", "li.na")
    held = begin_many(waiting, Kind.HOLD, ids, "wang.wu", "欠费")
    go_on(waiting, held)
    states = outcomes(waiting, held)
    assert [state for state, _ in states] == [Outcome.DONE, Outcome.FAILED, Outcome.DONE]
    assert "li.na" in states[1][1]
    with waiting.reading() as session:
        reasons = [waiting.vault.open(one, "reason") for one in session.scalars(select(Hold))]
    assert sorted(reasons) == ["待签字", "欠费", "欠费"]
    lift(waiting, "331127202611220002", "li.na")
    lifted = begin_many(waiting, Kind.LIFT, ids, "wang.wu")
    go_on(waiting, lifted)
    assert [state for state, _ in outcomes(waiting, lifted)] == [Outcome.DONE, Outcome.DONE, Outcome.ALREADY]


def test_only_what_failed_is_tried_again(waiting, lodged):
    ids = lodged(2)
    hold(waiting, "331127202611220001", "待签字", "li.na")
    batch = begin_many(waiting, Kind.HOLD, ids, "wang.wu", "欠费")
    go_on(waiting, batch)
    lift(waiting, "331127202611220001", "li.na")
    assert try_failed_again(waiting, batch, "wang.wu") == 1
    assert not ended(waiting, batch)
    run_due(waiting, WORK)
    assert [state for state, _ in outcomes(waiting, batch)] == [Outcome.DONE, Outcome.DONE]
    assert try_failed_again(waiting, batch, "wang.wu") == 0


def test_a_case_that_is_chosen_twice_is_one(waiting, lodged):
    [one] = lodged(1)
    batch = begin_many(waiting, Kind.RELEASE, [one, one], "wang.wu")
    go_on(waiting, batch)
    assert len(outcomes(waiting, batch)) == 1


def test_nothing_chosen_and_a_hold_without_a_reason_are_refused(waiting, lodged):
    with pytest.raises(NotAllowedError, match="勾选"):
        begin_many(waiting, Kind.RELEASE, [], "wang.wu")
    with pytest.raises(NotAllowedError, match="原因"):
        begin_many(waiting, Kind.HOLD, lodged(1), "wang.wu", "  ")


def test_a_reason_is_not_readable_in_the_database(waiting, lodged):
    batch = begin_many(waiting, Kind.HOLD, lodged(1), "wang.wu", "张三欠费未缴")
    with waiting.reading() as session:
        kept = session.get(Batch, batch)
    assert "张三".encode() not in kept.reason
    assert waiting.vault.open(kept, "reason") == "张三欠费未缴"


def test_who_holds_second_is_told_who_was_first(waiting, lodged):
    lodged(1)
    hold(waiting, "331127202611220000", "欠费", "li.na")
    with pytest.raises(ConflictError, match="li.na"):
        hold(waiting, "331127202611220000", "欠费", "wang.wu")
