"""Cases whose time is up while something is still open on them: shown to a person, never erased silently."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from dispatch import worklist
from dispatch.personal.due import past_its_time, still_open, told
from dispatch.worklist import SYSTEM, Reason
from dispatch.world import World

SHOWN_AGAIN = timedelta(days=30)
"""What a person has settled with a note rests for so long, then it is asked again."""
WAITING = f"""
    SELECT mine.id FROM cases AS mine
    WHERE {past_its_time("mine")} AND {still_open("mine")} AND NOT EXISTS (
        SELECT FROM worklist WHERE subject = 'case:' || mine.id AND reason = :reason
        AND (settled_at IS NULL OR (settled_by <> :system AND settled_at > :now - :again)))
    ORDER BY mine.received_at LIMIT :most
"""  # noqa: S608 - our own words
GONE = f"""
    SELECT worklist.subject FROM worklist JOIN cases AS mine ON worklist.subject = 'case:' || mine.id
    WHERE worklist.settled_at IS NULL AND worklist.reason = :reason AND NOT ({past_its_time("mine")})
"""  # noqa: S608 - our own words
DETAIL = "个人信息的保存期限已满，但还有没有了结的（暂缓、在途邮件或待处理事项），所以没有自动清除。"


def show_past_their_time(world: World, session: Session, most: int) -> int:
    """Put the oldest of them on the worklist, and take off those to which something has happened since.

    How many were put there.
    """
    asked = told(world) | {"reason": Reason.KEPT_TOO_LONG, "system": SYSTEM, "again": SHOWN_AGAIN}
    gone = session.scalars(text(GONE), asked).all()
    worklist.settle_each_by_itself(world, session, gone, [Reason.KEPT_TOO_LONG])
    waiting = session.scalars(text(WAITING), asked | {"most": most}).all()
    for subject in (f"case:{case_id}" for case_id in waiting):
        times, _ = worklist.last_settled(session, subject, Reason.KEPT_TOO_LONG)
        worklist.put(world, session, Reason.KEPT_TOO_LONG, subject, cause=str(times), detail=DETAIL)
    return len(waiting)
