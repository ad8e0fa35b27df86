"""What Kdniao is asked about a parcel, and how its answers and pushes are read (CARRIERS §3.4 to §3.6). Pure."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from dispatch.accounts import KdniaoAccount
from dispatch.carrier import Answer, CarrierError, InDoubt, Parcel, Refused, Seen, Throttled, Unauthorised, Unreadable
from dispatch.posts.history import History, Node, news_in
from dispatch.posts.kdniao.codes import STATES
from dispatch.posts.reading import as_object, is_true, json_answer, objects, text_of

PUSHES = frozenset({"101", "102"})  # for 1008, for 8008
NO_TRACE = "0"
CODE_BEFORE = re.compile(r"\[([0-9]+)\]")
Whose = Callable[[str], str]
"""Our carrier for a ShipperCode."""


def request_data(code: str, parcel: Parcel) -> str:
    """RequestData of a query and of a subscription alike: the same text for the same parcel."""
    asked = {"OrderCode": parcel.order_no, "ShipperCode": code, "LogisticCode": parcel.number}
    if parcel.phone:
        asked["CustomerName"] = parcel.phone
    return json.dumps(asked, ensure_ascii=False, separators=(",", ":"))


def read_subscription(answer: Answer, account: KdniaoAccount) -> None:
    """Nothing where it is subscribed. Raises CarrierError: no codes are published for this but those of queries."""
    said = json_answer(answer)
    if not is_true(said.get("Success")):
        raise _fault(said, account)


def read_query(answer: Answer, account: KdniaoAccount, whose: Whose) -> tuple[Seen, ...]:
    """All news of the parcel; empty where there is no trace yet. Raises CarrierError."""
    said = json_answer(answer)
    fault = _fault(said, account)
    if not isinstance(fault, InDoubt) or not _tells_traces(said, account):
        raise fault
    return news_in(_history(said, whose), STATES)


def _tells_traces(said: Mapping[str, Any], account: KdniaoAccount) -> bool:
    """«No trace yet» may be told as success, or as failure with the state 0 and these words (CARRIERS §3.4).

    Every other failure comes with an empty list and the state 0 too: a key that died must not look like silence.
    """
    traces = said.get("Traces")
    if traces != []:
        return isinstance(traces, list) and bool(objects(traces))
    nothing_yet = any(words in text_of(said, "Reason") for words in account.no_trace_words)
    return is_true(said.get("Success")) or (text_of(said, "State") == NO_TRACE and nothing_yet)


def _fault(said: Mapping[str, Any], account: KdniaoAccount) -> CarrierError:
    """What this answer means if it tells no traces: by its code, and doubt where it has none that is known."""
    code = _code(said)
    if code in account.unauthorised_codes:
        return Unauthorised(f"快递鸟不认可本中心的账号（{_words(said)}）。请核对用户编号与密钥。")
    if code in account.throttled_codes:
        return Throttled(f"快递鸟要求放慢（{_words(said)}）。")
    if code in account.refused_codes:
        return Refused(f"快递鸟退回：{_words(said)}")
    return InDoubt(f"快递鸟没有受理：{_words(said)}")


def _code(said: Mapping[str, Any]) -> str:
    """Of its own field, or before the words of the reason: `[405]超过查询次数` (unconfirmed)."""
    before = CODE_BEFORE.match(text_of(said, "Reason"))
    return text_of(said, "ResultCode") or (before[1] if before else "")


def _words(said: Mapping[str, Any]) -> str:
    return f"{text_of(said, 'ResultCode')} {text_of(said, 'Reason')}".strip() or "没有说明原因"


def read_push(body: str, whose: Whose) -> tuple[Seen, ...]:
    """The news of all parcels in a push. Raises Unreadable where its shape is not known."""
    pushed = as_object(body)
    if pushed is None or not isinstance(pushed.get("Data"), list):
        raise Unreadable("RequestData 里没有 Data 列表")
    return tuple(seen for item in objects(pushed["Data"]) for seen in news_in(_history(item, whose), STATES))


def _history(item: Mapping[str, Any], whose: Whose) -> History:
    """One parcel, as a query and a push tell it alike. `StateEx` is the finer word for `State`."""
    return History(
        number=text_of(item, "LogisticCode"),
        carrier=whose(text_of(item, "ShipperCode")),
        state=text_of(item, "StateEx") or text_of(item, "State"),
        nodes=tuple(_node(node) for node in objects(item.get("Traces"))),
        order_no=text_of(item, "OrderCode"),
        words=text_of(item, "Reason"),
    )


def _node(item: Mapping[str, Any]) -> Node:
    words = (text_of(item, "AcceptStation"), text_of(item, "Remark"))
    return Node(
        time=text_of(item, "AcceptTime"),
        state=text_of(item, "Action"),
        text=" ".join(part for part in words if part),
        place=text_of(item, "Location"),
    )
