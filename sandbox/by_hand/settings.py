"""What the desk of the centre's own people is told when it opens."""

from dataclasses import dataclass, field

from sandbox.post import PostSettings


@dataclass(frozen=True, kw_only=True)
class ByHandSettings(PostSettings):
    """The key beside the settings of every post: it signs orders and pushes alike.

    The protocol answers a repeated order with the same answer, so ``repeat_order`` cannot be otherwise.
    """

    key: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        super().__post_init__()
        if not (self.push_url and self.key):
            raise ValueError("push_url and key are required")
        if self.repeat_order != "same_waybill":
            raise ValueError("repeat_order: this protocol knows only same_waybill")

    def secret(self) -> str:
        """The key."""
        return self.key
