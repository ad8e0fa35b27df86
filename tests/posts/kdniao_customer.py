"""A customer of the sandbox Kdniao and its door for pushes, both written from the protocol alone."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from sandbox import KdniaoSettings, running
from tests.posts.sandbox_steps import PushDoor, push_door
from tests.posts.sandbox_trackers import Acks, Line

ID, KEY, OLD_KEY = "1237100", "钥匙-kdniao", "previous-key"
QUERY, DIST, ANY = (
    *("/Ebusiness/EbusinessOrderHandle.aspx", "/api/dist"),
    "/kdniaosandbox/gateway/exterfaceInvoke.json",
)


def sign(text: str, key: str = KEY) -> str:
    """CARRIERS §3.2, written from the text."""
    return base64.b64encode(hashlib.md5((text + key).encode()).hexdigest().encode()).decode()  # noqa: S324


def ack(**changes: Any) -> bytes:
    body = {"EBusinessID": ID, "UpdateTime": "2026-11-22 10:00:00", "Success": True, "Reason": ""}
    return json.dumps({**body, **changes}).encode()


def settings_for(storage: Path, push_url: str, **changes: Any) -> KdniaoSettings:
    told = {"host": "127.0.0.1", "port": 0, "storage": storage, "push_url": push_url, "seed": 7}
    account = {"e_business_id": ID, "app_key": KEY, "old_app_key": OLD_KEY}
    waits = {"gap_seconds": 1.0, "push_retry_seconds": 0.05, "lost_answer_seconds": 0.2, "late_seconds": 0.5}
    return KdniaoSettings(**{**told, **account, **waits, **changes})


class Customer(Line):
    """Calls Kdniao as CARRIERS §3 says."""

    def form(self, request_type: str, body: Any, **changes: str) -> dict[str, str]:
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        fields = {"RequestData": text, "EBusinessID": ID, "RequestType": request_type, "DataSign": sign(text)}
        return {**fields, "DataType": "2", **changes}

    def call(self, path: str, request_type: str, body: Any, **changes: str) -> dict[str, Any]:
        response = self.send(path, self.form(request_type, body, **changes))
        assert response.status_code == 200
        return dict(response.json())

    def query(self, waybill_no: str, request_type: str = "8001", **fields: Any) -> dict[str, Any]:
        body = {"OrderCode": "", "ShipperCode": "EMS", "LogisticCode": waybill_no, **fields}
        return self.call(QUERY, request_type, body)

    def subscribe(self, waybill_no: str, request_type: str = "8008", **fields: Any) -> dict[str, Any]:
        body = {"OrderCode": f"O-{waybill_no}", "ShipperCode": "EMS", "LogisticCode": waybill_no, **fields}
        return self.call(DIST, request_type, body)


class Receiver:
    """The pushes that came."""

    def __init__(self, door: PushDoor, acks: Acks) -> None:
        self.door, self.acks = door, acks

    def forms(self) -> list[dict[str, str]]:
        return [dict(parse_qsl(push.body.decode(), strict_parsing=True)) for push in self.door.all()]

    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(form["RequestData"]) for form in self.forms()]

    def about(self, waybill_no: str) -> list[dict[str, Any]]:
        """What each push said of this parcel, in the order it came."""
        return [data for call in self.calls() for data in call["Data"] if data["LogisticCode"] == waybill_no]


@contextmanager
def opened(storage: Path, **changes: Any) -> Iterator[tuple[Customer, Receiver]]:
    acks = Acks(ack)
    with push_door(acks) as door, running(settings_for(storage, door.url, **changes)) as post:
        customer = Customer(post.url)
        with customer.http:
            yield customer, Receiver(door, acks)


def codes(told: dict[str, Any]) -> list[str]:
    return [trace["Action"] for trace in told["Traces"]]
