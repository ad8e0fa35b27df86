"""Is this a proper query or subscription? (CARRIERS §3.3-3.5)"""

import re
from dataclasses import dataclass
from typing import Final

from sandbox.kdniao.envelope import JsonObject, RefusedError
from sandbox.kdniao.scenarios import is_number
from sandbox.kdniao.settings import KdniaoSettings

SHORTEST, LONGEST = 6, 32  # of a waybill number; unconfirmed
_LAST_FOUR: Final = re.compile(r"[0-9]{4}", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """Which parcel a call is about, and what is echoed. CustomerName, Sender and Receiver are not kept."""

    shipper: str
    number: str
    order_code: str
    callback: str
    newest_first: bool


def wanted(body: JsonObject, settings: KdniaoSettings) -> Wanted:
    """The parcel of a call, checked; RefusedError names the field that is wrong."""
    number = _text(body, "LogisticCode")
    if not number:
        raise RefusedError("[402]缺少LogisticCode")
    if not SHORTEST <= len(number) <= LONGEST:
        raise RefusedError("[404]LogisticCode长度不符")
    if not is_number(number):
        raise RefusedError("[403]LogisticCode含有特殊字符")
    shipper = _text(body, "ShipperCode")
    if not shipper:
        raise RefusedError("缺少ShipperCode")
    if shipper not in settings.shippers:
        raise RefusedError("ShipperCode不支持")
    if shipper in settings.phone_shippers and not _LAST_FOUR.fullmatch(_text(body, "CustomerName")):
        raise RefusedError("CustomerName应为手机号后四位")
    return Wanted(shipper, number, _text(body, "OrderCode"), _text(body, "Callback"), _newest_first(body))


def _newest_first(body: JsonObject) -> bool:
    sort = body.get("Sort")
    if sort in (None, ""):
        return False
    if isinstance(sort, bool) or str(sort) not in {"0", "1"}:
        raise RefusedError("Sort应为0或1")
    return str(sort) == "1"


def _text(body: JsonObject, name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RefusedError(f"[401]RequestData格式错误：{name}")
    return value
