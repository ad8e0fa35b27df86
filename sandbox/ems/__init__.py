"""China Post / EMS (协议客户 API 开放平台) as a sandbox post: orders, traces and pushes."""

from sandbox.ems.protocol import Ems
from sandbox.ems.settings import EmsSettings

__all__ = ["Ems", "EmsSettings"]
