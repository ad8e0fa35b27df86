"""Work for a carrier that the settings do not name any more has nobody: a person is told (DESIGN promise 10)."""

from collections.abc import Set as AbstractSet

from sqlalchemy.orm import Session

from dispatch import worklist
from dispatch.breaker import subject_of
from dispatch.worklist import Reason
from dispatch.world import World

WORDS = "设置里已没有 {}，交给它的任务无人办理。请恢复账号，或把邮件改由别家寄递。"


def show_stranded(world: World, lanes: AbstractSet[str]) -> None:
    """Put each of these lanes before a person; where the work has somebody again, or is gone, that is settled."""
    with world.begin() as session:
        for lane in sorted(lanes):
            _show(world, session, lane)
        shown = worklist.open_subjects(session, Reason.JOB_STUCK, subject_of(""))
        for subject in shown - {subject_of(lane) for lane in lanes}:
            worklist.settle_by_itself(world, session, subject, [Reason.JOB_STUCK])


def show_lane(world: World, lane: str) -> None:
    """Put one lane before a person."""
    with world.begin() as session:
        _show(world, session, lane)


def _show(world: World, session: Session, lane: str) -> None:
    """Once. Settled by a person and still stranded, it rests for a while, and then it is shown again."""
    subject = subject_of(lane)
    times, last = worklist.last_settled(session, subject, Reason.JOB_STUCK)
    rested = last is None or world.now() - last >= world.settings.case_patience
    if rested and not worklist.stands(session, subject, Reason.JOB_STUCK):
        words = WORDS.format(lane)
        worklist.put(world, session, Reason.JOB_STUCK, subject, cause=f"stranded:{times}", detail=words)
