"""`sign` of Kuaidi100 (CARRIERS §4.1, §4.3): the upper-case hex MD5 of texts set end to end. Pure."""

import hashlib


def sign(param: str, *secrets: str) -> str:
    """Of a query: param, key, customer. Of a push: param, salt. Over the exact text that is sent."""
    digest = hashlib.md5("".join((param, *secrets)).encode(), usedforsecurity=False)  # what Kuaidi100 prescribes
    return digest.hexdigest().upper()
