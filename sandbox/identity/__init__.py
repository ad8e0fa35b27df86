"""An identity service to practise on: OpenID Connect, spoken by a real server, with faults on demand.

Written from OpenID Connect Core 1.0, Discovery 1.0, RFC 6749, 7636 and 9207 alone, and signed with `cryptography`
by itself, so that a misreading in the product, or in a library that it uses, is not repeated here.
"""

from sandbox.identity.server import serve
from sandbox.identity.settings import FAULTS, IdentitySettings

__all__ = ["FAULTS", "IdentitySettings", "serve"]
