"""ZPL II for 203-dpi printers: a label is one graphic field (`^GFA`), compressed as Z64 (zlib, Base64, CRC-16).

After the published ZPL II Programming Guide: `^GF` (graphic field) and its `:Z64:` data; the CRC is CRC-16/XMODEM
over the Base64 text. In a graphic a set bit is a black dot.
"""

import base64
import binascii
import zlib
from typing import Final

from PIL import Image

from dispatch.label.thermal.raster import packed

DARKEST: Final = 30


def zpl(picture: Image.Image, *, darkness: int | None = None) -> bytes:
    """One label of the size of the picture (mode "1"). `darkness`: 0 to 30, or what the printer is set to."""
    wide, high = picture.size
    dots, row_bytes = packed(picture, black=1)
    told = base64.b64encode(zlib.compress(dots, 9)).decode()
    crc = binascii.crc_hqx(told.encode(), 0)
    dark = f"~SD{min(max(darkness, 0), DARKEST):02d}" if darkness is not None else ""
    field = f"^GFA,{len(dots)},{len(dots)},{row_bytes},:Z64:{told}:{crc:04X}"
    return f"{dark}^XA^PW{wide}^LL{high}^LH0,0^PON^FO0,0{field}^FS^PQ1,0,1,Y^XZ\n".encode()
