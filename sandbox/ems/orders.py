"""020003 订单接入: a checked order gets its waybill number, once (CARRIERS §1.5)."""

import hashlib
import hmac
import json
import sqlite3
from dataclasses import dataclass
from typing import Final

from sandbox.ems.books import Books
from sandbox.ems.envelope import JsonObject, Refusal, RefusedError, canonical, now_ms
from sandbox.ems.scenarios import FirstCall, choose
from sandbox.ems.settings import SandboxSettings


@dataclass(frozen=True)
class Booked:
    """retBody of 020003 and what the caller gets to see of it."""

    body: JsonObject
    first_call: FirstCall = FirstCall.ANSWERED


REPEATED: Final = "SELECT digest, waybill_no, route_code FROM orders WHERE order_no = ?"


def place(books: Books, settings: SandboxSettings, order: JsonObject) -> Booked:
    """Book a checked order, or tell again what it was given; everything is committed before this returns.

    Raises RefusedError for a number that was used for other content, and for any repeat where
    ``repeat_order`` is ``duplicate_error``: what EMS does with a repeat is unconfirmed (CARRIERS §10.2).
    """
    order_no = str(order["logisticsOrderNo"])
    digest = hmac.new(settings.sk.encode(), canonical(order).encode(), hashlib.sha256).digest()
    with books.writing() as db:
        if known := db.execute(REPEATED, (order_no,)).fetchone():
            return _again(known, order_no, digest, settings)
        scenario = choose(str(order["receiver"].get("mobile") or ""), order_no, settings.seed)
        if scenario.first_call is FirstCall.UNAVAILABLE and _is_first_call(db, order_no):
            return Booked({}, FirstCall.UNAVAILABLE)
        waybill_no, route_code = _next_waybill(db), _route(order["receiver"])
        values = (order_no, digest, waybill_no, route_code, scenario.number, str(order["bizProductNo"]))
        db.execute(
            "INSERT INTO orders (order_no, digest, waybill_no, route_code, scenario, product, places, booked_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, _places(order), now_ms()),
        )
    lost = FirstCall.LOST if scenario.first_call is FirstCall.LOST else FirstCall.ANSWERED
    return Booked(_told(order_no, waybill_no, route_code), lost)


def _again(known: sqlite3.Row, order_no: str, digest: bytes, settings: SandboxSettings) -> Booked:
    if not hmac.compare_digest(known["digest"], digest):
        raise RefusedError(Refusal.OTHER_CONTENT)
    if settings.repeat_order == "duplicate_error":
        raise RefusedError(Refusal.DUPLICATE)
    return Booked(_told(order_no, known["waybill_no"], known["route_code"]))


def _is_first_call(db: sqlite3.Connection, order_no: str) -> bool:
    return db.execute("INSERT OR IGNORE INTO first_calls VALUES (?)", (order_no,)).rowcount == 1


def _next_waybill(db: sqlite3.Connection) -> str:
    """13 digits beginning with 11 (CARRIERS §1.10); no check digit is published, so there is none."""
    sql = "UPDATE counters SET value = value + 1 WHERE name = 'waybill' RETURNING value"
    (value,) = db.execute(sql).fetchone()
    return f"11{value:011d}"


def _route(receiver: JsonObject) -> str:
    """A four-part sorting code (四段码), the same for the same county; its real make-up is not published."""
    town = "/".join(str(receiver[name]) for name in ("prov", "city", "county"))
    mark = int(hashlib.sha256(town.encode()).hexdigest(), 16)
    return f"{mark % 900 + 100}-{'ABCDEFGH'[mark // 900 % 8]}{mark // 7200 % 10}-{mark // 72000 % 100:02d}-001"


def _places(order: JsonObject) -> str:
    """Province, city and county of both ends: all that an event has to name, and nobody's address."""
    ends = {side: [str(order[side][name]) for name in ("prov", "city", "county")] for side in ("sender", "receiver")}
    return json.dumps(ends, ensure_ascii=False)


def _told(order_no: str, waybill_no: str, route_code: str) -> JsonObject:
    return {
        "logisticsOrderNo": order_no,
        "waybillNo": waybill_no,
        "routeCode": route_code,
        "packageCode": "",
        "packageCodeName": "",
        "markDestinationCode": "",
        "markDestinationName": "",
    }
