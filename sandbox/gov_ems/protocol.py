"""CityToGovMail 办件快递推送 and CityGetGovLogis 物流信息获取 (CARRIERS §7.1); nothing is ever pushed."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from sandbox.gov_ems import soap
from sandbox.gov_ems.check import RefusedError, Rtn, envelope_in, order_in
from sandbox.gov_ems.scenarios import DELIVERED, PLAY, STATUSES
from sandbox.gov_ems.sealed import unseal
from sandbox.gov_ems.settings import GovEmsSettings
from sandbox.post import Answer, Call, Door, Draft, Event, Orders, Outcome, Parcel, Play, PostProtocol, now_ms

PATH: Final = "/onlineGovEMS/services/CityToGovService"
REFUSED: Final = {
    Outcome.SAME: Rtn.REPEATED,
    Outcome.DUPLICATE: Rtn.REPEATED,
    Outcome.OTHER_CONTENT: Rtn.REPEATED,
    Outcome.NUMBER_TAKEN: Rtn.NOT_SAVED,
}
"""A repeated EMS_ORD_NO is 重复数据, whatever it holds: the dictionary knows no other word for it."""


class GovEms(PostProtocol[GovEmsSettings]):
    """One SOAP door; it can only be asked."""

    play: ClassVar[Play] = PLAY

    def __init__(self, settings: GovEmsSettings, orders: Orders) -> None:
        """The operations are a table."""
        super().__init__(settings, orders)
        self._operations = {"CityToGovMail": self._mail, "CityGetGovLogis": self._logistics}

    def doors(self) -> tuple[Door, ...]:
        """The one address of the service."""
        return (Door(PATH, self._answer, key=self._key),)

    def _answer(self, call: Call) -> Answer:
        if call.content_type != "text/xml":
            return Answer.of_text("Unsupported Media Type", 415)
        try:
            operation, arg0 = soap.read_call(call.body, self._operations)
        except soap.FaultError as error:
            return Answer.of_text(soap.fault(str(error)), 500, soap.CONTENT_TYPE)
        try:
            told = _message(Rtn.DONE.value, self._operations[operation](self._opened(arg0)))
        except RefusedError as error:
            told = _message((error.code, error.words))
        return Answer.of_text(soap.answer(operation, told), content_type=soap.CONTENT_TYPE)

    def _opened(self, arg0: str) -> Element:
        """The RequestMessage inside; what does not open is 格式错误 (unconfirmed)."""
        try:
            message = soap.parse(unseal(arg0, self.settings.des_key))
        except ValueError as error:
            raise RefusedError(Rtn.MISSHAPEN, "arg0") from error
        if message.tag != "RequestMessage":
            raise RefusedError(Rtn.MISSHAPEN, "RequestMessage")
        return message

    def _key(self, call: Call) -> str:
        """Operation and order number: what a storm's draws are repeated by."""
        operation, arg0 = soap.read_call(call.body, self._operations)
        number = self._opened(arg0).find(".//EMS_ORD_NO")
        return f"{operation}:{'' if number is None else number.text}"

    def _mail(self, message: Element) -> str:
        post, cases = envelope_in(message, self.settings.centre_code)
        given = (post["MAIL_NUM"],) if post.get("MAIL_NUM") else ()
        placed = self.orders.place(
            Draft(
                order_no=post["EMS_ORD_NO"],
                content={"post": post, "cases": cases},
                hint=post.get("RCV_PHONE") or post.get("RCV_CALL", ""),
                extra={"cases": cases, "given": bool(given), "towns": _towns(post)},
                numbers=given,
            )
        )
        if placed.outcome is not Outcome.BOOKED:
            raise RefusedError(REFUSED[placed.outcome])
        return ""

    def _logistics(self, message: Element) -> str:
        parcel = self.orders.find(order_in(message, self.settings.centre_code))
        if parcel is None and self.settings.unknown_order == "error":
            raise RefusedError(Rtn.OTHER, "EMS_ORD_NO")
        return f"<LogisInfos>{'' if parcel is None else self._told(parcel)}</LogisInfos>"

    def _told(self, parcel: Parcel) -> str:
        """All that happened, oldest first, or the latest; one line without a status while nothing has."""
        number = parcel.number if self._is_numbered(parcel) else ""
        history: Sequence[Event] = self.orders.history(parcel)
        lines = history[-1:] if self.settings.statuses == "latest" else history
        if not lines:
            return _line({"EMS_ORD_NO": parcel.order_no, "MAIL_NUM": number, "STATUS": ""})
        return "".join(self._status(parcel, event) for event in lines)

    def _is_numbered(self, parcel: Parcel) -> bool:
        """The number shows when the county has given it, when the postman has come, or after a while."""
        due_ms = parcel.booked_ms + int(self.settings.number_after_seconds * 1000)
        return bool(parcel.extra["given"]) or parcel.collected_ms is not None or now_ms() >= due_ms

    def _status(self, parcel: Parcel, event: Event) -> str:
        letter = self.settings.delivered_letter if event.code == DELIVERED else event.code
        town = parcel.extra["towns"][0 if event.code in {"A", "B", "F"} else 1]
        return _line(
            {
                "EMS_ORD_NO": parcel.order_no,
                "MAIL_NUM": event.number,
                "STATUS": letter,
                "STS_INFO": STATUSES[event.code],
                "STS_DESC": f"【{town}】{STATUSES[event.code]}",
                "STS_TIME": event.at,
            }
        )


def _towns(post: Mapping[str, str]) -> list[str]:
    """City and county of both ends: all that a status has to name."""
    return [post[f"{side}_CITY"] + post[f"{side}_COUNTRY"] for side in ("SEND", "RCV")]


def _line(fields: Mapping[str, str]) -> str:
    return f"<LogisInfo>{_elements(fields)}</LogisInfo>"


def _message(rtn: tuple[str, str], more: str = "") -> str:
    code, words = rtn
    told = _elements({"Rtn_Code": code, "Rtn_Msg": words})
    return f"<ResponseMessage><RtnMsg>{told}</RtnMsg>{more}</ResponseMessage>"


def _elements(fields: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
