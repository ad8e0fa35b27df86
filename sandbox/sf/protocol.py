"""The 丰桥 door and RoutePushService (CARRIERS §2.1-2.3, §2.6)."""

import hmac
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar, Final

import httpx2

from sandbox.post import Answer, Call, Door, Message, Orders, Play, PostProtocol, PushRequest, now_ms, read_json
from sandbox.sf import envelope, label, news, routes
from sandbox.sf.booking import Booking
from sandbox.sf.digest import digest_of
from sandbox.sf.envelope import Gate, GateError, JsonObject, Refusal, RefusedError
from sandbox.sf.scenarios import PLAY
from sandbox.sf.settings import SfSettings

PATH: Final = "/std/service"
PARAMETERS: Final = ("partnerID", "requestID", "serviceCode", "timestamp", "msgDigest", "msgData")
PRINT: Final = "COM_RECE_CLOUD_PRINT_WAYBILLS"
LONGEST_REQUEST_ID: Final = 40
REMEMBERED: Final = 100_000  # request numbers; how long SF remembers them is unconfirmed
LONGEST_SECONDS: Final = 10  # digits of a timestamp in seconds; with more it is in milliseconds
LONGEST_TIMESTAMP: Final = 19  # digits of a long

Service = Callable[[JsonObject, Call], JsonObject]


class Sf(PostProtocol[SfSettings]):
    """One door for every service, up to ten events in a push; nothing that SF pushes is signed."""

    play: ClassVar[Play] = PLAY
    pushes_at_once: ClassVar[int] = 10

    def __init__(self, settings: SfSettings, orders: Orders) -> None:
        """The services are a table."""
        super().__init__(settings, orders)
        booking = Booking(settings, orders)
        self._services: dict[str, Service] = {
            "EXP_RECE_CREATE_ORDER": lambda body, _: booking.create(body),
            "EXP_RECE_SEARCH_ORDER_RESP": lambda body, _: booking.search(body),
            "EXP_RECE_UPDATE_ORDER": lambda body, _: booking.update(body),
            "EXP_RECE_SEARCH_ROUTES": lambda body, _: routes.search(orders, settings, body),
            PRINT: lambda body, call: label.order_prints(orders, settings, body, call.base_url),
        }
        self._requests = Requests()

    def doors(self) -> tuple[Door, ...]:
        """The one address of all services, and where labels are fetched."""
        return (
            Door(PATH, self._answer, key=_key),
            Door(label.PATH, self._label, ("GET",), lambda call: call.path),
        )

    def throttled(self, call: Call) -> Answer:
        """A1005; a label is no service and gets the usual 429."""
        if call.path != PATH:
            return super().throttled(call)
        return envelope.turned_away(GateError(Gate.THROTTLED))

    def push(self, message: Message) -> PushRequest:
        """RoutePushService, as JSON or as a form."""
        is_form = self.settings.push_form
        body_of = news.form_body if is_form else news.json_body
        body = body_of(message, return_with_order=self.settings.return_with_order)
        return PushRequest(self.settings.push_url, body, news.FORM_TYPE if is_form else news.JSON_TYPE)

    def acknowledges(self, message: Message, response: httpx2.Response) -> bool:  # noqa: ARG002 - it echoes nothing
        """Return code 0000, or Head OK in XML; anything else is pushed again, the whole call."""
        return news.is_xml_ack(response) if self.settings.push_form else news.is_json_ack(response)

    def _label(self, call: Call) -> Answer:
        return label.serve(self.orders, self.settings, call)

    def _answer(self, call: Call) -> Answer:
        try:
            form = self._let_in(call)
        except GateError as error:
            return envelope.turned_away(error)
        try:
            inner = self._services[form["serviceCode"]](_body_in(form["msgData"]), call)
        except RefusedError as error:
            is_print = form["serviceCode"] == PRINT
            inner = envelope.not_printed(error) if is_print else envelope.refused(error)
        return envelope.passed(inner, as_object=self.settings.result_as_object, loose=self.settings.loose_types)

    def _let_in(self, call: Call) -> dict[str, str]:
        """The form, once the gateway lets it pass; the order of its questions is unconfirmed."""
        form = _form(call)
        if form["partnerID"] != self.settings.partner_id or form["serviceCode"] not in self._services:
            raise GateError(Gate.NO_SERVICE)
        if not self._is_timely(form["timestamp"]):
            raise GateError(Gate.EXPIRED)
        right = digest_of(self.settings.digest, form["msgData"], form["timestamp"], self.settings.checkword)
        if not hmac.compare_digest(right.encode(), form["msgDigest"].encode()):
            raise GateError(Gate.SIGNATURE)
        if not self._requests.is_new(form["requestID"]):
            raise GateError(Gate.REPEATED)
        return form

    def _is_timely(self, timestamp: str) -> bool:
        """Milliseconds, or seconds as some customers send; any, where no window is set."""
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= LONGEST_TIMESTAMP):
            return False
        told_ms = int(timestamp) * (1000 if len(timestamp) <= LONGEST_SECONDS else 1)
        window_ms = self.settings.timestamp_seconds * 1000
        return not window_ms or abs(now_ms() - told_ms) <= window_ms


class Requests:
    """The latest request numbers, as long as the process lives."""

    def __init__(self) -> None:
        """None yet."""
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._order: deque[str] = deque()

    def is_new(self, request_id: str) -> bool:
        """True the first time."""
        with self._lock:
            if request_id in self._known:
                return False
            self._known.add(request_id)
            self._order.append(request_id)
            if len(self._order) > REMEMBERED:
                self._known.discard(self._order.popleft())
        return True


def _form(call: Call) -> dict[str, str]:
    """The parameters of a call, all of them there."""
    try:
        form = call.form()
    except ValueError as error:
        raise GateError(Gate.MISSING, str(error)) from error
    for name in PARAMETERS:
        if not form.get(name, "").strip():
            raise GateError(Gate.MISSING, name)
    if len(form["requestID"]) > LONGEST_REQUEST_ID:
        raise GateError(Gate.MISSING, "requestID超长")
    return form


def _body_in(msg_data: str) -> JsonObject:
    try:
        body = read_json(msg_data)
    except ValueError as error:
        raise RefusedError(Refusal.BODY) from error
    if not isinstance(body, dict):
        raise RefusedError(Refusal.BODY)
    return body


def _key(call: Call) -> str:
    """Service and order or waybill number: what a storm's draws are repeated by."""
    form = call.form()
    body: Any = read_json(form["msgData"])
    about = body.get("orderId") or body.get("trackingNumber") or body["documents"][0]["masterWaybillNo"]
    return f"{form['serviceCode']}:{about[0] if isinstance(about, list) else about}"
