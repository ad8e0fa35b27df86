"""A push at the door: vouched for, stored raw, acknowledged in the carrier's own words. It is read in a worker."""

from datetime import datetime, timedelta

from sqlalchemy import Index, UniqueConstraint, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import jobs
from dispatch.carrier import Door, Knock, NotVouched, Reply
from dispatch.crash import Deed, Point, reach
from dispatch.db import Base, RowId
from dispatch.world import World

READ = "push.read"
RAW_MOST = 2_000_000
"""Bytes of a push that are read: a tracker tells whole histories of several parcels, URL-encoded."""
REPEATS_FOR = timedelta(days=1)
"""So long the same bytes are the same push. Later they say it anew: a tracker that never saw a parcel gives it up in
the same words each time."""
REFUSED_MOST = 65_536  # of one that is turned away so much is kept: anybody can send it


class Push(Base):
    """A webhook call as it came. A refused one is kept too: it may have been genuine."""

    __tablename__ = "pushes"

    id: Mapped[RowId]
    carrier: Mapped[str]
    digest: Mapped[bytes]  # keyed, of the raw bytes: a repetition is the same row
    raw: Mapped[bytes | None]  # sealed; none when its time is up
    body: Mapped[bytes | None]  # sealed: what the raw bytes say once opened; none too where it was turned away
    turned_away: Mapped[str | None]
    source: Mapped[str]
    received_at: Mapped[datetime]
    times: Mapped[int] = mapped_column(default=1)
    read_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("carrier", "digest"),
        Index("ix_pushes_read", "read_at", postgresql_where=text("raw IS NOT NULL")),
        Index("ix_pushes_turned_away", "received_at", postgresql_where=text("turned_away IS NOT NULL")),
    )

    @property
    def subject(self) -> str:
        """How jobs and the worklist name it."""
        return f"push:{self.id}"


def receive(world: World, door: Door, knock: Knock) -> Reply:
    """Store a push and answer it. The acknowledgement is given only after the commit; a repetition is one row."""
    if len(knock.raw) > RAW_MOST:
        return _turn_away(world, door, knock, f"报文超过 {RAW_MOST} 字节")
    try:
        vouched = door.vouch(knock)
    except NotVouched as refusal:
        return _turn_away(world, door, knock, str(refusal))
    _store(world, door, knock, body=vouched.body)
    reply = door.acknowledge(vouched.reference)
    reach(Point.PUSH_ACKNOWLEDGED)
    return reply


def _turn_away(world: World, door: Door, knock: Knock, reason: str) -> Reply:
    """Kept, and never read. Some pushers repeat for ever what is turned away: the centre may choose to say yes."""
    if _room_for_refused(world, door):
        _store(world, door, knock, turned_away=reason)
    if world.settings.unvouched_pushes == "acknowledge":
        return door.acknowledge(door.reference(knock))
    return door.turn_away(knock, reason)


def _room_for_refused(world: World, door: Door) -> bool:
    """Refused pushes are kept, but nobody may fill the disk with them: a genuine one is sent again."""
    since = world.now() - timedelta(hours=1)
    refused = select(func.count()).where(Push.carrier == door.name, Push.turned_away.is_not(None))
    with world.reading() as session:
        kept = session.scalar(refused.where(Push.received_at > since)) or 0
    return kept < world.settings.refused_pushes_per_hour


def _store(
    world: World, door: Door, knock: Knock, *, body: str | None = None, turned_away: str | None = None
) -> None:
    digest = world.vault.digest("push", knock.raw.hex())
    push = Push(
        id=uuid7(),
        carrier=door.name,
        digest=digest,
        turned_away=turned_away,
        source=knock.source,
        received_at=world.now(),
        times=1,
    )
    # Bytes that are no text (a wrong character set) must still be kept as they came.
    most = RAW_MOST if body is not None else REFUSED_MOST
    raw = knock.raw[:most].decode("latin-1")
    world.vault.seal(push, "raw", raw)
    if body is not None:
        world.vault.seal(push, "body", body)
    columns = {column.key: getattr(push, column.key) for column in Push.__table__.columns}
    with world.begin(Deed.PUSH) as session:
        new = insert(Push).values(**columns)
        kept = session.execute(
            new.on_conflict_do_update(index_elements=["carrier", "digest"], set_={"times": Push.times + 1}).returning(
                Push.id, Push.times
            )
        ).one()
        if body is None:
            return
        stored = session.get_one(Push, kept.id)
        if stored.body is None:  # turned away before (a key not set yet), or read so long ago that it was erased
            stored.turned_away = None
            world.vault.seal(stored, "raw", raw)
            world.vault.seal(stored, "body", body)
        elif kept.times > 1 and world.now() - (stored.read_at or stored.received_at) < REPEATS_FOR:
            return
        stored.read_at = None  # it is to be read (again), and must not be erased before
        jobs.leave(session, READ, stored.subject)


def forget_pushes(session: Session, before: datetime, most: int) -> int:
    """Erase what pushes said that were read before then, oldest first; how many.

    The row stays, with its digest: the same bytes are the same push however late they are told again.
    """
    old = select(Push.id).where(Push.raw.is_not(None), Push.read_at < before).order_by(Push.read_at).limit(most)
    gone = update(Push).where(Push.id.in_(old.scalar_subquery())).values(raw=None, body=None).returning(Push.id)
    return len(session.execute(gone).all())


def forget_refused(session: Session, before: datetime, most: int) -> int:
    """Erase pushes that were turned away before then, oldest first; how many. They would be turned away again."""
    refused = select(Push.id).where(Push.turned_away.is_not(None), Push.received_at < before)
    old = refused.order_by(Push.received_at).limit(most)
    gone = delete(Push).where(Push.id.in_(old.scalar_subquery())).returning(Push.id)
    return len(session.execute(gone).all())
