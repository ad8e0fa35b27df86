"""Accounts, parcels, answers and pushes that the tests of Kdniao share. Everybody in them is made up."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

from dispatch.accounts import KdniaoAccount
from dispatch.carrier import (
    Answer,
    Knock,
    Parcel,
)
from dispatch.journey import Observed, fold
from tests.posts.vectors import VECTORS

VECTOR = VECTORS["kdniao_official"]
KEY = "practice-app-key"
NUMBER = "73100000000001"
PARCEL = Parcel(NUMBER, "ZD1", "0001")
NOW = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
ACCOUNT = KdniaoAccount(business_id="1237100", app_key=KEY)
CODES = (
    ["0", "1", "10", "2", "201", "202", "204", "205", "206", "211", "3", "301", "302", "304", "311", "4"]
    + [str(code) for code in (*range(401, 408), *range(412, 424))]
    + ["5", "6", "601", "602", "603", "604"]
)
"""The table of CARRIERS §3.7, written down a second time."""


def node(time: str, words: str, action: object = None, **more: object) -> dict[str, object]:
    told = {"AcceptTime": f"2026-11-{time}", "AcceptStation": words, "Location": "丽水市", "Remark": "", **more}
    return told if action is None else {**told, "Action": action}


COLLECTED = node("23 15:00:00", "已收寄", "1")
GOING_OUT = node("24 08:10:00", "正在投递", "202")
SIGNED = node("24 09:30:00", "已签收，签收人：门卫", "304")


def parcel(*nodes: object, state: object = "2", state_ex: object = "", **more: object) -> dict[str, object]:
    return {
        "EBusinessID": "1237100",
        "OrderCode": "ZD1",
        "ShipperCode": "ZTO",
        "LogisticCode": NUMBER,
        "Success": True,
        "Reason": "",
        "State": state,
        "StateEx": state_ex,
        "Traces": list(nodes),
        **more,
    }


def said(status: int = 200, /, **fields: object) -> Answer:
    return Answer(status, json.dumps(fields, ensure_ascii=False).encode())


def pushed(*parcels: dict[str, object], count: object = None) -> str:
    """RequestData of a push."""
    body = {"EBusinessID": "1237100", "PushTime": "2026-11-24 10:00:00", "Count": count or str(len(parcels))}
    return json.dumps({**body, "Data": list(parcels)}, ensure_ascii=False)


def their_sign(text: str, key: str = KEY) -> str:
    """DataSign once more, as CARRIERS §3.2 tells it."""
    return base64.b64encode(
        hashlib.md5((text + key).encode(), usedforsecurity=False).hexdigest().encode("ascii")
    ).decode("ascii")


def knock(
    text: str, *, sign: str | None = None, secret: str = "", source: str = "198.51.100.7", **more: str
) -> Knock:
    form = {"RequestData": text, "RequestType": "102", "EBusinessID": "1237100", **more}
    form["DataSign"] = their_sign(text) if sign is None else sign
    fields = {name: value for name, value in form.items() if value}
    return Knock(urlencode(fields).encode(), "application/x-www-form-urlencoded", source, secret)


def news(kdniao, item: dict[str, object]):
    return kdniao.read_push(pushed(item))


def one(kdniao, item: dict[str, object]):
    (seen,) = news(kdniao, item)
    return seen


def tracked(lines):
    observed = [Observed(seen.at, seen.code, seen.news, seen.detail, seen.signer, seen.voids) for seen in lines]
    return fold(observed)


def told(lines):
    """What makes a line of news the same line (the digest of a sighting)."""
    return {(seen.at, seen.code, seen.detail, seen.text, seen.place) for seen in lines}
