"""SOAP 1.1 around one string in and one string out (CARRIERS §7.1; the shape is of confidence M)."""

from collections.abc import Container
from typing import Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
OWN: Final = "http://service.cityToGovService.sparknet.com.cn/"
CONTENT_TYPE: Final = "text/xml;charset=utf-8"


class FaultError(ValueError):
    """What is no call of this service: it gets a SOAP fault."""


def parse(text: str) -> ET.Element:
    """XML without a document type, and so without entities of its own; ValueError for anything else."""
    if "<!DOCTYPE" in text:
        raise ValueError("DOCTYPE")
    try:
        return ET.fromstring(text)  # noqa: S314 - without a document type nothing is expanded or fetched
    except ET.ParseError as error:
        raise ValueError("not XML") from error


def read_call(raw: bytes, operations: Container[str]) -> tuple[str, str]:
    """Operation and ``arg0`` of a SOAP message; FaultError says what is wrong."""
    try:
        envelope = parse(raw.decode("utf-8-sig"))
    except ValueError as error:
        raise FaultError("not an XML document in UTF-8") from error
    body = envelope.find(f"{{{SOAP}}}Body")
    if envelope.tag != f"{{{SOAP}}}Envelope" or body is None or len(body) != 1:
        raise FaultError("not a SOAP 1.1 message")
    namespace, _, operation = body[0].tag.removeprefix("{").rpartition("}")
    arguments = body[0].findall("arg0")  # unqualified
    if namespace != OWN or operation not in operations or len(arguments) != 1:
        raise FaultError("not an operation of this service")
    return operation, (arguments[0].text or "").strip()


def answer(operation: str, text: str) -> str:
    """The message that returns ``text``."""
    return _message(
        f'<ns2:{operation}Response xmlns:ns2="{OWN}"><return>{escape(text)}</return></ns2:{operation}Response>'
    )


def fault(words: str) -> str:
    """A SOAP fault; the real service's words are not known."""
    told = f"<faultcode>soap:Client</faultcode><faultstring>{escape(words)}</faultstring>"
    return _message(f"<soap:Fault>{told}</soap:Fault>")


def _message(body: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body>{body}</soap:Body></soap:Envelope>'
    )
