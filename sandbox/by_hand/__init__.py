"""The centre's own people (docs/by-hand.md) as a sandbox post: a desk that books, and people who carry."""

from sandbox.by_hand.protocol import ByHand
from sandbox.by_hand.settings import ByHandSettings

__all__ = ["ByHand", "ByHandSettings"]
