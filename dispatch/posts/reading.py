"""What every adapter reads alike: an answer's status, JSON that may be text in text, forms, fields of any kind."""

import hmac
import ipaddress
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from pydantic import SecretStr

from dispatch.accounts import Account
from dispatch.carrier import Answer, InDoubt, Knock, NoAnswer, NotVouched, Throttled, Unauthorised

FORM = "application/x-www-form-urlencoded; charset=UTF-8"
FIELDS_MOST = 32


def check_status(answer: Answer) -> None:
    """Anything but 200. Raises Throttled, Unauthorised, NoAnswer (a proxy's error page says nothing certain)."""
    if answer.status == 429:
        raise Throttled("寄递企业要求放慢（HTTP 429）。", answer.retry_after)
    if answer.status in {401, 403}:
        raise Unauthorised(f"寄递企业不认可本中心的账号（HTTP {answer.status}）。请核对账号与密钥。")
    if answer.status != 200:
        told = answer.retry_after if answer.status == 503 else None
        raise NoAnswer(f"寄递企业答复 HTTP {answer.status}，不能确定是否已受理。", told)


def json_answer(answer: Answer) -> dict[str, Any]:
    """The JSON object that a good answer is. Raises what `check_status` does, and NoAnswer for anything else."""
    check_status(answer)
    said = as_object(answer.text)
    if said is None:
        raise NoAnswer("寄递企业的答复不是约定的格式，不能确定是否已受理。")
    return said


def as_object(value: object) -> dict[str, Any] | None:
    """A JSON object, or the text of one; None for anything else."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list; nothing where it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def listed(value: object, words: str) -> list[dict[str, Any]]:
    """The objects of what must be a list. Raises InDoubt: what cannot be read is not «nothing yet»."""
    found = objects(value)
    if not isinstance(value, list) or (value and not found):
        raise InDoubt(words)
    return found


def text_of(item: Mapping[str, Any], key: str) -> str:
    """A field as stripped text: carriers write numbers as strings and strings as numbers (CARRIERS §0.7)."""
    value = item.get(key)
    if isinstance(value, str):  # nearly always, and every push is asked for several
        return storable(value).strip()
    return "" if value is None or isinstance(value, dict | list) else storable(str(value)).strip()


def storable(text: str) -> str:
    """Without what no database column holds: NUL, and halves of surrogate pairs, which JSON can smuggle in."""
    plain = text.replace("\0", "")
    return plain if plain.isascii() else plain.encode(errors="ignore").decode()


def is_true(value: object) -> bool:
    """`true`, or the text of it."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def form_of(raw: bytes) -> dict[str, str]:
    """The fields of a form, decoded once. Raises NotVouched where it is none, or names a field twice."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MOST)
    except ValueError as error:
        raise NotVouched("报文不是表单") from error
    if len(fields := dict(pairs)) != len(pairs):
        raise NotVouched("表单的字段重复")
    return fields


def known_by_place(account: Account, knock: Knock) -> bool:
    """A push that nobody signs: by the secret part of its address, or by where it comes from; one that is set."""
    secrets = secrets_set((account.push_secret, *account.retired_push_secrets))
    if any([same(secret, knock.secret) for secret in secrets]):  # noqa: C419 - all are compared, whichever it is
        return True
    try:
        source = ipaddress.ip_address(knock.source)
    except ValueError:
        return False
    plain = getattr(source, "ipv4_mapped", None) or source  # a socket for both families tells IPv4 as ::ffff:…
    networks = [ipaddress.ip_network(str(network)) for network in account.push_sources]
    return any(source in network or plain in network for network in networks)


def secrets_set(secrets: Iterable[SecretStr]) -> list[str]:
    """Those that are set, the present one before the retired: anybody can sign with an empty one."""
    return [value for one in secrets if (value := one.get_secret_value())]


def same(one: str, other: str) -> bool:
    """Equal, in a time that tells nothing."""
    return hmac.compare_digest(one.encode(), other.encode())
