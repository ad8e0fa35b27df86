"""Event codes, signers and numbers of the protocol, and our words for them (docs/by-hand.md)."""

from collections.abc import Mapping

from dispatch.journey import News, Signer

HANDED = "handed"
NOTE = "note"

CODES: Mapping[str, tuple[str, News]] = {
    "took": ("已取件", News.COLLECTED),
    "on_way": ("在途", News.IN_TRANSIT),
    "at_village": ("到村", News.AT_OFFICE),
    "going_out": ("出发送", News.OUT_FOR_DELIVERY),
    "absent": ("不在家", News.ATTEMPT_FAILED),
    "address_unclear": ("地址不详", News.ADDRESS_UNCLEAR),
    "refused": ("拒收", News.RECIPIENT_REFUSED),
    "left_at_point": ("放约定点", News.AWAITING_PICKUP),
    "fetched": ("本人取走", News.FETCHED),
    HANDED: ("当面交付", News.DELIVERED),
    "handed_revoked": ("交付撤销", News.VOIDING),
    "bringing_back": ("带回途中", News.RETURNING),
    "brought_back": ("已带回", News.RETURNED),
    "lost": ("遗失", News.LOST),
    NOTE: ("备注", News.NOTE),
}
VOIDS: Mapping[str, frozenset[str]] = {"handed_revoked": frozenset({HANDED})}
"""A code that takes back the latest earlier event with one of the named codes."""

SIGNERS: Mapping[str, tuple[str, Signer]] = {
    "self": ("本人", Signer.SELF),
    "proxy": ("他人代收", Signer.PROXY),
    "mailroom": ("收发室", Signer.MAILROOM),
    "property": ("物业", Signer.PROPERTY),
    "office": ("办公室", Signer.OFFICE),
    "village": ("村委会", Signer.VILLAGE),
}

PREFIX = "GB"
SERIAL_DIGITS = 9


def number_for(serial: int) -> str:
    """`GB`, nine digits, and one Luhn check digit over the nine (ISO/IEC 7812-1 annex B)."""
    digits = f"{serial:0{SERIAL_DIGITS}d}"
    return f"{PREFIX}{digits}{-_luhn(digits + '0') % 10}"


def is_number(text: str) -> bool:
    """Whether this can be a number of this carrier: its shape, and its check digit."""
    digits = text.removeprefix(PREFIX)
    if len(text) != len(PREFIX) + SERIAL_DIGITS + 1 or len(digits) != SERIAL_DIGITS + 1:
        return False
    return digits.isascii() and digits.isdigit() and _luhn(digits) % 10 == 0


def meaning(code: str, signer: str) -> tuple[News, Signer | None]:
    """Our word for an event; whoever signed counts only where it was handed over or fetched."""
    _, news = CODES.get(code, ("", News.UNKNOWN))
    if news is News.DELIVERED:
        return news, SIGNERS.get(signer, ("", Signer.UNKNOWN))[1]
    return news, Signer.FETCHED if news is News.FETCHED else None


def _luhn(digits: str) -> int:
    """The sum whose last digit is nought where the check digit, the last one, is right."""
    doubled = (sum(divmod(int(digit) * 2, 10)) for digit in digits[-2::-2])
    return sum(int(digit) for digit in digits[::-2]) + sum(doubled)
