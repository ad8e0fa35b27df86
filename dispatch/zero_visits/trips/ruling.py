"""裁定: a supervisor says which figure stands of a matter, where applicant and ledger differ."""

from uuid import UUID

from uuid_utils.compat import uuid7

from dispatch import audit
from dispatch.approval.within import EVERYTHING, Within, find_case_within
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.ledger import Count, Stands, Testimony, TripRuling, count, decide, visits_of, what_stands
from dispatch.world import World
from dispatch.zero_visits.settle import signed
from dispatch.zero_visits.told.by_testimony import in_words
from dispatch.zero_visits.trips.shown import Trips, trips_of
from dispatch.zero_visits.trips.testimony import lock_matter

RECORD = "record"
"""What is ruled for, where it is the ledger's figure; else the number of a testimony."""


def rule(
    world: World, case_no: str, stands: str, by: str, reason: str, shown: str = "", within: Within = EVERYTHING
) -> Stands:
    """Rule, in place of any earlier ruling on the matter; what stands from now on.

    `stands`: `RECORD`, or a testimony by its number (`Heard.number`). `shown`: what whoever rules has seen
    (`Trips.basis`; empty: whatever it is). It holds until the ledger counts otherwise, or somebody speaks again.
    Raises NotFoundError, NotAllowedError (nobody has spoken, no name, no reason), ConflictError (there is news).
    """
    signed(by, reason)
    with world.begin() as session:
        case = find_case_within(session, case_no, within)
        lock_matter(session, case)
        seen = trips_of(session, case.matter_id)
        _check(case_no, seen, shown)
        chosen = _chosen(seen, stands)
        counted = count(visits_of(session, case.matter_id))
        ruling = _ruling(case.matter_id, case.id, chosen, counted)
        ruling.at, ruling.by = world.now(), by.strip()
        world.vault.seal(ruling, "reason", reason.strip())
        decide(session, ruling)
        which = "以群众反映为准" if chosen else "以记录为准"
        told = f"裁定跑动次数，{which}：{in_words(ruling.count)}。{reason.strip()}"
        audit.note(world, session, by.strip(), audit.Deed.CHANGE, case.subject, told)
        return what_stands(session, case.matter_id)


def _check(case_no: str, seen: Trips, shown: str) -> None:
    if not seen.testimonies:
        raise NotAllowedError(f"办件“{case_no}”没有群众反映，不用裁定。请先记下群众怎么说。")
    if shown and shown != seen.basis:
        raise ConflictError(f"您打开之后，办件“{case_no}”又有了新的反映、裁定或跑动记录。没有裁定，请看过再定。")


def _chosen(seen: Trips, stands: str) -> Testimony | None:
    if stands == RECORD:
        return None
    for one in seen.testimonies:
        if str(one.id) == stands:
            return one
    raise NotFoundError("没有选中以谁为准。请选“以记录为准”，或这件事的一条群众反映。")


def _ruling(matter_id: UUID, case_id: UUID, chosen: Testimony | None, counted: Count) -> TripRuling:
    stands = chosen.count if chosen else counted
    return TripRuling(
        id=uuid7(),
        matter_id=matter_id,
        case_id=case_id,
        testimony_id=chosen.id if chosen else None,
        office_trips=stands.office_trips,
        trips=stands.trips,
        counted_office_trips=counted.office_trips,
        counted_trips=counted.trips,
    )
