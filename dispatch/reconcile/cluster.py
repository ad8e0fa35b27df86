"""Which PostgreSQL cluster answers: another one, or another timeline of it, has another past.

A cluster gets its identifier from initdb, and a new timeline from every recovery from an archive and every promotion
of a standby. A snapshot of the whole disk that is put back has neither: no database can see that of itself, and a
person must say it (`zhuandi reconcile start`).
"""

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import NotSupportedError, ProgrammingError
from sqlalchemy.orm import Session

from dispatch.key_mark import KeyMark
from dispatch.reconcile.begin import begin
from dispatch.restored import CLUSTER, TIMELINE, How
from dispatch.worklist import SYSTEM
from dispatch.world import World

WHICH = text(f"SELECT system_identifier || ':' || {TIMELINE} FROM pg_control_system()")  # noqa: S608 - ours


def notice_cluster(world: World) -> bool:
    """Whether another cluster, or another timeline, answers than the last time: then the mode begins here."""
    with world.begin() as session:
        here = cluster_of(session)
        known = session.scalar(select(KeyMark.mark).where(KeyMark.name == CLUSTER))
        if here is None:  # whoever intends something compares with the mark, and could not
            session.execute(delete(KeyMark).where(KeyMark.name == CLUSTER))
        if here is None or known == here:
            return False
        remember_cluster(session)
        if known is not None:
            begin(session, How.DETECTED, SYSTEM)
        return known is not None


def remember_cluster(session: Session) -> None:
    """This is the cluster that the database lives in."""
    if (here := cluster_of(session)) is None:
        return
    mark = insert(KeyMark).values(name=CLUSTER, mark=here)
    session.execute(mark.on_conflict_do_update(index_elements=["name"], set_={"mark": here}))


def cluster_of(session: Session) -> bytes | None:
    """Its identifier and timeline; None where the database does not permit the question."""
    try:
        with session.begin_nested():
            return str(session.scalar(WHICH)).encode()
    except (ProgrammingError, NotSupportedError):
        return None
