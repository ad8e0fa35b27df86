"""Looks at tracking pages, many at once: each asks the database, and only a record that has changed is drawn anew."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from dispatch.api.track_record import records
from dispatch.api.track_view import Parcel, read_record
from dispatch.hall_time import SHANGHAI
from dispatch.world import World

KEPT = 256
"""So many drawn pages are kept: some megabytes."""
Draw = Callable[[Parcel, int], tuple[str, str]]
"""Draws a page in this year: what stands before the moment of the look, and what stands behind it."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    before: bytes
    after: bytes
    ended_at: datetime | None


class Looks:
    """For one application."""

    def __init__(self, world: World, draw: Draw, stamp: Callable[[datetime], str]) -> None:
        self._world = world
        self._draw = draw
        self._stamp = stamp
        self._drawn = lru_cache(maxsize=KEPT)(self._draw_record)

    def look(self, tokens: Sequence[str]) -> list[bytes | None]:
        """The page of each token as it is now; None for one that nobody has, and for one that has expired."""
        with self._world.reading() as session:
            found = records(self._world, session, tokens)
        return [self._page(record) if record is not None else None for record in found]

    def _page(self, record: str) -> bytes | None:
        now = self._world.now()
        drawn = self._drawn(record, now.astimezone(SHANGHAI).year)
        if drawn.ended_at is not None and now - drawn.ended_at > timedelta(days=self._world.settings.token_days):
            return None
        return b"".join((drawn.before, self._stamp(now).encode(), drawn.after))

    def _draw_record(self, record: str, year: int) -> _Drawn:
        parcel = read_record(self._world, record)
        before, after = self._draw(parcel, year)
        return _Drawn(before.encode(), after.encode(), parcel.ended_at)
