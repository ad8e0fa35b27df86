"""The ID token: who signed it, for whom, when, and in answer to which question (OpenID Connect Core 1.0, 3.1.3.7)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from dispatch.identity import IdentityError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signed with a key that only the service has: never `none`, never one keyed with a secret that we share."""
SUBJECT = re.compile(r"[!-~]{1,255}")
NOT_PROVED = "统一身份认证的答复通不过核验（{}），没有登录。请重试；再不行，请用登录名和密码登录，并告诉管理员。"


@dataclass(frozen=True, slots=True)
class Expected:
    """What must stand in the token."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str | None
    now: datetime
    leeway_seconds: int


def read_subject(token: str, keys: Mapping[str, Any], expected: Expected) -> str:
    """The subject of a token that holds in every respect. Raises IdentityError, which names no value of it."""
    try:
        opened = jwt.decode(token, KeySet.import_key_set(dict(keys)), algorithms=ALGORITHMS)  # type: ignore[arg-type]
        _check(opened.claims, opened.header, expected)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        kind = getattr(error, "error", "") or type(error).__name__
        raise IdentityError(NOT_PROVED.format(kind)) from None
    subject = opened.claims["sub"]
    if not isinstance(subject, str) or not SUBJECT.fullmatch(subject):
        raise IdentityError(NOT_PROVED.format("sub"))
    return subject


def _check(claims: dict[str, Any], header: dict[str, Any], expected: Expected) -> None:
    must = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
        "nonce": {"essential": True, "value": expected.nonce},
        "sub": {"essential": True},
        "exp": {"essential": True},
        "iat": {"essential": True},
    }
    params = {"nonce": expected.nonce, "client_id": expected.client_id, "access_token": expected.access_token}
    token = CodeIDToken(claims, header, options=must, params=params)
    token.validate(now=int(expected.now.timestamp()), leeway=expected.leeway_seconds)
