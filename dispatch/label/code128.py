"""Code 128 in whole printer dots.

A thermal printer of 203 dpi has 8 dots a millimetre. A bar that is not a whole number of dots is rounded to
one, and then bars of one width differ: of labels made with python-barcode's own picture writer at its
default width none could be read. So only its bit string is used, and each module is three dots, 0.375 mm
(UPU S10 recommends at least 0.33 mm, at least 12.5 mm of height, and ten modules of quiet on either side).
"""

import re
from dataclasses import dataclass
from typing import Final

from barcode.codex import Code128

from dispatch.label.words import LabelError

DOTS_PER_MM: Final = 8
MODULE_DOTS: Final = 3
QUIET_MODULES: Final = 10

_NUMBER = re.compile(r"[0-9A-Z][0-9A-Z-]{3,39}")


@dataclass(frozen=True)
class Bars:
    """A Code 128 symbol: `bits`, one character for each module ("1" is a bar), no quiet zones."""

    text: str
    bits: str

    @property
    def width_dots(self) -> int:
        """The symbol's width in dots, both quiet zones included."""
        return (len(self.bits) + 2 * QUIET_MODULES) * MODULE_DOTS

    def svg(self) -> str:
        """Return the bars as an SVG, one unit a module and one unit high, to be stretched to size."""
        bars = "".join(f"M{run.start()} 0h{len(run[0])}v1H{run.start()}z" for run in re.finditer("1+", self.bits))
        return _SVG.format(width=len(self.bits), height=1, path=bars)


def encode(number: str, *, width_dots: int) -> Bars:
    """Return `number` (4 to 40 of A-Z, 0-9 and -) as bars that fit into `width_dots`, quiet zones included.

    Raises LabelError where it holds anything else or needs a wider sheet: thinner bars would print, but
    would not be read once the ribbon is worn.
    """
    if not _NUMBER.fullmatch(number):
        raise LabelError("只能由大写字母、数字和连字符组成，4至40位。", subject=number[:40], field="waybill_no")
    bars = Bars(text=number, bits=Code128(number).build()[0])
    if bars.width_dots > width_dots:
        millimetres = bars.width_dots / DOTS_PER_MM
        reason = f"条码宽{millimetres:.1f}毫米，此种面单放不下，请换大号面单。"
        raise LabelError(reason, subject=number, field="waybill_no")
    return bars


_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
    'preserveAspectRatio="none" width="{width}" height="{height}"><path d="{path}"/></svg>'
)
