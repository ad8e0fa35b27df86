"""A customer of the EMS sandbox post, for the tests that see the post from its wire."""

import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from sandbox import EmsSettings
from sandbox.ems.envelope import seal, unseal
from tests.posts.sandbox_steps import Arrived, are_through, caller, push_door
from tests.posts.vectors import VECTORS

ROOT = Path(__file__).parents[2]
SK = VECTORS["ems_official"]["sk"]
SENDER_NO = "1100000000000"
AUTHORIZATION = "SANDBOX-CODE"
NUMBERS = itertools.count(1)


class Receiver:
    """A customer's push door; `answer` decides what each push is told: (status, ack)."""

    def __init__(self) -> None:
        self.pushes: list[dict[str, Any]] = []
        self.answer: Callable[[dict[str, Any]], tuple[int, dict[str, Any]]] = good_ack
        self._lock = threading.Lock()

    def take(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        event = json.loads(unseal(body["logitcsInterface"], SK))
        push = {**body, "event": event}
        with self._lock:
            self.pushes.append(push)
        return self.answer(push)

    def of(self, waybill_no: str) -> list[dict[str, Any]]:
        with self._lock:
            return [push for push in self.pushes if push["event"]["waybillNo"] == waybill_no]


def good_ack(push: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    return 200, {"serialNo": push["serialNo"], "code": "00000", "codeMessage": "", "senderNo": SENDER_NO}


@contextmanager
def receiving() -> Iterator[tuple[Receiver, str]]:
    receiver = Receiver()

    def answer(push: Arrived) -> tuple[int, bytes]:
        status, ack = receiver.take(json.loads(push.body))
        return status, json.dumps(ack).encode()

    with push_door(answer) as door:
        yield receiver, door.url


def settings_for(storage: Path, push_url: str, **changes: Any) -> EmsSettings:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": 0,
        "storage": storage,
        "sender_no": SENDER_NO,
        "authorization": AUTHORIZATION,
        "sk": SK,
        "push_url": push_url,
        "gap_seconds": 1.0,
        "seed": 7,
        "repeat_order": "same_waybill",
        "push_retry_seconds": 0.05,
        "lost_answer_seconds": 0.2,
    }
    return EmsSettings(**{**values, **changes})


def order(digits: str, **changes: Any) -> dict[str, Any]:
    town = {"prov": "浙江省", "city": "杭州市", "county": "某县"}
    return {
        "createdTime": "2026-11-23 09:00:00",
        "ecommerceUserId": "u-7f3a",
        "logisticsOrderNo": f"ZWZD{next(NUMBERS):013d}",
        "contentsAttribute": "1",
        "bizProductNo": "1",
        "deliverType": "2",
        "sender": {"name": "某县政务服务中心", "mobile": "13900000001", "address": "某路1号", **town},
        "receiver": {"name": "张三", "mobile": f"139000000{digits}", "address": "某小区1幢101室", **town},
        "cargos": [{"cargoName": "审批结果文件"}],
        **changes,
    }


class Customer:
    """A caller of one sandbox post."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = caller(url)

    def form(self, api_code: str, body: Any) -> dict[str, str]:
        return {
            "apiCode": api_code,
            "senderNo": SENDER_NO,
            "authorization": AUTHORIZATION,
            "msgType": "0",
            "timeStamp": "2026-11-23 09:00:00",
            "version": "V1.0.0",
            "logitcsInterface": seal(json.dumps(body, ensure_ascii=False) + SK, SK),
        }

    def call(self, api_code: str, body: Any, door: str = "open", **form: str) -> httpx2.Response:
        return self.http.post(f"/amp-prod-api/f/amp/api/{door}", data={**self.form(api_code, body), **form})

    def answer(self, api_code: str, body: Any, door: str = "open", **form: str) -> dict[str, Any]:
        response = self.call(api_code, body, door, **form)
        assert response.status_code == 200
        answer: dict[str, Any] = response.json()
        assert set(answer) == {"serialNo", "retCode", "retMsg", "retBody", "retDate", "success"}
        assert isinstance(answer["retBody"], str)
        assert answer["success"] is (answer["retCode"] == "00000")
        return answer

    def book(self, body: dict[str, Any]) -> str:
        answer = self.answer("020003", [body])
        assert answer["retCode"] == "00000", answer
        told = json.loads(answer["retBody"])
        assert told["logisticsOrderNo"] == body["logisticsOrderNo"]
        assert re.fullmatch(r".+-.+-.+-.+", told["routeCode"])
        return str(told["waybillNo"])

    def trace(self, waybill_no: str) -> dict[str, Any]:
        return self.answer("040001", {"waybillNo": waybill_no, "direction": "0"})

    def items(self, waybill_no: str) -> list[dict[str, Any]]:
        answer = self.trace(waybill_no)
        return json.loads(answer["retBody"])["responseItems"] if answer["success"] else []

    def collect(self, *waybills: str) -> dict[str, list[str]]:
        answer: dict[str, list[str]] = self.http.post("/counter/collect", json={"waybills": list(waybills)}).json()
        return answer

    def entry(self, waybill_no: str) -> dict[str, Any]:
        orders = self.http.get("/books").json()["orders"]
        (entry,) = [entry for entry in orders if entry["waybill_no"] == waybill_no]
        return dict(entry)

    def is_through(self, *waybill_nos: str) -> bool:
        """Everything happened to these, and every push of them is done with."""
        return are_through(self.http, *waybill_nos)


@contextmanager
def visiting(url: str) -> Iterator[Customer]:
    customer = Customer(url)
    with customer.http:
        yield customer
