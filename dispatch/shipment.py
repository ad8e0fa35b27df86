"""The shipment: one envelope on one leg. This module alone writes its stage, its tracked state and its waybill."""

import base64
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    and_,
    column,
    exists,
    func,
    select,
    table,
    text,
    tuple_,
)
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import jobs, words, worklist
from dispatch.carrier import Booked, Parcel
from dispatch.crash import Point, reach
from dispatch.db import Base, RowId, insert_rows
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.journey import ACTS, AT_AN_END, BY_STAGE, Act, Signer, Stage, Tracked, Tracking, View, view
from dispatch.worklist import SYSTEM
from dispatch.world import World

TOKEN_BYTES = 16
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


class Waybill(Base):
    """A carrier's number for a shipment, and the token of its tracking page.

    Live until it is voided. Retired, it stays the number of its closed shipment, but news of it is another's.
    """

    __tablename__ = "waybills"

    id: Mapped[RowId]
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipments.id"), index=True)
    carrier: Mapped[str]
    number: Mapped[str]
    sorting_code: Mapped[str]
    adopted_from: Mapped[str]  # answer, push, person
    adopted_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]  # the carrier uses the number again
    token: Mapped[bytes]  # sealed
    token_digest: Mapped[bytes] = mapped_column(unique=True)

    __table_args__ = (
        Index("uq_waybills_live_shipment", "shipment_id", unique=True, postgresql_where=text("voided_at IS NULL")),
        Index(
            "uq_waybills_live_number",
            "carrier",
            "number",
            unique=True,
            postgresql_where=text("voided_at IS NULL AND retired_at IS NULL"),
        ),
    )


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


def lock_number(session: Session, carrier: str, number: str) -> None:
    """Serialise adopting a number and reading news of it: each sees what the other has committed."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{carrier}:{number}", 0))))


def adopt(world: World, session: Session, shipment: Shipment, booked: Booked, adopted_from: str) -> Waybill:
    """Give a locked shipment its waybill. The same number again changes nothing.

    Raises ConflictError if another number is live for it, or the number is live on another shipment.
    """
    lock_number(session, shipment.carrier, booked.waybill_no)
    mine = list(session.scalars(select(Waybill).where(Waybill.shipment_id == shipment.id)))
    live = next((one for one in mine if one.voided_at is None), None)
    if live is not None and live.number == booked.waybill_no:
        return live
    if live is not None:
        raise ConflictError(
            f"邮件 {shipment.order_no} 已有运单 {live.number}，寄递企业又给出 {booked.waybill_no}：两个号只能用一个。"
        )
    if any(one.number == booked.waybill_no for one in mine):
        raise ConflictError(f"运单号 {booked.waybill_no} 在邮件 {shipment.order_no} 上已作废，不能再用。")
    holder = _holder(session, shipment.carrier, booked.waybill_no)
    if holder is not None and not _retire(world, session, holder):
        raise ConflictError(f"运单号 {booked.waybill_no} 已属于另一邮件 {holder.order_no}，不能再用。")
    act(world, session, shipment, Act.ADOPT, by=adopted_from)
    if _news_waits(session, shipment, booked.waybill_no):
        jobs.leave(session, FOLLOW, shipment.subject)
    _prepare(world, session, shipment, booked.waybill_no)
    waybill = _add_waybill(world, session, shipment, booked, adopted_from)
    if shipment.after_voiding is not None:  # it was called off before anybody knew whether it was booked
        act(world, session, shipment, Act.VOID)
        jobs.leave(session, CANCEL, shipment.subject, lane=shipment.carrier)
    return waybill


def second_number(carrier: str, number: str) -> str:
    """How the worklist names a number that a carrier told and no envelope has."""
    return f"{carrier}:{number}"


NEWS = table("sightings", column("shipment_id"), column("carrier"), column("waybill_no"))
"""What tracking keeps (see its `sighting.py`): here it is only asked whether there is any."""


def _news_waits(session: Session, shipment: Shipment, number: str) -> bool:
    """Whether news came before the number did. Who keeps such news holds the number's lock: none is overlooked."""
    nobodys = and_(NEWS.c.carrier == shipment.carrier, NEWS.c.waybill_no == number, NEWS.c.shipment_id.is_(None))
    return session.scalar(select(exists().where(nobodys | (NEWS.c.shipment_id == shipment.id)))) or False


def _retire(world: World, session: Session, holder: Shipment) -> bool:
    """Carriers use numbers again: whether this one could be freed, its envelope being closed long ago."""
    if not _rested(world, holder):
        return False
    waybill = live_waybill(session, holder.id)
    if waybill is not None:
        waybill.retired_at = world.now()
        session.flush()
    return True


