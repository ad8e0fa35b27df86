"""A customer of the sandbox Kuaidi100 and its door for callbacks, both written from the protocol alone."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from sandbox import Kuaidi100Settings, running
from tests.posts.sandbox_steps import PushDoor, push_door
from tests.posts.sandbox_trackers import Acks, Line

CUSTOMER, KEY, EXPIRED_KEY, SALT, OLD_SALT = "TESTCUSTOMER", "testkey", "last-years-key", "盐-salt", "old-salt"
QUERY, SUBSCRIBE = "/poll/query.do", "/poll"


def sign(*parts: str) -> str:
    """CARRIERS §4.1 and §4.3, written from the text."""
    return hashlib.md5("".join(parts).encode()).hexdigest().upper()  # noqa: S324


def ack(**changes: Any) -> bytes:
    return json.dumps({"result": True, "returnCode": "200", "message": "成功", **changes}).encode()


def settings_for(storage: Path, **changes: Any) -> Kuaidi100Settings:
    told = {"host": "127.0.0.1", "port": 0, "storage": storage, "seed": 7}
    account = {"customer": CUSTOMER, "key": KEY, "expired_key": EXPIRED_KEY, "old_salt": OLD_SALT}
    waits = {"gap_seconds": 1.0, "push_retry_seconds": 0.05, "lost_answer_seconds": 0.2, "late_seconds": 0.5}
    return Kuaidi100Settings(**{**told, **account, **waits, **changes})


class Customer(Line):
    """Calls Kuaidi100 as CARRIERS §4 says."""

    def __init__(self, url: str, callback_url: str) -> None:
        super().__init__(url)
        self.callback_url = callback_url

    def ask(self, param: Any, key: str = KEY, /, **changes: str) -> dict[str, Any]:
        text = param if isinstance(param, str) else json.dumps(param, ensure_ascii=False)
        form = {"customer": CUSTOMER, "sign": sign(text, key, CUSTOMER), "param": text, **changes}
        response = self.send(QUERY, form)
        assert response.status_code == 200
        return dict(response.json())

    def query(self, waybill_no: str, **fields: Any) -> dict[str, Any]:
        return self.ask({"com": "ems", "num": waybill_no, "resultv2": "4", **fields})

    def subscribe(self, waybill_no: str, **fields: Any) -> dict[str, Any]:
        """Fields of `param`, or of its `parameters` where they are named there."""
        parameters = {"callbackurl": self.callback_url, "salt": SALT, "resultv2": "4", "autoCom": "1"}
        parameters |= fields.pop("parameters", {})
        param = {"company": "ems", "number": waybill_no, "key": KEY, "parameters": parameters, **fields}
        return self.subscribe_by({"schema": "json", "param": json.dumps(param, ensure_ascii=False)})

    def subscribe_by(self, form: dict[str, str]) -> dict[str, Any]:
        response = self.send(SUBSCRIBE, form)
        assert response.status_code == 200
        return dict(response.json())


class Receiver:
    """The callbacks that came."""

    def __init__(self, door: PushDoor, acks: Acks) -> None:
        self.door, self.acks = door, acks

    def forms(self) -> list[dict[str, str]]:
        return [dict(parse_qsl(push.body.decode(), strict_parsing=True)) for push in self.door.all()]

    def about(self, waybill_no: str) -> list[dict[str, Any]]:
        """What each callback said of this parcel, in the order it came."""
        told = [json.loads(form["param"]) for form in self.forms()]
        return [param for param in told if param["lastResult"]["nu"] == waybill_no]


@contextmanager
def opened(storage: Path, **changes: Any) -> Iterator[tuple[Customer, Receiver]]:
    acks = Acks(ack)
    with push_door(acks) as door, running(settings_for(storage, **changes)) as post:
        customer = Customer(post.url, door.url)
        with customer.http:
            yield customer, Receiver(door, acks)


def codes(result: dict[str, Any]) -> list[str]:
    """Sub-states, newest first, as they come."""
    return [item["statusCode"] for item in result["data"]]
