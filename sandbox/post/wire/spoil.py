"""An answer as the customer gets it: as it should be, or spoiled by a fault."""

from typing import Final

from starlette.responses import HTMLResponse, PlainTextResponse, Response

from sandbox.post.protocol import Answer
from sandbox.post.wire.line import Dripping, DrippingHeaders, Withheld

GARBAGE: Final = bytes(range(128, 256)) * 2  # neither JSON nor XML nor UTF-8
ERROR_PAGE: Final = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"


def spoiled(answer: Answer, fault: str, lost_answer_seconds: float) -> Response:
    """The answer after an answer fault; ``""`` is none. One that is throttled is the protocol's own, as it is."""
    match fault:
        case "unavailable":
            return PlainTextResponse("Service Unavailable", 503)
        case "lost_before":
            return Withheld(0)
        case "lost_after":
            return Withheld(lost_answer_seconds)
        case "error_after":
            return PlainTextResponse("Internal Server Error", 500)
        case "garbage":
            return Response(GARBAGE, media_type=answer.content_type)
        case "wrong_type":
            return HTMLResponse(ERROR_PAGE)
        case "drip":
            return Dripping(answer.body, answer.status, dict(answer.headers), answer.content_type)
        case "drip_headers":
            return DrippingHeaders()
        case "twice":
            return Response(answer.body * 2, answer.status, dict(answer.headers), answer.content_type)
        case _:
            return Response(answer.body, answer.status, dict(answer.headers), answer.content_type)
