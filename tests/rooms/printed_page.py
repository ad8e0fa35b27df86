"""Reading a printed page back: codes by an independent reader, text by its layer, ink by its pixels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pypdfium2
import zxingcpp

DOTS_PER_MM = 8
PRINTER_SCALE = 203.2 / 72
FINE_SCALE = 600 / 72


@dataclass(frozen=True)
class Page:
    """One page: size in mm, text without line ends, and what is needed to look at it again.

    `without_ink` has the characters that are in the text layer but not on the paper, `on_codes` those that
    are printed across a code.
    """

    width_mm: float
    height_mm: float
    text: str
    lines: tuple[str, ...]
    dots: Any
    codes: dict[str, str]
    without_ink: tuple[str, ...]
    on_codes: tuple[str, ...]


def read_pages(pdf: bytes, *, ink: bool = True) -> list[Page]:
    """Return every page of `pdf`, rasterised as a thermal printer of 8 dots a millimetre would."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [_read(document[number], ink=ink) for number in range(len(document))]
    finally:
        document.close()


def _read(page: Any, *, ink: bool) -> Page:
    width, height = page.get_size()
    dots = page.render(scale=PRINTER_SCALE, grayscale=True).to_numpy().copy()
    layer = page.get_textpage()
    raw = layer.get_text_range()
    found = zxingcpp.read_barcodes(dots)
    read = Page(
        width_mm=width / 72 * 25.4,
        height_mm=height / 72 * 25.4,
        text="".join(raw.replace("\u200b", "").split()),
        lines=tuple(line.strip() for line in raw.splitlines()),
        dots=dots,
        codes={str(code.format).replace(" ", ""): code.text for code in found},
        without_ink=tuple(_without_ink(page, layer)) if ink else (),
        on_codes=tuple(_on_codes(page, layer, found)),
    )
    layer.close()
    page.close()
    return read


def _without_ink(page: Any, layer: Any) -> list[str]:
    # A text layer can hold what nobody sees. Every visible character must have both dark and light pixels
    # in its box (white on black is ink too).
    pixels = page.render(scale=FINE_SCALE, grayscale=True).to_numpy()
    height = page.get_height()
    missing = []
    for index in range(layer.count_chars()):
        char = layer.get_text_range(index, 1)
        if not char.strip() or char in "\u200b\r\n":
            continue
        left, bottom, right, top = layer.get_charbox(index)
        rows = slice(max(0, int((height - top) * FINE_SCALE)), int((height - bottom) * FINE_SCALE) + 2)
        columns = slice(max(0, int(left * FINE_SCALE)), int(right * FINE_SCALE) + 2)
        box = pixels[rows, columns]
        if box.size == 0 or int(np.max(box)) - int(np.min(box)) < 96:
            missing.append(char)
    return missing


def _on_codes(page: Any, layer: Any, found: Any) -> list[str]:
    places = []
    for code in found:
        corners = (code.position.top_left, code.position.bottom_right)
        (left, top), (right, bottom) = ((corner.x, corner.y) for corner in corners)
        places.append((left, top, right, bottom))
    across = []
    for index in range(layer.count_chars()):
        char = layer.get_text_range(index, 1)
        left, bottom, right, top = (value * PRINTER_SCALE for value in layer.get_charbox(index))
        x, y = (left + right) / 2, page.get_height() * PRINTER_SCALE - (top + bottom) / 2
        if char.strip() and any(a <= x <= c and b <= y <= d for a, b, c, d in places):
            across.append(char)
    return across


def bar_runs(row: Any) -> list[int]:
    """Return the lengths of the dark and light runs of one row of dots, from the first dark to the last."""
    dark = row < 128
    inside = np.flatnonzero(dark)
    changes = np.flatnonzero(np.diff(dark[inside[0] : inside[-1] + 1].astype(int)))
    return [int(run) for run in np.diff(np.concatenate(([-1], changes, [inside[-1] - inside[0]])))]
