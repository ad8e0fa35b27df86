"""TSPL for 203-dpi printers (佳博, 汉印, TSC): a label is one `BITMAP`, in which a *cleared* bit is a black dot.

After the published TSPL/TSPL2 manual: `SIZE`, `DENSITY`, `CLS`, `BITMAP x,y,bytes,rows,mode,data`, `PRINT`.
The gap between labels is the printer's own calibration and is not told: a wrong one would feed blank paper.
"""

from typing import Final

from PIL import Image

from dispatch.label.code128 import DOTS_PER_MM
from dispatch.label.thermal.raster import packed

DENSEST: Final = 15
OVERWRITE: Final = 0


def tspl(picture: Image.Image, *, darkness: int | None = None) -> bytes:
    """One label of the size of the picture (mode "1"). `darkness`: 0 to 15, or what the printer is set to."""
    wide, high = picture.size
    dots, row_bytes = packed(picture, black=0)
    lines = [f"SIZE {wide / DOTS_PER_MM:g} mm,{high / DOTS_PER_MM:g} mm"]
    if darkness is not None:
        lines.append(f"DENSITY {min(max(darkness, 0), DENSEST)}")
    lines += ["REFERENCE 0,0", "CLS"]
    head = "".join(f"{line}\r\n" for line in lines)
    return head.encode() + f"BITMAP 0,0,{row_bytes},{high},{OVERWRITE},".encode() + dots + b"\r\nPRINT 1,1\r\n"
