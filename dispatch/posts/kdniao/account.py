"""One account at Kdniao 快递鸟: asked, subscribed to, and pushed by (CARRIERS §3). Pure but for the line."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from dispatch.accounts import KdniaoAccount
from dispatch.carrier import Answer, Call, Knock, Limits, Line, NotVouched, Parcel, Reply, Request, Seen, Vouched
from dispatch.posts.kdniao import trace
from dispatch.posts.kdniao.codes import STATES
from dispatch.posts.kdniao.signature import data_sign
from dispatch.posts.reading import FORM, form_of, known_by_place, same, secrets_set
from dispatch.posts.times import wire_time
from dispatch.posts.tracked import Tracker

JSON_DATA = "2"  # DataType
SUBSCRIPTIONS = frozenset({"1008", "8008"})


@dataclass(frozen=True)
class Kdniao(Tracker):
    """The tracker `kdniao`. `now` stamps acknowledgements; no call depends on it."""

    account: KdniaoAccount
    line: Line
    now: Callable[[], datetime]
    carriers: Mapping[str, str]
    name: str = field(default="kdniao", init=False)

    @property
    def limits(self) -> Limits:
        return Limits(self.account.per_second, self.account.ask_floor, self.account.settling)

    def subscription(self, code: str, parcel: Parcel) -> Call:
        """Where to push is registered in their console, not told here (CARRIERS §3.5)."""
        return self._call(self.account.subscribe_type, trace.request_data(code, parcel))

    def query(self, code: str, parcel: Parcel) -> Call:
        return self._call(self.account.query_type, trace.request_data(code, parcel))

    def again(self, call: Call, kept: str) -> Call:
        return self._call(call.operation, kept)

    def _call(self, operation: str, text: str) -> Call:
        account = self.account
        form = {
            "RequestData": text,
            "EBusinessID": account.business_id,
            "RequestType": operation,
            "DataSign": data_sign(text, account.app_key.get_secret_value()),
            "DataType": JSON_DATA,
        }
        url = account.subscribe_endpoint if operation in SUBSCRIPTIONS else account.query_endpoint
        return Call(operation, text, Request(url, urlencode(form).encode(), FORM))

    def read_subscription(self, answer: Answer) -> None:
        trace.read_subscription(answer, self.account)

    def read_query(self, answer: Answer) -> tuple[Seen, ...]:
        return trace.read_query(answer, self.account, self.whose)

    def state_name(self, code: str) -> str:
        return STATES[code].name if code in STATES else ""

    def vouch(self, knock: Knock) -> Vouched:
        """Genuine is what is signed with a key of ours, over the text as decoded once; before v4.0.1 nothing was."""
        form = form_of(knock.raw)
        body, sign = form.get("RequestData", ""), form.get("DataSign", "")
        if form.get("EBusinessID") != self.account.business_id:
            raise NotVouched("用户编号 EBusinessID 不是本中心的")
        if form.get("RequestType") not in trace.PUSHES:
            raise NotVouched("不是轨迹推送 101、102")
        if sign:
            self._check(sign, body)
        elif not known_by_place(self.account, knock):
            raise NotVouched("没有签名 DataSign，也不是从认得的地址来的")
        return Vouched(body, "")

    def _check(self, sign: str, body: str) -> None:
        keys = secrets_set((self.account.app_key, *self.account.retired_app_keys))
        if not keys:
            raise NotVouched("没有设置 AppKey，验不了签名")
        if not any([same(data_sign(body, key), sign) for key in keys]):  # noqa: C419 - all are compared
            raise NotVouched("签名 DataSign 不符")

    def read_push(self, body: str) -> tuple[Seen, ...]:
        return trace.read_push(body, self.whose)

    def acknowledge(self, reference: str) -> Reply:  # noqa: ARG002 - the port's signature
        return self._reply("", success=True)

    def turn_away(self, knock: Knock, reason: str) -> Reply:  # noqa: ARG002
        return self._reply(reason, success=False)

    def _reply(self, reason: str, *, success: bool) -> Reply:
        said = {
            "EBusinessID": self.account.business_id,
            "UpdateTime": wire_time(self.now()),
            "Success": success,
            "Reason": reason,
        }
        return Reply(200, json.dumps(said, ensure_ascii=False))
