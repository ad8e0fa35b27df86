"""Is this a proper EXP_RECE_CREATE_ORDER? Required fields and listed values of CARRIERS §2.4, as tables."""

import re
from typing import Any, Final

from sandbox.sf.envelope import JsonObject, Refusal, RefusedError, bad_value, missing

LANGUAGE: Final = "zh-CN"
SENDER, RECIPIENT = "1", "2"
SIDES: Final = {SENDER: "sender", RECIPIENT: "recipient"}

# Which of 1010 to 1016 is which is unconfirmed: the list tells address, contact and telephone, and a range.
PARTY: Final = {
    SENDER: (Refusal.SENDER_CONTACT, Refusal.SENDER_TELEPHONE, Refusal.SENDER_ADDRESS),
    RECIPIENT: (Refusal.RECIPIENT_CONTACT, Refusal.RECIPIENT_TELEPHONE, Refusal.RECIPIENT_ADDRESS),
}
LONGEST: Final = {"orderId": 64, "remark": 100}
LONGEST_CARGO, LONGEST_ADDRESS = 128, 200

# Whether SF refuses an unlisted value is unconfirmed; a sandbox that did not would hide a typing error.
LISTED: Final = {
    "payMethod": {"1", "2", "3"},
    "isDocall": {"0", "1"},
    "isSignBack": {"0", "1"},
    "isReturnRoutelabel": {"0", "1"},
    "isUnifiedWaybillNo": {"0", "1"},
    "isGenWaybillNo": {"0", "1"},
}
LISTS: Final = ("serviceList", "extraInfoList")
CARD: Final = re.compile(r"[0-9]{10}", re.ASCII)
PRODUCT: Final = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)


def order_in(order: JsonObject, monthly_card: str) -> JsonObject:
    """The order, checked; RefusedError names the field that is wrong."""
    check_language(order)
    for name in ("orderId", "expressTypeId"):
        text_in(order, name)
    parties = _parties(order.get("contactInfoList"))
    for contact_type in SIDES:
        _check_party(parties.get(contact_type), contact_type)
    _check_cargo(order.get("cargoDetails"))
    _check_values(order)
    _check_account(order, monthly_card)
    _check_supported(order)
    return order


def party(order: JsonObject, contact_type: str) -> JsonObject:
    """One side of a checked order."""
    return _parties(order["contactInfoList"])[contact_type]


def is_set(order: JsonObject, name: str) -> bool:
    """True for 1."""
    return str(order.get(name)) == "1"


def text_in(body: JsonObject, name: str) -> str:
    """A field that must be there."""
    if not _filled(body.get(name)):
        missing(name)
    return str(body[name]).strip()


def check_language(body: JsonObject, *others: str) -> None:
    """Every service but the print asks for it."""
    if text_in(body, "language") not in (LANGUAGE, *others):
        bad_value("language")


def _filled(value: Any) -> bool:
    """True for text or a whole number that says something."""
    return isinstance(value, str | int) and not isinstance(value, bool) and bool(str(value).strip())


def _parties(contacts: Any) -> dict[str, JsonObject]:
    if not (isinstance(contacts, list) and contacts):
        missing("contactInfoList")
    if not all(isinstance(contact, dict) for contact in contacts):
        bad_value("contactInfoList")
    parties = {str(contact.get("contactType")): contact for contact in contacts}
    if set(parties) - set(SIDES) or len(parties) != len(contacts):
        bad_value("contactInfoList.contactType")
    return parties


def _check_party(contact: JsonObject | None, contact_type: str) -> None:
    no_contact, no_telephone, no_address = PARTY[contact_type]
    if contact is None:
        missing(f"contactInfoList.contactType {contact_type}")
    if not (_filled(contact.get("contact")) or _filled(contact.get("company"))):
        raise RefusedError(no_contact)
    if not (_filled(contact.get("mobile")) or _filled(contact.get("tel"))):
        raise RefusedError(no_telephone)
    if not _filled(contact.get("address")):
        raise RefusedError(no_address)
    if len(str(contact["address"])) > LONGEST_ADDRESS:
        bad_value("contactInfoList.address超长")
    if contact.get("country") != "CN":
        bad_value("contactInfoList.country")


def _check_cargo(cargo: Any) -> None:
    if not (isinstance(cargo, list) and cargo):
        missing("cargoDetails")
    for item in cargo:
        if not isinstance(item, dict):
            bad_value("cargoDetails")
        if not _filled(item.get("name")):
            missing("cargoDetails.name")
        if len(str(item["name"])) > LONGEST_CARGO:
            bad_value("cargoDetails.name超长")


def _check_values(order: JsonObject) -> None:
    for name, longest in LONGEST.items():
        if len(str(order.get(name) or "")) > longest:
            bad_value(f"{name}超长")
    for name, values in LISTED.items():
        if order.get(name) not in (None, "") and str(order[name]) not in values:
            bad_value(name)
    for name in LISTS:
        if not isinstance(order.get(name) or [], list):
            bad_value(name)


def _check_account(order: JsonObject, monthly_card: str) -> None:
    if not PRODUCT.fullmatch(str(order["expressTypeId"])):
        raise RefusedError(Refusal.PRODUCT)
    card = str(order.get("monthlyCard") or "")
    if card and not CARD.fullmatch(card):
        raise RefusedError(Refusal.CARD_SHAPE)
    if card and card != monthly_card:
        raise RefusedError(Refusal.CARD_UNKNOWN)


def _check_supported(order: JsonObject) -> None:
    """What this sandbox does not play is refused, so that nobody believes to have practised it."""
    if str(order.get("parcelQty") or "1") != "1":
        raise RefusedError(Refusal.UNSUPPORTED, "一票多件")
    if str(order.get("isGenWaybillNo", "1")) == "0":
        raise RefusedError(Refusal.UNSUPPORTED, "不生成运单号")
