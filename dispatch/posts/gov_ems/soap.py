"""The envelope of both operations, and the result inside their answers (CARRIERS §7.1). Pure."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

from dispatch.carrier import Answer, NoAnswer
from dispatch.posts.reading import check_status
from dispatch.posts.xml import named, parse, text_at, written

CONTENT_TYPE = "text/xml;charset=utf-8"
HEADERS = {"SOAPAction": '""'}  # SOAP 1.1 §6.1.1: must be there over HTTP; empty, for no value is published
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
SERVICE = "http://service.cityToGovService.sparknet.com.cn/"
SUCCESS = "0"
CODES = {
    "0": "成功",
    "1": "数据保存错误",
    "2": "必填字段为空或无效",
    "3": "格式错误或超长",
    "4": "其他未知",
    "5": "重复数据",
}


@dataclass(frozen=True, slots=True)
class Result:
    """What the post said: its code, its words, and the whole text for whatever else stands in it."""

    code: str
    words: str
    root: Element


def enveloped(operation: str, arg0: str) -> str:
    """The SOAP 1.1 message. `arg0` stands in no namespace."""
    root = Element("soapenv:Envelope", {"xmlns:soapenv": ENVELOPE, "xmlns:s": SERVICE})
    call = SubElement(SubElement(root, "soapenv:Body"), f"s:{operation}")
    SubElement(call, "arg0").text = arg0
    return written(root)


def result_of(answer: Answer) -> Result:
    """The one RtnMsg of the answer, wherever it stands. Raises what `check_status` does, NoAnswer for no result."""
    check_status(answer)
    try:
        returned = [element.text or "" for element in named(parse(answer.text), "return")]
        root = parse("".join(returned))
    except ValueError as error:
        raise NoAnswer("寄递企业的答复不是约定的格式，不能确定是否已受理。") from error
    messages = named(root, "RtnMsg")
    code = text_at(messages[0], "Rtn_Code") if len(messages) == 1 else ""
    if not code:
        raise NoAnswer("寄递企业的答复里没有结果代码，不能确定是否已受理。")
    words = text_at(messages[0], "Rtn_Msg") or CODES.get(code, "")
    return Result(code, f"{code} {words}".strip(), root)
