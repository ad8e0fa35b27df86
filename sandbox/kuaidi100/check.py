"""Is this a genuine, proper query or subscription? (CARRIERS §4.1, §4.2)

The meaning of the codes is published, the words are the sandbox's own, and so is which code a bad field of a
subscription gets: 700, which like every other but 500 says that repeating it is of no use (unconfirmed).
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from sandbox.kuaidi100.scenarios import is_number
from sandbox.kuaidi100.settings import Kuaidi100Settings
from sandbox.post import Call, read_json

JsonObject = dict[str, Any]

_PHONE: Final = re.compile(r"\+?[0-9][0-9-]{3,19}", re.ASCII)
DETAILS: Final = ("0", "1", "4", "8")  # resultv2


class RefusedError(Exception):
    """A call that gets ``{"result": false, "returnCode", "message"}``."""

    def __init__(self, code: str, words: str) -> None:
        """Keep both."""
        super().__init__(f"{code} {words}")
        self.code, self.words = code, words


@dataclass(frozen=True)
class Question:
    """An instant query. The phone is looked at and not kept."""

    company: str
    number: str
    detail: str
    oldest_first: bool


@dataclass(frozen=True)
class Subscription:
    """What a subscription asks for."""

    company: str
    number: str
    detail: str
    callback_url: str
    salt: str
    auto_com: bool


def signature(*parts: str) -> str:
    """Upper hexadecimal MD5 of the parts put together."""
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest().upper()


def question(call: Call, settings: Kuaidi100Settings) -> Question:
    """The query of a call, genuine and complete."""
    form = _form(call, "400")
    for name in ("customer", "sign", "param"):
        if not form.get(name):
            raise RefusedError("400", f"提交的数据不完整：{name}")
    _check_sign(form, settings)
    param = _object(form["param"], "400")
    company, number = _parcel(param, "com", "num", settings, "400")
    _check_phone(param, company, settings)
    if _text(param, "show", "400") not in {"", "0"}:
        raise RefusedError("400", "沙箱只有json：show")
    order = _text(param, "order", "400") or "desc"
    if order not in {"desc", "asc"}:
        raise RefusedError("400", "提交的数据不正确：order")
    return Question(company, number, _detail(param, "400"), order == "asc")


def subscription(call: Call, settings: Kuaidi100Settings) -> Subscription:
    """The subscription of a call, whose key is known and whose fields are complete."""
    form = _form(call, "700")
    if form.get("schema") != "json":
        raise RefusedError("700", "schema应为json")
    param = _object(form.get("param", ""), "700")
    _check_key(_text(param, "key", "600"), settings)
    company, number = _parcel(param, "company", "number", settings, "700")
    parameters = param.get("parameters")
    if not isinstance(parameters, dict):
        raise RefusedError("700", "提交的数据不完整：parameters")
    _check_phone(parameters, company, settings)
    url = _text(parameters, "callbackurl", "700")
    if not _is_web_address(url):
        raise RefusedError("700", "提交的数据不正确：callbackurl")
    salt, auto_com = (_text(parameters, name, "700") for name in ("salt", "autoCom"))
    return Subscription(company, number, _detail(parameters, "700"), url, salt, auto_com == "1")


def _check_sign(form: dict[str, str], settings: Kuaidi100Settings) -> None:
    given = form["sign"].encode()
    if settings.expired_key:
        expired = signature(form["param"], settings.expired_key, settings.customer)
        if hmac.compare_digest(given, expired.encode()):
            raise RefusedError("601", "key已过期或余额不足")
    expected = signature(form["param"], settings.key, settings.customer)
    if form["customer"] != settings.customer or not hmac.compare_digest(given, expected.encode()):
        raise RefusedError("503", "验证签名失败")


def _check_key(given: str, settings: Kuaidi100Settings) -> None:
    """600 and 601 are both about the key; which of them is for what is not published (unconfirmed)."""
    if not given:
        raise RefusedError("600", "缺少key")
    if settings.expired_key and hmac.compare_digest(given.encode(), settings.expired_key.encode()):
        raise RefusedError("601", "key已过期或余额不足")
    if not hmac.compare_digest(given.encode(), settings.key.encode()):
        raise RefusedError("601", "key不正确")


def _parcel(param: JsonObject, com: str, num: str, settings: Kuaidi100Settings, code: str) -> tuple[str, str]:
    """Company and number, each of which may be missing, misshapen or unknown."""
    company, number = _text(param, com, code), _text(param, num, code)
    if not is_number(number):
        raise RefusedError(code, f"提交的数据不正确：{num}")
    if company not in settings.companies:
        raise RefusedError(code, f"不支持的快递公司：{com}")
    return company, number


def _check_phone(param: JsonObject, company: str, settings: Kuaidi100Settings) -> None:
    """Four digits or more where the company wants them; whose they are is not known here."""
    if company in settings.phone_companies and not _PHONE.fullmatch(_text(param, "phone", "408")):
        raise RefusedError("408", "电话号码校验失败：phone")


def _detail(param: JsonObject, code: str) -> str:
    value = param.get("resultv2")
    detail = "0" if value in (None, "") else str(value)
    if detail not in DETAILS:
        raise RefusedError(code, "提交的数据不正确：resultv2")
    return detail


def _form(call: Call, code: str) -> dict[str, str]:
    try:
        return call.form()
    except ValueError as error:
        raise RefusedError(code, f"请求格式错误：{error}") from error


def _object(text: str, code: str) -> JsonObject:
    try:
        body = read_json(text)
    except ValueError as error:
        raise RefusedError(code, "param不是JSON") from error
    if not isinstance(body, dict):
        raise RefusedError(code, "param不是JSON对象")
    return body


def _text(param: JsonObject, name: str, code: str) -> str:
    value = param.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RefusedError(code, f"提交的数据不正确：{name}")
    return value


def _is_web_address(text: str) -> bool:
    try:
        address = urlsplit(text)
        _ = address.port
    except ValueError:
        return False
    return address.scheme in {"http", "https"} and bool(address.hostname)
