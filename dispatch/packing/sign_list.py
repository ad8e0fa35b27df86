"""The postman signs a posting list on the screen, where the hall wants no paper: his name and his hand are kept."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session

from dispatch import audit
from dispatch.approval.within import EVERYTHING, Within
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.hall_time import SHANGHAI, hall_time
from dispatch.mask import mask_name
from dispatch.packing.hand_over import HandOver, HandOverLine, LinePutBack, posting_list
from dispatch.picture import Shows, keep_picture, read_signature
from dispatch.shipment import Shipment
from dispatch.world import World

LONGEST_NAME = 40
SIGNED_WITHIN_DAYS = 7
"""So many days after its own a list may still be signed on the screen: of 23:50 at 00:05, of Friday on Monday."""


@dataclass(frozen=True, slots=True)
class Made:
    """A posting list that was made. `postman`: masked; empty where nobody signed on the screen.

    `to_sign`: it may be signed on the screen now. `count`: what is on it; `put_back`: what was, and never left the
    desk; `signed_for`: how many were on it when it was signed.
    """

    number: str
    carrier: str
    made_at: datetime
    made_by: str
    count: int
    postman: str
    signed_at: datetime | None
    to_sign: bool
    put_back: int
    signed_for: int


def sign_list(world: World, number: str, postman: str, signature: str, by: str) -> None:
    """Keep the postman's name and signature (a canvas's data URL) with a posting list.

    Raises NotFoundError, ConflictError (it is signed already), NotAllowedError (no name, nothing was drawn, the
    list is too old, or nothing is on it any more).
    """
    name = " ".join(postman.split())[:LONGEST_NAME]
    if not name:
        raise NotAllowedError("请填写揽投员姓名。")
    drawn = read_signature(signature)
    with world.begin() as session:
        made = session.scalar(select(HandOver).where(HandOver.number == number).with_for_update())
        if made is None:
            raise NotFoundError(f"没有编号为“{number}”的交寄清单。")
        if made.signed_at is not None:
            raise ConflictError(f"交寄清单 {number} 已于 {hall_time(made.signed_at)} 签收，不能再签。")
        if made.made_at < _signed_since(world):
            raise NotAllowedError(
                f"交寄清单 {number} 制于 {hall_time(made.made_at)}，已过 {SIGNED_WITHIN_DAYS} 天，屏上不能再签。"
                "请打印清单，在纸上补签。"
            )
        if not session.scalar(select(func.count()).where(HandOverLine.hand_over_id == made.id)):
            raise NotAllowedError(f"交寄清单 {number} 上的邮件都已放回待交寄，没有可签收的。")
        world.vault.seal(made, "postman", name)
        made.signed_at = world.now()
        keep_picture(world, session, made.subject, Shows.POSTMAN, drawn, by)


def lists_of(world: World, day: date, within: Within = EVERYTHING) -> list[Made]:
    """The posting lists of this day in Shanghai that hold an envelope within reach, newest first."""
    begin = _midnight(day)
    with world.reading() as session:
        return _found(world, session, _lists(within).where(*_made_between(begin, begin + timedelta(days=1))))


def unsigned_lists(world: World, within: Within = EVERYTHING) -> list[Made]:
    """Those of the days before today that nobody has signed on the screen and that may still be, newest first."""
    earlier = _made_between(_signed_since(world), _midnight(_today(world)))
    with world.reading() as session:
        found = _found(world, session, _lists(within).where(*earlier, HandOver.signed_at.is_(None)))
    return [one for one in found if one.to_sign]


def _today(world: World) -> date:
    return world.now().astimezone(SHANGHAI).date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)


def _signed_since(world: World) -> datetime:
    """What was made since then may still be signed."""
    return _midnight(_today(world) - timedelta(days=SIGNED_WITHIN_DAYS))


def _made_between(begin: datetime, end: datetime) -> tuple[ColumnElement[bool], ...]:
    return HandOver.made_at >= begin, HandOver.made_at < end


def _found(world: World, session: Session, query: Select[HandOver, int, int, int]) -> list[Made]:
    return [_made(world, *row) for row in session.execute(query.order_by(HandOver.made_at.desc()))]


def find_list(world: World, number: str, within: Within = EVERYTHING, since: datetime | None = None) -> Made:
    """One posting list. Raises NotFoundError, also where it lies outside or was made before `since`."""
    with world.reading() as session:
        found = session.execute(_lists(within).where(HandOver.number == number)).first()
    if found is None or (since is not None and found[0].made_at < since):
        raise NotFoundError(f"没有编号为“{number}”的交寄清单。")
    return _made(world, *found)


def _lists(within: Within) -> Select[HandOver, int, int, int]:
    """Each with how many are on it, how many were put back, and of those, how many after it was signed."""
    count = select(func.count()).where(HandOverLine.hand_over_id == HandOver.id)
    back = select(func.count()).where(LinePutBack.hand_over_id == HandOver.id)
    signed_for = back.where(LinePutBack.put_back_at >= HandOver.signed_at)
    inside = [
        exists().where(line.hand_over_id == HandOver.id, Shipment.id == line.shipment_id, within.shipments)
        for line in (HandOverLine, LinePutBack)
    ]
    return select(HandOver, *(one.scalar_subquery() for one in (count, back, signed_for))).where(or_(*inside))


def _made(world: World, row: HandOver, count: int, back: int, signed_for: int) -> Made:
    name = mask_name(world.vault.open(row, "postman") or "", organisation=False)
    return Made(
        number=row.number,
        carrier=world.title(row.carrier),
        made_at=row.made_at,
        made_by=row.made_by,
        count=count,
        postman=name,
        signed_at=row.signed_at,
        to_sign=row.signed_at is None and row.made_at >= _signed_since(world) and count > 0,
        put_back=back,
        signed_for=count + signed_for,
    )


def print_list(world: World, number: str, by: str) -> bytes:
    """The posting list in two copies, as PDF; that it was printed is written down. Raises NotFoundError."""
    body = posting_list(world, number)
    with world.begin() as session:
        made = session.scalar(select(HandOver).where(HandOver.number == number))
        if made is None:
            raise NotFoundError(f"没有编号为“{number}”的交寄清单。")
        audit.note(world, session, by, audit.Deed.PRINT, made.subject, f"打印交寄清单 {number}")
    return body
