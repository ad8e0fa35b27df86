"""EXP_RECE_CREATE_ORDER, EXP_RECE_SEARCH_ORDER_RESP and EXP_RECE_UPDATE_ORDER (CARRIERS §2.4-2.5)."""

from typing import Final

from sandbox.post import Draft, Orders, Outcome, Parcel, now_ms
from sandbox.sf import check, standing
from sandbox.sf.check import RECIPIENT, SENDER, is_set, text_in
from sandbox.sf.envelope import JsonObject, Refusal, RefusedError, bad_value, done, missing
from sandbox.sf.route_label import city_code, route_label
from sandbox.sf.settings import SfSettings
from sandbox.sf.state_push import StatePush

REPEATED: Final = frozenset({Outcome.DUPLICATE, Outcome.OTHER_CONTENT})
ABSENT: Final = {"8018": Refusal.NOT_FETCHED, "8024": Refusal.NOT_ORDERED, "6150": Refusal.NOT_FOUND}
FORWARD, RETURN = "1", "2"
CONFIRM, CANCEL = "1", "2"
MISMATCH, SUCCEEDED = 1, 2
"""resStatus: 不匹配, 成功."""
BEYOND_RANGE: Final = "2"
"""remark of filterResult 3: 派方超范围."""


class Booking:
    """What a customer can do with an order."""

    def __init__(self, settings: SfSettings, orders: Orders) -> None:
        """One for each post."""
        self._settings = settings
        self._orders = orders
        self._state_push = StatePush(settings)

    def create(self, body: JsonObject) -> JsonObject:
        """Book an order, or tell again what it was given."""
        order = check.order_in(body, self._settings.monthly_card)
        placed = self._orders.place(
            Draft(
                order_no=text_in(order, "orderId"),
                content=order,
                hint=_telephone(order),
                extra=_extra(order),
                issue=1 + is_set(order, "isSignBack"),
            )
        )
        if placed.outcome in REPEATED:
            raise RefusedError(Refusal.REPEATED)
        if placed.outcome is Outcome.BOOKED and self._standing(placed.parcel) == standing.CONFIRMING:
            self._state_push.announce(placed.parcel)
        if self._standing(placed.parcel) == standing.REFUSED:
            self._orders.cancel(placed.parcel)  # the counter takes nothing that is out of range
        return self._told(placed.parcel)

    def search(self, body: JsonObject) -> JsonObject:
        """The same as create told, once the order can be found."""
        check.check_language(body)
        way = str(body.get("searchType", FORWARD))
        if way not in {FORWARD, RETURN}:
            bad_value("searchType")
        parcel = self._ordered(body)
        if now_ms() < parcel.booked_ms + int(self._settings.settling_seconds * 1000):
            raise self._absent()
        return self._told(parcel) if way == FORWARD else self._told_return(parcel)

    def update(self, body: JsonObject) -> JsonObject:
        """Confirm or cancel; resStatus 1 where a waybill number is not the order's."""
        check.check_language(body)
        deal = text_in(body, "dealType")
        if deal not in {CONFIRM, CANCEL}:
            bad_value("dealType")
        parcel = self._ordered(body)
        given = _waybills_in(body)
        if deal == CONFIRM and not given:
            missing("waybillNoInfoList")
        if set(given) - set(standing.ordered_numbers(parcel)):
            return done({"orderId": parcel.order_no, "resStatus": MISMATCH})
        if parcel.cancelled_ms is not None:
            raise RefusedError(Refusal.CANCELLED)
        (self._confirm if deal == CONFIRM else self._cancel)(parcel)
        return done({"orderId": parcel.order_no, "resStatus": SUCCEEDED})

    def _confirm(self, parcel: Parcel) -> None:
        if parcel.extra.get("confirmed"):
            raise RefusedError(Refusal.CONFIRMED)
        self._orders.note(parcel, confirmed=True)

    def _cancel(self, parcel: Parcel) -> None:
        if not self._orders.cancel(parcel):
            raise RefusedError(Refusal.COLLECTED)
        self._state_push.withdraw(parcel)

    def _ordered(self, body: JsonObject) -> Parcel:
        parcel = self._orders.find(text_in(body, "orderId"))
        if parcel is None:
            raise self._absent()
        return parcel

    def _absent(self) -> RefusedError:
        return RefusedError(ABSENT[self._settings.absent_code])

    def _standing(self, parcel: Parcel) -> int:
        return standing.filter_result(parcel, self._settings.confirming_seconds)

    def _told(self, parcel: Parcel) -> JsonObject:
        result = self._standing(parcel)
        if parcel.cancelled_ms is not None and result != standing.REFUSED:
            raise RefusedError(Refusal.CANCELLED)
        origin, destination = parcel.extra["cities"]
        msg_data: JsonObject = {
            "orderId": parcel.order_no,
            "originCode": origin,
            "destCode": destination,
            "filterResult": result,
            "remark": BEYOND_RANGE if result == standing.REFUSED else "",
        }
        if result == standing.ACCEPTED:
            msg_data["waybillNoInfoList"] = standing.waybills(parcel)
            if parcel.extra["route_label"]:
                msg_data["routeLabelInfo"] = [route_label(parcel)]
        return done(msg_data)

    def _told_return(self, parcel: Parcel) -> JsonObject:
        """The new number, once the parcel is on its way back under it; not found before (unconfirmed)."""
        new = {event.number for event in self._orders.history(parcel)} - {parcel.number}
        if not new:
            raise self._absent()
        told = self._told(parcel)
        told["msgData"]["waybillNoInfoList"] = [{"waybillType": standing.LEADING, "waybillNo": new.pop()}]
        told["msgData"].pop("routeLabelInfo", None)
        return told


def _telephone(order: JsonObject) -> str:
    recipient = check.party(order, RECIPIENT)
    return str(recipient.get("mobile") or recipient.get("tel"))


def _extra(order: JsonObject) -> JsonObject:
    """Towns and switches: all that an event and an answer have to name, and nobody's address."""
    towns = {side: _town(check.party(order, contact_type)) for contact_type, side in check.SIDES.items()}
    return {
        "towns": towns,
        "cities": [city_code(check.party(order, contact_type)) for contact_type in (SENDER, RECIPIENT)],
        "sign_back": is_set(order, "isSignBack"),
        "route_label": is_set(order, "isReturnRoutelabel"),
    }


def _town(contact: JsonObject) -> str:
    return str(contact.get("city") or contact.get("province") or "")


def _waybills_in(body: JsonObject) -> list[str]:
    infos = body.get("waybillNoInfoList") or []
    if not (isinstance(infos, list) and all(isinstance(info, dict) for info in infos)):
        bad_value("waybillNoInfoList")
    return [text_in(info, "waybillNo") for info in infos]
