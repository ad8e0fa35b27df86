"""010004 面单查询: the post's own label, where it accepts no other (CARRIERS §1.6). Pure."""

import base64
import binascii
import json

from dispatch.accounts import EmsAccount
from dispatch.carrier import Answer, InDoubt, Refused
from dispatch.posts.ems.booking import SUCCESS, envelope, words_of

OPERATION = "010004"
PDF = b"%PDF-"


def label_text(number: str, account: EmsAccount) -> str:
    """The JSON body. Without getURL the answer holds the PDF itself."""
    return json.dumps({"waybillNo": number, "type": account.label_type}, separators=(",", ":"))


def read_label(answer: Answer, account: EmsAccount) -> bytes:
    """The PDF of `retBody`. Raises Refused with the post's words, InDoubt where it is no PDF."""
    said = envelope(answer, account)
    if said["retCode"] != SUCCESS:
        raise Refused(words_of(said))
    try:
        drawn = base64.b64decode(str(said.get("retBody") or ""), validate=True)
    except (binascii.Error, ValueError):
        drawn = b""
    if not drawn.startswith(PDF):
        raise InDoubt("寄递企业给出的面单不是 PDF。")
    return drawn
