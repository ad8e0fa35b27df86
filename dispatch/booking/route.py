"""Which carrier serves which area and item: a table the centre edits, within what the law permits (邮政法 55)."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Index, func, select, text
from sqlalchemy.orm import Mapped, Session
from uuid_utils.compat import uuid7

from dispatch import worklist
from dispatch.approval.carriage import find_item, permits
from dispatch.approval.case import Case, CaseSlip, Document, Item
from dispatch.carrier import Carrier
from dispatch.db import Base, RowId
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.journey import Stage
from dispatch.lease import Claim
from dispatch.shipment import Content, Shipment, subject_id
from dispatch.worklist import Reason
from dispatch.world import World

POSTAL = "ems"
"""Where no route says otherwise: China Post/EMS, which may carry everything."""
ANY = ""
SEPARATOR = "/"
DEPTH = 4  # province, city, county, town


class Route(Base):
    """A line of the table. Changed lines are ended, not overwritten: who sent what by whom must stay answerable."""

    __tablename__ = "routes"

    id: Mapped[RowId]
    area: Mapped[str]  # province/city/county/town, from the left as far as it goes; empty for everywhere
    item_code: Mapped[str]  # empty for every item
    carrier: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    ended_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_routes_live", "area", "item_code", unique=True, postgresql_where=text("ended_at IS NULL")),
    )


def set_route(world: World, area: str, item_code: str, carrier: str, by: str) -> None:
    """This carrier serves this area and item from now on. Raises NotFoundError, and NotAllowedError for the law."""
    area = _area(area)
    post = find_carrier(world, carrier)
    with world.begin() as session:
        _check_law(session, post, item_code)
        _end(world, session, area, item_code, by)
        route = Route(id=uuid7(), area=area, item_code=item_code, carrier=carrier, made_by=by, made_at=world.now())
        session.add(route)


def end_route(world: World, area: str, item_code: str, by: str) -> None:
    """This line of the table no longer holds. Raises NotFoundError."""
    with world.begin() as session:
        if not _end(world, session, _area(area), item_code, by):
            raise NotFoundError("没有这一条承运安排。请用 zhuandi routes 查看。")


def find_carrier(world: World, name: str) -> Carrier:
    """The carrier of this name. Raises NotFoundError with the names that exist."""
    found = world.carriers.get(name)
    if found is None:
        raise NotFoundError(f"没有对接名为“{name}”的寄递企业。可用：{'、'.join(sorted(world.carriers))}。")
    return found


def _area(area: str) -> str:
    parts = [part.strip() for part in area.split(SEPARATOR)] if area.strip() else []
    if len(parts) > DEPTH or not all(parts):
        raise NotAllowedError(f"地区“{area}”写法不对。应如 浙江省/丽水市/景宁畲族自治县，从省写起。")
    return SEPARATOR.join(parts)


def _check_law(session: Session, post: Carrier, item_code: str) -> None:
    if item_code == ANY:
        # No item stands behind such a line, so the law decides for each case anew: an express company never.
        lawful = permits(Item(carriage=ANY), post.standing)
    else:
        lawful = permits(find_item(session, item_code), post.standing)
    if not lawful:
        what = f"事项“{item_code}”" if item_code else "全部事项"
        raise NotAllowedError(
            f"{what}只能由邮政企业寄递（邮政法第五十五条），不能交给{post.title}。"
            "法制机构认定不属于国家机关公文的事项，请先办理放开（zhuandi clear-item），再逐项安排。"
        )


def _end(world: World, session: Session, area: str, item_code: str, by: str) -> bool:
    # A line that does not stand yet cannot be locked: who changes the table, changes it alone.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(Route.__tablename__, 0))))
    standing = select(Route).where(Route.area == area, Route.item_code == item_code, Route.ended_at.is_(None))
    route = session.scalar(standing)
    if route is None:
        return False
    route.ended_by, route.ended_at = by, world.now()
    session.flush()
    return True


def routes(session: Session) -> Sequence[Route]:
    """The table as it stands."""
    query = select(Route).where(Route.ended_at.is_(None)).order_by(Route.area, Route.item_code)
    return session.scalars(query).all()


def choose_carrier(world: World, lines: Iterable[Route], slip: CaseSlip, item: Item) -> str:
    """Who carries a case: the line for this item before one for any, the nearest area before a wider one.

    `lines`: the table. A line that the law forbids by now, or whose carrier is gone, counts as absent: then it is the
    post.
    """
    parts = [slip.province, slip.city, slip.county, slip.town]
    areas = {SEPARATOR.join(parts[:depth]) for depth in range(len(parts) + 1)}
    fitting = [line for line in lines if line.area in areas and line.item_code in {item.code, ANY}]
    for line in sorted(fitting, key=lambda line: (line.item_code == ANY, -len(line.area))):
        post = world.carriers.get(line.carrier)
        if post is not None and permits(item, post.standing):
            return line.carrier
    return POSTAL


def unlawful_items(session: Session, shipment: Shipment, post: Carrier) -> list[str]:
    """Names of the items in an envelope that this carrier may not carry. Asked again at the last moment."""
    inside = (
        select(Case.item_id)
        .join(Document, Document.case_id == Case.id)
        .join(Content, Content.document_id == Document.id)
        .where(Content.shipment_id == shipment.id, ~Content.void)
    )
    # A clearing that is withdrawn at this moment waits for us, or we see it.
    items = session.scalars(select(Item).where(Item.id.in_(inside)).order_by(Item.id).with_for_update(read=True))
    return sorted(item.name for item in items if not permits(item, post.standing))


IN_THE_HOUSE = frozenset({Stage.BOOKED, Stage.PRINTED, Stage.PACKED})
UNLAWFUL = "{}不得交给{}（邮政法第五十五条）。请拆封、撤销寄递后改由邮政寄递。"


def show_unlawful(world: World, session: Session, shipment: Shipment) -> bool:
    """Whether a booked envelope may no longer go out with its carrier; then a person is told."""
    post = world.carrier(shipment.carrier)
    forbidden = unlawful_items(session, shipment, post)
    if forbidden:
        words = UNLAWFUL.format("、".join(forbidden), post.title)
        worklist.put(
            world, session, Reason.ROUTE_UNLAWFUL, shipment.subject, cause=shipment.order_no or "", detail=words
        )
    return bool(forbidden)


def check_law(world: World, claim: Claim) -> None:
    """An item's clearing was withdrawn: its envelopes that are booked and still in the house come before a person."""
    with claim.done() as session:
        holding = (
            select(Content.shipment_id)
            .join(Document, Document.id == Content.document_id)
            .join(Case, Case.id == Document.case_id)
            .where(Case.item_id == subject_id(claim.subject), ~Content.void)
        )
        inside = select(Shipment).where(Shipment.id.in_(holding), Shipment.stage.in_(IN_THE_HOUSE))
        for shipment in session.scalars(inside.order_by(Shipment.id)):
            show_unlawful(world, session, shipment)
