"""020003 订单接入: a checked order gets its waybill number, once; 020006 takes it back (CARRIERS §1.5-1.6)."""

import hashlib
from typing import Any, Final

from sandbox.ems.envelope import JsonObject, Refusal, RefusedError, object_in
from sandbox.post import Draft, Orders, Outcome, Parcel, Step

CANCELLED: Final = Step("801", gaps=0)
REFUSED: Final = {Outcome.DUPLICATE: Refusal.DUPLICATE, Outcome.OTHER_CONTENT: Refusal.OTHER_CONTENT}


def place(orders: Orders, order: JsonObject) -> JsonObject:
    """Book a checked order, or tell again what it was given; retBody of 020003.

    RefusedError for a number that was used for other content, and for any repeat where ``repeat_order`` is
    ``duplicate_error``: what EMS does with a repeat is unconfirmed (CARRIERS §10.2).
    """
    placed = orders.place(
        Draft(
            order_no=str(order["logisticsOrderNo"]),
            content=order,
            hint=str(order["receiver"].get("mobile") or ""),
            extra={
                "route": _route(order["receiver"]),
                "product": str(order["bizProductNo"]),
                "places": _places(order),
            },
        )
    )
    if refusal := REFUSED.get(placed.outcome):
        raise RefusedError(refusal)
    if placed.parcel.cancelled_ms is not None:
        raise RefusedError(Refusal.CANCELLED)
    return _told(placed.parcel)


def cancel(orders: Orders, body: Any) -> str:
    """Cancel ``{logisticsOrderNo, waybillNo, cancelReason}``; a repeat succeeds again, retBody stays empty.

    What the real 020006 answers is unpublished. The waybill number may be missing: the customer has none where
    the answer to its order was lost.
    """
    asked = object_in(body)
    parcel = _parcel(orders, str(asked.get("logisticsOrderNo") or ""), str(asked.get("waybillNo") or ""))
    if not orders.cancel(parcel, CANCELLED):
        raise RefusedError(Refusal.COLLECTED)
    return ""


def _parcel(orders: Orders, order_no: str, waybill_no: str) -> Parcel:
    if not order_no:
        raise RefusedError(Refusal.MISSING, "logisticsOrderNo")
    parcel = orders.find(order_no)
    if parcel is None:
        raise RefusedError(Refusal.UNKNOWN_ORDER)
    if waybill_no and waybill_no not in parcel.numbers:
        raise RefusedError(Refusal.VALUE, "waybillNo")
    return parcel


def _route(receiver: JsonObject) -> str:
    """A four-part sorting code (四段码), the same for the same county; its real make-up is not published."""
    town = "/".join(str(receiver[name]) for name in ("prov", "city", "county"))
    mark = int(hashlib.sha256(town.encode()).hexdigest(), 16)
    return f"{mark % 900 + 100}-{'ABCDEFGH'[mark // 900 % 8]}{mark // 7200 % 10}-{mark // 72000 % 100:02d}-001"


def _places(order: JsonObject) -> JsonObject:
    """Province, city and county of both ends: all that an event has to name, and nobody's address."""
    return {side: [str(order[side][name]) for name in ("prov", "city", "county")] for side in ("sender", "receiver")}


def _told(parcel: Parcel) -> JsonObject:
    return {
        "logisticsOrderNo": parcel.order_no,
        "waybillNo": parcel.number,
        "routeCode": parcel.extra["route"],
        "packageCode": "",
        "packageCodeName": "",
        "markDestinationCode": "",
        "markDestinationName": "",
    }
