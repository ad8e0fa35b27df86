"""EXP_RECE_SEARCH_ROUTES: what happened so far (CARRIERS §2.5)."""

from typing import Final

from sandbox.post import Orders, Parcel
from sandbox.sf import check, standing
from sandbox.sf.check import text_in
from sandbox.sf.envelope import JsonObject, Refusal, RefusedError, bad_value, done
from sandbox.sf.news import route_of
from sandbox.sf.settings import SfSettings

MOST: Final = 10
BY_WAYBILL, BY_ORDER = "1", "2"
STANDARD: Final = "1"  # methodType


def search(orders: Orders, settings: SfSettings, body: JsonObject) -> JsonObject:
    """Routes of up to ten numbers; an unknown waybill number has none, an unknown order no entry (unconfirmed)."""
    check.check_language(body, "0")
    kind = text_in(body, "trackingType")
    if kind not in {BY_WAYBILL, BY_ORDER}:
        bad_value("trackingType")
    if str(body.get("methodType", STANDARD)) != STANDARD:
        bad_value("methodType")
    numbers = _numbers_in(body)
    if kind == BY_WAYBILL:
        return _told([(number, orders.by_number(number)) for number in numbers], orders, settings)
    parcels = [parcel for number in numbers if (parcel := orders.find(number))]
    return _told([(_number_known(parcel, settings), parcel) for parcel in parcels], orders, settings)


def _numbers_in(body: JsonObject) -> list[str]:
    numbers = body.get("trackingNumber")
    if numbers in (None, "", []):
        raise RefusedError(Refusal.NO_NUMBERS)
    if not (isinstance(numbers, list) and all(isinstance(number, str) and number for number in numbers)):
        bad_value("trackingNumber")
    if len(numbers) > MOST:
        raise RefusedError(Refusal.TOO_MANY)
    return list(dict.fromkeys(numbers))


def _number_known(parcel: Parcel, settings: SfSettings) -> str:
    """An order is told under its leading number, once it has one."""
    result = standing.filter_result(parcel, settings.confirming_seconds)
    return parcel.number if result == standing.ACCEPTED else ""


def _told(found: list[tuple[str, Parcel | None]], orders: Orders, settings: SfSettings) -> JsonObject:
    return done({"routeResps": [_entry(number, parcel, orders, settings) for number, parcel in found]})


def _entry(number: str, parcel: Parcel | None, orders: Orders, settings: SfSettings) -> JsonObject:
    """What happened under this number: a returned parcel has a story under each of its two."""
    history = orders.history(parcel) if parcel else ()
    routes = [route_of(parcel, event) for event in history if parcel and event.number == number]
    return {"mailNo": number, "routes": routes[::-1] if settings.newest_first else routes}
