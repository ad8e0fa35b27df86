"""The QR code of the applicant's tracking page.

It holds a link and nothing of a person. The mask is fixed: trying all eight takes nine tenths of the time
(7.7 against 0.9 ms) and readers read any. The version follows from the length alone, so that all labels of
one address look alike.
"""

import re
from typing import Final

import qrcode
from qrcode.constants import ERROR_CORRECT_M
from qrcode.util import MODE_8BIT_BYTE, QRData

from dispatch.label.words import LabelError

QUIET_MODULES: Final = 4
LARGEST_DOTS: Final = 6
SMALLEST_DOTS: Final = 4

# ISO/IEC 18004 table 7: bytes that fit at error correction M. Smaller than 3 would be needless, larger than
# 7 would need modules of less than four dots in the place that a label has.
_CAPACITY: Final = {3: 42, 4: 62, 5: 84, 6: 106, 7: 122}
_MASK: Final = 3
_LINK = re.compile(r"https?://[!-~]+")

Matrix = tuple[tuple[bool, ...], ...]


def encode(url: str, *, subject: str = "") -> Matrix:
    """Return the modules of `url` (ASCII, at most 122 characters), row by row, True is dark, no quiet zone.

    Raises LabelError about `subject` where it is no link, or too long for a label.
    """
    if not _LINK.fullmatch(url):
        raise LabelError("不是网址，或含有非ASCII字符。", subject=subject, field="tracking_url")
    version = next((version for version, most in _CAPACITY.items() if len(url) <= most), None)
    if version is None:
        raise LabelError(
            f"超过{max(_CAPACITY.values())}个字符，二维码放不下。", subject=subject, field="tracking_url"
        )
    code = qrcode.QRCode(version=version, error_correction=ERROR_CORRECT_M, mask_pattern=_MASK, border=0)
    code.add_data(QRData(url.encode("ascii"), mode=MODE_8BIT_BYTE), optimize=0)
    code.make(fit=False)
    return tuple(tuple(bool(module) for module in row) for row in code.modules)


def module_dots(matrix: Matrix, *, side_dots: int) -> int:
    """Return the dots for one module, 6 where possible and never below 4, in a square of `side_dots`.

    Raises LabelError where even four dots are too many; the square includes four modules of quiet around.
    """
    dots = min(LARGEST_DOTS, side_dots // (len(matrix) + 2 * QUIET_MODULES))
    if dots < SMALLEST_DOTS:
        raise LabelError("二维码在此种面单上放不下。", field="tracking_url")
    return dots


def svg(matrix: Matrix) -> str:
    """Return the modules as an SVG of one unit a module, without quiet zone."""
    side = len(matrix)
    rows = ("".join("1" if dark else "0" for dark in row) for row in matrix)
    path = "".join(
        f"M{run.start()} {y}h{len(run[0])}v1H{run.start()}z"
        for y, row in enumerate(rows)
        for run in re.finditer("1+", row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" '
        f'width="{side}" height="{side}"><path d="{path}"/></svg>'
    )
