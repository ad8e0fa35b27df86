"""020006 订单取消 (CARRIERS §1.6). Pure."""

import json

from dispatch.accounts import EmsAccount
from dispatch.carrier import Answer, InDoubt, Parcel, Refused
from dispatch.posts.ems.booking import SUCCESS, envelope, words_of

OPERATION = "020006"
WHY = "寄件人撤单"


def cancel_text(parcel: Parcel) -> str:
    """The JSON body; the same text for the same parcel."""
    body = {"logisticsOrderNo": parcel.order_no, "waybillNo": parcel.number, "cancelReason": WHY}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def read_cancelling(answer: Answer, account: EmsAccount) -> None:
    """Nothing where it is cancelled. Which codes say so, or refuse, is unpublished: a setting, otherwise doubt."""
    said = envelope(answer, account)
    if said["retCode"] == SUCCESS or said["retCode"] in account.cancelled_codes:
        return
    if said["retCode"] in account.refused_codes:
        raise Refused(words_of(said))
    raise InDoubt(f"寄递企业答复“{words_of(said)}”，不能确定是否已撤单。")
