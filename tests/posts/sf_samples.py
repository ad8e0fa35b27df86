"""The application, orders and answers that the tests of SF share. Everybody in them is made up."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from urllib.parse import parse_qs, urlencode

from hypothesis import strategies as st

from dispatch.accounts import SfAccount
from dispatch.carrier import Answer, Call, Knock, Order, Party
from dispatch.posts.sf.account import Sf

NUMBER, OTHER = "SF0000000000001", "SF0000000000002"
SECRET = "a-long-secret-part-of-the-address"
CENTRE = Party("县政务服务中心", "0578-5082345", "浙江省", "丽水市", "景宁畲族自治县", "人民中路1号", "323500")
CITIZEN = Party("蓝小雨", "13900000001", "浙江省", "丽水市", "景宁畲族自治县", "红星街道团结西路8号")
ORDER = Order(
    "ZWZD2026112300001",
    datetime(2026, 11, 20, 1, tzinfo=UTC),
    CENTRE,
    CITIZEN,
    ("食品经营许可证", "告知书"),
    "door",
    "须上门投递",
)
awkward = st.text(
    alphabet=st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("*~+/ %&=!'()\"\\<>蓝𠮷🏮._-\x00"))
)


@dataclass(frozen=True)
class Silent:
    """A line that nobody speaks on: these tests build and read."""

    def speak(self, request: object) -> Answer:
        raise AssertionError("nothing is said here")


def sf(**changes: object) -> Sf:
    """SF behind a line that says nothing. Each call is numbered."""
    told = {
        "endpoint": "http://127.0.0.1:9/std/service",
        "partner_id": "ZWZX01",
        "checkword": "fjcg5PGKaNpPSHFAZ4QsCOkV71R3zVci",
        "monthly_card": "7551234567",
        "push_secret": SECRET,
        "push_sources": ["203.0.113.0/24"],
        **changes,
    }
    calls = count(1)
    at = datetime(2026, 11, 23, 1, 2, 3, 456_000, tzinfo=UTC)
    return Sf(SfAccount.model_validate(told), Silent(), lambda: at, lambda: f"request-{next(calls)}")


def fields(call: Call) -> dict[str, str]:
    """The form as SF's server reads it."""
    return {name: one for name, (one,) in parse_qs(call.request.body.decode(), keep_blank_values=True).items()}


def gateway(data: object, code: str = "A1000", words: str = "") -> Answer:
    """An answer of the gateway around whatever the service says."""
    outer = {"apiErrorMsg": words, "apiResponseID": "0001", "apiResultCode": code, "apiResultData": data}
    return Answer(200, json.dumps(outer, ensure_ascii=False).encode(), "application/json")


def said(message: object = None, code: str = "S0000", words: object = None, success: object = True) -> Answer:
    """An answer of a service, as JSON text in JSON."""
    inner = {"success": success, "errorCode": code, "errorMsg": words, "msgData": message}
    return gateway(json.dumps(inner, ensure_ascii=False))


def failed(code: str, words: str = "原话") -> Answer:
    return said(None, code, words, success=False)


def placed(**changes: object) -> dict[str, object]:
    """msgData of an order that was taken."""
    label = {"code": "1000", "routeLabelData": {"waybillNo": NUMBER, "destRouteLabel": "571-ZJ-A1"}}
    return {
        "orderId": ORDER.order_no,
        "filterResult": 2,
        "remark": "",
        "waybillNoInfoList": [{"waybillType": 1, "waybillNo": NUMBER}],
        "routeLabelInfo": [label],
        **changes,
    }


def route(code: object, **changes: object) -> dict[str, object]:
    """One line of a push; a query's lines leave mailno and orderid out."""
    return {
        "id": "1",
        "mailno": NUMBER,
        "orderid": ORDER.order_no,
        "acceptTime": "2026-11-22 10:00:00",
        "acceptAddress": "杭州市",
        "remark": "原话",
        "opCode": code,
        "reasonCode": "",
        "reasonName": "",
        **changes,
    }


def traced(*lines: object, number: str = NUMBER) -> Answer:
    return said({"routeResps": [{"mailNo": number, "routes": list(lines)}]})


def json_push(*lines: object) -> bytes:
    return json.dumps({"Body": {"WaybillRoute": list(lines)}}, ensure_ascii=False).encode()


def states_push(*states: object) -> bytes:
    return json.dumps({"requestId": "1", "timestamp": 1, "orderState": list(states)}, ensure_ascii=False).encode()


def form_push(xml: str) -> bytes:
    return urlencode({"content": xml}).encode()


def knock(raw: bytes, secret: str = SECRET, source: str = "198.51.100.7") -> Knock:
    return Knock(raw, source=source, secret=secret)
