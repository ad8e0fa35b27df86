"""What was tried by telephone: as lines of the story, and as the list beside the form.

After so many attempts in a row that reached nobody (settings: `call_tries`, three) whoever calls is told that it is
enough.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from dispatch.approval.curtain import Curtain
from dispatch.approval.within import EVERYTHING, Within, find_case_within
from dispatch.mask import mask_phone
from dispatch.world import World
from dispatch.zero_visits.telephone_call import TelephoneCall, slip_of
from dispatch.zero_visits.told.line import Kind, Line, Teller, line


@dataclass(frozen=True, slots=True)
class Called:
    """One attempt as it may be shown: number and text masked."""

    at: datetime
    by: str
    number: str
    reached: bool
    result: str = field(repr=False)
    slip_changes: bool


@dataclass(frozen=True, slots=True)
class Calls:
    """All attempts in one case, newest first. `in_vain`: how many in a row reached nobody, up to now."""

    case_no: str
    number: str
    calls: Sequence[Called]
    in_vain: int
    tries: int

    @property
    def enough(self) -> bool:
        """So many in vain that calling on is no use."""
        return self.in_vain >= self.tries


def calls_of(world: World, case_no: str, within: Within = EVERYTHING) -> Calls:
    """The attempts so far. Raises NotFoundError."""
    with world.reading() as session:
        case = find_case_within(session, case_no, within)
        slip = slip_of(session, case)
        curtain = Curtain.before(world, case, slip, reveal=False)
        rows = select(TelephoneCall).where(TelephoneCall.case_id == case.id)
        made = [_shown(world, row, curtain) for row in session.scalars(rows.order_by(TelephoneCall.at.desc()))]
    in_vain = next((place for place, one in enumerate(made) if one.reached), len(made))
    return Calls(case.case_no, curtain.phone, made, in_vain, world.settings.call_tries)


def _shown(world: World, row: TelephoneCall, curtain: Curtain) -> Called:
    return Called(
        at=row.at,
        by=row.by,
        number=mask_phone(world.vault.open(row, "number") or ""),
        reached=row.reached,
        result=curtain.free(world.vault.open(row, "result")),
        slip_changes=row.slip_changes,
    )


def told_by_telephone(teller: Teller) -> Iterator[Line]:
    """Each attempt, in no order."""
    for call in teller.session.scalars(select(TelephoneCall).where(TelephoneCall.case_id == teller.case.id)):
        said = teller.curtain.free(teller.world.vault.open(call, "result"))
        words = f"电联{'接通' if call.reached else '未接通'}{f'：{said}' if said else ''}，经办人 {call.by}"
        yield line(call.at, Kind.TELEPHONE, words)
