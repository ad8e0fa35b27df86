"""010004 面单查询: the post's own label, where it accepts no other (CARRIERS §1.6). Pure."""

import base64
import binascii
import json

from dispatch.accounts import EmsAccount
from dispatch.carrier import Answer, Call, InDoubt, Refused
from dispatch.posts.ems.booking import SUCCESS, envelope, words_of
from dispatch.posts.label_file import PDF, download, pdf_in
from dispatch.posts.reading import text_of

OPERATION = "010004"
DOWNLOAD = "010004:GET"


def label_text(number: str, account: EmsAccount) -> str:
    """The JSON body. Without getURL the answer holds the PDF itself."""
    return json.dumps({"waybillNo": number, "type": account.label_type}, separators=(",", ":"))


def read_label(answer: Answer, account: EmsAccount) -> bytes | Call:
    """The PDF of `retBody`, or the call that fetches it where an address stands there (getURL, M: unasked).

    Raises Refused only for a code that is known for one: «系统繁忙» passes, and the label is asked for again.
    """
    if (pdf := pdf_in(answer)) is not None:
        return pdf
    said = envelope(answer, account)
    if said["retCode"] in account.refused_codes:
        raise Refused(words_of(said))
    if said["retCode"] != SUCCESS:
        raise InDoubt(f"寄递企业这次没有给出面单（{words_of(said)}），稍后再取。")
    body = text_of(said, "retBody")
    if body.lower().startswith(("http://", "https://")):
        return download(DOWNLOAD, body, account.endpoint)
    return _drawn(body)


def _drawn(body: str) -> bytes:
    """The PDF in Base64; Java's MIME encoder breaks it into lines."""
    try:
        drawn = base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        drawn = b""
    if not drawn.startswith(PDF):
        raise InDoubt("寄递企业给出的面单不是 PDF。")
    return drawn
