"""What the identity service is told when it opens, and what can go wrong in it on purpose."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

FAULTS: Final[Mapping[str, str]] = {
    "wrong_nonce": "the token answers another question",
    "no_nonce": "the token answers none",
    "wrong_audience": "the token is for another client",
    "other_party": "the token is for several, and was given to another of them",
    "wrong_issuer": "the token names another service",
    "expired": "the token's time is over",
    "not_yet": "the token was issued in the future",
    "wrong_signature": "signed with a key that the service does not publish, under the name of one that it does",
    "changed_after": "the subject was changed after it was signed",
    "unknown_key": "signed with a key that nobody knows, under its own name",
    "unsigned": "alg none",
    "keyed_with_public": "HS256, keyed with the public key",
    "keyed_with_secret": "HS256, keyed with the client's secret",
    "wrong_access_hash": "the access token is not the one that the token speaks of",
    "no_subject": "nobody is named",
    "no_token": "an answer without a token",
    "denied": "the person refuses, or is refused",
    "wrong_state": "the browser comes back with another state",
    "wrong_answerer": "the browser comes back in the name of another service",
    "no_answerer": "the browser comes back in nobody's name, although the service says that it names itself",
    "other_discovery": "the service's description names another service",
    "plain_endpoint": "the service's description leads the client's secret to a scheme that is none",
    "garbage": "a page of a gateway instead of the token",
    "broken": "500 instead of the token",
    "hangs": "no answer within the client's patience",
}


@dataclass(frozen=True, kw_only=True)
class IdentitySettings:
    """One registered client, and the people who may sign in: subject and name.

    ``host`` and ``port`` (0 picks a free one) make the issuer; ``hang_seconds`` is how long `hangs` keeps silent.
    """

    host: str = "127.0.0.1"
    port: int = 0
    client_id: str
    client_secret: str
    redirect_uri: str
    people: Mapping[str, str] = field(default_factory=dict)
    hang_seconds: float = 5.0
    code_seconds: float = 60.0
    token_seconds: int = 300
