"""040001 轨迹查询 and 040002 轨迹推送: one line of news each (CARRIERS §1.6, §1.7). Pure."""

import json
from collections.abc import Mapping
from typing import Any

from dispatch.accounts import EmsAccount
from dispatch.carrier import Answer, InDoubt, Seen
from dispatch.journey import News
from dispatch.posts.ems.booking import SUCCESS, body_of, envelope, words_of
from dispatch.posts.ems.codes import DELIVERED, NOT_DELIVERED, VOIDS, meaning
from dispatch.posts.reading import objects, text_of
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
    return tuple(_read_line(item) for item in objects(body_of(said).get("responseItems")))


def _read_line(item: Mapping[str, Any]) -> Seen:
    """One bad line must not cost the others: without a time that can be read, a person reads it."""
    try:
        return read_event(item)
    except ValueError as error:
        number, code = text_of(item, "waybillNo"), text_of(item, "opCode")
        words = f"{error} {text_of(item, 'opName')}"
        return Seen(waybill_no=number, at=NEVER, code=code, news=News.UNKNOWN, text=words)


def read_event(item: Mapping[str, Any]) -> Seen:
    """One event of a query or a push. Raises ValueError where number, time or code is missing or misshapen."""
    number, code = text_of(item, "waybillNo"), text_of(item, "opCode")
    if not number or not code:
        raise ValueError("缺少 waybillNo 或 opCode")
    detail = text_of(item, {DELIVERED: "deliverCode", NOT_DELIVERED: "attemptDeliveryCode"}.get(code, ""))
    news, signer = meaning(code, detail)
    return Seen(
        waybill_no=number,
        order_no=text_of(item, "orderNo"),
        at=read_time(text_of(item, "opTime")),
        code=code,
        detail=detail,
        news=news,
        signer=signer,
        voids=VOIDS.get(code, frozenset()),
        wants_detail=code in {DELIVERED, NOT_DELIVERED} and not detail,
        text=" ".join(part for part in (text_of(item, "opName"), text_of(item, "opDesc")) if part),
        place=text_of(item, "opOrgName") or text_of(item, "opOrgCity"),
    )
