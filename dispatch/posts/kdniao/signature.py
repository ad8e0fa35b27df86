"""DataSign (CARRIERS §3.2): Base64 of the hex MD5 of RequestData and AppKey. Pure."""

import base64
import hashlib


def data_sign(request_data: str, app_key: str) -> str:
    """44 characters, over the exact text that is sent: before it is URL-encoded, and nothing is encoded twice."""
    digest = hashlib.md5((request_data + app_key).encode(), usedforsecurity=False)  # what Kdniao prescribes
    return base64.b64encode(digest.hexdigest().encode()).decode()
