"""What becomes of a parcel: steps, scenarios, and how one is chosen."""

import hashlib
import math
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from itertools import accumulate
from typing import Any, Final

JITTER: Final = 0.2  # of a gap, upward only


@dataclass(frozen=True)
class Step:
    """One event of a story, ``gaps`` gaps after the one before.

    ``or_code`` is an alternative to ``code``, chosen by the seed. ``extra`` is whatever the protocol wants to
    find in the event again. ``pushed=False``: only a query shows it. ``renumbered``: it happens to the parcel
    under a second waybill number, which is issued when the parcel is collected (SF's returned parcels).
    """

    code: str
    _: KW_ONLY
    extra: Mapping[str, Any] = field(default_factory=dict)
    gaps: int = 1
    or_code: str = ""
    pushed: bool = True
    renumbered: bool = False


@dataclass(frozen=True)
class Scenario:
    """A parcel's whole story; ``weight`` is its share among parcels whose digits are not in the table.

    ``first_call`` is an answer fault that the first order call suffers. ``scrambled``: every push is held
    back until the story is over, and then they come in no order, two of them twice.
    """

    number: str
    title: str
    steps: tuple[Step, ...]
    _: KW_ONLY
    first_call: str = ""
    scrambled: bool = False
    weight: int = 1


@dataclass(frozen=True, kw_only=True)
class Play:
    """What the engine has to know of a post to carry its parcels.

    ``number`` makes the n-th waybill number. ``revoked_by``: the step that takes back a story's last code,
    for the rate ``revoked``. ``adopts`` is for trackers, which book nothing: given a number that is unknown
    at the counter, the ``extra`` of the parcel it becomes, or None. ``pushes``: False where the protocol can
    only be asked. ``only_subscribed``: nothing is pushed before ``Orders.subscribe``.
    """

    scenarios: Mapping[str, Scenario]
    number: Callable[[int], str]
    revoked_by: Mapping[str, Step] = field(default_factory=dict)
    adopts: Callable[[str], Mapping[str, Any] | None] = lambda _number: None
    pushes: bool = True
    only_subscribed: bool = False


@dataclass(frozen=True)
class Happening:
    """A step with its time: milliseconds since 1970, and its place in the story."""

    seq: int
    code: str
    happens_ms: int
    step: Step


def table(scenarios: Iterable[Scenario]) -> dict[str, Scenario]:
    """Scenarios by their two digits."""
    return {scenario.number: scenario for scenario in scenarios}


def choose(scenarios: Mapping[str, Scenario], hint: str, key: str, seed: int) -> Scenario:
    """By the last two digits of the hint, else drawn by sha256(seed, key) among the weights."""
    return scenarios.get(hint.strip()[-2:]) or _drawn(scenarios, key, seed)


def plan(steps: Iterable[Step], start_ms: int, gap_seconds: float, dice: random.Random) -> list[Happening]:
    """The events of a parcel that sets out at ``start_ms``, a second or more apart."""
    steps = tuple(steps)
    gap_ms = math.ceil(gap_seconds * 1000)
    waits = (step.gaps * gap_ms + dice.randrange(int(gap_ms * JITTER)) * bool(step.gaps) for step in steps)
    times = accumulate(waits, initial=start_ms)
    next(times)  # the start itself is no event
    return [
        Happening(seq, dice.choice((step.code, step.or_code or step.code)), happens_ms, step)
        for seq, (step, happens_ms) in enumerate(zip(steps, times, strict=True))
    ]


def _drawn(scenarios: Mapping[str, Scenario], key: str, seed: int) -> Scenario:
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    ticket = int.from_bytes(digest[:8]) % sum(scenario.weight for scenario in scenarios.values())
    for scenario in scenarios.values():
        ticket -= scenario.weight
        if ticket < 0:
            return scenario
    raise AssertionError("the weights cover every ticket")
