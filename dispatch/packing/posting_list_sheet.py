"""The posting list (交寄清单) on paper: A4, one copy for the post and one for the hall, both to be signed.

The postman signs what he takes: number, destination, weight and postage of each item, and totals by kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from dispatch.label.press import press
from dispatch.label.words import LabelError, Words, printable

TEMPLATE: Final = Path(__file__).with_name("posting_list.typ")
COPIES: Final = ("邮政联", "中心联")
PUT_BACK: Final = "未交出，已放回"

# In em, by the widths of the template's columns.
_LONGEST_WORDS: Final = {"waybill_no": 9.0, "recipient": 7.0, "destination": 8.0, "kind": 6.5, "order_no": 12.5}


@dataclass(frozen=True)
class PostingLine:
    """One item: `recipient` *masked*, `destination` county or town, weight in grams, postage in yuan.

    Under a monthly account nobody knows the postage yet (None): the column stays free for the post's pen.
    """

    waybill_no: str
    recipient: str
    destination: str
    kind: str
    weight_g: int
    postage: Decimal | None
    order_no: str
    put_back: bool = False  # it never left the desk: struck out
    counted: bool = True  # in the totals


@dataclass(frozen=True)
class PostingList:
    """What is handed to one carrier in one collection; `made_at` as it shall read."""

    number: str
    carrier_name: str
    sender_name: str
    made_at: str
    lines: tuple[PostingLine, ...]
    postman: str = ""  # who signed on the screen, and the signature as PNG
    signature: bytes = b""


@dataclass(frozen=True)
class Total:
    """Items of one kind together: how many, grams, yuan (None where one of them is not known)."""

    kind: str
    count: int
    weight_g: int
    postage: Decimal | None


def totals(lines: Sequence[PostingLine]) -> list[Total]:
    """Return the total of each kind, in the order in which the kinds first appear. What was put back is in none."""
    counted = [line for line in lines if line.counted]
    return [
        _total(kind, [line for line in counted if line.kind == kind])
        for kind in dict.fromkeys(line.kind for line in counted)
    ]


def draw_posting_list(posting_list: PostingList, typefaces_folder: Path) -> bytes:
    """Return the PDF of both copies, each with its own page numbers; `typefaces_folder` as for labels.

    Raises LabelError, naming the list and the field, where a character cannot be drawn or a text is far too
    long, and where there is no line: an empty list must not be signed.
    """
    if not posting_list.lines:
        raise LabelError("清单上没有邮件。", subject=posting_list.number)
    heading = {
        field: _words(posting_list, field, getattr(posting_list, field))
        for field in ("number", "carrier_name", "sender_name", "made_at")
    }
    data = {
        **heading,
        "copies": COPIES,
        "lines": [_row(posting_list, line) for line in posting_list.lines],
        "totals": [_sum(posting_list, total) for total in totals(posting_list.lines)],
        "all": _sum(posting_list, _total("合计", [line for line in posting_list.lines if line.counted])),
        "postman": _words(posting_list, "postman", posting_list.postman),
        "signature": list(posting_list.signature),
    }
    return press(TEMPLATE, data, typefaces_folder, tagged=True)


def _row(posting_list: PostingList, line: PostingLine) -> dict[str, object]:
    shown = replace(line, order_no=PUT_BACK) if line.put_back else line
    texts = {field: _words(posting_list, field, getattr(shown, field)) for field in _LONGEST_WORDS}
    numbers = {"weight": str(line.weight_g), "postage": _yuan(line.postage)}
    return {**texts, **numbers, "put_back": line.put_back}


def _total(kind: str, lines: Sequence[PostingLine]) -> Total:
    known = [line.postage for line in lines if line.postage is not None]
    postage = sum(known, Decimal(0)) if len(known) == len(lines) else None
    return Total(kind=kind, count=len(lines), weight_g=sum(line.weight_g for line in lines), postage=postage)


def _yuan(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:.2f}"


def _sum(posting_list: PostingList, total: Total) -> dict[str, object]:
    return {
        "kind": _words(posting_list, "kind", total.kind),
        "count": str(total.count),
        "weight": str(total.weight_g),
        "postage": _yuan(total.postage),
    }


def _words(posting_list: PostingList, field: str, text: str) -> Words:
    longest = _LONGEST_WORDS.get(field, 16.0)
    return printable(text, subject=posting_list.number, field=field, longest=longest)
