"""The EMS envelope: SM4 seal, response, refusals, Beijing time (CARRIERS §1.1-1.3)."""

import base64
import json
import uuid
from enum import Enum
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from sandbox.post import beijing, now_ms, read_json

MARK = "|$4|"
SUCCESS = "00000"

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
    UNKNOWN_ORDER = ("SBX221", "订单不存在")
    COLLECTED = ("SBX222", "已收寄，不能撤单")
    CANCELLED = ("SBX223", "订单已撤销")
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
        return read_json(text.removesuffix(sk))
    except ValueError as error:
        raise RefusedError(Refusal.BODY) from error


def object_in(body: Any) -> JsonObject:
    """The body of every interface but 020003 is one object; RefusedError(BODY) otherwise."""
    if not isinstance(body, dict):
        raise RefusedError(Refusal.BODY, "应为对象")
    return body


def success(body: JsonObject | str) -> JsonObject:
    """Response envelope of CARRIERS §1.3; retBody is JSON *text*, not an object, or a label's URL or Base64."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return _envelope(SUCCESS, "成功", text, good=True)


def refusal(error: RefusedError) -> JsonObject:
    """Response envelope of a refused call; retBody stays empty."""
    return _envelope(error.code, error.words, "", good=False)


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
