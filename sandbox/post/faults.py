"""What can go wrong on purpose: rates for a storm, and one-shot switches for a test.

An answer fault strikes a call of the post's protocol, a push fault a push of one event; the table of both is
in docs/sandbox-post.md.
"""

import hashlib
import math
import threading
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields, replace
from typing import Final

ANSWER_FAULTS: Final = (
    *("unavailable", "throttled", "lost_before", "lost_after", "error_after"),
    *("garbage", "wrong_type", "drip", "twice", "drip_headers"),
)
NOT_PROCESSED: Final = frozenset({"unavailable", "throttled", "lost_before"})
"""Answer faults after which nothing was done."""
PUSH_FAULTS: Final = (
    *("duplicated", "out_of_order", "late", "lost", "wrong_number"),
    *("bad_signature", "old_signature", "unsatisfied"),
)


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Rates from 0 to 1; the answer faults together, and the push faults together, are at most 1.

    ``revoked`` is the share of parcels whose last news is taken back, ``duplicate_error`` the share of
    orders whose repeat is an error without a number although ``repeat_order`` gives the number again.
    """

    unavailable: float = 0.0
    throttled: float = 0.0
    lost_before: float = 0.0
    lost_after: float = 0.0
    error_after: float = 0.0
    garbage: float = 0.0
    wrong_type: float = 0.0
    drip: float = 0.0
    twice: float = 0.0
    drip_headers: float = 0.0
    duplicated: float = 0.0
    out_of_order: float = 0.0
    late: float = 0.0
    lost: float = 0.0
    wrong_number: float = 0.0
    bad_signature: float = 0.0
    old_signature: float = 0.0
    unsatisfied: float = 0.0
    revoked: float = 0.0
    duplicate_error: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no rate."""
        for field in fields(self):
            if not 0 <= getattr(self, field.name) <= 1:
                raise ValueError(f"the rate {field.name} must lie between 0 and 1")
        for names in (ANSWER_FAULTS, PUSH_FAULTS):
            if math.fsum(getattr(self, name) for name in names) > 1 + 1e-9:
                raise ValueError(f"these rates are more than 1 together: {', '.join(names)}")

    @classmethod
    def storm(cls, **changes: float) -> "Faults":
        """A mix of everything: about a third of all answers and of all pushes go wrong."""
        answers = dict.fromkeys(ANSWER_FAULTS, 0.03)
        pushes = dict.fromkeys(PUSH_FAULTS, 0.04)
        return replace(cls(**answers, **pushes, revoked=0.1, duplicate_error=0.2), **changes)

    def drawn(self, names: Collection[str], ticket: float) -> str:
        """The fault among ``names`` that a ticket from 0 to 1 draws; empty for none."""
        for name in names:
            ticket -= getattr(self, name)
            if ticket < 0:
                return name
        return ""


def roll(seed: int, what: str, key: str, count: int = 0) -> float:
    """A number from 0 to below 1, the same for the same four values."""
    digest = hashlib.sha256(f"{seed}:{what}:{key}:{count}".encode()).digest()
    return (int.from_bytes(digest[:8]) >> 11) / (1 << 53)


class Switches:
    """Decides what each call and each push suffers: one-shot orders first, then the rates."""

    def __init__(self, rates: Faults, seed: int, push_faults: Collection[str] = PUSH_FAULTS) -> None:
        """``push_faults``: those that the post's protocol can play."""
        self._rates = rates
        self._seed = seed
        self._push_faults = tuple(push_faults)
        self._lock = threading.Lock()
        self._answers: deque[str] = deque()
        self._pushes: deque[str] = deque()
        self._counts: dict[str, int] = {}

    def order(self, answers: Iterable[str] | None, pushes: Iterable[str] | None) -> None:
        """The next calls and pushes suffer these, in order; ``""`` is nothing. ValueError for an unknown name."""
        answers, pushes = _known(answers, ANSWER_FAULTS), _known(pushes, self._push_faults)
        with self._lock:
            if answers is not None:
                self._answers = deque(answers)
            if pushes is not None:
                self._pushes = deque(pushes)

    def waiting(self) -> dict[str, list[str]]:
        """The one-shot orders that have not struck yet."""
        with self._lock:
            return {"answers": list(self._answers), "pushes": list(self._pushes)}

    def of_answer(self, key: str) -> str:
        """The fault of the next call about ``key``; empty for none."""
        with self._lock:
            count = self._counts.get(key, 0)
            self._counts[key] = count + 1
            if self._answers:
                return self._answers.popleft()
        return self._rates.drawn(ANSWER_FAULTS, roll(self._seed, "answer", key, count))

    def of_push(self, key: str) -> str:
        """The fault of a push that was never tried before; empty for none."""
        with self._lock:
            if self._pushes:
                return self._pushes.popleft()
        return self._rates.drawn(self._push_faults, roll(self._seed, "push", key))


def _known(names: Iterable[str] | None, known: Collection[str]) -> list[str] | None:
    if names is None:
        return None
    wanted = list(names)
    if unknown := {name for name in wanted if name} - set(known):
        raise ValueError(f"unknown here: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    return wanted
