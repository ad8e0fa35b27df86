"""The printed sheet, read back as the post and the recipient will read it."""

import dataclasses
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zxingcpp
from barcode.codex import Code128
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from label_samples import LONG, ORDINARY
from printed_page import DOTS_PER_MM, bar_runs, read_pages

from dispatch.errors import ZhuandiError
from dispatch.label import LabelError, Sheet, SheetSize, code128, draw_sheets, qr
from dispatch.typefaces import Typefaces, undrawable

SIZES = pytest.mark.parametrize("size", list(SheetSize), ids=lambda size: size.name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Typefaces(tmp_path_factory.mktemp("type")).folder()


def sheet(**changes: object) -> Sheet:
    return dataclasses.replace(ORDINARY, **changes)  # type: ignore[arg-type]


@SIZES
@pytest.mark.parametrize("printed", [ORDINARY, LONG], ids=["ordinary", "long"])
def test_paper_codes_and_text(size: SheetSize, printed: Sheet, folder: Path) -> None:
    (page,) = read_pages(draw_sheets([printed], size, folder))
    assert page.width_mm == pytest.approx(size.width_mm, abs=0.1)
    assert page.height_mm == pytest.approx(size.height_mm, abs=0.1)
    assert page.dots.shape == (size.height_mm * DOTS_PER_MM, size.width_mm * DOTS_PER_MM)
    assert page.codes == {"Code128": printed.waybill_no, "QRCode": printed.tracking_url}
    assert page.without_ink == page.on_codes == ()
    for field in ("waybill_no", "order_no", "recipient_name", "recipient_phone", "recipient_address"):
        assert getattr(printed, field) in page.text, field
    for field in ("sender_name", "sender_phone", "sender_address", "way_of_delivery", "sorting_code", "carrier_name"):
        assert getattr(printed, field) in page.text, field
    assert printed.payer in page.text
    assert "收件人扫码查询" in page.text
    assert "签收人" in page.text


@SIZES
def test_contents_are_named_or_counted(size: SheetSize, folder: Path) -> None:
    few, many = read_pages(draw_sheets([ORDINARY, LONG], size, folder), ink=False)
    assert all(content in few.text for content in ORDINARY.contents)
    assert LONG.contents[0] in many.text
    assert "（共40件）" in many.text
    assert "等40件" in many.text


@SIZES
def test_bars_and_modules_are_whole_dots(size: SheetSize, folder: Path) -> None:
    (page,) = read_pages(draw_sheets([ORDINARY], size, folder), ink=False)
    bits = Code128(ORDINARY.waybill_no).build()[0]
    wanted = [run * 3 for run in bar_runs(255 - _as_pixels(bits))]
    # Inside the frame, 6 dots further: a row of the symbol holds nothing but bars.
    rows = [row for row in page.dots[:, 16 + 6 : -16 - 6] if bar_runs_or_none(row) == wanted]
    assert len(rows) >= 12.5 * DOTS_PER_MM
    assert all(set(row.tolist()) <= {0, 254, 255} for row in rows), "a bar with grey edges is not on the dots"
    for row in rows:
        inside = (row < 128).nonzero()[0]
        assert inside[0] >= 30 - 6, "quiet zone of ten modules"
        assert row.size - inside[-1] > 30 - 6


def _as_pixels(bits: str) -> Any:
    return np.array([255 if bit == "1" else 0 for bit in bits], dtype=np.uint8)


def bar_runs_or_none(row: Any) -> list[int] | None:
    try:
        return bar_runs(row)
    except IndexError:
        return None


def test_reprint_is_marked_and_the_first_print_is_not(folder: Path) -> None:
    first, second = read_pages(draw_sheets([ORDINARY, sheet(copy=2)], SheetSize.ONE_PART, folder), ink=False)
    assert "补打" not in first.text
    assert "补打2" in second.text


def test_rare_names_are_drawn_and_found(folder: Path) -> None:
    name = "𬎆𠮷㛃䶮𬭎"
    (page,) = read_pages(draw_sheets([sheet(recipient_name=name)], SheetSize.ONE_PART, folder))
    assert name in page.text
    assert page.without_ink == page.on_codes == ()


@pytest.mark.parametrize(
    "text",
    [
        "#set text(red)",
        "*粗* _斜_ `码`",
        "$x^2$",
        "\\n \\u{41}",
        '"] #panic("x") #[',
        "</svg>",
        "//注 /*释*/",
        "@x <y> ~ -- ...",
    ],
)
def test_markup_in_a_text_is_only_text(text: str, folder: Path) -> None:
    changed = sheet(recipient_name=text, recipient_address=text, contents=(text,), way_of_delivery=text)
    for size in SheetSize:
        (page,) = read_pages(draw_sheets([changed], size, folder))
        assert page.text.count("".join(text.split())) >= 4
        assert page.codes == {"Code128": changed.waybill_no, "QRCode": changed.tracking_url}
        assert page.without_ink == page.on_codes == ()


@SIZES
@pytest.mark.parametrize("word", ["W" * 90, "）" * 90, "⸻" * 20, "ー" * 80, "a" * 200])
def test_a_word_without_end_is_broken(word: str, size: SheetSize, folder: Path) -> None:
    changed = sheet(recipient_address=word, contents=(word[:40],), way_of_delivery=word[:30])
    (page,) = read_pages(draw_sheets([changed], size, folder))
    assert word in page.text
    assert page.codes == {"Code128": changed.waybill_no, "QRCode": changed.tracking_url}
    assert page.without_ink == page.on_codes == ()


@pytest.mark.parametrize("char", ["😀", "\ue863", "\u202e", "\U00030000", "\ud800", "\x07"])
def test_what_no_typeface_draws_is_named_and_refused(char: str, folder: Path) -> None:
    rare = sheet(waybill_no="9712345678902", recipient_name=f"王{char}*")
    with pytest.raises(LabelError) as raised:
        draw_sheets([ORDINARY, rare], SheetSize.ONE_PART, folder)
    assert raised.value.characters == (char,)
    assert raised.value.subject == "9712345678902"
    assert raised.value.field == "recipient_name"
    assert f"U+{ord(char):04X}" in str(raised.value)
    assert isinstance(raised.value, ValueError)
    assert isinstance(raised.value, ZhuandiError)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"recipient_address": "严" * 400}, "recipient"),
        ({"recipient_address": "严" * 401}, "recipient_address"),
        ({"way_of_delivery": "严" * 399}, "way_of_delivery"),
        ({"sorting_code": "A" * 90}, "sorting_code"),
        ({"waybill_no": "A" * 30}, "waybill_no"),
        ({"waybill_no": "中国1234"}, "waybill_no"),
        ({"waybill_no": ""}, "waybill_no"),
        ({"tracking_url": "https://a.cn/" + "x" * 120}, "tracking_url"),
        ({"tracking_url": "https://政务.cn/"}, "tracking_url"),
        ({"tracking_url": "javascript:alert(1)"}, "tracking_url"),
    ],
)
def test_what_cannot_be_legible_is_refused(changes: dict[str, object], field: str, folder: Path) -> None:
    with pytest.raises(LabelError) as raised:
        draw_sheets([sheet(**changes)], SheetSize.ONE_PART, folder)
    assert raised.value.field == field
    assert raised.value.subject == changes.get("waybill_no", ORDINARY.waybill_no)


