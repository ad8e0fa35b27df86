"""SF Express 丰桥 as a sandbox post: orders, routes, labels and pushes."""

from sandbox.sf.protocol import Sf
from sandbox.sf.settings import SfSettings

__all__ = ["Sf", "SfSettings"]
