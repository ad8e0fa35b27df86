"""A customer of the sandbox SF, and the customer's door for its pushes, both written from the protocol alone."""

import base64
import hashlib
import itertools
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote_plus
from xml.etree import ElementTree as ET

import httpx2
from cryptography.hazmat.primitives import hashes

from sandbox import SfSettings, running
from tests.posts.sandbox_steps import Arrived, are_through, caller, push_door

ROOT = Path(__file__).resolve().parents[2]
PARTNER, CHECKWORD = "ZWZD01", "fjcg5PGKaNpPSHFAZ4QsCOkV71R3zVci"
NUMBERS = itertools.count(1)
CREATE, SEARCH, UPDATE, ROUTES, PRINT = (
    "EXP_RECE_CREATE_ORDER",
    "EXP_RECE_SEARCH_ORDER_RESP",
    "EXP_RECE_UPDATE_ORDER",
    "EXP_RECE_SEARCH_ROUTES",
    "COM_RECE_CLOUD_PRINT_WAYBILLS",
)


def digest(text: str, way: str = "standard_md5") -> str:
    """msgDigest of msgData + timestamp + checkword, written from CARRIERS §2.2."""
    if way == "sm3":
        sm3 = hashes.Hash(hashes.SM3())
        sm3.update(text.encode())
        return sm3.finalize().hex()
    if way == "standard_md5":
        text = quote_plus(text, safe="*-._").replace("~", "%7E")
    return base64.b64encode(hashlib.md5(text.encode()).digest()).decode()  # noqa: S324 - prescribed


def contact(kind: int, mobile: str, name: str) -> dict[str, Any]:
    town = {"country": "CN", "province": "浙江省", "city": "丽水市", "county": "景宁畲族自治县"}
    return {"contactType": kind, "contact": name, "mobile": mobile, "address": "团结西路8号", **town}


def order(digits: str, **changes: Any) -> dict[str, Any]:
    """The msgData of an order; the digits choose its story."""
    return {
        "language": "zh-CN",
        "orderId": f"ZDSF{next(NUMBERS):012d}",
        "monthlyCard": "7551234567",
        "payMethod": 1,
        "expressTypeId": 2,
        "isUnifiedWaybillNo": 1,
        "remark": "须上门投递 ~*",
        "cargoDetails": [{"name": "文件", "count": 1, "unit": "件"}],
        "contactInfoList": [
            contact(1, "13900000001", "县政务服务中心"),
            contact(2, f"139000000{digits}", "蓝小雨"),
        ],
        **changes,
    }


@dataclass
class Receiver:
    """Our door: takes every push, unless told to answer something else to the next ones."""

    is_form: bool = False
    spoiled: list[tuple[int, bytes]] = field(default_factory=list)
    calls: list[tuple[list[dict[str, str]], bool]] = field(default_factory=list)  # routes, taken
    states: list[dict[str, Any]] = field(default_factory=list)
    raw: list[Arrived] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, push: Arrived) -> tuple[int, bytes]:
        with self._lock:
            self.raw.append(push)
            if push.body.startswith(b'{"requestId"'):
                self.states += json.loads(push.body)["orderState"]
                return 200, b'{"return_code": "0000"}'
            answer = self.spoiled.pop(0) if self.spoiled else None
            self.calls.append((self._routes(push), answer is None))
        return answer or (200, self.taken())

    def taken(self) -> bytes:
        if self.is_form:
            return b'<Response service="RoutePushService"><Head>OK</Head></Response>'
        return json.dumps({"return_code": "0000", "return_msg": "成功"}).encode()

    def _routes(self, push: Arrived) -> list[dict[str, str]]:
        if not self.is_form:
            return list(json.loads(push.body)["Body"]["WaybillRoute"])
        assert push.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
        (xml,) = parse_qs(push.body.decode())["content"]
        root = ET.fromstring(xml)  # noqa: S314 - our own post wrote it
        assert (root.tag, root.attrib) == ("Request", {"service": "RoutePushService", "lang": "zh-CN"})
        return [route.attrib for route in root.findall("Body/WaybillRoute")]

    def of(self, order_no: str) -> list[dict[str, str]]:
        """What was taken of an order, in the order it came."""
        with self._lock:
            return [route for routes, good in self.calls if good for route in routes if route["orderid"] == order_no]


