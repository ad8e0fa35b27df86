"""A push at the door: vouched for, stored raw, acknowledged in the carrier's own words. It is read in a worker."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Row, UniqueConstraint, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column
from structlog.contextvars import get_contextvars
from uuid_utils.compat import uuid7

from dispatch import jobs
from dispatch.carrier import Door, Knock, NotVouched, Reply
from dispatch.crash import Deed
from dispatch.db import Base, RowId
from dispatch.world import World

READ = "push.read"
REQUESTS = "request_ids"
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
        return subject_of(self.id)


def subject_of(push_id: UUID) -> str:
    """How jobs and the worklist name a push."""
    return f"push:{push_id}"


KEEP = text("""
    INSERT INTO pushes (id, carrier, digest, raw, body, turned_away, source, received_at, times)
    SELECT id, carrier, decode(digest, 'hex'), decode(raw, 'hex'), decode(body, 'hex'), turned_away, source, at, times
    FROM json_to_recordset(CAST(:arrived AS json)) AS arrived (
        id uuid, carrier text, digest text, raw text, body text,
        turned_away text, source text, at timestamptz, times int
    )
    ON CONFLICT (carrier, digest) DO UPDATE SET times = pushes.times + excluded.times
    RETURNING id, carrier, digest, body IS NULL AS emptied, read_at, received_at
