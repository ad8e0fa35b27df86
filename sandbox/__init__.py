"""Posts to practise on: real servers that speak the posts' own protocols.

They are written from the published protocols alone and share no code with the product, so that a
misreading of a protocol on one side is not repeated on the other.
"""

from sandbox.ems import SandboxSettings, running, serve

__all__ = ["SandboxSettings", "running", "serve"]
