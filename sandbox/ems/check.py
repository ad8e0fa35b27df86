"""Is this a proper 020003 body? Required fields and listed values of CARRIERS §1.5, as tables."""

from typing import Any, Final

from sandbox.ems.envelope import JsonObject, Refusal, RefusedError
from sandbox.post import is_time

REQUIRED: Final = (
    "createdTime",
    "ecommerceUserId",
    "logisticsOrderNo",
    "contentsAttribute",
    "bizProductNo",
)
REQUIRED_OF_PARTY: Final = ("name", "prov", "city", "county", "address")
LONGEST: Final = {"ecommerceUserId": 49, "logisticsOrderNo": 50}

# Whether EMS refuses an unlisted value is unconfirmed; a sandbox that did not would hide a typing error.
LISTED: Final = {
    "contentsAttribute": {"1", "2", "3", "4"},
    "bizProductNo": {"1", "2", "3", "9", "10", "11"},
    "insuranceFlag": {"1", "2", "3"},
    "deliverType": {"1", "2", "3", "4"},
    "pickupType": {"0", "1"},
    "paymentMode": {"1", "2", "3", "4", "5", "6", "7"},
    "codFlag": {"1", "2", "9"},
    "receiptFlag": {"1", "2", "3", "5", "6", "7", "8"},
    "valuableFlag": {"0", "1"},
    "teanIncrementFlag": {"0", "1"},
    "virtualNumFlag": {"0", "1"},
    "oneBillFlag": {"0", "1"},
}


def order_in(body: Any, sender_no: str) -> JsonObject:
    """The one order of a 020003 body, checked; RefusedError names the field that is wrong."""
    if not (isinstance(body, list) and len(body) == 1 and isinstance(body[0], dict)):
        raise RefusedError(Refusal.BODY, "应为含一个对象的数组")
    order: JsonObject = body[0]
    _require(order, REQUIRED)
    for party in ("sender", "receiver"):
        _check_party(order.get(party), party)
    _check_cargos(order.get("cargos"))
    _check_values(order, sender_no)
    _check_supported(order)
    return order


def _filled(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and bool(str(value).strip())


def _require(values: JsonObject, names: tuple[str, ...], prefix: str = "") -> None:
    for name in names:
        if not _filled(values.get(name)):
            raise RefusedError(Refusal.MISSING, prefix + name)


def _check_party(party: Any, side: str) -> None:
    if not isinstance(party, dict):
        raise RefusedError(Refusal.MISSING, side)
    _require(party, REQUIRED_OF_PARTY, f"{side}.")
    if not (_filled(party.get("mobile")) or _filled(party.get("phone"))):
        raise RefusedError(Refusal.MISSING, f"{side}.mobile/phone")


def _check_cargos(cargos: Any) -> None:
    if not (isinstance(cargos, list) and cargos):
        raise RefusedError(Refusal.MISSING, "cargos")
    for cargo in cargos:
        if not isinstance(cargo, dict):
            raise RefusedError(Refusal.VALUE, "cargos")
        _require(cargo, ("cargoName",), "cargos.")


def _check_values(order: JsonObject, sender_no: str) -> None:
    for name, longest in LONGEST.items():
        if len(str(order[name])) > longest:
            raise RefusedError(Refusal.VALUE, f"{name}超长")
    for name, values in LISTED.items():
        if order.get(name) not in (None, "") and str(order[name]) not in values:
            raise RefusedError(Refusal.VALUE, name)
    if not is_time(str(order["createdTime"])):
        raise RefusedError(Refusal.VALUE, "createdTime")
    if order.get("senderNo") not in (None, "", sender_no):
        raise RefusedError(Refusal.SENDER, "senderNo")


def _check_supported(order: JsonObject) -> None:
    """What this sandbox does not play is refused, so that nobody believes to have practised it."""
    if str(order.get("oneBillFlag") or "0") != "0":
        raise RefusedError(Refusal.UNSUPPORTED, "一票多件")
    if order.get("waybillNo") not in (None, ""):
        raise RefusedError(Refusal.UNSUPPORTED, "预分配运单号")