""")
"""One statement for any number of pushes, so that it is prepared once and never compiled anew. They travel as one
document: of an array the driver would quote each element in Python.
"""


@dataclass(slots=True)
class Arrival:
    """A push as it will be kept, sealed already, and the answer that it gets once it is committed."""

    reply: Reply
    carrier: str
    digest: bytes
    source: str
    received_at: datetime
    turned_away: str | None = None
    times: int = 1
    raw: bytes = b""
    body: bytes | None = None
    id: UUID = field(default_factory=uuid7)
    request_id: str = field(default_factory=lambda: str(get_contextvars().get("request_id", "")))
    __tablename__: str = field(default=Push.__tablename__, init=False)  # it is sealed for its row

    @property
    def size(self) -> int:
        """Bytes, sealed."""
        return len(self.raw) + len(self.body or b"")

    @property
    def key(self) -> tuple[str, bytes]:
        """What is the same for a repetition."""
        return self.carrier, self.digest


def receive(world: World, door: Door, knock: Knock) -> Reply:
    """Store a push and answer it. The acknowledgement is given only after the commit; a repetition is one row."""
    [reply] = store(world, [judge(world, door, knock)])
    return reply


def judge(world: World, door: Door, knock: Knock) -> Arrival:
    """Is it genuine, and what will be answered; nothing is stored yet, and the database is not asked.

    Some pushers repeat for ever what is turned away: the centre may choose to say yes. It is never read.
    """
    if len(knock.raw) > RAW_MOST:
        reason = f"报文超过 {RAW_MOST} 字节"
    else:
        try:
            vouched = door.vouch(knock)
        except NotVouched as refusal:
            reason = str(refusal)
        else:
            return _sealed(world, door, knock, door.acknowledge(vouched.reference), body=vouched.body)
    if world.settings.unvouched_pushes == "acknowledge":
        reply = door.acknowledge(door.reference(knock))
    else:
        reply = door.turn_away(knock, reason)
    return _sealed(world, door, knock, reply, turned_away=reason)


def _sealed(
    world: World, door: Door, knock: Knock, reply: Reply, *, body: str | None = None, turned_away: str | None = None
) -> Arrival:
    digest = world.vault.digest("push", knock.raw.hex())
    arrival = Arrival(reply, door.name, digest, knock.source, world.now(), turned_away)
    # Bytes that are no text (a wrong character set) must still be kept as they came.
    most = RAW_MOST if body is not None else REFUSED_MOST
    world.vault.seal(arrival, "raw", knock.raw[:most].decode("latin-1"))
    if body is not None:
        world.vault.seal(arrival, "body", body)
    return arrival


def store(world: World, arrivals: Sequence[Arrival]) -> list[Reply]:
    """Keep them in one transaction: all, or none where it raises. What is to be read, a job is left for.

    The reply to each, which may be given now.
    Rows are locked in the order of their keys, so that two doors never wait for each other crosswise.
    """
    with world.begin(Deed.PUSH) as session:
        if kept := _with_room(world, session, _each_once(arrivals)):
            _keep(world, session, kept, _requests(arrivals))
    return [one.reply for one in arrivals]


def _keep(
    world: World,
    session: Session,
    kept: dict[tuple[str, bytes], Arrival],
    requests: Mapping[tuple[str, bytes], Sequence[str]],
) -> None:
    rows = session.execute(KEEP, {"arrived": json.dumps([_written(one) for one in kept.values()])}).all()
    to_read = [row.id for row in rows if _is_to_be_read(world, session, kept[row.carrier, bytes(row.digest)], row)]
    asked = {subject_of(row.id): requests[row.carrier, bytes(row.digest)] for row in rows}
    read = [subject_of(push_id) for push_id in to_read]
    with jobs.on_behalf_of(REQUESTS, asked):
        jobs.leave_all(session, READ, read)
    rest = [{"subject": one, REQUESTS: asked[one]} for one in asked.keys() - set(read) if asked[one]]
    jobs.tell(session, "push.only_kept", "pushes", rest)


def _requests(arrivals: Sequence[Arrival]) -> dict[tuple[str, bytes], list[str]]:
    """The requests that brought each, a repetition beside the first."""
    found: dict[tuple[str, bytes], list[str]] = {}
    for one in arrivals:
        found.setdefault(one.key, []).extend([one.request_id] if one.request_id else [])
    return found


def _written(one: Arrival) -> dict[str, object]:
    return {
        "id": str(one.id),
        "carrier": one.carrier,
        "digest": one.digest.hex(),
        "raw": one.raw.hex(),
        "body": None if one.body is None else one.body.hex(),
        "turned_away": one.turned_away,
        "source": one.source,
        "at": one.received_at.isoformat(),
        "times": one.times,
    }


def _each_once(arrivals: Sequence[Arrival]) -> dict[tuple[str, bytes], Arrival]:
    """Repetitions among them are one, the vouched before the turned away; each says how often it came."""
    found: dict[tuple[str, bytes], Arrival] = {}
    counts = Counter(arrival.key for arrival in arrivals)
    for arrival in sorted(arrivals, key=lambda one: (one.key, one.body is None)):
        one = found.setdefault(arrival.key, arrival)
        one.times = counts[one.key]
    return found


def _with_room(
    world: World, session: Session, arrivals: dict[tuple[str, bytes], Arrival]
) -> dict[tuple[str, bytes], Arrival]:
    """Refused pushes are kept, but nobody may fill the disk with them: a genuine one is sent again."""
    refused = {arrival.carrier for arrival in arrivals.values() if arrival.body is None}
    if not refused:
        return arrivals
    since = world.now() - timedelta(hours=1)
    of_these = (Push.carrier.in_(refused), Push.turned_away.is_not(None), Push.received_at > since)
    counting = select(Push.carrier, func.count().label("kept")).where(*of_these).group_by(Push.carrier)
    room = Counter(dict.fromkeys(refused, world.settings.refused_pushes_per_hour))
    room.subtract({row.carrier: row.kept for row in session.execute(counting)})
    kept = {}
    for key, arrival in arrivals.items():
        if arrival.body is None:
            room[arrival.carrier] -= 1
        if arrival.body is not None or room[arrival.carrier] >= 0:
            kept[key] = arrival
    return kept


def _is_to_be_read(world: World, session: Session, arrival: Arrival, row: Row[Any]) -> bool:
    if arrival.body is None:
        return False
    if row.id == arrival.id:
        return True
    if row.emptied:  # turned away before (a key not set yet), or read so long ago that it was erased
        stored = session.get_one(Push, row.id)
        stored.turned_away = None
        for column in ("raw", "body"):
            world.vault.seal(stored, column, world.vault.open(arrival, column) or "")
    elif world.now() - (row.read_at or row.received_at) < REPEATS_FOR:
        return False
    # It is to be read (again), and must not be erased before.
    session.get_one(Push, row.id).read_at = None
    return True
