"""Kdniao's form and its DataSign (CARRIERS §3.1-3.3): what comes is opened here, or refused with a Reason.

Of the words of a Reason nothing is published beyond the meaning of 401 to 405; they are the sandbox's own,
and so is that the number stands in the Reason (unconfirmed).
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Final

from sandbox.kdniao.settings import KdniaoSettings
from sandbox.post import Call, read_json

JsonObject = dict[str, Any]

DATA_TYPE: Final = "2"
FIELDS: Final = ("RequestData", "EBusinessID", "RequestType", "DataSign", "DataType")
TOO_OFTEN: Final = "[405]超过查询次数"
NO_TRACE: Final = "暂无轨迹信息"


class RefusedError(Exception):
    """A call that gets Success false and this Reason, which names fields and never their content."""

    def __init__(self, reason: str) -> None:
        """Keep the words."""
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class Asked:
    """A genuine call: its RequestType, and the object in RequestData."""

    request_type: str
    body: JsonObject


def data_sign(request_data: str, app_key: str) -> str:
    """Base64 of the 32 hexadecimal digits of MD5(RequestData + AppKey), before any URL encoding."""
    digest = hashlib.md5((request_data + app_key).encode(), usedforsecurity=False).hexdigest()
    return base64.b64encode(digest.encode()).decode()


def opened(call: Call, settings: KdniaoSettings, request_types: frozenset[str]) -> Asked:
    """What a call asks; RefusedError for one that is not genuine, or not for this door."""
    form = _form(call)
    for name in FIELDS:
        if not form.get(name):
            raise RefusedError(f"缺少参数：{name}")
    if not hmac.compare_digest(form["EBusinessID"].encode(), settings.e_business_id.encode()):
        raise RefusedError("EBusinessID不存在")
    if form["RequestType"] not in request_types:
        raise RefusedError("RequestType不支持")
    if form["DataType"] != DATA_TYPE:
        raise RefusedError("DataType应为2")
    _check_encoded_once(form)
    expected = data_sign(form["RequestData"], settings.app_key)
    if not hmac.compare_digest(form["DataSign"].encode(), expected.encode()):
        raise RefusedError("DataSign校验失败")
    return Asked(form["RequestType"], _object(form["RequestData"]))


def about(call: Call) -> str:
    """RequestType and waybill number: what a storm's draws are repeated by."""
    form = call.form()
    return f"{form['RequestType']}:{read_json(form['RequestData'])['LogisticCode']}"


def _form(call: Call) -> dict[str, str]:
    try:
        return call.form()
    except ValueError as error:
        raise RefusedError(f"请求格式错误：{error}") from error


def _check_encoded_once(form: dict[str, str]) -> None:
    """JSON begins with no percent sign and Base64 has none: whatever has one was encoded twice."""
    if form["RequestData"].lstrip().startswith("%"):
        raise RefusedError("RequestData被URL编码了两次")
    if "%" in form["DataSign"]:
        raise RefusedError("DataSign被URL编码了两次")


def _object(text: str) -> JsonObject:
    try:
        body = read_json(text)
    except ValueError as error:
        raise RefusedError("[401]RequestData格式错误") from error
    if not isinstance(body, dict):
        raise RefusedError("[401]RequestData格式错误")
    return body
