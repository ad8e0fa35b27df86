"""The posting list, read back from paper."""

from decimal import Decimal
from pathlib import Path

import pytest
from printed_page import Page, read_pages

from dispatch.label import LabelError
from dispatch.packing.posting_list_sheet import PostingLine, PostingList, Total, draw_posting_list, totals
from dispatch.typefaces import Typefaces


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Typefaces(tmp_path_factory.mktemp("type")).folder()


def line(number: int, **changes: object) -> PostingLine:
    values: dict[str, object] = {
        "waybill_no": f"97123456{number:05d}",
        "recipient": "𬎆𠮷#*" if number % 2 else "任**",
        "destination": "建德市/新安江街道",
        "kind": "法律文书特快" if number % 3 else "标准快递",
        "weight_g": 50 + number,
        "postage": Decimal("12.10"),
        "order_no": f"ZD2017-330182-{number:07d}",
    }
    return PostingLine(**(values | changes))  # type: ignore[arg-type]


def posting_list(*lines: PostingLine) -> PostingList:
    return PostingList("JQ20170620-01", "中国邮政EMS", "建德市行政审批中心", "2017-06-20 16:00", lines)


def test_two_copies_with_their_own_page_numbers(folder: Path) -> None:
    lines = [line(number) for number in range(70)]
    pages = read_pages(draw_posting_list(posting_list(*lines), folder), ink=False)
    half = len(pages) // 2
    assert half >= 2
    assert len(pages) == half * 2
    for name, copy in (("邮政联", pages[:half]), ("中心联", pages[half:])):
        for number, page in enumerate(copy, start=1):
            assert (page.width_mm, page.height_mm) == (pytest.approx(210, abs=0.1), pytest.approx(297, abs=0.1))
            assert f"第{number}页共{half}页" in page.text
            assert name in page.text
            assert "JQ20170620-01" in page.text
        _rows_are_whole(copy, lines)


def _rows_are_whole(copy: list[Page], lines: list[PostingLine]) -> None:
    whole = "".join(page.text for page in copy)
    for item in lines:
        row = (item.waybill_no, item.recipient, item.destination, item.kind, item.weight_g, "12.10", item.order_no)
        assert "".join(map(str, row)) in whole
    assert [("邮件号" in page.text, "订单号" in page.text) for page in copy] == [(True, True)] * len(copy)
    assert "合计70" in whole
    for word in ("交寄人", "揽收人", "揽收时间"):
        assert word in copy[-1].text, "signatures beside the totals, on the last page"


def test_every_character_has_ink(folder: Path) -> None:
    for page in read_pages(draw_posting_list(posting_list(line(1), line(2)), folder)):
        assert page.without_ink == ()


def test_totals_by_kind() -> None:
    lines = [line(0, weight_g=10), line(1, weight_g=20), line(2, weight_g=30)]
    assert totals(lines) == [
        Total("标准快递", 1, 10, Decimal("12.10")),
        Total("法律文书特快", 2, 50, Decimal("24.20")),
    ]


def test_nasty_and_long_texts_stay_in_their_cells(folder: Path) -> None:
    nasty = line(1, recipient='#panic("x")$*_`', destination="W" * 60, kind="）" * 20, order_no="<a>@b\\n" * 6)
    (page, _) = read_pages(draw_posting_list(posting_list(nasty, line(2)), folder))
    assert '#panic("x")$*_`' in page.text
    assert page.text.count("W") == 60
    assert page.without_ink == ()


def test_what_cannot_be_drawn_and_the_empty_list_are_refused(folder: Path) -> None:
    with pytest.raises(LabelError) as raised:
        draw_posting_list(posting_list(line(1, recipient="王😀")), folder)
    assert raised.value.characters == ("😀",)
    with pytest.raises(LabelError):
        draw_posting_list(posting_list(), folder)
