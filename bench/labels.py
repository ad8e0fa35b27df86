"""1,000 labels in one PDF: `python -m bench.labels [one_part|two_part|two_part_long]`.

Draws in a fresh process, so that time and memory are those of the drawing; then reads every code back from
the pages at 203.2 dpi, as a thermal printer would print them. Exit code 1 if a single one differs. As a row of the
table (`measure`) it stands beside qrcode and python-barcode with Pillow, as their READMEs show them.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

from bench.rig.measure import OURS, PEER, Round, Row, at_least, at_most, interleave
from bench.rig.site import Bench
from dispatch.label import Sheet, SheetSize, draw_sheets
from dispatch.typefaces import Typefaces

WHAT = "1,000 labels, both codes, one PDF"
COUNT = 1_000
PEERS = 40  # so many the peer draws
PRINTER_SCALE = 203.2 / 72  # 8 dots a millimetre

SURNAMES = "任王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭"
TOWNS = ("新安江街道", "洋溪街道", "梅城镇", "乾潭镇", "三都镇", "寿昌镇", "大慈岩镇", "航头镇", "钦堂乡")
PAPERS = ("不动产权证书", "建设工程规划许可证", "食品经营许可证", "营业执照", "道路运输证", "取水许可证")


def sheet(number: int) -> Sheet:
    """Return the n-th of 1,000 distinct labels of invented people."""
    town = TOWNS[number % len(TOWNS)]
    return Sheet(
        waybill_no=f"97{10_000_000_000 + number * 7919:011d}",
        order_no=f"ZD2017-330182-{number:07d}",
        tracking_url=f"https://zhuandi.example.cn/t/{number * 2_654_435_761 % 16**12:012X}",
        recipient_name=SURNAMES[number % len(SURNAMES)] + "*" * (1 + number % 2),
        recipient_phone=f"13{number % 10}******{number % 100:02d}",
        recipient_address=f"浙江省杭州市建德市{town}{SURNAMES[number * 7 % len(SURNAMES)]}家村***号*幢*单元",
        sender_name="建德市行政审批中心",
        sender_phone="0571-64720000",
        sender_address="浙江省杭州市建德市新安江街道严州大道1288号",
        contents=tuple(f"{PAPERS[(number + i) % len(PAPERS)]}（正本 1）" for i in range(1 + number % 3)),
        way_of_delivery="须上门投递" if number % 5 else f"{town}便民服务中心代收点",
        sorting_code=f"杭州 330-{number % 90 + 10} A{number % 20:02d}",
        carrier_name="中国邮政 EMS",
        payer="免费",
        printed_on="2017-06-20 10:32",
        copy=int(number % 10 == 3),
    )


def draw(size: SheetSize, target: Path, cache: Path, count: int) -> None:
    """Draw so many labels to `target` and print what it took, as JSON; run in a process of its own."""
    folder = Typefaces(cache).folder()
    sheets = [sheet(number) for number in range(count)]
    started = time.perf_counter()
    target.write_bytes(draw_sheets(sheets, size, folder))
    _tell(time.perf_counter() - started, target)


def draw_as_readmes_show(count: int, target: Path) -> None:
    """The peer: so many pages with both codes and nothing else, in one PDF; run in a process of its own."""
    # Here and not above: Pillow is no part of the project.
    import qrcode  # noqa: PLC0415
    from barcode import Code128  # noqa: PLC0415
    from barcode.writer import ImageWriter  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    started = time.perf_counter()
    pages = []
    for one in (sheet(number) for number in range(count)):
        page = Image.new("RGB", (800, 1200), "white")
        page.paste(Code128(one.waybill_no, writer=ImageWriter()).render(), (0, 0))
        page.paste(qrcode.make(one.tracking_url).convert("RGB"), (0, 400))
        pages.append(page)
    pages[0].save(target, "PDF", save_all=True, append_images=pages[1:])
    _tell(time.perf_counter() - started, target)


def _tell(seconds: float, pdf: Path) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "pdf_mb": pdf.stat().st_size / 1e6}))


def _drawn(*words: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.labels", *words]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))


def measure(bench: Bench) -> list[Row]:
    """One row: seconds for 1,000. The peer draws fewer and is scaled; its pages have the codes alone."""
    Typefaces(bench.folder).folder()
    count, few, size = bench.size(COUNT, 10), bench.size(PEERS, 2), SheetSize.TWO_PART.name
    pdf, theirs = str(bench.folder / "ours.pdf"), str(bench.folder / "peer.pdf")

    def ours() -> Round:
        told = _drawn("draw", size, pdf, str(bench.folder), str(count))
        return {"value": told["seconds"] * COUNT / count, "peak_mb": told["peak_mb"]}

    def peer() -> Round:
        return {"value": _drawn("peer", str(few), theirs)["seconds"] * COUNT / few}

    has_peer = find_spec("PIL") is not None
    measures = interleave({OURS: ours, PEER: peer} if has_peer else {OURS: ours}, bench.rounds, "s")
    aims = [at_most("s", measures[0].median, 1.5)]
    told = {"peer": f"qrcode and python-barcode with Pillow, codes alone; {few} drawn, scaled to {COUNT}"}
    if not has_peer:
        return [
            Row(WHAT, measures, aims, unmeasured=["× the peer ≥ 10: Pillow is not installed (pip install pillow)"])
        ]
    return [Row(WHAT, measures, [*aims, at_least("× the peer", measures[1].median / measures[0].median, 10)], told)]


def read_back(size: SheetSize, pdf: Path) -> Counter[str]:
    """Return how many pages had both codes, exactly as sent, and how many did not."""
    # Here and not above: the process that draws shall be measured without them.
    import pypdfium2  # noqa: PLC0415
    import zxingcpp  # noqa: PLC0415

    counts: Counter[str] = Counter()
    document = pypdfium2.PdfDocument(pdf)
    for number, page in enumerate(document):
        wanted = sheet(number)
        pixels = page.render(scale=PRINTER_SCALE, grayscale=True).to_numpy()
        counts["size as printed"] += pixels.shape == (size.height_mm * 8, size.width_mm * 8)
        found = {code.text for code in zxingcpp.read_barcodes(pixels)}
        counts["Code 128"] += wanted.waybill_no in found
        counts["QR"] += wanted.tracking_url in found
        counts["strange codes"] += len(found - {wanted.waybill_no, wanted.tracking_url})
        page.close()
    counts["pages"] = len(document)
    document.close()
    return counts


def main() -> int:
    """Measure the sizes named on the command line, or all; 0 if every code of every page reads."""
    names = [name.upper() for name in sys.argv[1:]] or [size.name for size in SheetSize]
    whole = True
    with tempfile.TemporaryDirectory() as folder:
        Typefaces(Path(folder)).folder()  # unpacking happens once in the life of an installation
        for size in (SheetSize[name] for name in names):
            print(f"{size.width_mm}×{size.height_mm} mm, {COUNT} labels")
            pdf = Path(folder) / f"{size.name}.pdf"
            started = time.perf_counter()
            told = _drawn("draw", size.name, str(pdf), folder, str(COUNT))
            took, peak, megabytes = told["seconds"], told["peak_mb"], told["pdf_mb"]
            each = f"{took / COUNT * 1000:.2f} ms a label"
            print(f"  draw {took:.2f} s ({each}), peak {peak:.0f} MB, PDF {megabytes:.1f} MB")
            print(f"  whole process {time.perf_counter() - started:.2f} s")
            counts = read_back(size, pdf)
            print("  read back: " + ", ".join(f"{what} {count}" for what, count in counts.items()))
            whole &= all(counts[what] == COUNT for what in ("pages", "size as printed", "Code 128", "QR"))
            whole &= counts["strange codes"] == 0
    return 0 if whole else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["draw"]:
        draw(SheetSize[sys.argv[2]], Path(sys.argv[3]), Path(sys.argv[4]), int(sys.argv[5]))
    elif sys.argv[1:2] == ["peer"]:
        draw_as_readmes_show(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        sys.exit(main())
