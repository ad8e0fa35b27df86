"""Words that can be printed: checked against the typefaces, and breakable where a line ends.

Nothing here knows of markup: text reaches the typesetter as data, so `#`, `*` or `$` are only characters.
"""

import re
import unicodedata
from typing import Final, TypedDict

from dispatch.errors import ZhuandiError
from dispatch.typefaces import advance, undrawable

LONGEST_TEXT: Final = 400  # no field of a waybill is longer; a flood must not reach the typesetter

UNBROKEN: Final = float("inf")  # for what stands on one line whatever happens

# Han characters part from each other by themselves; anything else may be one long word that runs out of its
# box (a hundred W, a row of closing brackets). Such a word gets invisible break opportunities. Ordinary ones,
# telephone and order numbers, do not: they shall be found as they are in the text layer.
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_PIECE = re.compile(rf"[^{_HAN} \u3000\u200b]+")
_BREAK_BEFORE = re.compile(r"(?<=.)(?=[^\u0300-\u036f\u20d0-\u20ff\u302a-\u302f\u3099\u309a])")

# What a field is called on the screen.
FIELDS: Final = {
    "waybill_no": "邮件号",
    "order_no": "订单号",
    "tracking_url": "查询链接",
    "recipient": "收件人",
    "recipient_name": "收件人姓名",
    "recipient_phone": "收件人电话",
    "recipient_address": "收件地址",
    "sender": "寄件人",
    "sender_name": "寄件人姓名",
    "sender_phone": "寄件人电话",
    "sender_address": "寄件地址",
    "contents": "内件",
    "way_of_delivery": "投递方式",
    "sorting_code": "分拣码",
    "carrier_name": "寄递企业",
    "payer": "付费方式",
    "printed_on": "打印时间",
    "number": "清单号",
    "made_at": "制单时间",
    "destination": "寄达地",
    "kind": "种类",
    "postman": "揽投员",
    "receipt": "领取登记",
}


class Words(TypedDict):
    """A text for the typesetter: `t` itself, `e` its width in em, `s` its longest unbreakable piece in em."""

    t: str
    e: float
    s: float


class LabelError(ZhuandiError, ValueError):
    """A sheet cannot be printed as asked; a person has to look at `field` of `subject`.

    `characters` holds those that no typeface can draw (生僻字待核), and is empty for any other reason.
    `subject` is a waybill or list number. The message never holds the whole text: it may end in a log.
    """

    def __init__(self, reason: str, *, subject: str = "", field: str = "", characters: tuple[str, ...] = ()) -> None:
        super().__init__("：".join(part for part in (subject, FIELDS.get(field, field), reason) if part))
        self.subject = subject
        self.field = field
        self.characters = characters


def printable(text: str, *, subject: str, field: str, longest: float = 16.0) -> Words:
    """Return `text` as it goes to the typesetter: NFC, one line, measured, no word longer than `longest` em.

    Raises LabelError where a character cannot be drawn, or where the text is longer than `LONGEST_TEXT`.
    """
    line = one_line(text)
    if len(line) > LONGEST_TEXT:
        raise LabelError(f"超过{LONGEST_TEXT}个字，无法打印。", subject=subject, field=field)
    if missing := undrawable(line):
        named = " ".join(f"{char if char.isprintable() else '?'} (U+{ord(char):04X})" for char in missing)
        reason = f"含有字库无法打印的字符 {named}，请核对。"
        raise LabelError(reason, subject=subject, field=field, characters=tuple(missing))
    broken = _PIECE.sub(lambda word: _broken(word[0], longest), line)
    # A piece may cling to the Han character before and after it.
    widest = max((_ems(piece) + 2 for piece in _PIECE.findall(broken)), default=1.0)
    return Words(t=broken, e=round(_ems(broken) + 0.001, 3), s=round(widest + 0.001, 3))


def _ems(text: str) -> float:
    return sum(advance(char) for char in text)


def one_line(text: str) -> str:
    """Return `text` in NFC with every run of white space, line ends included, as one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _broken(word: str, longest: float) -> str:
    return word if _ems(word) <= longest else _BREAK_BEFORE.sub("\u200b", word)
