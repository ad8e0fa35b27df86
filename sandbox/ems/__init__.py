"""China Post / EMS (协议客户 API 开放平台) as a sandbox post: orders, traces and pushes."""

from sandbox.ems.server import Running, running, serve
from sandbox.ems.settings import SandboxSettings

__all__ = ["Running", "SandboxSettings", "running", "serve"]
