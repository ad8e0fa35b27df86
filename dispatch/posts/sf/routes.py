"""EXP_RECE_SEARCH_ROUTES, and one line of news as queries and pushes tell it (CARRIERS §2.5–2.7). Pure."""

from collections.abc import Mapping
from typing import Any

from dispatch.accounts import SfAccount
from dispatch.carrier import Answer, Parcel, Seen
from dispatch.journey import News
from dispatch.posts.reading import listed, text_of
from dispatch.posts.sf.booking import LANGUAGE
from dispatch.posts.sf.codes import NEW_NUMBER, SUB_CODES, meaning, new_number_in
from dispatch.posts.sf.envelope import as_text, code_of, failure, message_of, opened, succeeded
from dispatch.posts.times import NEVER, read_time
from dispatch.posts.xml import carriable

ROUTES = "EXP_RECE_SEARCH_ROUTES"
PHONE_DIGITS = 4
MISSHAPEN = "顺丰报成功，但路由读不懂。"


def question_text(parcel: Parcel) -> str:
    """`msgData` that asks for one number; the phone is needed where SF made the waybill itself (on the way back)."""
    phone = parcel.phone[-PHONE_DIGITS:]
    asked = phone.isascii() and phone.isdigit() and len(phone) == PHONE_DIGITS
    return as_text(
        {
            "language": LANGUAGE,
            "trackingType": "1",
            "trackingNumber": [parcel.number],
            "methodType": "1",
            **({"checkPhoneNo": phone} if asked else {}),
        }
    )


def read_trace(answer: Answer, account: SfAccount) -> tuple[Seen, ...]:
    """All news of a number; empty where it is not collected yet, or not in SF's books."""
    inner = opened(answer)
    if not succeeded(inner):
        if code_of(inner) in account.absent_codes:
            return ()
        raise failure(inner, account, "轨迹")
    return tuple(
        read_line(route, text_of(parcel, "mailNo"), "", account)
        for parcel in listed(message_of(inner).get("routeResps"), MISSHAPEN)
        for route in listed(parcel.get("routes"), MISSHAPEN)
    )


def read_line(route: Mapping[str, Any], number: str, order_no: str, account: SfAccount) -> Seen:
    """One line. One that cannot be read must not cost the others: a person reads it."""
    try:
        return _read_event(route, number, order_no, account)
    except ValueError as error:
        code, words = carriable(text_of(route, "opCode")), carriable(f"{error} {_words(route)}".strip())
        return Seen(carriable(number), NEVER, code, News.UNKNOWN, carriable(order_no), text=words)


def _read_event(route: Mapping[str, Any], number: str, order_no: str, account: SfAccount) -> Seen:
    code, words = text_of(route, "opCode"), _words(route)
    if not number or not code:
        raise ValueError("缺少运单号或 opCode")
    detail = carriable(text_of(route, SUB_CODES.get(code, "")))
    news, signer = meaning(code, account.signers.get(detail))
    new_number = new_number_in(words, number) if code in NEW_NUMBER else ""
    if code in NEW_NUMBER and not new_number:
        news = News.UNKNOWN  # whoever loses the new number loses the envelope
    return Seen(
        waybill_no=carriable(number),
        order_no=carriable(order_no),
        at=read_time(text_of(route, "acceptTime")),
        code=carriable(code),
        detail=detail,
        news=news,
        signer=signer,
        text=carriable(words),
        place=carriable(text_of(route, "acceptAddress")),
        new_number=new_number,
    )


def _words(route: Mapping[str, Any]) -> str:
    return " ".join(part for part in (text_of(route, "remark"), text_of(route, "reasonName")) if part)
