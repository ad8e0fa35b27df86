"""What a thermal printer is told, decoded by others: the same dots as the drawing, and both codes in them."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from label_samples import LONG, ORDINARY
from PIL import Image

from dispatch.label import SheetSize, draw_sheets
from dispatch.label.printer import Language
from dispatch.label.thermal.labels import write_labels
from dispatch.label.thermal.raster import packed, rasterise, shift
from dispatch.typefaces import Typefaces

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from zebrafy import ZebrafyZPL


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Typefaces(tmp_path_factory.mktemp("type")).folder()


@pytest.fixture(params=list(SheetSize), ids=lambda size: size.name)
def drawn(request, folder):
    return request.param, draw_sheets([ORDINARY, LONG], request.param, folder)


def decode_tspl(stream: bytes) -> list[Image.Image]:
    """Written from the manual, and not from our writer: a cleared bit of a BITMAP is black."""
    found = []
    while stream:
        head = re.match(
            rb"SIZE (\d+) mm,(\d+) mm\r\n(?:DENSITY \d+\r\n)?REFERENCE 0,0\r\nCLS\r\nBITMAP 0,0,(\d+),(\d+),0,",
            stream,
        )
        wide_mm, high_mm, row_bytes, rows = (int(part) for part in head.groups())
        data, rest = stream[head.end() :][: row_bytes * rows], stream[head.end() + row_bytes * rows :]
        assert (row_bytes, rows) == (wide_mm, high_mm * 8)  # 8 dots a mm: as many bytes as millimetres
        bits = np.unpackbits(np.frombuffer(data, np.uint8)).reshape(rows, row_bytes * 8)
        found.append(Image.fromarray((bits * 255).astype(np.uint8)))
        assert rest.startswith(b"\r\nPRINT 1,1\r\n")
        stream = rest.removeprefix(b"\r\nPRINT 1,1\r\n")
    return found


def decode_zpl(stream: bytes) -> list[Image.Image]:
    return [Image.fromarray(np.array(one.convert("L"))) for one in ZebrafyZPL(stream.decode()).to_images()]


DECODERS = {Language.ZPL: decode_zpl, Language.TSPL: decode_tspl}


def dots_of(picture):
    return np.array(picture.convert("L")) > 127


def codes_of(picture):
    return {
        str(one.format).replace(" ", ""): one.text for one in zxingcpp.read_barcodes(np.array(picture.convert("L")))
    }


@pytest.mark.parametrize("language", list(Language))
def test_decoded_it_is_the_drawing_dot_for_dot_and_both_codes_are_read(drawn, language):
    size, pdf = drawn
    decoded = DECODERS[language](write_labels(pdf, language))
    pages = list(rasterise(pdf))
    assert len(decoded) == len(pages) == 2
    for picture, page, sheet in zip(decoded, pages, (ORDINARY, LONG), strict=True):
        assert picture.size == (size.width_mm * 8, size.height_mm * 8)
        assert np.array_equal(dots_of(picture), dots_of(page))
        assert codes_of(picture) == {"Code128": sheet.waybill_no, "QRCode": sheet.tracking_url}


def test_a_bar_is_as_wide_as_in_the_symbol(folder):
    """A module is three dots: where a rasteriser rounds, some bars are two or four wide."""
    [page] = rasterise(draw_sheets([ORDINARY], SheetSize.TWO_PART, folder))
    row = np.array(page.convert("L"))[33 * 8] < 128
    inside = row[30:-30]
    runs = np.diff(np.flatnonzero(np.diff(inside.astype(int))))
    assert set(runs % 3) == {0}


def test_darkness_and_shift_are_told_and_what_leaves_the_paper_is_lost(folder):
    pdf = draw_sheets([ORDINARY], SheetSize.ONE_PART, folder)
    assert b"~SD12^XA" in write_labels(pdf, Language.ZPL, darkness=12)
    assert b"DENSITY 12\r\n" in write_labels(pdf, Language.TSPL, darkness=12)
    [page] = rasterise(pdf)
    [moved] = decode_tspl(write_labels(pdf, Language.TSPL, moved=(3, -2)))
    assert np.array_equal(dots_of(moved)[:-2, 3:], dots_of(page)[2:, :-3])
    assert dots_of(moved)[:, :3].all()
    assert shift(page, 0, 0) is page


def test_a_page_that_is_no_whole_number_of_bytes_wide_is_filled_with_white():
    odd = Image.new("1", (13, 2), 0)
    assert packed(odd, black=1) == (b"\xff\xf8\xff\xf8", 2)
    assert packed(odd, black=0) == (b"\x00\x07\x00\x07", 2)
