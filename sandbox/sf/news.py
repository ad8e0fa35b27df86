"""How an event is told, in a query and in both shapes of RoutePushService (CARRIERS §2.5-2.6)."""

import json
from typing import Final
from urllib.parse import urlencode
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

import httpx2

from sandbox.post import Event, Message, News, Parcel
from sandbox.sf.envelope import JsonObject
from sandbox.sf.scenarios import REMARKS

JSON_TYPE: Final = "application/json"
FORM_TYPE: Final = "application/x-www-form-urlencoded; charset=UTF-8"
TAKEN: Final = "0000"
SERVICE: Final = "RoutePushService"


def route_of(parcel: Parcel, event: Event) -> dict[str, str]:
    """What every shape tells; the number of a return is in the words of 648 and 631."""
    remark = event.extra.get("remark") or REMARKS[event.code]
    return {
        "acceptTime": event.at,
        "acceptAddress": parcel.extra["towns"][event.extra["at"]],
        "remark": remark.format(new=parcel.numbers[-1]),
        "opCode": event.code,
    }


def json_body(message: Message, *, return_with_order: bool) -> bytes:
    """``{"Body": {"WaybillRoute": […]}}``."""
    routes: list[JsonObject] = [
        {**_head(news, return_with_order=return_with_order), **route_of(news.parcel, news.event), **_no_reason()}
        for news in message.news
    ]
    return json.dumps({"Body": {"WaybillRoute": routes}}, ensure_ascii=False).encode()


def form_body(message: Message, *, return_with_order: bool) -> bytes:
    """``content=<Request …>``, the XML in one field of a form."""
    routes = "".join(
        _element({**_head(news, return_with_order=return_with_order), **route_of(news.parcel, news.event)})
        for news in message.news
    )
    xml = f'<Request service="{SERVICE}" lang="zh-CN"><Body>{routes}</Body></Request>'
    return urlencode({"content": xml}).encode()


def is_json_ack(response: httpx2.Response) -> bool:
    """True for HTTP 200 with ``{"return_code": "0000", …}`` as the bare body."""
    if response.status_code != httpx2.codes.OK:
        return False
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and body.get("return_code") == TAKEN


def is_xml_ack(response: httpx2.Response) -> bool:
    """True for HTTP 200 with ``<Response service="RoutePushService"><Head>OK</Head></Response>``."""
    if response.status_code != httpx2.codes.OK or b"<!DOCTYPE" in response.content:
        return False
    try:
        root = ET.fromstring(response.content)  # noqa: S314 - without a document type nothing is expanded or fetched
    except (ET.ParseError, ValueError, LookupError):
        return False
    is_ours = root.tag == "Response" and root.get("service") == SERVICE
    return is_ours and root.findtext("Head") == "OK" and root.find("ERROR") is None


def _head(news: News, *, return_with_order: bool) -> dict[str, str]:
    is_return = news.event.number != news.parcel.number
    return {
        "id": str(int(news.serial_no[:15], 16)),
        "mailno": news.number,
        "orderid": "" if is_return and not return_with_order else news.order_no,
    }


def _no_reason() -> dict[str, str]:
    """What stands in reasonCode is not published."""
    return {"reasonCode": "", "reasonName": ""}


def _element(attributes: dict[str, str]) -> str:
    return "<WaybillRoute " + " ".join(f"{name}={quoteattr(text)}" for name, text in attributes.items()) + "/>"