class Customer:
    """A caller of one SF."""

    def __init__(self, settings: SfSettings, url: str) -> None:
        self.settings = settings
        self.http = caller(url)

    def form(self, service: str, msg_data: str, **changes: str) -> dict[str, str]:
        timestamp = changes.get("timestamp", str(int(time.time() * 1000)))
        return {
            "partnerID": PARTNER,
            "requestID": str(uuid.uuid4()),
            "serviceCode": service,
            "timestamp": timestamp,
            "msgDigest": digest(msg_data + timestamp + CHECKWORD, self.settings.digest),
            "msgData": msg_data,
            **changes,
        }

    def post(self, form: dict[str, str]) -> httpx2.Response:
        return self.http.post("/std/service", data=form)

    def gate(self, form: dict[str, str]) -> str:
        """apiResultCode."""
        return str(self.post(form).json()["apiResultCode"])

    def ask(self, service: str, body: Any) -> dict[str, Any]:
        """The inner answer."""
        response = self.post(self.form(service, json.dumps(body, ensure_ascii=False)))
        outer = response.json()
        assert (response.status_code, outer["apiResultCode"]) == (200, "A1000"), outer
        inner: dict[str, Any] = json.loads(outer["apiResultData"])
        return inner

    def told(self, service: str, body: Any) -> dict[str, Any]:
        """The msgData of a successful answer."""
        inner = self.ask(service, body)
        assert (inner["success"], inner["errorCode"]) == (True, "S0000"), inner
        return dict(inner["msgData"])

    def code(self, service: str, body: Any) -> str:
        """The errorCode of a refusal."""
        inner = self.ask(service, body)
        assert inner["success"] is False
        return str(inner["errorCode"])

    def book(self, body: dict[str, Any]) -> str:
        """The leading waybill number."""
        told = self.told(CREATE, body)
        assert told["filterResult"] == 2
        return str(told["waybillNoInfoList"][0]["waybillNo"])

    def tries_to_book(self, body: dict[str, Any]) -> str:
        """The number, asked for at the order where a repeat is refused; nothing where an answer was spoiled."""
        try:
            inner = self.ask(CREATE, body)
            told = inner["msgData"] or self.search(body["orderId"])["msgData"]
            return str(told["waybillNoInfoList"][0]["waybillNo"])
        except (httpx2.HTTPError, ValueError, AssertionError, TypeError):
            return ""

    def search(self, order_no: str, way: str = "1") -> dict[str, Any]:
        return self.ask(SEARCH, {"orderId": order_no, "searchType": way, "language": "zh-CN"})

    def update(self, order_no: str, deal: int, *waybills: str) -> dict[str, Any]:
        infos = [{"waybillType": 1, "waybillNo": number} for number in waybills]
        body = {"orderId": order_no, "dealType": deal, "language": "zh-CN", "waybillNoInfoList": infos}
        return self.ask(UPDATE, body)

    def routes(self, *numbers: str, kind: str = "1") -> list[dict[str, Any]]:
        body = {"language": "0", "trackingType": kind, "trackingNumber": list(numbers), "methodType": "1"}
        return list(self.told(ROUTES, body)["routeResps"])

    def collect(self, *numbers: str) -> dict[str, list[str]]:
        return dict(self.http.post("/counter/collect", json={"waybills": list(numbers)}).json())

    def spoil(self, **faults: list[str]) -> None:
        assert self.http.post("/faults", json=faults).status_code == 200

    def entry(self, order_no: str) -> dict[str, Any]:
        orders = self.http.get("/books").json()["orders"]
        (entry,) = [entry for entry in orders if entry["order_no"] == order_no]
        return dict(entry)

    def is_through(self, *order_nos: str) -> bool:
        """Everything happened to these, and every push of them is done with."""
        return are_through(self.http, *order_nos)


@contextmanager
def opened(storage: Path, push_url: str = "http://127.0.0.1:9/", **changes: Any) -> Iterator[Customer]:
    told = {"host": "127.0.0.1", "port": 0, "storage": storage, "push_url": push_url, "seed": 7}
    account = {"partner_id": PARTNER, "checkword": CHECKWORD}
    waits = {"gap_seconds": 1.0, "push_retry_seconds": 0.05, "lost_answer_seconds": 0.2, "late_seconds": 0.5}
    with running(SfSettings(**{**told, **account, **waits, **changes})) as post:
        customer = Customer(post.settings, post.url)
        with customer.http:
            yield customer


@contextmanager
def receiving(*, is_form: bool = False) -> Iterator[tuple[Receiver, str]]:
    receiver = Receiver(is_form)
    with push_door(receiver.take) as door:
        yield receiver, door.url
