"""Orders, answers and hostile documents that the tests of 政务专递 share. Everybody in them is made up."""

from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from hypothesis import strategies as st

from dispatch.accounts import GovEmsAccount
from dispatch.carrier import (
    Answer,
    Order,
    Party,
)
from dispatch.posts.gov_ems.account import GovEms
from dispatch.posts.gov_ems.des import deciphered
from dispatch.posts.xml import named, parse, text_at
from tests.posts.vectors import VECTORS

awkward = st.text(
    alphabet=st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("<>&\"'蓝𠮷🏮]\r\n\x0b\x00"))
)


BOMB = (
    '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    "<r><RtnMsg><Rtn_Code>2</Rtn_Code><Rtn_Msg>&c;</Rtn_Msg></RtnMsg></r>"
)
OUTSIDE = (
    '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    "<r><RtnMsg><Rtn_Code>2</Rtn_Code><Rtn_Msg>&a;</Rtn_Msg></RtnMsg></r>"
)
ELSEWHERE = '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/r.dtd"><r><RtnMsg><Rtn_Code>2</Rtn_Code></RtnMsg></r>'
VECTOR = VECTORS["gov_ems_des"]
KEY = VECTOR["key_and_iv"]
CENTRE = Party("县政务服务中心", "0578-5082345", "浙江省", "丽水市", "景宁畲族自治县", "人民中路1号", "323500")
CITIZEN = Party("蓝小雨", "13900000001", "浙江省", "丽水市", "景宁畲族自治县", "红星街道团结西路8号")
ORDER = Order(
    "XF0001",
    datetime(2026, 11, 20, 1, tzinfo=UTC),
    CENTRE,
    CITIZEN,
    ("食品经营许可证", "告知书"),
    "door",
    "须上门投递",
    case_nos=("331127202611220001", "331127202611220002"),
    department="县市场监督管理局",
    collection_code="482915",
)
NUMBER = "1100000000001"


@dataclass(frozen=True)
class Silent:
    """A line that nobody speaks on: these tests build and read."""

    def speak(self, request: object) -> Answer:
        raise AssertionError("nothing is said here")


def post(**changes: object) -> GovEms:
    told = {"endpoint": "http://127.0.0.1:9/s", "centre_code": "3200JT", "des_key": KEY, "window": "12", **changes}
    return GovEms(GovEmsAccount.model_validate(told), Silent())


def sent(order: Order, **changes: object) -> Element:
    """The order as the post finds it behind envelope and cipher."""
    message = parse(post(**changes).booking(order).request.body.decode())
    (arg0,) = named(message, "arg0")
    return parse(deciphered(arg0.text or "", KEY))


def field(order: Order, name: str, **changes: object) -> str:
    (info,) = named(sent(order, **changes), "PostInfo")
    assert [child.tag for child in info].count(name) == 1
    return text_at(info, name)


def answered(inner: str, operation: str = "CityToGovMail", status: int = 200) -> Answer:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
        f'<soap:Body><n:{operation}Response xmlns:n="http://service.cityToGovService.sparknet.com.cn/">'
        f"<return>{escape(inner)}</return></n:{operation}Response></soap:Body></soap:Envelope>"
    )
    return Answer(status, text.encode(), "text/xml;charset=utf-8")


def said(code: str, words: str = "", more: str = "", root: str = "ResponseMessage") -> Answer:
    message = f"<RtnMsg><Rtn_Code>{code}</Rtn_Code><Rtn_Msg>{words}</Rtn_Msg></RtnMsg>"
    return answered(f"<{root}>{message}{more}</{root}>")


def line(**fields: str) -> str:
    told = {"EMS_ORD_NO": ORDER.order_no, "MAIL_NUM": NUMBER, **fields}
    return "<LogisInfo>" + "".join(f"<{name}>{escape(text)}</{name}>" for name, text in told.items()) + "</LogisInfo>"


def lines(*items: str) -> Answer:
    return said("0", "成功", f"<LogisInfos>{''.join(items)}</LogisInfos>")
