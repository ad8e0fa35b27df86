"""The county-to-post interface of Jiangsu, 2017 (CARRIERS §7.1), as a sandbox post: envelopes and their status."""

from sandbox.gov_ems.protocol import GovEms
from sandbox.gov_ems.settings import GovEmsSettings

__all__ = ["GovEms", "GovEmsSettings"]
