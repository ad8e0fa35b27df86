"""One account at Kuaidi100 快递100: asked, subscribed to, and pushed by (CARRIERS §4). Pure but for the line."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from dispatch.accounts import Kuaidi100Account
from dispatch.carrier import Answer, Call, Knock, Limits, Line, NotVouched, Parcel, Reply, Request, Seen, Vouched
from dispatch.posts.kuaidi100 import trace
from dispatch.posts.kuaidi100.codes import STATES
from dispatch.posts.kuaidi100.signature import sign
from dispatch.posts.reading import FORM, form_of, known_by_place, same
from dispatch.posts.tracked import Tracker

QUERY = "query"
SUBSCRIBE = "poll"


@dataclass(frozen=True)
class Kuaidi100(Tracker):
    """The tracker `kuaidi100`."""

    account: Kuaidi100Account
    line: Line
    carriers: Mapping[str, str]
    name: str = field(default="kuaidi100", init=False)

    @property
    def limits(self) -> Limits:
        account = self.account
        return Limits(
            account.per_second,
            account.ask_floor,
            account.settling,
            announce_again=account.subscribe_again_after,
            announcements=account.subscriptions_a_month,
        )

    def subscription(self, code: str, parcel: Parcel) -> Call | None:
        """None without an address to push to: then the parcel is only asked after."""
        if not self.account.callback_url:
            return None
        return self._call(SUBSCRIBE, trace.subscription_param(code, parcel))

    def query(self, code: str, parcel: Parcel) -> Call:
        return self._call(QUERY, trace.query_param(code, parcel))

    def again(self, call: Call, kept: str) -> Call:
        return self._call(call.operation, kept)

    def _call(self, operation: str, text: str) -> Call:
        account = self.account
        if operation == SUBSCRIBE:
            url, form = account.subscribe_endpoint, {"schema": "json", "param": trace.with_secrets(text, account)}
        else:
            signed = sign(text, account.key.get_secret_value(), account.customer)
            url, form = account.query_endpoint, {"customer": account.customer, "sign": signed, "param": text}
        return Call(operation, text, Request(url, urlencode(form).encode(), FORM))

    def read_subscription(self, answer: Answer) -> None:
        trace.read_subscription(answer, self.account)

    def read_query(self, answer: Answer) -> tuple[Seen, ...]:
        return trace.read_query(answer, self.account, self.whose)

    def state_name(self, code: str) -> str:
        return STATES[code].name if code in STATES else trace.NOTICES.get(code, "")

    def vouch(self, knock: Knock) -> Vouched:
        """Genuine is what is signed with a salt of ours, over the text as decoded once; without one, by its place."""
        form = form_of(knock.raw)
        body, signed = form.get("param", ""), form.get("sign", "")
        if not body:
            raise NotVouched("表单里没有 param")
        ours = (self.account.salt, *self.account.retired_salts)
        salts = [salt for one in ours if (salt := one.get_secret_value())]
        if signed and salts:
            if not any([same(sign(body, salt), signed) for salt in salts]):  # noqa: C419 - all are compared
                raise NotVouched("签名 sign 不符")
        elif self.account.salt.get_secret_value() and not self.account.unsigned_pushes:
            raise NotVouched("没有签名 sign，而账号已设 salt")  # or whoever learns the address could leave it out
        elif not known_by_place(self.account, knock):
            raise NotVouched("没有可验的签名，也不是从认得的地址来的")
        return Vouched(body, "")

    def read_push(self, body: str) -> tuple[Seen, ...]:
        return trace.read_push(body, self.account, self.whose)

    def acknowledge(self, reference: str) -> Reply:  # noqa: ARG002 - the port's signature
        return _reply("200", "成功", result=True)

    def turn_away(self, knock: Knock, reason: str) -> Reply:  # noqa: ARG002
        return _reply("500", reason, result=False)


def _reply(code: str, words: str, *, result: bool) -> Reply:
    return Reply(200, json.dumps({"result": result, "returnCode": code, "message": words}, ensure_ascii=False))
