"""What the Kdniao sandbox is told when it opens."""

from dataclasses import dataclass, field
from typing import Final

from sandbox.post import PostSettings

SHIPPERS: Final = ("EMS", "YZPY", "YZBK", "SF", "ZTO", "YTO", "STO", "YD", "JD", "JTSD", "DBL", "KYSY")


@dataclass(frozen=True, kw_only=True)
class KdniaoSettings(PostSettings):
    """The Kdniao account beside the settings of every post, and switches for what is not published (unconfirmed).

    ``app_key`` signs calls and pushes alike; ``old_app_key`` is the one before, which the fault ``old_signature``
    signs with (empty: there was none, and that fault does nothing). ``shippers``: the ShipperCodes that are known;
    ``phone_shippers``: those that want CustomerName. ``no_trace_success``: a query before the first trace is a
    Success. ``numbers_as_text``: Count, State and StateEx come as text, or else as numbers. A repeated
    subscription is a Success unless ``repeat_order`` is ``duplicate_error``.
    """

    e_business_id: str
    app_key: str = field(repr=False)
    old_app_key: str = field(default="", repr=False)
    shippers: tuple[str, ...] = SHIPPERS
    phone_shippers: tuple[str, ...] = ("SF", "ZTO", "KYSY")
    no_trace_success: bool = True
    numbers_as_text: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        super().__post_init__()
        if not (self.push_url and self.e_business_id and self.app_key):
            raise ValueError("push_url, e_business_id and app_key are required")
        if not self.shippers or set(self.phone_shippers) - set(self.shippers):
            raise ValueError("phone_shippers must be among the shippers, which must not be empty")

    def secret(self) -> str:
        """The AppKey."""
        return self.app_key
