"""The service's signing key, and what it signs (RFC 7515, 7517): written out, no library between."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BITS = 2048


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _part(told: Mapping[str, Any]) -> str:
    return b64(json.dumps(told, separators=(",", ":")).encode())


class SigningKey:
    """One RSA key with its name."""

    def __init__(self) -> None:
        self.kid = secrets.token_hex(4)
        self._key: RSAPrivateKey = generate_private_key(65537, BITS)

    def public(self) -> dict[str, str]:
        """As a JWK."""
        numbers = self._key.public_key().public_numbers()
        modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
        exponent = numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big")
        told = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid}
        return {**told, "n": b64(modulus), "e": b64(exponent)}

    def public_pem(self) -> bytes:
        """What a careless client would take for a shared secret."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, claims: Mapping[str, Any], kid: str = "") -> str:
        """An RS256 token; `kid`: under another key's name."""
        signed = f"{_part({'alg': 'RS256', 'typ': 'JWT', 'kid': kid or self.kid})}.{_part(claims)}"
        return f"{signed}.{b64(self._key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def keyed(claims: Mapping[str, Any], secret: bytes, kid: str) -> str:
    """HS256: whoever has the secret can write it."""
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{_part(claims)}"
    return f"{signed}.{b64(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def unsigned(claims: Mapping[str, Any], kid: str) -> str:
    """Alg none: anybody can write it."""
    return f"{_part({'alg': 'none', 'typ': 'JWT', 'kid': kid})}.{_part(claims)}."


def changed(token: str, **claims: object) -> str:
    """The same signature over other claims."""
    header, body, signature = token.split(".")
    told = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return f"{header}.{_part({**told, **claims})}.{signature}"


def left_half(text: str) -> str:
    """`at_hash` of an access token under RS256 (OpenID Connect Core 1.0, 3.1.3.6)."""
    return b64(hashlib.sha256(text.encode()).digest()[:16])
