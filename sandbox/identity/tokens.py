"""The ID token that the service gives, right or wrong as the fault says."""

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.identity.keys import SigningKey, changed, keyed, left_half, unsigned
from sandbox.identity.settings import IdentitySettings

Claims = dict[str, Any]
HOUR = 3600


def _without(name: str) -> Callable[[Claims], Claims]:
    return lambda claims: {key: value for key, value in claims.items() if key != name}


WRONG_CLAIMS: Mapping[str, Callable[[Claims], Claims]] = {
    "wrong_nonce": lambda claims: {**claims, "nonce": secrets.token_hex(8)},
    "no_nonce": _without("nonce"),
    "wrong_audience": lambda claims: {**claims, "aud": "another-client"},
    "other_party": lambda claims: {**claims, "aud": [claims["aud"], "another-client"], "azp": "another-client"},
    "wrong_issuer": lambda claims: {**claims, "iss": "https://elsewhere.example"},
    "expired": lambda claims: {**claims, "iat": claims["iat"] - HOUR, "exp": claims["exp"] - HOUR},
    "not_yet": lambda claims: {**claims, "iat": claims["iat"] + HOUR, "exp": claims["exp"] + HOUR},
    "wrong_access_hash": lambda claims: {**claims, "at_hash": left_half("another")},
    "no_subject": _without("sub"),
}


def id_token(settings: IdentitySettings, key: SigningKey, claims: Claims, fault: str) -> str:
    """A token with these claims, spoiled by the fault."""
    told = WRONG_CLAIMS[fault](claims) if fault in WRONG_CLAIMS else claims
    match fault:
        case "wrong_signature":
            return SigningKey().sign(told, key.kid)
        case "unknown_key":
            return SigningKey().sign(told)
        case "changed_after":
            return changed(key.sign(told), sub="somebody-else")
        case "unsigned":
            return unsigned(told, key.kid)
        case "keyed_with_public":
            return keyed(told, key.public_pem(), key.kid)
        case "keyed_with_secret":
            return keyed(told, settings.client_secret.encode(), key.kid)
        case _:
            return key.sign(told)


def claims_of(settings: IdentitySettings, issuer: str, subject: str, nonce: str | None, access: str) -> Claims:
    """What a right token says."""
    now = int(time.time())
    told = {"iss": issuer, "sub": subject, "aud": settings.client_id, "iat": now, "exp": now + settings.token_seconds}
    return {**told, "at_hash": left_half(access), **({"nonce": nonce} if nonce is not None else {})}
