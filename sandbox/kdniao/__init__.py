"""Kdniao (快递鸟) as a sandbox post: a tracker that is asked, subscribed to, and pushes whole histories."""

from sandbox.kdniao.protocol import Kdniao
from sandbox.kdniao.settings import KdniaoSettings

__all__ = ["Kdniao", "KdniaoSettings"]
