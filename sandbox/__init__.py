"""Posts to practise on: real servers that speak the posts' own protocols.

They are written from the published protocols alone and share no code with the product, so that a
misreading of a protocol on one side is not repeated on the other.
"""

from contextlib import AbstractContextManager
from typing import Any, Final

from sandbox import post
from sandbox.by_hand import ByHand, ByHandSettings
from sandbox.ems import Ems, EmsSettings
from sandbox.gov_ems import GovEms, GovEmsSettings
from sandbox.kdniao import Kdniao, KdniaoSettings
from sandbox.kuaidi100 import Kuaidi100, Kuaidi100Settings
from sandbox.post import Faults, PostProtocol, PostSettings, Running
from sandbox.post.protocol import SettingsT
from sandbox.sf import Sf, SfSettings

POSTS: Final[dict[type[PostSettings], type[PostProtocol[Any]]]] = {
    ByHandSettings: ByHand,
    EmsSettings: Ems,
    GovEmsSettings: GovEms,
    KdniaoSettings: Kdniao,
    Kuaidi100Settings: Kuaidi100,
    SfSettings: Sf,
}
"""Which protocol speaks under which settings."""

__all__ = [
    "POSTS",
    "ByHandSettings",
    "EmsSettings",
    "Faults",
    "GovEmsSettings",
    "KdniaoSettings",
    "Kuaidi100Settings",
    "SfSettings",
    "running",
    "serve",
]


def serve(settings: PostSettings) -> None:
    """Run the post of these settings until SIGTERM or SIGINT, then close it and return."""
    post.serve(settings, POSTS[type(settings)])


def running(settings: SettingsT) -> AbstractContextManager[Running[SettingsT]]:
    """The post of these settings in a thread of this process; port 0 picks a free one."""
    return post.running(settings, POSTS[type(settings)])
