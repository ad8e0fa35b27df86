"""Both envelopes of an answer, and all the words for what is refused (CARRIERS §2.3)."""

import json
import uuid
from enum import Enum
from typing import Any, NoReturn

from sandbox.post import Answer

JsonObject = dict[str, Any]

ACCEPTED = "A1000"
SUCCESS = "S0000"


class Gate(Enum):
    """Why the gateway turns a call away: (apiResultCode, apiErrorMsg)."""

    MISSING = ("A1001", "必传参数不可为空")
    EXPIRED = ("A1002", "请求时效已过期")
    NO_SERVICE = ("A1004", "无对应服务权限")
    THROTTLED = ("A1005", "流量受控")
    SIGNATURE = ("A1006", "数字签名无效")
    REPEATED = ("A1007", "重复请求")


class Refusal(Enum):
    """Why a service refuses: (errorCode, words).

    SF's list of business codes is not published whole (CARRIERS §10.3). Codes that begin with SBX are the
    sandbox's own, so that nobody takes them for real ones.
    """

    NO_NUMBERS = ("8013", "未传单号")
    TOO_MANY = ("8003", "查询单号超限")
    SENDER_ADDRESS = ("1010", "寄件方地址为空")
    SENDER_CONTACT = ("1011", "寄件方联系人为空")
    SENDER_TELEPHONE = ("1012", "寄件方电话为空")
    RECIPIENT_ADDRESS = ("1014", "收件方地址为空")
    RECIPIENT_CONTACT = ("1015", "收件方联系人为空")
    RECIPIENT_TELEPHONE = ("1016", "收件方电话为空")
    CARD_SHAPE = ("6126", "月结卡号不合法")
    CARD_UNKNOWN = ("8119", "月结卡号不存在")
    PRODUCT = ("8057", "产品类别错误")
    REPEATED = ("8016", "重复下单")
    NOT_FETCHED = ("8018", "未获取到订单信息")
    NOT_ORDERED = ("8024", "未下单")
    NOT_FOUND = ("6150", "找不到该订单")
    CONFIRMED = ("8252", "订单已确认")
    CANCELLED = ("8037", "已消单")
    WAYBILL = ("8247", "运单号不合法")
    BODY = ("SBX106", "msgData不是合法的JSON对象")
    MISSING = ("SBX201", "必填字段为空")
    VALUE = ("SBX202", "字段取值无效")
    UNSUPPORTED = ("SBX203", "沙箱不支持该业务")
    COLLECTED = ("SBX222", "已收件，不能消单")


class GateError(Exception):
    """A call that does not pass the gateway; ``detail`` names the parameter."""

    def __init__(self, gate: Gate, detail: str = "") -> None:
        """Keep code and words."""
        self.code, words = gate.value
        self.words = f"{words}：{detail}" if detail else words
        super().__init__(f"{self.code} {self.words}")


class RefusedError(Exception):
    """A call that a service refuses; ``detail`` names the field, never its content."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        """Keep code and words."""
        self.code, words = refusal.value
        self.words = f"{words}：{detail}" if detail else words
        super().__init__(f"{self.code} {self.words}")


def missing(name: str) -> NoReturn:
    """A required field of msgData is not there."""
    raise RefusedError(Refusal.MISSING, name)


def bad_value(name: str) -> NoReturn:
    """A field of msgData has none of its values."""
    raise RefusedError(Refusal.VALUE, name)


def turned_away(error: GateError) -> Answer:
    """What the gateway says to a call it does not pass on; HTTP 200 (unconfirmed)."""
    return _outer(error.code, error.words, "")


def passed(inner: JsonObject, *, as_object: bool, loose: bool) -> Answer:
    """A1000 around a service's answer; look inside."""
    told = loosened(inner) if loose else inner
    return _outer(ACCEPTED, "", told if as_object else json.dumps(told, ensure_ascii=False))


def done(msg_data: JsonObject) -> JsonObject:
    """The inner answer of orders and routes."""
    return {"success": True, "errorCode": SUCCESS, "errorMsg": None, "msgData": msg_data}


def refused(error: RefusedError) -> JsonObject:
    """The inner answer of a refused order or question."""
    return {"success": False, "errorCode": error.code, "errorMsg": error.words, "msgData": None}


def printed(obj: JsonObject) -> JsonObject:
    """The inner answer of the cloud print, which has other names."""
    return {"success": True, "errorCode": SUCCESS, "errorMessage": None, "obj": obj}


def not_printed(error: RefusedError) -> JsonObject:
    """The inner answer of a refused cloud print."""
    return {"success": False, "errorCode": error.code, "errorMessage": error.words, "obj": None}


def loosened(value: Any) -> Any:
    """The same with every boolean and number as text."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case dict():
            return {name: loosened(item) for name, item in value.items()}
        case list():
            return [loosened(item) for item in value]
        case _:
            return value


def _outer(code: str, words: str, data: JsonObject | str) -> Answer:
    told = {"apiErrorMsg": words, "apiResponseID": uuid.uuid4().hex, "apiResultCode": code, "apiResultData": data}
    return Answer.of_json(told)
