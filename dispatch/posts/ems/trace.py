"""040001 轨迹查询 and 040002 轨迹推送: one line of news each (CARRIERS §1.6, §1.7). Pure."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dispatch.carrier import Answer, InDoubt, Seen, Unauthorised
from dispatch.journey import News
from dispatch.posts.ems.booking import SUCCESS, body_of, envelope
from dispatch.posts.ems.codes import DELIVERED, NOT_DELIVERED, VOIDS, meaning
from dispatch.posts.ems.times import read_time
from dispatch.settings import EmsAccount

QUESTION = "040001"
PUSH = "040002"
NEVER = datetime.fromtimestamp(0, UTC)  # no carrier's time: news at it moves nothing


def question_text(waybill_no: str) -> str:
    """The JSON body that asks for everything known of a number."""
    return json.dumps({"waybillNo": waybill_no, "direction": "0"}, separators=(",", ":"))


def read_trace(answer: Answer, account: EmsAccount) -> tuple[Seen, ...]:
    """All news of a number; empty where EMS says in its words that it has none yet (M, configurable)."""
    said = envelope(answer)
    words = str(said.get("retMsg") or "")
    if said["retCode"] in account.unauthorised_codes:
        raise Unauthorised(f"寄递企业不认可本中心的协议账号（{said['retCode']} {words}）。")
    if said["retCode"] != SUCCESS:
        # EMS publishes no code for «nothing yet», only these words: the one place where words decide.
        if any(known in words for known in account.no_trace_words):
            return ()
        raise InDoubt(f"寄递企业没有答复轨迹：{said['retCode']} {words}")
    items = body_of(said).get("responseItems") or []
    return tuple(_read_line(item) for item in items if isinstance(item, dict))


def _read_line(item: Mapping[str, Any]) -> Seen:
    """One bad line must not cost the others: without a time that can be read, a person reads it."""
    try:
        return read_event(item)
    except ValueError as error:
        number, code = _text(item, "waybillNo"), _text(item, "opCode")
        words = f"{error} {_text(item, 'opName')}"
        return Seen(waybill_no=number, at=NEVER, code=code, news=News.UNKNOWN, text=words)


def read_event(item: Mapping[str, Any]) -> Seen:
    """One event of a query or a push. Raises ValueError where number, time or code is missing or misshapen."""
    number, code = _text(item, "waybillNo"), _text(item, "opCode")
    if not number or not code:
        raise ValueError("缺少 waybillNo 或 opCode")
    detail = _text(item, {DELIVERED: "deliverCode", NOT_DELIVERED: "attemptDeliveryCode"}.get(code, ""))
    news, signer = meaning(code, detail)
    return Seen(
        waybill_no=number,
        order_no=_text(item, "orderNo"),
        at=read_time(_text(item, "opTime")),
        code=code,
        detail=detail,
        news=news,
        signer=signer,
        voids=VOIDS.get(code, frozenset()),
        wants_detail=code in {DELIVERED, NOT_DELIVERED} and not detail,
        text=" ".join(part for part in (_text(item, "opName"), _text(item, "opDesc")) if part),
        place=_text(item, "opOrgName") or _text(item, "opOrgCity"),
    )


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()
