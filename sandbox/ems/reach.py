"""030005 揽收范围判断 (CARRIERS §1.6, M): decided by words in the address, so that every answer can be had."""

from typing import Any, Final

from sandbox.ems.check import LISTED
from sandbox.ems.envelope import JsonObject, Refusal, RefusedError, object_in

REQUIRED: Final = ("address", "prov", "city", "county", "type", "senderNo")
TYPES: Final = {"1", "2", "3"}
INSIDE: Final = "0"
NO_PRODUCT: Final = "3"
WRONG_PRODUCT: Final = "4"

# Words that nobody's real address holds → status.
WORDS: Final = {"超区": "1", "服务异常": "6", "查无地址": "8", "精度不足": "9", "未维护": "10"}


def judge(body: Any, sender_no: str) -> JsonObject:
    """retBody ``{"status": text}``: 0 inside, 1 outside, anything else no telling."""
    asked = object_in(body)
    for name in REQUIRED:
        if not asked.get(name):
            raise RefusedError(Refusal.MISSING, name)
    if str(asked["senderNo"]) != sender_no:
        raise RefusedError(Refusal.SENDER, "senderNo")
    if str(asked["type"]) not in TYPES:
        raise RefusedError(Refusal.VALUE, "type")
    return {"status": _status(asked)}


def _status(asked: JsonObject) -> str:
    product = str(asked.get("bizProductNo") or "")
    if not product:
        return NO_PRODUCT
    if product not in LISTED["bizProductNo"]:
        return WRONG_PRODUCT
    place = "".join(str(asked[name]) for name in ("prov", "city", "county", "address"))
    return next((status for word, status in WORDS.items() if word in place), INSIDE)
