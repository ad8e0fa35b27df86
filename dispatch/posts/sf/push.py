"""RoutePushService as JSON and as form with XML, and the order states beside it (CARRIERS §2.6). Pure.

SF signs nothing: a push is known by the place that it comes from or goes to, and its form by its content.
"""

import json
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from dispatch.accounts import SfAccount
from dispatch.carrier import Knock, NotVouched, Reply, Seen, Unreadable, Vouched
from dispatch.journey import News
from dispatch.posts.reading import as_object, form_of, known_by_place, objects, text_of
from dispatch.posts.sf.routes import read_line
from dispatch.posts.times import NEVER, read_time
from dispatch.posts.xml import carriable, named, parse, written

SERVICE = "RoutePushService"
JSON, XML = "json", "xml"
CONTENT = "content"  # the form's one field
RECEIVED, NOT_RECEIVED = "0000", "1000"
XML_ERROR = "4001"


def vouched(knock: Knock, account: SfAccount) -> Vouched:
    """A push from the right place that is a document at all; what it says is read later."""
    if not known_by_place(account, knock):
        raise NotVouched("推送不是从约定的来源或地址来的")
    if form_used(knock) == XML:
        body = form_of(knock.raw)[CONTENT]
        try:
            parse(body)
        except ValueError as error:
            raise NotVouched(str(error)) from error
        return Vouched(body, XML)
    try:
        body = knock.raw.decode()
    except UnicodeDecodeError:
        raise NotVouched("报文不是 UTF-8") from None
    if as_object(body) is None:
        raise NotVouched("报文不是 JSON 对象，也不是带 content 的表单")
    return Vouched(body, JSON)


def form_used(knock: Knock) -> str:
    """`xml` where the body is a form with the field `content`, `json` otherwise."""
    if knock.raw.lstrip().startswith(b"{"):
        return JSON
    try:
        return XML if CONTENT in form_of(knock.raw) else JSON
    except NotVouched:
        return JSON


def read_push(body: str, account: SfAccount) -> tuple[Seen, ...]:
    """The news of a push. Raises Unreadable where its shape is not known."""
    said = as_object(body)
    if said is None:
        return tuple(_read_route(route, account) for route in _xml_routes(body))
    if isinstance(states := said.get("orderState"), list):
        return tuple(_read_state(item, account) for item in objects(states) if _tells(item, account))
    if isinstance(routes := (as_object(said.get("Body")) or {}).get("WaybillRoute"), list):
        return tuple(_read_route(route, account) for route in objects(routes))
    raise Unreadable("推送中既没有 WaybillRoute，也没有 orderState")


def _xml_routes(body: str) -> list[dict[str, str]]:
    root = parse(body)
    routes = [dict(route.attrib) for route in named(root, "WaybillRoute")]
    if root.get("service") != SERVICE or not routes:
        raise Unreadable(f"推送的 XML 不是 {SERVICE}，或没有 WaybillRoute")
    return routes


def _read_route(route: Mapping[str, Any], account: SfAccount) -> Seen:
    return read_line(route, text_of(route, "mailno"), text_of(route, "orderid"), account)


def _tells(item: Mapping[str, Any], account: SfAccount) -> bool:
    """A known state of an order that has no number yet says nothing of a parcel."""
    return bool(text_of(item, "waybillNo")) or not _known(item, account)


def _known(item: Mapping[str, Any], account: SfAccount) -> bool:
    code = text_of(item, "orderStateCode")
    return code in account.order_states or code in account.noted_states


def _read_state(item: Mapping[str, Any], account: SfAccount) -> Seen:
    """The state of an order tells its number. A state that we do not know, or without a time, a person reads."""
    known, words = _known(item, account), text_of(item, "orderStateDesc")
    try:
        at = read_time(text_of(item, "lastTime") or text_of(item, "createTm"))
    except ValueError as error:
        at, known, words = NEVER, False, f"{error} {words}".strip()
    return Seen(
        waybill_no=carriable(text_of(item, "waybillNo")),
        order_no=carriable(text_of(item, "orderNo")),
        at=at,
        code=carriable(text_of(item, "orderStateCode")),
        news=News.NOTE if known else News.UNKNOWN,
        text=carriable(words),
    )


def acknowledged(form: str) -> Reply:
    """«Received», in the form that was used."""
    if form == XML:
        return _xml_reply("OK")
    return _json_reply(RECEIVED, "成功")


def turned_away(form: str, reason: str) -> Reply:
    """«Not received»: the whole call will be pushed again."""
    if form == XML:
        return _xml_reply("ERR", reason)
    return _json_reply(NOT_RECEIVED, reason)


def _json_reply(code: str, words: str) -> Reply:
    return Reply(200, json.dumps({"return_code": code, "return_msg": words}, ensure_ascii=False))


def _xml_reply(head: str, reason: str = "") -> Reply:
    root = Element("Response", service=SERVICE)
    SubElement(root, "Head").text = head
    if reason:
        SubElement(root, "ERROR", code=XML_ERROR).text = carriable(reason)
    return Reply(200, written(root), "text/xml; charset=utf-8")
