"""The port to an identity service: it says who somebody is, and we decide whether that is one of ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from dispatch.errors import NotAllowedError

CALLBACK = "/console/sso/back"
"""Where the browser comes back to; registered at the service as an address of ours."""


class IdentityError(NotAllowedError):
    """The service did not answer, or what it answered does not prove who somebody is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser was sent off with: without it, an answer that comes back proves nothing."""

    url: str
    state: str
    nonce: str
    verifier: str


class IdentityService(Protocol):
    """Somebody's word for who sits at a browser."""

    @property
    def title(self) -> str:
        """Its name on the button."""

    def ask(self) -> Asked:
        """Where to send the browser. Raises IdentityError."""

    def told(self, asked: Asked, answer: Mapping[str, str]) -> str:
        """The subject that the answer which came back proves. Raises IdentityError."""
