"""The database was set back to an earlier time: until that is reconciled nothing is grouped, booked or cancelled.

The mode is a row that is written in the transaction of the restored data. Whoever intends something asks in the
transaction of the intent, and holds a lock shared with all who intend: who begins the mode waits for them, so that
no intent slips between. A standby that was promoted under our address is asked for there too, because workers go on
before the clock has noticed it (`reconcile/cluster.py`).
"""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from dispatch.db import Base, RowId
from dispatch.errors import HeldBackError

LOCK = 331_128
CLUSTER = "cluster"
"""The mark that says which cluster it was, and which timeline of it: `identifier:timeline`."""
TIMELINE = "CAST(CAST('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8) AS bit(32)) AS bigint)"
"""By the name of the file that is written at this moment: what `pg_control_checkpoint` says stays the old one until
the first checkpoint after a promotion has ended, which takes minutes."""
INTEND = text(f"""
    SELECT pg_advisory_xact_lock_shared({LOCK}), EXISTS (
        SELECT FROM key_marks WHERE name = '{CLUSTER}'
        AND split_part(convert_from(mark, 'UTF8'), ':', 2) <> CAST({TIMELINE} AS text)
    ) AS promoted
""")  # noqa: S608 - of our own words alone
PAUSE = timedelta(minutes=10)
"""What is held back looks again so often; the end of the mode wakes it at once."""
WORDS = "数据恢复后尚未核对完，暂不并封、下单、撤单。请管理员核对。"


class How(StrEnum):
    """How it came that the database lacks a piece of the past."""

    BACKUP = "backup"  # zhuandi restore
    BY_HAND = "by_hand"  # a person restored by other means, and said so
    DETECTED = "detected"  # another cluster, or another timeline of it, answers under our address


class Past(StrEnum):
    """Why the order of an envelope may have been placed in the time that is lost."""

    SEALED = "sealed"  # it was sealed already: if it was placed, then word for word like this
    GATHERING = "gathering"  # the same envelope, which may have been sealed with other papers
    LOST = "lost"  # the envelope was made again: its order may have been placed at another time, with other papers


class Restore(Base):
    """One setting back, and how it was reconciled. Times are the database's."""

    __tablename__ = "restores"

    id: Mapped[RowId]
    how: Mapped[str]
    started_by: Mapped[str]
    restored_at: Mapped[datetime] = mapped_column(server_default=func.now())
    backup_taken_at: Mapped[datetime | None]  # where the lost time begins, if that is known
    looked_through_at: Mapped[datetime | None]  # whoever must be asked has been named
    all_sent_at: Mapped[datetime | None]  # a person said that the approval systems have sent again what was lost
    all_sent_by: Mapped[str | None]
    reconciled_at: Mapped[datetime | None]
    reconciled_by: Mapped[str | None]
    accepted: Mapped[bytes | None]  # sealed: why somebody ended it while something was left


def check(session: Session) -> list[Restore]:
    """All of them so far. To be called first in the transaction of an intent; HeldBackError while the mode is on, or
    is about to begin."""
    promoted = session.execute(INTEND).one().promoted
    known = restores(session)
    if promoted or any(one.reconciled_at is None for one in known):
        raise HeldBackError(WORDS)
    return known


def alone(session: Session) -> None:
    """Wait for all intents that are being written, and let none be written until the commit."""
    session.execute(select(func.pg_advisory_xact_lock(LOCK)))


def open_restore(session: Session) -> Restore | None:
    """The last setting back that is not reconciled yet: while there is one, the mode is on."""
    waiting = select(Restore).where(Restore.reconciled_at.is_(None)).order_by(Restore.restored_at.desc())
    return session.scalars(waiting.limit(1)).first()


def restores(session: Session) -> list[Restore]:
    """All of them, oldest first; hardly ever one."""
    return list(session.scalars(select(Restore).order_by(Restore.restored_at)))
