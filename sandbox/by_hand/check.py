"""Is this a proper body? The fields of docs/by-hand.md; what is wrong is named, its content never."""

from typing import Any, Final, NoReturn

from sandbox.post import is_time

JsonObject = dict[str, Any]

TEXTS: Final = ("order_no", "way", "way_of_delivery")
TEXTS_OF_PARTY: Final = ("name", "phone", "address")
TOWN: Final = ("province", "city", "county", "postcode")  # may be empty


class RefusedError(Exception):
    """A call that gets ``{"ok": false, "code", "words"}`` under this HTTP status."""

    def __init__(self, status: int, code: str, words: str) -> None:
        """Keep all three."""
        super().__init__(f"{code} {words}")
        self.status, self.code, self.words = status, code, words


def bad_field(name: str) -> NoReturn:
    """422: this field is missing or cannot be right."""
    raise RefusedError(422, "bad_field", f"字段缺失或无效：{name}")


def text_in(body: JsonObject, name: str, prefix: str = "") -> str:
    """A field that must hold text."""
    value = body.get(name)
    if not (isinstance(value, str) and value.strip()):
        bad_field(prefix + name)
    return value


def order_in(body: JsonObject) -> JsonObject:
    """The body of ``book``, checked."""
    for name in TEXTS:
        text_in(body, name)
    if not is_time(text_in(body, "created_at")):
        bad_field("created_at")
    for side in ("sender", "recipient"):
        _check_party(body.get(side), side)
    if not (_is_texts(body.get("contents")) and body["contents"]):
        bad_field("contents")
    if not _is_texts(body.get("case_nos")):
        bad_field("case_nos")
    return body


def _check_party(party: Any, side: str) -> None:
    if not isinstance(party, dict):
        bad_field(side)
    for name in TEXTS_OF_PARTY:
        text_in(party, name, f"{side}.")
    for name in TOWN:
        if not isinstance(party.get(name), str):
            bad_field(f"{side}.{name}")


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value)
