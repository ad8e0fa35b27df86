"""How an order stands: whether it is accepted, and which of its waybill numbers the customer knows by now."""

from sandbox.post import Parcel, now_ms
from sandbox.sf.envelope import JsonObject
from sandbox.sf.scenarios import OUT_OF_RANGE, TO_CONFIRM

CONFIRMING, ACCEPTED, REFUSED = 1, 2, 3
"""filterResult: 人工确认, 可收派, 不可收派."""
LEADING, SIGN_BACK = 1, 3
"""waybillType: 母单, 签回单."""


def filter_result(parcel: Parcel, confirming_seconds: float) -> int:
    """1, 2 or 3. A collected parcel needs no confirming any more."""
    if parcel.scenario == OUT_OF_RANGE:
        return REFUSED
    due_ms = parcel.booked_ms + int(confirming_seconds * 1000)
    is_open = parcel.scenario == TO_CONFIRM and parcel.collected_ms is None and now_ms() < due_ms
    return CONFIRMING if is_open else ACCEPTED


def ordered_numbers(parcel: Parcel) -> tuple[str, ...]:
    """The numbers that the order was given: the leading one, and that of the receipt to be signed."""
    return parcel.numbers[: 1 + bool(parcel.extra["sign_back"])]


def waybills(parcel: Parcel) -> list[JsonObject]:
    """waybillNoInfoList."""
    kinds = (LEADING, SIGN_BACK)
    return [
        {"waybillType": kind, "waybillNo": number}
        for kind, number in zip(kinds, ordered_numbers(parcel), strict=False)
    ]
