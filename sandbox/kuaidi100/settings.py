"""What the Kuaidi100 sandbox is told when it opens."""

import math
from dataclasses import dataclass, field
from typing import Final

from sandbox.post import PostSettings

COMPANIES: Final = (
    *("ems", "youzhengguonei", "youzhengbk", "youzhengdsbk", "shunfeng", "zhongtong", "yuantong", "shentong"),
    *("yunda", "jtexpress", "jd"),
)


@dataclass(frozen=True, kw_only=True)
class Kuaidi100Settings(PostSettings):
    """The Kuaidi100 account beside the settings of every post, and switches for what is not published (unconfirmed).

    ``push_url`` stays empty: each subscription brings its own callbackurl and salt. ``expired_key``: a key that
    gets 601. ``old_salt``: what the fault ``old_signature`` signs with in place of the salt (empty: that fault
    does nothing). ``companies``: the codes that are known; ``phone_companies``: those that want a phone.
    ``min_seconds_between_queries``: the same number asked again sooner gets 504. ``corrected_company``: what story
    31 says the company really is. ``advanced_state``: with resultv2 4 the state, too, is a sub-state.
    ``numbers_as_text``: state, ischeck and status come as text, or else as numbers. A callback that is not
    acknowledged is repeated three times.
    """

    customer: str
    key: str = field(repr=False)
    expired_key: str = field(default="", repr=False)
    old_salt: str = field(default="", repr=False)
    companies: tuple[str, ...] = COMPANIES
    phone_companies: tuple[str, ...] = ("shunfeng", "zhongtong")
    min_seconds_between_queries: float = 0.0
    corrected_company: str = "youzhengbk"
    advanced_state: bool = False
    numbers_as_text: bool = True
    push_tries: int = 4

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        super().__post_init__()
        if not (self.customer and self.key) or self.key == self.expired_key:
            raise ValueError("customer and key are required, and the key must not be the expired_key")
        if self.push_url:
            raise ValueError("each subscription brings its own callbackurl: leave push_url empty")
        if not self.companies or {*self.phone_companies, self.corrected_company} - set(self.companies):
            raise ValueError("phone_companies and corrected_company must be among the companies")
        if not (math.isfinite(self.min_seconds_between_queries) and self.min_seconds_between_queries >= 0):
            raise ValueError("min_seconds_between_queries must not be below 0")
        if self.repeat_order != "same_waybill":
            raise ValueError("repeat_order: a repeated subscription always gets 501")

    def secret(self) -> str:
        """The key."""
        return self.key
