"""The authorization code flow with PKCE, state and nonce (OpenID Connect Core 1.0; RFC 6749, 7636, 8414, 9207).

Everything the service publishes about itself is read anew for each sign-in: keys that it changed are known at once,
and three small calls a sign-in cost nobody anything.
"""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from hmac import compare_digest
from typing import Any
from urllib.parse import quote_plus, urlsplit

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from dispatch.accounts import OidcClient
from dispatch.carrier import CarrierError, Line, Request
from dispatch.identity import Asked, IdentityError
from dispatch.oidc.id_token import NOT_PROVED, Expected, read_subject

FORM = "application/x-www-form-urlencoded"
DISCOVERY = "/.well-known/openid-configuration"
AWAY = "统一身份认证暂时没有答复。请稍后再试，或用登录名和密码登录。"
TURNED_AWAY = "统一身份认证没有放行。请重试；再不行，请用登录名和密码登录。"


class Oidc:
    """One identity service, and we as its client."""

    def __init__(self, client: OidcClient, callback: str, line: Line, now: Callable[[], datetime]) -> None:
        self._client = client
        self._callback = callback
        self._line = line
        self._now = now

    @property
    def title(self) -> str:
        """Its name on the button."""
        return self._client.title

    def ask(self) -> Asked:
        """Where to send the browser. Raises IdentityError."""
        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        url = prepare_grant_uri(
            self._endpoint(self._discover(), "authorization_endpoint"),
            self._client.client_id,
            "code",
            redirect_uri=self._callback,
            scope="openid",
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return Asked(url, state, nonce, verifier)

    def told(self, asked: Asked, answer: Mapping[str, str]) -> str:
        """The subject. Raises IdentityError."""
        if not compare_digest(answer.get("state", "").encode(), asked.state.encode()):
            raise IdentityError(NOT_PROVED.format("state"))
        if "error" in answer or not answer.get("code"):
            raise IdentityError(TURNED_AWAY)
        service = self._discover()
        self._check_issuer(service, answer)
        tokens = self._exchange(service, answer["code"], asked.verifier)
        keys = self._json(Request(self._endpoint(service, "jwks_uri"), method="GET"))
        access = tokens.get("access_token")
        expected = Expected(
            issuer=self._client.issuer,
            client_id=self._client.client_id,
            nonce=asked.nonce,
            access_token=access if isinstance(access, str) else None,
            now=self._now(),
            leeway_seconds=self._client.leeway_seconds,
        )
        return read_subject(str(tokens.get("id_token", "")), keys, expected)

    def _check_issuer(self, service: Mapping[str, Any], answer: Mapping[str, str]) -> None:
        """Who sent the browser back, where the service says so (RFC 9207): nobody's answer is taken for another's."""
        must = service.get("authorization_response_iss_parameter_supported") is True
        told = answer.get("iss")
        if (told is None and must) or (told is not None and told != self._client.issuer):
            raise IdentityError(NOT_PROVED.format("iss"))

    def _discover(self) -> Mapping[str, Any]:
        service = self._json(Request(self._client.issuer.rstrip("/") + DISCOVERY, method="GET"))
        if service.get("issuer") != self._client.issuer:
            raise IdentityError(NOT_PROVED.format("issuer"))
        return service

    def _endpoint(self, service: Mapping[str, Any], name: str) -> str:
        """An address that the service names: never less safe than its own."""
        url = service.get(name)
        if not isinstance(url, str) or urlsplit(url).scheme not in {"https", urlsplit(self._client.issuer).scheme}:
            raise IdentityError(NOT_PROVED.format(name))
        return url

    def _exchange(self, service: Mapping[str, Any], code: str, verifier: str) -> Mapping[str, Any]:
        secret = self._client.client_secret.get_secret_value()
        known = service.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        basic = bool(secret) and "client_secret_basic" in known
        ours = {} if basic else {"client_id": self._client.client_id, "client_secret": secret}
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self._callback, code_verifier=verifier, **ours
        )
        headers = {"Authorization": self._basic(secret)} if basic else {}
        return self._json(Request(self._endpoint(service, "token_endpoint"), body.encode(), FORM, headers))

    def _basic(self, secret: str) -> str:
        """RFC 6749 2.3.1: both are encoded as in a form first."""
        pair = f"{quote_plus(self._client.client_id)}:{quote_plus(secret)}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def _json(self, request: Request) -> Mapping[str, Any]:
        """The object that answers. Raises IdentityError."""
        try:
            answer = self._line.speak(request)
        except CarrierError:
            raise IdentityError(AWAY) from None
        try:
            told = json.loads(answer.raw)
        except ValueError:
            told = None
        if answer.status != 200 or not isinstance(told, dict):
            raise IdentityError(TURNED_AWAY if answer.status in {400, 401} else AWAY)
        return told
