"""What the EMS sandbox post is told when it opens."""

import base64
import binascii
from dataclasses import dataclass, field

from sandbox.post import PostSettings

SM4_KEY_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class EmsSettings(PostSettings):
    """The EMS account beside the settings of every post.

    ``sk`` is the 签名钥匙, Base64 of 16 bytes (CARRIERS §1.2); ``old_sk`` the one before, which the fault
    ``old_signature`` seals with (empty: there was none, and that fault does nothing). ``push_detail``: pushes
    carry 妥投代码 and 未妥投代码; whether the real ones ever do is unconfirmed.
    """

    sender_no: str
    authorization: str = field(repr=False)
    sk: str = field(repr=False)
    old_sk: str = field(default="", repr=False)
    push_detail: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        super().__post_init__()
        if not self.push_url:
            raise ValueError("push_url is required")
        if not (self.sender_no and self.authorization and _is_sm4_key(self.sk)):
            raise ValueError("sender_no, authorization and sk (Base64 of 16 bytes) are required")
        if self.old_sk and not _is_sm4_key(self.old_sk):
            raise ValueError("old_sk must be Base64 of 16 bytes")

    def secret(self) -> str:
        """The 签名钥匙."""
        return self.sk


def _is_sm4_key(sk: str) -> bool:
    try:
        return len(base64.b64decode(sk, validate=True)) == SM4_KEY_BYTES
    except (binascii.Error, ValueError):
        return False
