"""The open-platform door: an envelope is checked, opened, and handed to its interface (CARRIERS §1.1, §1.4)."""

import hmac
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from sandbox.ems import check, envelope, orders, trace
from sandbox.ems.books import Books
from sandbox.ems.envelope import Refusal, RefusedError
from sandbox.ems.orders import Booked
from sandbox.ems.scenarios import FirstCall
from sandbox.ems.settings import SandboxSettings

FORM_TYPE = "application/x-www-form-urlencoded"


class Desk:
    """Answers calls of the open platform; knows nothing of HTTP beyond the form."""

    def __init__(self, books: Books, settings: SandboxSettings) -> None:
        """One desk for each post; the interfaces it serves are a table."""
        self._books = books
        self._settings = settings
        self._interfaces: dict[str, Callable[[Any], Booked]] = {
            "020003": self._order,
            "040001": lambda body: Booked(trace.query(books, body)),
        }

    def answer(self, content_type: str, raw: bytes) -> tuple[FirstCall, envelope.JsonObject]:
        """How to answer one POSTed form, and the response envelope (of no use where the answer is lost)."""
        try:
            form = read_form(content_type, raw)
            interface = self._check(form)
            booked = interface(envelope.open_request(form["logitcsInterface"], self._settings.sk))
        except RefusedError as error:
            return FirstCall.ANSWERED, envelope.refusal(error)
        return booked.first_call, envelope.success(booked.body)

    def _order(self, body: Any) -> Booked:
        order = check.order_in(body, self._settings.sender_no)
        return orders.place(self._books, self._settings, order)

    def _check(self, form: Mapping[str, str]) -> Callable[[Any], Booked]:
        for name in ("apiCode", "senderNo", "authorization", "msgType", "timeStamp", "logitcsInterface"):
            if not form.get(name):
                raise RefusedError(Refusal.ENVELOPE, name)
        if not _same(form["senderNo"], self._settings.sender_no):
            raise RefusedError(Refusal.SENDER)
        if not _same(form["authorization"], self._settings.authorization):
            raise RefusedError(Refusal.AUTHORIZATION)
        if form["msgType"] != "0":
            raise RefusedError(Refusal.ENVELOPE, "msgType")
        if not check.is_time(form["timeStamp"]):  # no window: EMS publishes none
            raise RefusedError(Refusal.ENVELOPE, "timeStamp")
        interface = self._interfaces.get(form["apiCode"])
        if interface is None:
            raise RefusedError(Refusal.API_CODE)
        return interface


def read_form(content_type: str, raw: bytes) -> dict[str, str]:
    """The fields of an urlencoded UTF-8 form; RefusedError(ENVELOPE) for anything else."""
    if content_type.partition(";")[0].strip().lower() != FORM_TYPE:
        raise RefusedError(Refusal.ENVELOPE, "Content-Type")
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=32)
    except ValueError as error:
        raise RefusedError(Refusal.ENVELOPE, "表单") from error
    if len(fields := dict(pairs)) != len(pairs):
        raise RefusedError(Refusal.ENVELOPE, "字段重复")
    return fields


def _same(given: str, own: str) -> bool:
    return hmac.compare_digest(given.encode(), own.encode())
