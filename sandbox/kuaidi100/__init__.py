"""Kuaidi100 (快递100) as a sandbox post: a tracker that is asked, subscribed to, and calls back whole histories."""

from sandbox.kuaidi100.protocol import Kuaidi100
from sandbox.kuaidi100.settings import Kuaidi100Settings

__all__ = ["Kuaidi100", "Kuaidi100Settings"]
