"""The sheet: what a waybill says, and the PDF of many.

Zones after GB/T 41833-2022 (码号区, 目的地信息区, 收件人信息区, 寄件人信息区, 内件信息区, 签收区). The larger sizes
have two parts: the upper goes with the post and is signed, the lower stays with the recipient.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from dispatch.label import code128, qr
from dispatch.label.press import press
from dispatch.label.words import UNBROKEN, LabelError, Words, one_line, printable

TEMPLATE: Final = Path(__file__).with_name("sheet.typ")
QR_SIDE_DOTS: Final = 222  # 27.75 mm: version 3 at six dots
LONGEST_CONTENT: Final = 40  # contents only help to recognise; the packing list has them in full
MOST_CONTENTS: Final = 30  # of more, the sheet says how many there are

_MARGIN_DOTS: Final = 2 * 2 * code128.DOTS_PER_MM


class SheetSize(Enum):
    """Paper of a thermal printer, width and height in millimetres."""

    ONE_PART = (76, 130)
    TWO_PART = (100, 150)
    TWO_PART_LONG = (100, 180)

    @property
    def width_mm(self) -> int:
        """Across the feed."""
        return self.value[0]

    @property
    def height_mm(self) -> int:
        """Along the feed."""
        return self.value[1]


@dataclass(frozen=True)
class Sheet:
    """One waybill as it is printed. Name, telephone and address of the recipient come *masked*.

    `waybill_no` is the carrier's number; `tracking_url` an opaque link without personal data; `contents`
    one text for each document; `way_of_delivery` what the applicant agreed to (须上门投递 or the named
    point); `payer` such as 免费; `printed_on` as it shall read; `copy` 0 for the first print, n for 补打 n.
    """

    waybill_no: str
    order_no: str
    tracking_url: str
    recipient_name: str
    recipient_phone: str
    recipient_address: str
    sender_name: str
    sender_phone: str
    sender_address: str
    contents: tuple[str, ...]
    way_of_delivery: str
    sorting_code: str
    carrier_name: str
    payer: str
    printed_on: str
    copy: int = 0


# The longest word that each field's box can hold, in em.
_TEXTS: Final = {
    "order_no": UNBROKEN,
    "recipient_name": 16.0,
    "recipient_phone": UNBROKEN,
    "recipient_address": 16.0,
    "sender_name": 16.0,
    "sender_phone": UNBROKEN,
    "sender_address": 16.0,
    "way_of_delivery": 12.0,
    "sorting_code": UNBROKEN,
    "carrier_name": 5.0,
    "payer": UNBROKEN,
    "printed_on": UNBROKEN,
}


def draw_sheets(sheets: Sequence[Sheet], size: SheetSize, typefaces_folder: Path) -> bytes:
    """Return one PDF with one page of exactly `size` for each sheet, in order; about 1 ms a sheet.

    Long texts get smaller or wrap, codes keep their size. `typefaces_folder` is `Typefaces.folder()`.
    Raises LabelError, naming the waybill and the field, where a character cannot be drawn, a code cannot be
    made, or a text is too long even at the smallest legible size; ValueError where there are no sheets.
    """
    if not sheets:
        raise LabelError("没有要打印的面单。")
    return press(TEMPLATE, _data(sheets, size), typefaces_folder, tagged=False)


def _data(sheets: Sequence[Sheet], size: SheetSize) -> dict[str, object]:
    rows = [_as_data(sheet, size) for sheet in sheets]
    return {"width": size.width_mm, "height": size.height_mm, "sheets": rows}


def _as_data(sheet: Sheet, size: SheetSize) -> dict[str, object]:
    bars = code128.encode(sheet.waybill_no, width_dots=size.width_mm * code128.DOTS_PER_MM - _MARGIN_DOTS)
    matrix = qr.encode(sheet.tracking_url, subject=sheet.waybill_no)
    dots = qr.module_dots(matrix, side_dots=QR_SIDE_DOTS)
    texts = {field: printable(getattr(sheet, field), subject=sheet.waybill_no, field=field) for field in _TEXTS}
    named = [content for content in sheet.contents if content.strip()]
    return {
        **texts,
        "waybill_no": sheet.waybill_no,
        "contents": [_content(content, sheet.waybill_no) for content in named[:MOST_CONTENTS]],
        "count": len(named),
        "copy": int(sheet.copy),
        "bars": bars.svg(),
        "bars_dots": len(bars.bits) * code128.MODULE_DOTS,
        "qr": qr.svg(matrix),
        "qr_dots": len(matrix) * dots,
    }


def _content(content: str, waybill_no: str) -> Words:
    line = one_line(content)
    short = line if len(line) <= LONGEST_CONTENT else line[: LONGEST_CONTENT - 1] + "…"
    return printable(short, subject=waybill_no, field="contents", longest=8.0)
