"""The postman signs a posting list on the screen, where the hall wants no paper: his name and his hand are kept."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, exists, func, select

from dispatch import audit
from dispatch.approval.within import EVERYTHING, Within
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.hall_time import hall_time
from dispatch.mask import mask_name
from dispatch.packing.hand_over import HandOver, HandOverLine, posting_list
from dispatch.picture import Shows, keep_picture, read_signature
from dispatch.shipment import Shipment
from dispatch.world import World

LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Made:
    """A posting list that was made. `postman`: masked; empty where nobody signed on the screen."""

    number: str
    carrier: str
    made_at: datetime
    made_by: str
    count: int
    postman: str
    signed_at: datetime | None


def sign_list(world: World, number: str, postman: str, signature: str, by: str) -> None:
    """Keep the postman's name and signature (a canvas's data URL) with a posting list.

    Raises NotFoundError, ConflictError (it is signed already), NotAllowedError (no name, or nothing was drawn).
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
        world.vault.seal(made, "postman", name)
        made.signed_at = world.now()
        keep_picture(world, session, made.subject, Shows.POSTMAN, drawn, by)


def lists_since(world: World, since: datetime, within: Within = EVERYTHING) -> list[Made]:
    """The posting lists that were made since then and hold an envelope within reach, newest first."""
    with world.reading() as session:
        query = _lists(within).where(HandOver.made_at >= since).order_by(HandOver.made_at.desc())
        return [_made(world, row, many) for row, many in session.execute(query)]


def find_list(world: World, number: str, within: Within = EVERYTHING, since: datetime | None = None) -> Made:
    """One posting list. Raises NotFoundError, also where it lies outside or was made before `since`."""
    with world.reading() as session:
        found = session.execute(_lists(within).where(HandOver.number == number)).first()
    if found is None or (since is not None and found[0].made_at < since):
        raise NotFoundError(f"没有编号为“{number}”的交寄清单。")
    return _made(world, *found)


def _lists(within: Within) -> Select[HandOver, int]:
    count = select(func.count()).where(HandOverLine.hand_over_id == HandOver.id).scalar_subquery()
    inside = exists().where(
        HandOverLine.hand_over_id == HandOver.id, Shipment.id == HandOverLine.shipment_id, within.shipments
    )
    return select(HandOver, count).where(inside)


def _made(world: World, row: HandOver, count: int) -> Made:
    name = mask_name(world.vault.open(row, "postman") or "", organisation=False)
    return Made(row.number, world.title(row.carrier), row.made_at, row.made_by, count, name, row.signed_at)


def print_list(world: World, number: str, by: str) -> bytes:
    """The posting list in two copies, as PDF; that it was printed is written down. Raises NotFoundError."""
    body = posting_list(world, number)
    with world.begin() as session:
        made = session.scalar(select(HandOver).where(HandOver.number == number))
        if made is None:
            raise NotFoundError(f"没有编号为“{number}”的交寄清单。")
        audit.note(world, session, by, audit.Deed.PRINT, made.subject, f"打印交寄清单 {number}")
    return body
