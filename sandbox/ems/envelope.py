"""The EMS envelope: SM4 seal, response, refusals, Beijing time (CARRIERS §1.1-1.3)."""

import base64
import json
import uuid
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

BEIJING = ZoneInfo("Asia/Shanghai")
MARK = "|$4|"
SUCCESS = "00000"
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"

JsonObject = dict[str, Any]


class Refusal(Enum):
    """Why a call is refused: (retCode, retMsg).

    Only 00000 is published (CARRIERS §10.2). These codes are the sandbox's own, unconfirmed, and begin with
    SBX so that nobody takes them for real ones; only the words 查无邮件信息 are reported from practice.
    """

    SENDER = ("SBX101", "协议客户号不存在或未开通")
    AUTHORIZATION = ("SBX102", "授权码错误")
    ENVELOPE = ("SBX103", "公共参数缺失或格式错误")
    CIPHER = ("SBX104", "报文解密失败")
    KEY_TEXT = ("SBX105", "报文尾部签名钥匙不符")
    BODY = ("SBX106", "报文不是合法的JSON")
    API_CODE = ("SBX107", "接口未开通")
    MISSING = ("SBX201", "必填字段为空")
    VALUE = ("SBX202", "字段取值无效")
    UNSUPPORTED = ("SBX203", "沙箱不支持该业务")
    DUPLICATE = ("SBX211", "订单号重复，请勿重复下单")
    OTHER_CONTENT = ("SBX212", "订单号已存在且内容不一致")
    NO_TRACE = ("SBX301", "查无邮件信息")


class RefusedError(Exception):
    """A call that gets a retCode other than 00000; ``detail`` names the field, never its content."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        """Keep the code and put the words together."""
        self.code, words = refusal.value
        self.words = f"{words}：{detail}" if detail else words
        super().__init__(f"{self.code} {self.words}")


def seal(text: str, sk: str) -> str:
    """Encrypt text with SM4-ECB-PKCS7 under the Base64 key text; gives ``|$4|`` + Base64 (CARRIERS §1.2).

    A request carries its JSON with the key text appended (``seal(json + sk, sk)``), a push does not (§1.7).
    ECB is what the protocol prescribes.
    """
    padder = PKCS7(128).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    encryptor = _cipher(sk).encryptor()
    return MARK + base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def unseal(sealed: str, sk: str) -> str:
    """Decrypt what ``seal`` made; RefusedError(CIPHER) for anything that does not open."""
    if not sealed.startswith(MARK):
        raise RefusedError(Refusal.CIPHER, "缺少|$4|标识")
    try:
        decryptor = _cipher(sk).decryptor()
        raw = base64.b64decode(sealed.removeprefix(MARK), validate=True)
        padded = decryptor.update(raw) + decryptor.finalize()
        unpadder = PKCS7(128).unpadder()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except ValueError as error:  # bad Base64, block length, padding or UTF-8
        raise RefusedError(Refusal.CIPHER) from error


def open_request(sealed: str, sk: str) -> Any:
    """Decrypt a request, check that it ends with the key text, and parse the JSON before it."""
    text = unseal(sealed, sk)
    if not text.endswith(sk):
        raise RefusedError(Refusal.KEY_TEXT)
    try:
        body = json.loads(text.removesuffix(sk), parse_constant=_no_constant)
        canonical(body).encode()  # a lone surrogate could be neither stored nor sent
    except (ValueError, RecursionError) as error:
        raise RefusedError(Refusal.BODY) from error
    return body


def canonical(body: Any) -> str:
    """One text for one JSON value, whatever the order of its keys."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def success(body: JsonObject) -> JsonObject:
    """Response envelope of CARRIERS §1.3; retBody is JSON *text*, not an object."""
    return _envelope(SUCCESS, "成功", json.dumps(body, ensure_ascii=False), good=True)


def refusal(error: RefusedError) -> JsonObject:
    """Response envelope of a refused call; retBody stays empty."""
    return _envelope(error.code, error.words, "", good=False)


def now_ms() -> int:
    """Wall clock in whole milliseconds since 1970."""
    return int(datetime.now(UTC).timestamp() * 1000)


def beijing(epoch_ms: int) -> str:
    """``yyyy-MM-dd HH:mm:ss`` in Beijing time, the fraction of a second cut off."""
    return datetime.fromtimestamp(epoch_ms // 1000, BEIJING).strftime(TIME_FORMAT)


def _cipher(sk: str) -> Cipher[modes.ECB]:
    return Cipher(algorithms.SM4(base64.b64decode(sk)), modes.ECB())  # noqa: S305 - prescribed


def _envelope(code: str, words: str, body: str, *, good: bool) -> JsonObject:
    return {
        "serialNo": uuid.uuid4().hex,
        "retCode": code,
        "retMsg": words,
        "retBody": body,
        "retDate": beijing(now_ms()),
        "success": good,
    }


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