def void_waybill(world: World, session: Session, shipment: Shipment) -> None:
    """The number no longer stands for this shipment: news of it is nobody's."""
    waybill = live_waybill(session, shipment.id)
    if waybill is not None:
        waybill.voided_at = world.now()
        session.flush()
        reach(Point.VOIDED)


def _prepare(world: World, session: Session, shipment: Shipment, number: str) -> None:
    """What this carrier needs as soon as the number is known."""
    carrier = world.carrier(shipment.carrier)
    if carrier.announcing(Parcel(number, shipment.order_no or "")) is not None:
        jobs.leave(session, ANNOUNCE, shipment.subject, lane=shipment.carrier)
    if carrier.insists_on_label:
        jobs.leave(session, FETCH_LABEL, shipment.subject, lane=shipment.carrier)


def _add_waybill(world: World, session: Session, shipment: Shipment, booked: Booked, adopted_from: str) -> Waybill:
    token = new_token()
    waybill = Waybill(
        id=uuid7(),
        shipment_id=shipment.id,
        carrier=shipment.carrier,
        number=booked.waybill_no,
        sorting_code=booked.sorting_code,
        adopted_from=adopted_from,
        adopted_at=world.now(),
        token_digest=world.vault.digest("token", token),
    )
    world.vault.seal(waybill, "token", token)
    session.add(waybill)
    session.flush()
    reach(Point.NUMBER_TAKEN)
    return waybill


def new_token() -> str:
    """128 random bits in Crockford-like base32 (26 characters, no padding): short in a QR code, unguessable."""
    return base64.b32encode(secrets.token_bytes(TOKEN_BYTES)).decode().rstrip("=")


def live_waybill(session: Session, shipment_id: UUID) -> Waybill | None:
    """The one live waybill of a shipment."""
    return session.scalar(select(Waybill).where(Waybill.shipment_id == shipment_id, Waybill.voided_at.is_(None)))


def live_waybills(session: Session, shipment_ids: Collection[UUID]) -> dict[UUID, Waybill]:
    """The live waybill of each of these shipments that has one."""
    mine = select(Waybill).where(Waybill.shipment_id.in_(shipment_ids), Waybill.voided_at.is_(None))
    return {waybill.shipment_id: waybill for waybill in session.scalars(mine)}


def find_live_numbers(
    world: World, session: Session, numbers: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Shipment]:
    """The live shipments that these numbers (carrier, number) belong to; see `find_live_number`."""
    named = tuple_(Waybill.carrier, Waybill.number).in_(numbers)
    standing = (Waybill.voided_at.is_(None), Waybill.retired_at.is_(None))
    query = select(Waybill.carrier, Waybill.number, Shipment).join(Shipment, Shipment.id == Waybill.shipment_id)
    found = session.execute(query.where(named, *standing).execution_options(populate_existing=True)).all()
    return {(carrier, number): holder for carrier, number, holder in found if not _rested(world, holder)}


def find_live_number(world: World, session: Session, carrier: str, number: str) -> Shipment | None:
    """The live shipment that this carrier's number belongs to. Carriers use numbers again: old ones do not count,
    also where nobody has taken the number over yet.
    """
    holder = _holder(session, carrier, number)
    return None if holder is None or _rested(world, holder) else holder


def _rested(world: World, holder: Shipment) -> bool:
    """At its end for so long that its number may be another's by now."""
    return holder.view in AT_AN_END and world.now() - holder.moved_at >= world.settings.number_rest


def still_followed(world: World) -> ColumnElement[bool]:
    """A condition on `shipments`: the number may still be this one's (see `find_live_number`)."""
    ended = Shipment.stage.in_([stage for stage, seen in BY_STAGE.items() if seen in AT_AN_END])
    return ~ended | (Shipment.moved_at > world.now() - world.settings.number_rest)


def _holder(session: Session, carrier: str, number: str) -> Shipment | None:
    return session.scalar(
        select(Shipment)
        .join(Waybill, Waybill.shipment_id == Shipment.id)
        .where(Waybill.carrier == carrier, Waybill.number == number)
        .where(Waybill.voided_at.is_(None), Waybill.retired_at.is_(None))
    )


def find_order(session: Session, carrier: str, order_no: str) -> Shipment | None:
    """The shipment with our own order number."""
    return session.scalar(select(Shipment).where(Shipment.carrier == carrier, Shipment.order_no == order_no))


def at_stage(session: Session, stages: Collection[Stage]) -> list[Shipment]:
    """All shipments at these stages, oldest first."""
    return list(session.scalars(select(Shipment).where(Shipment.stage.in_(stages)).order_by(Shipment.created_at)))
