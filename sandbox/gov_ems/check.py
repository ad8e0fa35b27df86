"""Is this a proper CityToGovMail message? Lengths and values of CARRIERS §7.1, as tables.

Which fields are required is not published (unconfirmed): here it is whatever a postman cannot do without.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final
from xml.etree.ElementTree import Element

from sandbox.post import is_time


class Rtn(Enum):
    """Rtn_Code and the word for it in the dictionary."""

    DONE = "0", "成功"
    NOT_SAVED = "1", "数据保存错误"
    MISSING = "2", "必填字段为空或无效"
    MISSHAPEN = "3", "格式错误或超长"
    OTHER = "4", "其他未知"
    REPEATED = "5", "重复数据"


class RefusedError(ValueError):
    """A call that gets this Rtn_Code; the field is named, its content never."""

    def __init__(self, rtn: Rtn, what: str = "") -> None:
        """Keep the code and the whole Rtn_Msg."""
        self.code = rtn.value[0]
        self.words = f"{rtn.value[1]}：{what}" if what else rtn.value[1]
        super().__init__(self.words)


PARTY: Final = ("NAME", "PROV", "CITY", "COUNTRY", "STRECT")
REQUIRED: Final = (
    *("EMS_ORD_NO", "POST_TYPE", "NET_TYPE", "BUSS_TYPE"),
    *(f"{side}_{field}" for side in ("SEND", "RCV") for field in PARTY),
    *("SENDTIME", "ZWFWZX_CODE"),
)
ONE_OR_TWO: Final = ("POST_TYPE", "NET_TYPE", "BUSS_TYPE", "ISSEND")
LONGEST: Final = {
    "EMS_ORD_NO": 30,
    "MAIL_NUM": 20,
    "RCV_POSTCODE": 20,
    "ITEM": 200,
    "CHK_CODE": 6,
    **{f"{side}_{field}": 200 for side in ("SEND", "RCV") for field in PARTY},
    **{f"{side}_NAME": 30 for side in ("SEND", "RCV")},
    **{f"{side}_{field}": 15 for side in ("SEND", "RCV") for field in ("PHONE", "CALL")},
}
CASE_LONGEST: Final = 50  # GB/T 39046: 办件编号 an..50


def fields_of(element: Element | None, where: str) -> dict[str, str]:
    """The children as texts, each at most once."""
    if element is None:
        raise RefusedError(Rtn.MISSING, where)
    fields = {child.tag: (child.text or "").strip() for child in element}
    if len(fields) != len(element) or any(len(child) for child in element):
        raise RefusedError(Rtn.MISSHAPEN, where)
    return fields


def envelope_in(message: Element, centre_code: str) -> tuple[dict[str, str], list[str]]:
    """PostInfo and the case numbers of a message, checked."""
    post = fields_of(message.find("PostInfo"), "PostInfo")
    _require(post, REQUIRED)
    for side in ("SEND", "RCV"):
        if not (post.get(f"{side}_PHONE") or post.get(f"{side}_CALL")):
            raise RefusedError(Rtn.MISSING, f"{side}_PHONE")
    _check_values(post, centre_code)
    applies = [fields_of(each, "ApplyInfo") for each in message.findall("ApplyInfos/ApplyInfo")]
    cases = [each.get("INTERNAL_NO", "") for each in applies]
    if not (cases and all(cases)):
        raise RefusedError(Rtn.MISSING, "INTERNAL_NO")
    if any(len(case) > CASE_LONGEST for case in cases):
        raise RefusedError(Rtn.MISSHAPEN, "INTERNAL_NO")
    return post, cases


def order_in(message: Element, centre_code: str) -> str:
    """The EMS_ORD_NO of a CityGetGovLogis message, checked."""
    asked = fields_of(message.find("LogisInfo"), "LogisInfo")
    _require(asked, ("EMS_ORD_NO", "ZWFWZX_CODE"))
    _check_centre(asked, centre_code)
    return asked["EMS_ORD_NO"]


def _require(fields: Mapping[str, str], names: Iterable[str]) -> None:
    for name in names:
        if not fields.get(name):
            raise RefusedError(Rtn.MISSING, name)


def _check_values(post: Mapping[str, str], centre_code: str) -> None:
    for name in ONE_OR_TWO:
        if post.get(name, "") not in {"", "1", "2"}:
            raise RefusedError(Rtn.MISSING if name in REQUIRED else Rtn.MISSHAPEN, name)
    for name, longest in LONGEST.items():
        if len(post.get(name, "")) > longest:
            raise RefusedError(Rtn.MISSHAPEN, name)
    if not is_time(post["SENDTIME"]):
        raise RefusedError(Rtn.MISSHAPEN, "SENDTIME")
    _check_centre(post, centre_code)


def _check_centre(fields: Mapping[str, str], centre_code: str) -> None:
    if fields["ZWFWZX_CODE"] != centre_code:
        raise RefusedError(Rtn.MISSING, "ZWFWZX_CODE")
