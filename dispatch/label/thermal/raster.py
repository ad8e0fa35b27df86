"""A page as the dots of a thermal printer: the same drawing as the PDF, 8 dots a millimetre, black or not.

Bars and modules lie on whole dots in the drawing (`sheet.typ`), so at exactly this scale nothing is rounded.
"""

from collections.abc import Iterator
from typing import Final

import pypdfium2 as pdfium
from PIL import Image, ImageChops

from dispatch.label.code128 import DOTS_PER_MM
from dispatch.label.pdf import PDFIUM

SCALE: Final = DOTS_PER_MM * 25.4 / 72
DARK: Final = 128  # below it a dot is burnt: bars are black or white there, only type has grey edges
WHITE: Final = 255


def rasterise(pdf: bytes) -> Iterator[Image.Image]:
    """Each page as a picture of mode "1" (0 is black), as wide and high as the page in whole dots."""
    with PDFIUM:
        document = pdfium.PdfDocument(pdf)
        count = len(document)
    try:
        for number in range(count):
            yield _page(document, number)
    finally:
        with PDFIUM:
            document.close()


def _page(document: pdfium.PdfDocument, number: int) -> Image.Image:
    with PDFIUM:
        page = document[number]
        wide, high = (round(points * SCALE) for points in page.get_size())
        grey = page.render(scale=SCALE, grayscale=True).to_pil().convert("L").copy()
        page.close()
    exact = Image.new("L", (wide, high), WHITE)
    exact.paste(grey, (0, 0))  # the rasteriser rounds up where a page is not whole dots
    return exact.point(lambda tone: 0 if tone < DARK else WHITE).convert("1")


def shift(picture: Image.Image, right: int, down: int) -> Image.Image:
    """The picture moved by so many dots (negative: to the left, up); what leaves the paper is lost."""
    if not right and not down:
        return picture
    moved = Image.new("1", picture.size, WHITE)
    moved.paste(picture, (right, down))
    return moved


def packed(picture: Image.Image, *, black: int) -> tuple[bytes, int]:
    """Eight dots a byte, rows filled up with white; and bytes in a row. `black`: the bit of a black dot."""
    wide, high = picture.size
    row_bytes = -(-wide // 8)
    whole = Image.new("1", (row_bytes * 8, high), WHITE)
    whole.paste(picture, (0, 0))
    return (whole if black == 0 else ImageChops.invert(whole)).tobytes(), row_bytes
