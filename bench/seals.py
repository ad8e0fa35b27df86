"""Sealing and opening a telephone number, under AES-256-GCM and under SM4-GCM: `python -m bench.seals`."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid4

from bench.rig.measure import Round, Row, at_least, interleave
from bench.rig.site import Bench, alone
from dispatch.vault import AES, SM4, Vault

WHAT = "values sealed and opened again"
COUNT, FEW = 20_000, 500
ENOUGH = 5_000
"""Values a second: a list of 200 cases seals about 1,000, and a page of a queue opens 50."""


@dataclass
class _Place:
    """A row with one sealed column."""

    id: UUID
    phone: bytes | None = None
    __tablename__: str = "slips"


def measure(bench: Bench) -> list[Row]:
    """One row, in values a second."""
    key = secrets.token_bytes(32)
    count = bench.size(COUNT, FEW)
    candidates: dict[str, Callable[[], Round]] = {
        cipher: partial(_round, Vault((key,), cipher), count) for cipher in (AES, SM4)
    }
    measures = interleave(candidates, bench.rounds, "values/s")
    aims = [at_least(f"{found.name}: values/s", found.median, ENOUGH) for found in measures]
    return [Row(WHAT, measures, aims, {"values": count})]


def _round(vault: Vault, count: int) -> Round:
    place = _Place(uuid4())
    began = time.perf_counter()
    for _ in range(count):
        vault.seal(place, "phone", "13900000001")
        vault.open(place, "phone")
    return {"value": count / (time.perf_counter() - began)}


if __name__ == "__main__":
    alone(measure)
