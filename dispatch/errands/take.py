"""An order comes to the desk: taken once, found again, taken back while nobody is on the way with it."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch.crash import Deed
from dispatch.errands.errand import BadFieldError, Errand, by_number, by_order_no, events_of, told
from dispatch.errands.order import content, read_order
from dispatch.errors import ConflictError, NotAllowedError
from dispatch.posts.by_hand.codes import SERIAL_DIGITS, number_for
from dispatch.world import World

TRIES = 20
"""Numbers that one order may find taken: with a million in use, twenty times in a row never happens."""


def take_order(world: World, said: dict[str, Any]) -> Errand:
    """Take an order. The same content again is the same errand; other content raises ConflictError.

    An order that was cancelled is not taken again (NotAllowedError): its number may be on a label that was torn up.
    Raises BadFieldError.
    """
    order_no = read_order(said).order_no
    text = content(said)
    digest = world.vault.digest("errand", text)
    with world.begin(Deed.TAKE_ERRAND) as session:
        errand = _insert_once(world, session, order_no, text, digest)
    if errand.digest != digest:
        raise ConflictError("这个订单号已收过单，但内容不同。")
    if errand.cancelled_at is not None:
        raise NotAllowedError("这个订单号的单已撤销，不能再用。")
    return errand


def _insert_once(world: World, session: Session, order_no: str, text: str, digest: bytes) -> Errand:
    """The new errand, or the one that this order number has already."""
    for attempt in range(TRIES):
        number = _number(world, order_no, attempt)
        errand = Errand(id=uuid7(), order_no=order_no, number=number, digest=digest, created_at=world.now())
        world.vault.seal(errand, "order", text)
        columns = {column.key: getattr(errand, column.key) for column in Errand.__table__.columns}
        added = insert(Errand).values(**columns).on_conflict_do_nothing().returning(Errand.id)
        if session.execute(added).scalar() is not None:
            return errand
        if known := session.scalar(select(Errand).where(Errand.order_no == order_no)):
            return known
    raise ConflictError("没有找到空闲的单号，请重发。")


def _number(world: World, order_no: str, attempt: int) -> str:
    """Derived, so that a restored backup gives an order the number that its label has already."""
    digest = world.vault.digest("errand_number", order_no, str(attempt))
    return number_for(int.from_bytes(digest[:8]) % 10**SERIAL_DIGITS)


def look_up(world: World, order_no: str) -> Errand:
    """The errand of this order, cancelled or not. Raises NotFoundError."""
    with world.reading() as session:
        return by_order_no(session, order_no)


def cancel(world: World, order_no: str, number: str) -> None:
    """Take an order back; again is no fault.

    Raises NotFoundError, BadFieldError, and NotAllowedError where somebody is on the way with it.
    """
    with world.begin() as session:
        errand = by_order_no(session, order_no, lock=True)
        if number not in {"", errand.number}:
            raise BadFieldError("字段 number 不是这个订单的单号。")
        if errand.cancelled_at is not None:
            return
        if errand.taken_at is not None:
            raise NotAllowedError("已有人取走正在送，不能撤单。")
        errand.cancelled_at = world.now()


def trace(world: World, number: str) -> tuple[Errand, list[dict[str, str]]]:
    """Everything reported of a number, as the protocol tells it. Raises NotFoundError."""
    with world.reading() as session:
        errand = by_number(session, number)
        return errand, [told(world, errand, event) for event in events_of(session, errand.id)]
