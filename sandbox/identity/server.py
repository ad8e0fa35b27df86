"""The service's doors: description, sign-in page, token, keys; and one for whoever practises: faults."""

import asyncio
import base64
import hashlib
import hmac
import html
import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus, urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.identity.keys import SigningKey, b64
from sandbox.identity.settings import FAULTS, IdentitySettings
from sandbox.identity.tokens import claims_of, id_token

PAGE = (
    "<!doctype html><html lang=zh-CN><meta charset=utf-8><title>统一身份认证（练习）</title><h1>您是哪一位？</h1>{}"
)
PERSON = "<form method=post action=/authorize>{}<button name=subject value='{}'>{}</button></form>"


@dataclass(frozen=True)
class Granted:
    """A code that was given out, and for what."""

    subject: str
    challenge: str
    nonce: str | None
    until: float


class Identity:
    """One service with its key and the codes that it gave."""

    def __init__(self, settings: IdentitySettings, issuer: str) -> None:
        self._settings = settings
        self._issuer = issuer
        self._key = SigningKey()
        self._codes: dict[str, Granted] = {}
        self._fault = ""

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._describe),
                Route("/authorize", self._ask),
                Route("/authorize", self._grant, methods=["POST"]),
                Route("/token", self._give, methods=["POST"]),
                Route("/keys", self._show_keys),
                Route("/faults", self._switch, methods=["POST"]),
                Route("/keys/rotate", self._rotate, methods=["POST"]),
            ]
        )

    def _describe(self, _request: Request) -> Response:
        scheme = "ftp" if self._fault == "plain_endpoint" else "http"
        token = f"{scheme}://{self._issuer.partition('://')[2]}/token"
        return JSONResponse(
            {
                "issuer": "https://elsewhere.example" if self._fault == "other_discovery" else self._issuer,
                "authorization_endpoint": f"{self._issuer}/authorize",
                "token_endpoint": token,
                "jwks_uri": f"{self._issuer}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    def _ask(self, request: Request) -> Response:
        """Who it is: a button for each of the people."""
        told = dict(request.query_params)
        if wrong := self._wrong_request(told):
            return HTMLResponse(html.escape(wrong), 400)
        hidden = "".join(
            f"<input type=hidden name='{html.escape(name)}' value='{html.escape(value)}'>"
            for name, value in told.items()
        )
        people = self._settings.people.items()
        return HTMLResponse(
            PAGE.format("".join(PERSON.format(hidden, html.escape(who), html.escape(name)) for who, name in people))
        )

    def _wrong_request(self, told: Mapping[str, str]) -> str:
        must = {
            "client_id": self._settings.client_id,
            "redirect_uri": self._settings.redirect_uri,
            "response_type": "code",
            "code_challenge_method": "S256",
        }
        wrong = [name for name, value in must.items() if told.get(name) != value]
        wrong += [name for name in ("state", "code_challenge") if len(told.get(name, "")) < 43]
        wrong += [] if "openid" in told.get("scope", "").split() else ["scope"]
        return f"invalid_request: {', '.join(wrong)}" if wrong else ""

    async def _grant(self, request: Request) -> Response:
        """The person pressed the button: back with a code."""
        told = {name: str(value) for name, value in (await request.form()).items()}
        if (wrong := self._wrong_request(told)) or told.get("subject") not in self._settings.people:
            return HTMLResponse(html.escape(wrong or "invalid_request: subject"), 400)
        state = secrets.token_urlsafe(48) if self._fault == "wrong_state" else told["state"]
        answer = {"state": state, "iss": self._issuer}
        if self._fault == "denied":
            answer["error"] = "access_denied"
        else:
            answer["code"] = code = secrets.token_urlsafe(24)
            until = time.monotonic() + self._settings.code_seconds
            self._codes[code] = Granted(told["subject"], told["code_challenge"], told.get("nonce"), until)
        if self._fault == "wrong_answerer":
            answer["iss"] = "https://elsewhere.example"
        if self._fault == "no_answerer":
            del answer["iss"]
        return RedirectResponse(f"{self._settings.redirect_uri}?{urlencode(answer)}", 303)

    async def _give(self, request: Request) -> Response:
        """A code becomes a token, once, for whoever asked for it."""
        told = {name: str(value) for name, value in (await request.form()).items()}
        if not self._is_client(request.headers.get("authorization", "")):
            return JSONResponse({"error": "invalid_client"}, 401)
        granted = self._codes.pop(told.get("code", ""), None)
        proof = b64(hashlib.sha256(told.get("code_verifier", "").encode()).digest())
        if (
            granted is None
            or time.monotonic() > granted.until
            or told.get("grant_type") != "authorization_code"
            or told.get("redirect_uri") != self._settings.redirect_uri
            or not hmac.compare_digest(proof, granted.challenge)
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return await self._answer(granted)

    async def _answer(self, granted: Granted) -> Response:
        match self._fault:
            case "hangs":
                await asyncio.sleep(self._settings.hang_seconds)
            case "garbage":
                return HTMLResponse("<h1>502 Bad Gateway</h1>")
            case "broken":
                return JSONResponse({"error": "server_error"}, 500)
        access = secrets.token_urlsafe(24)
        claims = claims_of(self._settings, self._issuer, granted.subject, granted.nonce, access)
        token = {"access_token": access, "token_type": "Bearer", "expires_in": self._settings.token_seconds}
        if self._fault != "no_token":
            token["id_token"] = id_token(self._settings, self._key, claims, self._fault)
        return JSONResponse(token, headers={"Cache-Control": "no-store"})

    def _is_client(self, header: str) -> bool:
        """RFC 6749 2.3.1."""
        try:
            told = base64.b64decode(header.removeprefix("Basic ")).decode()
        except ValueError:
            return False
        name, _, secret = (unquote_plus(part) if part != ":" else part for part in told.partition(":"))
        known = hmac.compare_digest(secret.encode(), self._settings.client_secret.encode())
        return name == self._settings.client_id and known

    def _show_keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [self._key.public()]})

    async def _switch(self, request: Request) -> Response:
        """From now on this goes wrong; empty: nothing does."""
        fault = (await request.json()).get("fault", "")
        if fault and fault not in FAULTS:
            return JSONResponse({"error": f"unknown fault; one of {', '.join(FAULTS)}"}, 400)
        self._fault = fault
        return JSONResponse({"fault": fault})

    def _rotate(self, _request: Request) -> Response:
        """Another key from now on, and the old one is not published any more."""
        self._key = SigningKey()
        return JSONResponse({"kid": self._key.kid})


def serve(settings: IdentitySettings) -> None:
    """Print the issuer once the door is open, and serve until SIGTERM or SIGINT."""
    with socket.create_server((settings.host, settings.port)) as door:
        issuer = f"http://{settings.host}:{door.getsockname()[1]}"
        application = Identity(settings, issuer).application()
        config = uvicorn.Config(application, access_log=False, log_level="warning", ws="none", lifespan="off")
        print(issuer, flush=True)
        uvicorn.Server(config).run(sockets=[door])
