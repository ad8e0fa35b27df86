"""Addresses with a password in them (DATABASE_URL, the broker's): one that is written wrong is told, never quoted."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import ArgumentError

from dispatch.errors import ZhuandiError

UNREADABLE = (ValueError, TypeError, SyntaxError, ArgumentError)
"""What SQLAlchemy, pika and redis raise over a wrong port, option or scheme: their words quote the password."""


@contextmanager
def reading(whose: str) -> Iterator[None]:
    """An address that cannot be read within the block is a ZhuandiError in people's words."""
    try:
        yield
    except UNREADABLE:
        raise ZhuandiError(
            f"{whose}读不懂：口令里的 @ # / : 要写成 %40 %23 %2F %3A；端口与 ? 后面的参数也请核对。"
        ) from None
