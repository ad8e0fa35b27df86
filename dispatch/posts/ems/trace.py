"""040001 轨迹查询 and 040002 轨迹推送: one line of news each (CARRIERS §1.6, §1.7). Pure."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dispatch.accounts import EmsAccount
from dispatch.carrier import Answer, InDoubt, Seen, Unreadable
from dispatch.journey import News
from dispatch.posts.ems.booking import SUCCESS, body_of, envelope, words_of
from dispatch.posts.ems.codes import DELIVERED, NOT_DELIVERED, VOIDS, meaning
from dispatch.posts.reading import as_object, listed, text_of
from dispatch.posts.times import NEVER, read_time

QUESTION = "040001"
PUSH = "040002"


def question_text(waybill_no: str) -> str:
    """The JSON body that asks for everything known of a number."""
    return json.dumps({"waybillNo": waybill_no, "direction": "0"}, separators=(",", ":"))


def read_trace(answer: Answer, account: EmsAccount) -> tuple[Seen, ...]:
    """All news of a number; empty where EMS says in its words that it has none yet (M, configurable)."""
    said = envelope(answer, account)
    if said["retCode"] != SUCCESS:
        # EMS publishes no code for «nothing yet», only these words: the one place where words decide.
        if any(known in text_of(said, "retMsg") for known in account.no_trace_words):
            return ()
        raise InDoubt(f"寄递企业没有答复轨迹：{words_of(said)}")
    body = said.get("retBody")
    if body is None or (isinstance(body, str) and not body.strip()):
        return ()  # it may be empty (§1.3)
    items = listed(body_of(said).get("responseItems"), "寄递企业报成功，但轨迹读不懂。")
    return tuple(_read_line(item) for item in items)


def read_push(body: str) -> tuple[Seen, ...]:
    """The one event of a push. Raises Unreadable where it names no parcel."""
    item = as_object(body) or {}
    if not text_of(item, "waybillNo"):
        raise Unreadable("缺少 waybillNo")
    return (_read_line(item),)


def _read_line(item: Mapping[str, Any]) -> Seen:
    """One bad line must not cost the others: without a time that can be read, a person reads it."""
    try:
        return read_event(item)
    except ValueError as error:
        number, code = text_of(item, "waybillNo"), text_of(item, "opCode")
        words = f"{error} {text_of(item, 'opTime')} {text_of(item, 'opName')}"
        order_no = text_of(item, "orderNo")
        return Seen(waybill_no=number, at=NEVER, code=code, news=News.UNKNOWN, order_no=order_no, text=words)


def read_event(item: Mapping[str, Any]) -> Seen:
    """One event of a query or a push. Raises Unreadable where number, time or code is missing or misshapen."""
    number, code = text_of(item, "waybillNo"), text_of(item, "opCode")
    if not number or not code:
        raise Unreadable("缺少 waybillNo 或 opCode")
    detail = text_of(item, {DELIVERED: "deliverCode", NOT_DELIVERED: "attemptDeliveryCode"}.get(code, ""))
    news, signer = meaning(code, detail)
    return Seen(
        waybill_no=number,
        order_no=text_of(item, "orderNo"),
        at=_time(item),
        code=code,
        detail=detail,
        news=news,
        signer=signer,
        voids=VOIDS.get(code, frozenset()),
        wants_detail=code in {DELIVERED, NOT_DELIVERED} and not detail,
        text=" ".join(part for part in (text_of(item, "opName"), text_of(item, "opDesc")) if part),
        place=text_of(item, "opOrgName") or text_of(item, "opOrgCity"),
    )


def _time(item: Mapping[str, Any]) -> datetime:
    try:
        return read_time(text_of(item, "opTime"))
    except ValueError:
        raise Unreadable("opTime 不是 yyyy-MM-dd HH:mm:ss 的时间") from None  # its own words quote the value
