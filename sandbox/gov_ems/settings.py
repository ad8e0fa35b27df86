"""What the sandbox post of the county-to-post interface is told when it opens."""

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from sandbox.post import PostSettings

DES_KEY_BYTES = 8

Statuses = Literal["all", "latest"]
UnknownOrder = Literal["empty", "error"]


@dataclass(frozen=True, kw_only=True)
class GovEmsSettings(PostSettings):
    """What the county and the post have agreed upon, and switches for what is not published (unconfirmed).

    ``des_key`` has eight bytes as UTF-8. ``delivered_letter`` stands for 收件人已签收: no dictionary found has it, C
    and G are guesses. ``statuses``: a query tells all that happened, or only the latest. ``number_after_seconds``:
    so long after the order its MAIL_NUM is still empty. ``unknown_order``: a query for an envelope that is not
    known gets no LogisInfo, or Rtn_Code 4.
    """

    des_key: str = field(repr=False)
    centre_code: str
    delivered_letter: str = "C"
    statuses: Statuses = "all"
    number_after_seconds: float = 3.0
    unknown_order: UnknownOrder = "empty"

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        super().__post_init__()
        if len(self.des_key.encode()) != DES_KEY_BYTES:
            raise ValueError(f"des_key must have {DES_KEY_BYTES} bytes")
        if not (self.centre_code and self.delivered_letter):
            raise ValueError("centre_code and delivered_letter are required")
        if self.statuses not in get_args(Statuses) or self.unknown_order not in get_args(UnknownOrder):
            raise ValueError("statuses must be all or latest, unknown_order empty or error")
        if not (math.isfinite(self.number_after_seconds) and self.number_after_seconds >= 0):
            raise ValueError("number_after_seconds must not be below 0")
        if self.push_url:
            raise ValueError("this interface pushes nothing: leave push_url empty")

    def secret(self) -> str:
        """The agreed key."""
        return self.des_key
