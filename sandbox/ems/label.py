"""010004 面单查询: a real one-page PDF, as Base64 or behind a URL (CARRIERS §1.6).

It shows the number, the sorting code and whether it is the reverse label; names and addresses are not kept
here, so a label has none. What the real one looks like is EMS's own.
"""

import base64
import re
from typing import Any, Final

import typst

from sandbox.ems.envelope import Refusal, RefusedError, object_in
from sandbox.post import Answer, Call, Orders, Parcel

PATH: Final = "/labels/{name}"
NAMED: Final = re.compile(r"/labels/(?P<number>\w+)-(?P<size>129|149|179)-(?P<way>out|return)\.pdf")
SIZES_MM: Final = {"129": (76, 130), "149": (76, 149), "179": (100, 179)}

TEMPLATE: Final = """
#set page(width: eval(sys.inputs.width), height: eval(sys.inputs.height), margin: 6mm)
#set text(size: 12pt)
EMS SANDBOX \\
#sys.inputs.title
#line(length: 100%)
#text(size: 18pt)[#sys.inputs.route]
#v(6mm)
#text(size: 20pt)[#sys.inputs.number]
"""


def find(orders: Orders, body: Any, base_url: str) -> str:
    """retBody for ``{waybillNo, type[, getURL][, isReturn]}``: Base64 of the PDF, or its URL for getURL 1."""
    asked = object_in(body)
    for name in ("waybillNo", "type"):
        if not asked.get(name):
            raise RefusedError(Refusal.MISSING, name)
    number, size = str(asked["waybillNo"]), str(asked["type"])
    if size not in SIZES_MM:
        raise RefusedError(Refusal.VALUE, "type")
    is_return = _is_set(asked.get("isReturn"), "isReturn")
    parcel = _labelled(orders, number)
    if _is_set(asked.get("getURL"), "getURL"):
        return f"{base_url}/labels/{number}-{size}-{'return' if is_return else 'out'}.pdf"
    return base64.b64encode(draw(parcel, number, size, is_return=is_return)).decode()


def serve(orders: Orders, call: Call) -> Answer:
    """The PDF behind a label's URL; 404 for what no label was ever told of."""
    named = NAMED.fullmatch(call.path)
    parcel = orders.by_number(named["number"]) if named else None
    if named is None or parcel is None:
        return Answer.of_text("Not Found", 404)
    return Answer(draw(parcel, named["number"], named["size"], is_return=named["way"] == "return"), "application/pdf")


def draw(parcel: Parcel, number: str, size: str, *, is_return: bool) -> bytes:
    """One page of the size of a label type."""
    width, height = SIZES_MM[size]
    inputs = {
        "width": f"{width}mm",
        "height": f"{height}mm",
        "title": "RETURN LABEL" if is_return else "LABEL",
        "route": str(parcel.extra["route"]),
        "number": number,
    }
    drawn: bytes = typst.compile(TEMPLATE.encode(), sys_inputs=inputs)
    return drawn


def _labelled(orders: Orders, number: str) -> Parcel:
    parcel = orders.by_number(number)
    if parcel is None:
        raise RefusedError(Refusal.UNKNOWN_ORDER)
    if parcel.cancelled_ms is not None:
        raise RefusedError(Refusal.CANCELLED)
    return parcel


def _is_set(value: Any, name: str) -> bool:
    if value not in (None, "", "0", "1", 0, 1):
        raise RefusedError(Refusal.VALUE, name)
    return str(value) == "1"
