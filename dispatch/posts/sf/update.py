"""EXP_RECE_UPDATE_ORDER: an order is confirmed or cancelled (CARRIERS §2.5). Pure.

What is certain when a cancelling fails: 8252 订单已确认 says that the order stands, so nothing was cancelled. That
the numbers do not match (resStatus 1) or that there is no such order (which SF may also say of an order that its
books do not show yet) leaves open whether a booking lives: doubt.
"""

from dispatch.accounts import SfAccount
from dispatch.carrier import Answer, InDoubt, Parcel, Refused
from dispatch.posts.reading import text_of
from dispatch.posts.sf.booking import LANGUAGE, MAIN
from dispatch.posts.sf.envelope import as_text, code_of, failure, message_of, opened, succeeded, words_of

UPDATE = "EXP_RECE_UPDATE_ORDER"
CONFIRM, CANCEL = 1, 2
MISMATCH, DONE = "1", "2"  # resStatus
CONFIRMED_BEFORE = "8252"
CANCELLED_BEFORE = "8037"


def confirm_text(parcel: Parcel) -> str:
    """`msgData` that confirms an order with its number."""
    numbers = [{"waybillType": int(MAIN), "waybillNo": parcel.number}]
    return as_text(
        {"orderId": parcel.order_no, "dealType": CONFIRM, "language": LANGUAGE, "waybillNoInfoList": numbers}
    )


def cancel_text(parcel: Parcel) -> str:
    """`msgData` that cancels an order."""
    return as_text({"orderId": parcel.order_no, "dealType": CANCEL, "language": LANGUAGE})


def read_confirming(answer: Answer, account: SfAccount) -> None:
    """Nothing where it is confirmed, now or before."""
    inner = opened(answer)
    if succeeded(inner):
        status = text_of(message_of(inner), "resStatus")
        if status == MISMATCH:
            raise Refused("顺丰称订单号与运单号不匹配，没有确认。")
        if status != DONE:
            raise InDoubt("顺丰报成功，但没有说明订单是否已确认。")
        return
    if code_of(inner) == CANCELLED_BEFORE:
        raise Refused(f"顺丰称订单已消单，没有确认（{words_of(inner)}）。")
    if code_of(inner) != CONFIRMED_BEFORE:
        raise failure(inner, account, "订单是否已确认")


def read_cancelling(answer: Answer, account: SfAccount) -> None:
    """Nothing where it is cancelled, now or before."""
    inner = opened(answer)
    if succeeded(inner):
        if text_of(message_of(inner), "resStatus") != DONE:
            raise InDoubt("顺丰没有撤单：它称订单号与运单号不匹配，或没有说明结果。请与顺丰核对。")
        return
    if code_of(inner) == CONFIRMED_BEFORE:
        raise Refused(f"顺丰称订单已确认，不能撤单（{words_of(inner)}）。")
    if code_of(inner) != CANCELLED_BEFORE:
        raise failure(inner, account, "是否已撤单")
