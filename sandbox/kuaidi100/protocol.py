"""Kuaidi100's doors and its callbacks (CARRIERS §4)."""

import json
import threading
import time
from collections.abc import Callable
from typing import ClassVar, Final
from urllib.parse import urlencode

import httpx2

from sandbox.kuaidi100 import check, told
from sandbox.kuaidi100.check import JsonObject, Question, RefusedError, signature
from sandbox.kuaidi100.scenarios import ABORT, PLAY
from sandbox.kuaidi100.settings import Kuaidi100Settings
from sandbox.post import (
    PUSH_FAULTS,
    Answer,
    Call,
    Door,
    Message,
    Orders,
    Parcel,
    Play,
    PostProtocol,
    PushRequest,
    read_json,
)

QUERY_PATH: Final = "/poll/query.do"
SUBSCRIBE_PATH: Final = "/poll"
FORM: Final = "application/x-www-form-urlencoded;charset=utf-8"
NOBODYS_SALT: Final = "nobody shares this salt"
OK: Final = "200"


class Kuaidi100(PostProtocol[Kuaidi100Settings]):
    """快递100: instant queries, and a callback with the whole history for each subscription."""

    play: ClassVar[Play] = PLAY
    tells_history: ClassVar[bool] = True
    push_faults: ClassVar[tuple[str, ...]] = PUSH_FAULTS

    def __init__(self, settings: Kuaidi100Settings, orders: Orders) -> None:
        """When a number was last asked for is kept only as long as the server runs."""
        super().__init__(settings, orders)
        self._subscribing = threading.Lock()
        self._asking = threading.Lock()
        self._asked: dict[tuple[str, str], float] = {}

    def doors(self) -> tuple[Door, ...]:
        """Query and subscription."""
        return (
            Door(QUERY_PATH, _answering(self._query), key=lambda call: f"query:{_param(call)['num']}"),
            Door(SUBSCRIBE_PATH, _answering(self._subscribe), key=lambda call: f"poll:{_param(call)['number']}"),
        )

    def push(self, message: Message) -> PushRequest:
        """To the subscription's own address; signed where it gave a salt."""
        (news,) = message.news
        text = json.dumps(told.callback(news, self.settings), ensure_ascii=False, separators=(",", ":"))
        salt = news.parcel.extra["salt"]
        if message.seal == "wrong":
            salt = NOBODYS_SALT
        elif message.seal == "old" and salt:
            salt = self.settings.old_salt or salt
        form = {"param": text, **({"sign": signature(text, salt)} if salt else {})}
        return PushRequest(news.parcel.extra["callback_url"], urlencode(form).encode(), FORM)

    def acknowledges(self, message: Message, response: httpx2.Response) -> bool:  # noqa: ARG002 - it echoes nothing
        """True for HTTP 200 with a bare ``{"result": true, "returnCode": "200", "message": …}``."""
        if response.status_code != httpx2.codes.OK:
            return False
        try:
            body = response.json()
        except (ValueError, RecursionError):
            return False
        if not isinstance(body, dict) or body.get("result") is not True:
            return False
        return body.get("returnCode") == OK and isinstance(body.get("message"), str)

    def throttled(self, call: Call) -> Answer:
        """504 for a query; a subscription has no words for it."""
        if call.path == QUERY_PATH:
            return _refusal(RefusedError("504", "查询过于频繁"))
        return super().throttled(call)

    def _query(self, call: Call) -> JsonObject:
        asked = check.question(call, self.settings)
        self._check_patience(asked)
        parcel = self.orders.by_number(asked.number)
        events = told.visible(self.orders.history(parcel)) if parcel else ()
        if not events:
            raise RefusedError("500", "查询无结果，请隔段时间再查")
        body = told.result(asked.company, asked.number, events[::-1], asked.detail, self.settings)
        if asked.oldest_first:
            body["data"].reverse()
        return body

    def _check_patience(self, asked: Question) -> None:
        """A query that is refused for this does not begin the waiting anew."""
        parcel, now = (asked.company, asked.number), time.monotonic()
        with self._asking:
            last = self._asked.get(parcel)
            if last is not None and now - last < self.settings.min_seconds_between_queries:
                raise RefusedError("504", "查询过于频繁")
            self._asked[parcel] = now

    def _subscribe(self, call: Call) -> JsonObject:
        wanted = check.subscription(call, self.settings)
        kept = {
            "company": wanted.company,
            "detail": wanted.detail,
            "callback_url": wanted.callback_url,
            "salt": wanted.salt,
            "auto_com": wanted.auto_com,
        }
        with self._subscribing:
            known = self.orders.by_number(wanted.number)
            if known and self._is_watched(known, wanted.company):
                raise RefusedError("501", "重复订阅")
            self.orders.subscribe(wanted.number, extra=kept)
        return {"result": True, "returnCode": OK, "message": "提交成功"}

    def _is_watched(self, parcel: Parcel, company: str) -> bool:
        """Subscribed to under this company, and not given up since."""
        if not parcel.subscribed or parcel.extra["company"] != company:
            return False
        return all(event.code != ABORT for event in self.orders.history(parcel))


def _answering(answer: Callable[[Call], JsonObject]) -> Callable[[Call], Answer]:
    def answered(call: Call) -> Answer:
        try:
            return Answer.of_json(answer(call))
        except RefusedError as error:
            return _refusal(error)

    return answered


def _refusal(error: RefusedError) -> Answer:
    return Answer.of_json({"result": False, "returnCode": error.code, "message": error.words})


def _param(call: Call) -> JsonObject:
    param: JsonObject = read_json(call.form()["param"])
    return param
