"""COM_RECE_CLOUD_PRINT_WAYBILLS: a real one-page PDF behind a URL and a token (CARRIERS §2.5).

It shows the number; names and addresses are not kept here, so a label has none. What the real one looks like is
SF's own.
"""

import hashlib
import hmac
import re
from typing import Final

import typst

from sandbox.post import Answer, Call, Orders
from sandbox.sf import standing
from sandbox.sf.check import text_in
from sandbox.sf.envelope import JsonObject, Refusal, RefusedError, bad_value, missing, printed
from sandbox.sf.settings import SfSettings

PATH: Final = "/labels/{name}"
NAMED: Final = re.compile(r"/labels/(?P<number>\w+)-(?P<kind>76130|150)\.pdf", re.ASCII)
SIZES_MM: Final = {"76130": (76, 130), "150": (100, 150)}
TOKEN_HEADER: Final = "X-Auth-token"  # noqa: S105 - a header's name
VERSION, FILE_TYPE = "2.0", "pdf"

TEMPLATE: Final = """
#set page(width: eval(sys.inputs.width), height: eval(sys.inputs.height), margin: 6mm)
#set text(size: 12pt)
SF SANDBOX
#line(length: 100%)
#text(size: 18pt)[#sys.inputs.cities]
#v(6mm)
#text(size: 16pt)[#sys.inputs.number]
"""


def order_prints(orders: Orders, settings: SfSettings, body: JsonObject, base_url: str) -> JsonObject:
    """One file for each document; a receipt to be signed (backWaybillNo) is a label of its own."""
    template = text_in(body, "templateCode")
    kind = _kind(template, settings.partner_id)
    if text_in(body, "version") != VERSION:
        bad_value("version")
    if text_in(body, "fileType") != FILE_TYPE:
        raise RefusedError(Refusal.UNSUPPORTED, "fileType")
    if body.get("sync") not in (True, "true"):
        raise RefusedError(Refusal.UNSUPPORTED, "sync")
    numbers = [_number(orders, settings, document) for document in _documents(body)]
    files = [
        {
            "waybillNo": number,
            "url": f"{base_url}/labels/{number}-{kind}.pdf",
            "token": token_of(settings, f"{number}-{kind}"),
            "seqNo": seq_no,
            "pageNo": 1,
        }
        for seq_no, number in enumerate(numbers, 1)
    ]
    told = {"clientCode": settings.partner_id, "fileType": FILE_TYPE, "templateCode": template, "files": files}
    return printed(told)


def serve(orders: Orders, settings: SfSettings, call: Call) -> Answer:
    """The PDF; 401 without a token, 403 with another's, 404 for what there is no label of (all unconfirmed)."""
    named = NAMED.fullmatch(call.path)
    parcel = orders.by_number(named["number"]) if named else None
    if named is None or parcel is None:
        return Answer.of_text("Not Found", 404)
    token = call.headers.get(TOKEN_HEADER.lower(), "")
    if not token:
        return Answer.of_text("Unauthorized", 401)
    right = token_of(settings, f"{named['number']}-{named['kind']}")
    if not hmac.compare_digest(token.encode(), right.encode()):
        return Answer.of_text("Forbidden", 403)
    return Answer(draw(named["number"], named["kind"], parcel.extra["cities"]), "application/pdf")


def token_of(settings: SfSettings, name: str) -> str:
    """Made of the checkword, so that it outlives the process; how long a real one lives is unconfirmed."""
    return hmac.new(settings.checkword.encode(), f"label:{name}".encode(), hashlib.sha256).hexdigest()


def draw(number: str, kind: str, cities: list[str]) -> bytes:
    """One page of the template's size."""
    width, height = SIZES_MM[kind]
    inputs = {"width": f"{width}mm", "height": f"{height}mm", "cities": " - ".join(cities), "number": number}
    drawn: bytes = typst.compile(TEMPLATE.encode(), sys_inputs=inputs)
    return drawn


def _kind(template: str, partner_id: str) -> str:
    kinds = {f"fm_{kind}_standard_{partner_id}": kind for kind in SIZES_MM}
    if template not in kinds:
        bad_value("templateCode")
    return kinds[template]


def _documents(body: JsonObject) -> list[JsonObject]:
    documents = body.get("documents")
    if not (isinstance(documents, list) and documents):
        missing("documents")
    if not all(isinstance(document, dict) for document in documents):
        bad_value("documents")
    return documents


def _number(orders: Orders, settings: SfSettings, document: JsonObject) -> str:
    """The number to print: the order's own, and one that the customer has been told."""
    master = text_in(document, "masterWaybillNo")
    number = str(document.get("backWaybillNo") or master)
    if document.get("branchWaybillNo"):
        raise RefusedError(Refusal.UNSUPPORTED, "一票多件")
    parcel = orders.by_number(master)
    if parcel is None or parcel.number != master or number not in standing.ordered_numbers(parcel):
        raise RefusedError(Refusal.WAYBILL)
    if standing.filter_result(parcel, settings.confirming_seconds) != standing.ACCEPTED:
        raise RefusedError(Refusal.WAYBILL)
    if parcel.cancelled_ms is not None:
        raise RefusedError(Refusal.CANCELLED)
    return number
