"""Accounts, parcels, answers and pushes that the tests of Kuaidi100 share. Everybody in them is made up."""

import hashlib
import json
from urllib.parse import urlencode

from dispatch.accounts import Kuaidi100Account
from dispatch.carrier import (
    Answer,
    Knock,
    Parcel,
)
from dispatch.journey import Observed, fold
from dispatch.posts.kuaidi100.account import Kuaidi100
from tests.posts.vectors import VECTORS

VECTOR = VECTORS["kuaidi100_query"]
NUMBER = "4300000000001"
PARCEL = Parcel(NUMBER, "ZD1", "0001")
CALLBACK = "https://hall.example/pushes/kuaidi100"
ACCOUNT = Kuaidi100Account(
    customer=VECTOR["customer"], key="practice-key", salt="practice-salt", callback_url=CALLBACK, push_secret="s3cret"
)
COARSE = {
    "1": ["101", "102", "103"],
    "0": ["1001", "1002", "1003"],
    "5": ["501"],
    "3": ["301", "302", "303", "304"],
    "6": [],
    "4": ["401", "14"],
    "7": [],
    "2": [str(code) for code in range(201, 211)],
    "8": ["10", "11", "12", "13"],
}
"""The table of CARRIERS §4.4, written down a second time."""
FINER = [(code, finer) for code, finers in COARSE.items() for finer in ["", *finers]]


def having(line, **fields: object) -> Kuaidi100:
    """The same account with other settings."""
    return Kuaidi100(ACCOUNT.model_copy(update=fields), line, {"yunda": "yunda"})


def node(time: str, words: str, code: object = None, **more: object) -> dict[str, object]:
    at = f"2026-11-{time}"
    told = {"time": at, "ftime": at, "context": words, "areaName": "浙江,丽水市", "location": "", **more}
    return told if code is None else {**told, "statusCode": code}


COLLECTED = node("23 15:00:00", "已揽收", "103")
GOING_OUT = node("24 08:10:00", "派件中", "5")
SIGNED = node("24 09:30:00", "家人代签", "303")


def parcel(*nodes: object, state: object = "0", **more: object) -> dict[str, object]:
    """`lastResult` of a push, and a good answer to a query: newest first."""
    told = {"message": "ok", "nu": NUMBER, "ischeck": "0", "com": "yunda", "status": "200", "state": state}
    return {**told, "data": list(nodes), **more}


def said(status: int = 200, /, **fields: object) -> Answer:
    return Answer(status, json.dumps(fields, ensure_ascii=False).encode())


def pushed(last: object, **fields: object) -> str:
    """`param` of a push."""
    body = {"status": "polling", "billstatus": "got", "message": "", "autoCheck": "0", "comOld": "", "comNew": ""}
    return json.dumps({**body, "lastResult": last, **fields}, ensure_ascii=False)


def their_sign(*texts: str) -> str:
    return hashlib.md5("".join(texts).encode(), usedforsecurity=False).hexdigest().upper()


def knock(text: str, *, signed: str | None = None, secret: str = "", source: str = "198.51.100.7") -> Knock:
    form = {"param": text, "sign": their_sign(text, "practice-salt") if signed is None else signed}
    fields = {name: value for name, value in form.items() if value}
    return Knock(urlencode(fields).encode(), "application/x-www-form-urlencoded", source, secret)


def news(kuaidi, *nodes: object, state: object = "0", **more: object):
    return kuaidi.read_push(pushed(parcel(*nodes, state=state, **more)))


def told(lines):
    """What makes a line of news the same line (the digest of a sighting)."""
    return {(seen.at, seen.code, seen.detail, seen.text, seen.place) for seen in lines}


def tracked(lines):
    observed = [Observed(seen.at, seen.code, seen.news, seen.detail, seen.signer, seen.voids) for seen in lines]
    return fold(observed)
