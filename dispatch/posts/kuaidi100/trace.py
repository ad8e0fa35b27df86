"""What Kuaidi100 is asked about a parcel, and how its answers and pushes are read (CARRIERS §4.1 to §4.3). Pure."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from dispatch.accounts import Kuaidi100Account
from dispatch.carrier import (
    Answer,
    CarrierError,
    InDoubt,
    NoAnswer,
    Parcel,
    Refused,
    Seen,
    Throttled,
    Unauthorised,
    Unreadable,
)
from dispatch.journey import News
from dispatch.posts.history import History, Node, news_in, unsettled
from dispatch.posts.kuaidi100.codes import states
from dispatch.posts.reading import as_object, is_true, json_answer, objects, text_of
from dispatch.posts.times import NEVER

FINER_STATES = "4"  # resultv2
AS_TOLD = "0"  # autoCom: a number of our own segment has a known company; theirs would be a guess
OK = "200"
NO_TRACE_YET = "500"  # of a query; of a subscription it is a fault of their server
SUBSCRIBED_ALREADY = "501"
ABORTED = "abort"
CORRECTED = "1"
CORRECTING = "autoCheck"
NOTICES: Mapping[str, str] = {ABORTED: "不再推送", CORRECTING: "快递公司有误"}
"""Our names for what it tells of its own watching, which stands in no table of states."""
QUERY_FAULTS: Mapping[str, type[CarrierError]] = {
    "400": Refused,
    "408": Refused,
    "501": NoAnswer,
    "502": Throttled,
    "503": Unauthorised,
    "504": Throttled,
    "601": Unauthorised,
}
SUBSCRIPTION_FAULTS: Mapping[str, type[CarrierError]] = {"500": NoAnswer, "600": Unauthorised, "601": Unauthorised}
Whose = Callable[[str], str]
"""Our carrier for a company code."""


def query_param(code: str, parcel: Parcel) -> str:
    """`param` of a query: the same text for the same parcel."""
    asked = {
        "com": code,
        "num": parcel.number,
        "phone": parcel.phone,  # unconfirmed: that its last four digits are enough
        "from": "",
        "to": "",
        "resultv2": FINER_STATES,
        "show": "0",
        "order": "desc",
    }
    return _dump(asked)


def subscription_param(code: str, parcel: Parcel) -> str:
    """`param` of a subscription, still without key, salt and address: these are secrets of the account."""
    parameters = {"resultv2": FINER_STATES, "autoCom": AS_TOLD, "phone": parcel.phone}
    return _dump({"company": code, "number": parcel.number, "from": "", "to": "", "parameters": parameters})


def with_secrets(kept: str, account: Kuaidi100Account) -> str:
    """The subscription as it is sent: the secret part of our address keeps strangers from the door."""
    param = json.loads(kept)
    param["key"] = account.key.get_secret_value()
    secret, salt = account.push_secret.get_secret_value(), account.salt.get_secret_value()
    param["parameters"]["callbackurl"] = account.callback_url.rstrip("/") + (f"/{secret}" if secret else "")
    if salt:
        param["parameters"]["salt"] = salt
    return _dump(param)


def _dump(param: Mapping[str, Any]) -> str:
    return json.dumps(param, ensure_ascii=False, separators=(",", ":"))


def read_subscription(answer: Answer, account: Kuaidi100Account) -> None:
    """Nothing where it is subscribed, now or before. Raises CarrierError."""
    said = json_answer(answer)
    code = text_of(said, "returnCode")
    if code == SUBSCRIBED_ALREADY or (code == OK and is_true(said.get("result"))):
        return
    if code in account.refused_codes:
        raise Refused(f"快递100退回订阅：{_words(said)}")
    raise _fault(said, SUBSCRIPTION_FAULTS)


def read_query(answer: Answer, account: Kuaidi100Account, whose: Whose) -> tuple[Seen, ...]:
    """All news of the parcel; empty where there is no trace yet. Raises CarrierError."""
    said = json_answer(answer)
    if text_of(said, "status") == OK and isinstance(said.get("data"), list):
        return _news(_history(said, whose), account)
    if text_of(said, "returnCode") == NO_TRACE_YET:
        return ()
    raise _fault(said, QUERY_FAULTS)


def _fault(said: Mapping[str, Any], faults: Mapping[str, type[CarrierError]]) -> CarrierError:
    return faults.get(text_of(said, "returnCode"), InDoubt)(f"快递100没有受理：{_words(said)}")


def _words(said: Mapping[str, Any]) -> str:
    return f"{text_of(said, 'returnCode')} {text_of(said, 'message')}".strip() or "没有说明原因"


def read_push(body: str, account: Kuaidi100Account, whose: Whose) -> tuple[Seen, ...]:
    """The news of the one parcel in a push. Raises Unreadable where its shape is not known."""
    pushed = as_object(body)
    told = as_object(pushed.get("lastResult")) if pushed else None
    if pushed is None or told is None:
        raise Unreadable("param 里没有 lastResult")
    history = _history(told, whose)
    news = _news(history, account)
    latest = max((seen.at for seen in news), default=NEVER)
    return (*news, *_notices(pushed, history, latest, whose))


def _notices(pushed: Mapping[str, Any], history: History, latest: datetime, whose: Whose) -> Iterator[Seen]:
    """What the tracker tells of its own watching, which moves nothing: that it has ended, that the company is wrong.

    The end of its watching has no time of its own. That of the latest node is the same in each repetition.
    """
    if text_of(pushed, "status") == ABORTED:
        words = f"快递100不再推送此件：{text_of(pushed, 'message') or '没有说明原因'}。请核对单号，并催查。"
        yield replace(unsettled(history, ABORTED, words, latest), news=News.NOTE, watching_ended=True)
    old, new = text_of(pushed, "comOld"), text_of(pushed, "comNew")
    if text_of(pushed, CORRECTING) == CORRECTED and new and new != old:
        ours = History(history.number, whose(old), "", ()) if old else history
        yield unsettled(ours, CORRECTING, f"快递100认为此单号不是 {old} 的，而是 {new} 的。请核对。")


def _news(history: History, account: Kuaidi100Account) -> tuple[Seen, ...]:
    return news_in(history, states(state_4_is_returned=account.state_4_is_returned))


def _history(told: Mapping[str, Any], whose: Whose) -> History:
    """One parcel, as a query and a push tell it alike."""
    return History(
        number=text_of(told, "nu"),
        carrier=whose(text_of(told, "com")),
        state=text_of(told, "state"),
        nodes=tuple(_node(node) for node in objects(told.get("data"))),
        words=text_of(told, "message"),
    )


def _node(item: Mapping[str, Any]) -> Node:
    return Node(
        time=text_of(item, "time") or text_of(item, "ftime"),
        state=text_of(item, "statusCode"),
        text=text_of(item, "context"),
        place=text_of(item, "location") or text_of(item, "areaName"),
    )
