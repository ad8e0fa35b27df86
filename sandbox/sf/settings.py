"""What the SF sandbox post is told when it opens."""

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from sandbox.post import PostSettings
from sandbox.sf.digest import Digest

AbsentCode = Literal["8018", "8024", "6150"]

LONGEST_PARTNER_ID = 64


@dataclass(frozen=True, kw_only=True)
class SfSettings(PostSettings):
    """The 丰桥 application beside the settings of every post.

    ``digest`` is the one of the three ways to sign that the console has set. ``monthly_card`` is the only 月结卡号
    that is known here. ``absent_code`` is the business code of an order that is not found. For
    ``settling_seconds`` a fresh order is not found by EXP_RECE_SEARCH_ORDER_RESP; after ``confirming_seconds``
    an order with filterResult 1 has its number, told by an order-state push where ``order_state_push`` is set.
    ``timestamp_seconds`` is how old or new a call's timestamp may be, 0 = whatever.

    The rest is how things are written: ``result_as_object`` (apiResultData), ``loose_types`` (``"true"`` and
    ``"2"`` for true and 2), ``newest_first`` (routes), ``push_form`` (route pushes as form with XML), and
    ``return_with_order`` (whether pushes of a returned parcel's new number carry our order number).
    """

    partner_id: str
    checkword: str = field(repr=False)
    digest: Digest = "standard_md5"
    monthly_card: str = "7551234567"
    absent_code: AbsentCode = "8018"
    settling_seconds: float = 0.0
    confirming_seconds: float = 3.0
    order_state_push: bool = False
    timestamp_seconds: float = 0.0
    result_as_object: bool = False
    loose_types: bool = False
    newest_first: bool = False
    push_form: bool = False
    return_with_order: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        super().__post_init__()
        if not (self.push_url and self.checkword and 0 < len(self.partner_id) <= LONGEST_PARTNER_ID):
            raise ValueError("push_url, checkword and partner_id (at most 64 characters) are required")
        for name, values in (("digest", get_args(Digest)), ("absent_code", get_args(AbsentCode))):
            if getattr(self, name) not in values:
                raise ValueError(f"{name} must be one of {values}")
        for name in ("settling_seconds", "confirming_seconds", "timestamp_seconds"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be finite and not below 0")

    def secret(self) -> str:
        """The checkword."""
        return self.checkword
