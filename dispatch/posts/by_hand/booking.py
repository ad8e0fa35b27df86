"""book, look_up, cancel: building the calls and reading their answers (docs/by-hand.md). Pure."""

import json
from dataclasses import asdict
from typing import Any

from dispatch.carrier import Answer, Booked, InDoubt, NoAnswer, Order, Parcel, Refused
from dispatch.posts.by_hand.codes import is_number
from dispatch.posts.reading import as_object, check_status, text_of
from dispatch.posts.times import wire_time

BOOK, LOOK_UP, CANCEL = "book", "look_up", "cancel"
WORDED = frozenset({200, 404, 409, 422})
"""Statuses under which the desk speaks for itself; any other is the line's, or somebody else's in between."""
NO_ORDER = "no_such_order"
NOT_BOOKED = frozenset({"bad_field", "other_content", "cancelled"})
TAKEN = "already_taken"


def body_text(operation: str, **fields: object) -> str:
    """The JSON body, the same text for the same content. It names its operation: signed, it fits no other address."""
    return json.dumps({"operation": operation, **fields}, ensure_ascii=False, separators=(",", ":"))


def order_text(order: Order) -> str:
    """The body of an order."""
    return body_text(
        BOOK,
        order_no=order.order_no,
        created_at=wire_time(order.created_at),
        sender=asdict(order.sender),
        recipient=asdict(order.recipient),
        contents=list(order.contents),
        way=order.way,
        way_of_delivery=order.way_of_delivery,
        case_nos=list(order.case_nos),
    )


def cancel_text(parcel: Parcel) -> str:
    """The body that takes an order back."""
    return body_text(CANCEL, order_no=parcel.order_no, number=parcel.number)


def heard(answer: Answer) -> tuple[str, dict[str, Any]]:
    """The desk's code (empty for «done») and all it said. Raises Throttled, Unauthorised, NoAnswer."""
    said = as_object(answer.text) if answer.status in WORDED else None
    code = text_of(said, "code") if said else ""
    if said and answer.status == 200 and said.get("ok") is True:
        return "", said
    if said and answer.status != 200 and said.get("ok") is False and code:
        return code, said
    check_status(answer)
    raise NoAnswer("代送点的答复不是约定的格式，不能确定是否已受理。")


def words_of(said: dict[str, Any]) -> str:
    """The desk's code and words."""
    return f"{text_of(said, 'code')} {text_of(said, 'words')}".strip()


def read_booking(answer: Answer, order_no: str) -> Booked:
    """The number. Other content under a known order number is refused: its number is not this envelope's."""
    code, said = heard(answer)
    if code in NOT_BOOKED:
        raise Refused(words_of(said))
    if code:
        raise InDoubt(f"代送点答复“{words_of(said)}”，不能确定是否已收单。")
    return _booked(said, order_no)


def read_look_up(answer: Answer, order_no: str) -> Booked | None:
    """The number of a standing order; None where the desk has no such order. A cancelled one is Refused."""
    code, said = heard(answer)
    if code == NO_ORDER:
        return None
    if code:
        raise InDoubt(f"代送点答复“{words_of(said)}”，没有查到此单的情况。")
    booked = _booked(said, order_no)
    if said.get("cancelled") is not False:
        raise Refused(f"代送点称此单（{booked.waybill_no}）已撤销，请核对。")
    return booked


def read_cancelling(answer: Answer) -> None:
    """Nothing where it is cancelled now, or was before. Refused where somebody is on the way with it.

    That there is no such order is doubt: a booking that was held up on its way may still arrive after this answer.
    """
    code, said = heard(answer)
    if code == TAKEN:
        raise Refused(words_of(said))
    if code:
        raise InDoubt(f"代送点答复“{words_of(said)}”，不能确定是否已撤单。")


def _booked(said: dict[str, Any], order_no: str) -> Booked:
    number = text_of(said, "number")
    if text_of(said, "order_no") != order_no:
        raise InDoubt("代送点的答复是另一张订单的。")
    if not is_number(number):
        raise InDoubt("代送点报成功，但没有给出合规的单号。")
    return Booked(number)
