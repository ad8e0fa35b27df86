"""The first of the monthly figures (HALL.md §4), by department: a numerator over a denominator, never a bare percent.

Cohort: the cases decided in the month, and the envelopes that hold something of them. A month begins at midnight in
Shanghai. Counted now: what closes later raises the figures of its month.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_

from dispatch.approval.case import Case
from dispatch.errors import NotFoundError
from dispatch.hall_time import SHANGHAI
from dispatch.world import World
from dispatch.zero_visits.cohort import count_cases, count_envelopes, count_samples

NOTHING = "—"
MONTH = re.compile(r"(2[0-9]{3})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole`, as counted."""

    part: int
    whole: int

    @property
    def percent(self) -> Decimal | None:
        """In hundredths, to one decimal place, halves up; None where there is nothing to divide by."""
        if not self.whole:
            return None
        return (Decimal(100 * self.part) / self.whole).quantize(Decimal("0.1"), ROUND_HALF_UP)

    def __str__(self) -> str:
        return NOTHING if self.percent is None else f"{self.part}/{self.whole} {self.percent}%"


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one department, or of all (`department` None).

    Every case is one of three: zero visits, visits made, unverified. An envelope with cases of several departments
    counts in each of them, once in the total.
    """

    department: str | None
    decided: int
    zero_visits: Share  # 零跑率: proved, undisputed, and the matter's ledger counts 0/0
    unverified: Share  # 未核实率: not proved yet, or disputed
    zero_office_trips: Share  # 上门零次率: proved, undisputed, no trip to an office (the law's count)
    posted_same_day: Share  # 当日交寄率: collected on the day on which the paper was in before the cut-off
    returned: Share  # 退回率: came back ÷ handed over
    over_published: Share  # 承诺不符率: matters with more trips to an office than published ÷ matters
    agreeing: Share  # 抽查一致率: samples by telephone that agreed with the ledger ÷ samples


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a month."""

    month: str
    total: Figures
    departments: tuple[Figures, ...]


def report(
    world: World, month: str, department: str | None = None, within: ColumnElement[bool] | None = None
) -> Report:
    """The figures of `month` (YYYY-MM), of one department or of all. Three queries. Raises NotFoundError.

    `within`: a condition on `Case`, where whoever asks may not see all.
    """
    begin, end = month_in_shanghai(month)
    cohort = and_(Case.decided_at >= begin, Case.decided_at < end)
    if department is not None:
        cohort = and_(cohort, Case.department == department)
    if within is not None:
        cohort = and_(cohort, within)
    with world.reading() as session:
        cases = session.execute(count_cases(cohort)).all()
        envelopes = session.execute(count_envelopes(cohort, world.settings.collection_cut_off)).all()
        samples = session.execute(count_samples(cohort)).all()
    posted, sampled = ({row.department: row for row in rows} for rows in (envelopes, samples))
    every = {row.department: _figures(row, posted.get(row.department), sampled.get(row.department)) for row in cases}
    total = every.pop(None)  # ROLLUP's own row: there is one even where nothing was decided
    return Report(month, total, tuple(every[name] for name in sorted(every)))


def month_in_shanghai(month: str) -> tuple[datetime, datetime]:
    """The first moment of a month (YYYY-MM) and of the next one, in Shanghai. Raises NotFoundError."""
    written = MONTH.fullmatch(month.strip())
    if written is None:
        raise NotFoundError(f"“{month}”不是月份。请写成 2026-11。")
    year, number = int(written[1]), int(written[2])
    begin = datetime(year, number, 1, tzinfo=SHANGHAI)
    return begin, begin.replace(year=year + number // 12, month=number % 12 + 1)


def _figures(cases: Any, envelopes: Any, samples: Any) -> Figures:
    decided = cases.decided
    asked, agreeing = samples[1:] if samples is not None else (0, 0)
    in_time, same_day, handed_over, returned = envelopes[1:] if envelopes is not None else (0, 0, 0, 0)
    return Figures(
        department=cases.department,
        decided=decided,
        zero_visits=Share(cases.zero_visits, decided),
        unverified=Share(cases.unverified, decided),
        zero_office_trips=Share(cases.zero_office_trips, decided),
        posted_same_day=Share(same_day, in_time),
        returned=Share(returned, handed_over),
        over_published=Share(cases.over_published, cases.matters),
        agreeing=Share(agreeing, asked),
    )
