"""The form of every call to 丰桥, its three digests, and the two envelopes of an answer (CARRIERS §2.1–2.3). Pure."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

from cryptography.hazmat.primitives.hashes import SM3, Hash

from dispatch.accounts import SfAccount
from dispatch.carrier import (
    Answer,
    CarrierError,
    InDoubt,
    NoAnswer,
    Refused,
    Throttled,
    Unauthorised,
    Unavailable,
)
from dispatch.posts.reading import as_object, is_true, json_answer, text_of

ACCEPTED = "A1000"
SUCCESS = "S0000"
REFUSED = "A1001"
EXPIRED = "A1002"
UNAUTHORISED = frozenset({"A1003", "A1004", "A1006", "A1008", "A1010"})
THROTTLED = "A1005"
REPEATED = "A1007"
SICK = frozenset({"A1009", "A1099"})


def java_url_encode(text: str) -> str:
    """As `java.net.URLEncoder`: `*` stays and `~` does not, the other way round than Python has them."""
    return quote_plus(text, safe="*").replace("~", "%7E")


def digest(kind: str, msg_data: str, timestamp: str, checkword: str) -> str:
    """`msgDigest` over exactly the characters that are sent; which kind is set in SF's console."""
    text = msg_data + timestamp + checkword
    if kind == "sm3":
        sm3 = Hash(SM3())
        sm3.update(text.encode())
        return sm3.finalize().hex()
    if kind == "standard_md5":
        text = java_url_encode(text)
    return base64.b64encode(hashlib.md5(text.encode()).digest()).decode()  # noqa: S324 - the digest that SF prescribes


def form(account: SfAccount, service: str, msg_data: str, timestamp: str, request_id: str) -> bytes:
    """The body of a call."""
    fields = {
        "partnerID": account.partner_id,
        "requestID": request_id,
        "serviceCode": service,
        "timestamp": timestamp,
        "msgDigest": digest(account.digest, msg_data, timestamp, account.checkword.get_secret_value()),
        "msgData": msg_data,
    }
    return urlencode(fields).encode()


def as_text(body: Mapping[str, Any]) -> str:
    """`msgData`: serialised once, signed and sent as it is."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def opened(answer: Answer) -> dict[str, Any]:
    """The inner envelope: JSON text, occasionally an object. Raises what the gateway's code means."""
    said = json_answer(answer)
    code = text_of(said, "apiResultCode")
    if code != ACCEPTED:
        raise _gateway_error(code, f"{code} {text_of(said, 'apiErrorMsg')}".strip(), answer)
    inner = as_object(said.get("apiResultData"))
    if inner is None:
        raise InDoubt("顺丰已受理，但答复正文读不懂。")
    return inner


def _gateway_error(code: str, words: str, answer: Answer) -> CarrierError:
    if code == THROTTLED:
        return Throttled(f"顺丰要求放慢（{words}）。", answer.retry_after)
    if code == EXPIRED:
        return Unavailable(f"顺丰称请求已过时效（{words}），没有受理。请核对本机时钟。")
    if code in UNAUTHORISED:
        return Unauthorised(f"顺丰不认可本中心的账号（{words}）。请核对顾客编码、校验码、来源 IP 与接口权限。")
    if code == REFUSED:
        return Refused(words)
    if code in SICK:
        return NoAnswer(f"顺丰系统异常（{words}），不能确定是否已受理。")
    if code == REPEATED:
        return InDoubt(f"顺丰称这是重复请求（{words}），不能确定前一次的结果。")
    if not code:
        return NoAnswer("顺丰的答复不是约定的格式，不能确定是否已受理。")
    return InDoubt(f"顺丰答复“{words}”，不能确定是否已受理。")


def succeeded(inner: Mapping[str, Any]) -> bool:
    """Both marks of §0: `success`, and no other code than S0000 (cloud print may leave the code out)."""
    return is_true(inner.get("success")) and code_of(inner) in {"", SUCCESS}


def code_of(inner: Mapping[str, Any]) -> str:
    """The business code."""
    return text_of(inner, "errorCode")


def words_of(inner: Mapping[str, Any]) -> str:
    """The business code and SF's own words, which cloud print calls `errorMessage`."""
    words = text_of(inner, "errorMsg") or text_of(inner, "errorMessage")
    return f"{code_of(inner)} {words}".strip()


def failure(inner: Mapping[str, Any], account: SfAccount, what: str) -> CarrierError:
    """What a failed call means: refused where the code is surely a refusal, doubt about `what` otherwise."""
    if code_of(inner) in account.refused_codes:
        return Refused(words_of(inner))
    return InDoubt(f"顺丰答复“{words_of(inner)}”，不能确定{what}。")


def message_of(inner: Mapping[str, Any]) -> dict[str, Any]:
    """`msgData` of an answer. Raises InDoubt where it is no object."""
    told = as_object(inner.get("msgData"))
    if told is None:
        raise InDoubt("顺丰报成功，但答复正文读不懂。")
    return told