def test_nothing_to_draw_is_refused(folder: Path) -> None:
    with pytest.raises(LabelError):
        draw_sheets([], SheetSize.ONE_PART, folder)


def test_missing_typefaces_are_an_error_and_never_a_box(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="HanaMinB"):
        draw_sheets([ORDINARY], SheetSize.ONE_PART, tmp_path)


def test_the_same_sheet_is_the_same_file(folder: Path) -> None:
    assert draw_sheets([ORDINARY], SheetSize.TWO_PART, folder) == draw_sheets([ORDINARY], SheetSize.TWO_PART, folder)


def test_code128_of_many_shapes_reads_back(folder: Path) -> None:
    dice = random.Random(41833)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
    numbers = ["EB000717618HK", "ZX33012717000001", "SF1020304050607"]
    numbers += [f"{dice.randrange(10**12, 10**13)}" for _ in range(20)]
    numbers += ["".join(dice.choices(letters, k=dice.randrange(4, 12))) for _ in range(20)]
    numbers = [number if number[0] != "-" else "A" + number for number in numbers]
    pages = read_pages(draw_sheets([sheet(waybill_no=n) for n in numbers], SheetSize.TWO_PART, folder), ink=False)
    assert [page.codes.get("Code128") for page in pages] == numbers


def test_qr_version_follows_from_the_length() -> None:
    lengths = (14, 42, 43, 62, 84, 106, 122)
    modules = {length: len(qr.encode("https://a.cn/".ljust(length, "x"))) for length in lengths}
    assert modules == {14: 29, 42: 29, 43: 33, 62: 33, 84: 37, 106: 41, 122: 45}
    picture = [[0 if dark else 255 for dark in row] for row in qr.encode(ORDINARY.tracking_url)]
    large = np.kron(np.array(picture, dtype=np.uint8), np.ones((4, 4), dtype=np.uint8))
    pixels = np.pad(large, 16, constant_values=255)
    (code,) = zxingcpp.read_barcodes(pixels)
    assert (code.text, code.ec_level) == (ORDINARY.tracking_url, "M")


def test_bars_need_their_width() -> None:
    assert code128.encode("9712345678901", width_dots=76 * 8).width_dots == (123 + 20) * 3
    with pytest.raises(LabelError, match="毫米"):
        code128.encode("9712345678901", width_dots=428)


NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from("#*$_`\\\"'[]{}()<>@~=-+/;:,.|&%!?^）】。，、；：“”《》—…·　 \n\tWW⸺⸻々ーﾊ①㎡℃"),
        st.characters(min_codepoint=0x4E00, max_codepoint=0x9FEF),
        st.characters(min_codepoint=0x20000, max_codepoint=0x2A6D6),
        st.characters(min_codepoint=0x20, max_codepoint=0x7E),
    ),
    max_size=90,
).filter(lambda text: not undrawable(text))


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=NASTY,
    address=NASTY,
    sender=NASTY.map(lambda text: text[:30]),
    contents=st.lists(NASTY, max_size=6),
    way=NASTY.map(lambda text: text[:40]),
    size=st.sampled_from(SheetSize),
    many=st.sampled_from([1, 1, 3]),
)
def test_no_text_breaks_the_layout(
    name: str, address: str, sender: str, contents: list[str], way: str, size: SheetSize, many: int, folder: Path
) -> None:
    changed = sheet(
        recipient_name=name[:30],
        recipient_address=(address * many)[:180],
        sender_name=sender,
        contents=tuple(contents),
        way_of_delivery=way,
    )
    (page,) = read_pages(draw_sheets([changed], size, folder))
    assert page.codes == {"Code128": changed.waybill_no, "QRCode": changed.tracking_url}
    assert page.without_ink == page.on_codes == ()
    for text in (changed.recipient_name, changed.recipient_address, changed.sender_name, changed.way_of_delivery):
        assert "".join(text.replace("\u200b", "").split()) in page.text
