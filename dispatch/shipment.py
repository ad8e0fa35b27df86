"""The shipment: one envelope on one leg. This module alone writes its stage and its tracked state."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import jobs, words, worklist
from dispatch.db import Base, RowId, insert_rows
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.journey import ACTS, AT_AN_END, Act, Signer, Stage, Tracked, Tracking, View, view
from dispatch.worklist import SYSTEM
from dispatch.world import World

BOOK = "shipment.book"
WATCH = "shipment.watch"
ASK = "shipment.ask"
ANNOUNCE = "shipment.announce"
CANCEL = "shipment.cancel"
LOOK_AGAIN = "shipment.look_again"
FETCH_LABEL = "shipment.fetch_label"
WEIGH = "shipment.weigh"
FOLLOW = "shipment.follow"
RECALL = "shipment.recall"


class Shipment(Base):
    """One envelope. Recipient and way of delivery stand in the slip; times are ours unless named otherwise."""

    __tablename__ = "shipments"

    id: Mapped[RowId]
    direction: Mapped[str]
    slip_id: Mapped[UUID] = mapped_column(ForeignKey("slips.id"))
    group_digest: Mapped[bytes]  # keyed: same recipient, address, way of delivery and carrier
    carrier: Mapped[str]
    sequence: Mapped[int] = mapped_column(default=1)
    order_no: Mapped[str | None] = mapped_column(unique=True)
    stage: Mapped[str] = mapped_column(default=Stage.GATHERING)
    tracked: Mapped[str] = mapped_column(default=Tracked.UNSEEN)
    signer: Mapped[str | None]
    last_news: Mapped[str] = mapped_column(default="")  # the fact that led to the tracked state
    moved_at: Mapped[datetime]
    overdue_asked: Mapped[bool] = mapped_column(default=False)  # the post was asked since it last moved
    asked_at: Mapped[datetime | None]  # the post last answered a question about it
    created_at: Mapped[datetime]
    seal_at: Mapped[datetime]  # until then documents of the same recipient may join
    doubts: Mapped[int] = mapped_column(default=0)  # rungs of the in-doubt ladder already climbed
    absences: Mapped[int] = mapped_column(default=0)  # look-ups in a row that did not find the order
    intended_at: Mapped[datetime | None]  # when it was last said to the carrier that we book
    after_voiding: Mapped[str | None]  # what follows when the carrier has cancelled: book_again or cancel
    prints: Mapped[int] = mapped_column(default=0)
    perhaps_placed: Mapped[str | None]  # a Past: its order may stand at the carrier, and we lost the knowledge

    __table_args__ = (
        CheckConstraint(f"stage IN ({', '.join(repr(str(s)) for s in Stage)})", name="stage"),
        CheckConstraint(f"tracked IN ({', '.join(repr(str(t)) for t in Tracked)})", name="tracked"),
        Index("ix_shipments_stage", "stage"),
        Index("ix_shipments_closed", "moved_at", postgresql_where=text("stage = 'closed'")),  # those of today
        Index(
            "uq_shipments_gathering",
            "group_digest",
            unique=True,
            postgresql_where=text("stage = 'gathering'"),
        ),
    )

    @property
    def subject(self) -> str:
        """How jobs and the worklist name it."""
        return f"shipment:{self.id}"

    @property
    def view(self) -> View:
        """What anyone sees of it."""
        return view(Stage(self.stage), Tracked(self.tracked))


class Content(Base):
    """A document in an envelope. It lies in one live envelope at most."""

    __tablename__ = "contents"

    id: Mapped[RowId]
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipments.id"), index=True)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"), index=True)
    scanned_at: Mapped[datetime | None]
    void: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (Index("uq_contents_live", "document_id", unique=True, postgresql_where=text("NOT void")),)


class Move(Base):
    """A change of what is seen of a shipment (状态变更): by which act or news, when, by whom. Never changed."""

    __tablename__ = "moves"

    id: Mapped[RowId]
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipments.id"), index=True)
    at: Mapped[datetime]
    cause: Mapped[str]
    before: Mapped[str]
    after: Mapped[str]
    by: Mapped[str]

    __table_args__ = (Index("ix_moves_at", "at", postgresql_using="brin"),)  # they come in this order


def lock(session: Session, shipment_id: UUID) -> Shipment:
    """The shipment, locked until the end of the transaction. Whoever locks several takes them in order of id."""
    mine = select(Shipment).where(Shipment.id == shipment_id).with_for_update()
    found = session.scalar(mine.execution_options(populate_existing=True))  # as it is now, whatever was loaded before
    if found is None:
        raise NotFoundError(f"没有邮件 {shipment_id}。")
    return found


def lock_all(session: Session, shipment_ids: Collection[UUID]) -> list[Shipment]:
    """Those of these shipments that there are, locked in order of id."""
    mine = select(Shipment).where(Shipment.id.in_(shipment_ids)).order_by(Shipment.id).with_for_update()
    return list(session.scalars(mine.execution_options(populate_existing=True)))


def subject_id(subject: str) -> UUID:
    """The row id in a subject like `shipment:…`."""
    return UUID(subject.partition(":")[2])


def act(world: World, session: Session, shipment: Shipment, deed: Act, by: str = SYSTEM) -> None:
    """Do `deed` to a locked shipment. Raises NotAllowedError if the journey does not know it here."""
    act_all(world, session, [shipment], deed, by)


def act_all(world: World, session: Session, shipments: Sequence[Shipment], deed: Act, by: str = SYSTEM) -> None:
    """The same to several locked shipments: to all, or to none where it raises."""
    cause, moves = f"act:{deed}", []
    for shipment in shipments:
        after = ACTS.get((Stage(shipment.stage), deed))
        if after is None:
            here = words.VIEWS[shipment.view]
            raise NotAllowedError(f"邮件 {shipment.order_no or shipment.id} 处于“{here}”，不能{words.ACTS[deed]}。")
        moves.append(_move(world, shipment, after, Tracked(shipment.tracked), cause, by))
    insert_rows(session, moves)
    if cause not in TRIES:
        _go_on(world, session, shipments)
    subjects = [shipment.subject for shipment in shipments]
    if deed is Act.HAND_OVER:
        jobs.leave_all(session, WEIGH, subjects)  # the post may have told of it before the clerk wrote it down
    elif deed is Act.CLOSE:
        # A job of its own: one that asks already would have asked too early, and be done.
        for lane in sorted({shipment.carrier for shipment in shipments}):
            mine = [shipment.subject for shipment in shipments if shipment.carrier == lane]
            jobs.leave_all(session, jobs.on_lane(LOOK_AGAIN, lane), mine, after=world.settings.look_after_closing)


def follow_all(world: World, session: Session, seen: Sequence[tuple[Shipment, Tracking]]) -> None:
    """Write what the sightings say of locked shipments; whoever weighs evidence is told."""
    moved, moves = [], []
    for shipment, tracking in seen:
        news = tracking.cause.fact if tracking.cause else ""
        # Signed for on its way back, it may have been by ourselves.
        shipment.signer = Signer.UNKNOWN if tracking.on_way_back else tracking.signer
        # Older news than what is known moves nothing; newer news of the same kind does: the parcel is on its way.
        if (shipment.tracked, shipment.last_news) != (tracking.state, news):
            shipment.last_news = news
            stage = Stage(shipment.stage)
            moves.append(_move(world, shipment, stage, tracking.state, f"news:{news}", shipment.carrier))
            moved.append(shipment)
    insert_rows(session, moves)
    _go_on(world, session, moved)
    jobs.leave_all(session, WEIGH, [shipment.subject for shipment, _ in seen])


TRIES = frozenset({f"act:{Act.INTEND}", f"act:{Act.POSTPONE}", f"act:{Act.CALL_OFF}"})
"""Trying again, or wishing, is no progress: patience runs on, or a post that stays away would never be told of."""


def _move(world: World, shipment: Shipment, stage: Stage, tracked: Tracked, cause: str, by: str) -> Move:
    before = shipment.view
    shipment.stage, shipment.tracked = stage, tracked
    return Move(
        id=uuid7(), shipment_id=shipment.id, at=world.now(), cause=cause, before=before, after=shipment.view, by=by
    )


def _go_on(world: World, session: Session, moved: Sequence[Shipment]) -> None:
    """What waited for a movement is settled, and patience begins anew."""
    next_looks: dict[timedelta, list[str]] = {}
    for shipment in moved:
        shipment.moved_at, shipment.overdue_asked = world.now(), False
        if shipment.view not in AT_AN_END:
            next_looks.setdefault(_next_look(world, shipment.view), []).append(shipment.subject)
    underway = {subject for subjects in next_looks.values() for subject in subjects}
    over = [shipment.subject for shipment in moved if shipment.subject not in underway]
    for subjects, ended in ((over, worklist.ENDS_BY_ITSELF), (sorted(underway), worklist.ENDS_WITH_A_MOVE)):
        if subjects:
            worklist.settle_each_by_itself(world, session, subjects, ended)
    for after, subjects in next_looks.items():
        jobs.leave_all(session, WATCH, subjects, after=after)


def _next_look(world: World, seen: View) -> timedelta:
    """At the end of patience; at once where a carrier's silence counts: how long that may be, the watch knows."""
    return timedelta(0) if seen in world.settings.rhythm else world.settings.patience[seen]


def find_order(session: Session, carrier: str, order_no: str) -> Shipment | None:
    """The shipment with our own order number."""
    return session.scalar(select(Shipment).where(Shipment.carrier == carrier, Shipment.order_no == order_no))


def at_stage(session: Session, stages: Collection[Stage]) -> list[Shipment]:
    """All shipments at these stages, oldest first."""
    return list(
        session.scalars(select(Shipment).where(Shipment.stage.in_(stages)).order_by(Shipment.created_at, Shipment.id))
    )
