"""裁定: a supervisor says which figure stands of a matter, where applicant and ledger differ."""

from uuid import UUID

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch import audit
from dispatch.approval.case import Case
from dispatch.approval.within import EVERYTHING, Within, find_case_within
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.hall_time import hall_time
from dispatch.ledger import Count, Stands, Testimony, TripRuling, count, decide, visits_of, what_stands
from dispatch.visits import ASKED_WORDS, Asked
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
        _check(session, case, seen, shown)
        chosen = _chosen(seen, stands)
        counted = count(visits_of(session, case.matter_id))
        ruling = _ruling(case.matter_id, case.id, chosen, counted)
        ruling.at, ruling.by = world.now(), by.strip()
        world.vault.seal(ruling, "reason", reason.strip())
        decide(session, ruling)
        told = f"裁定跑动次数，{_in_favour(ruling)}：{in_words(ruling.count)}。{reason.strip()}"
        audit.note(world, session, by.strip(), audit.Deed.CHANGE, case.subject, told)
        return what_stands(session, case.matter_id)


def _check(session: Session, case: Case, seen: Trips, shown: str) -> None:
    if not seen.testimonies:
        raise NotAllowedError(f"办件“{case.case_no}”没有群众反映，不用裁定。请先记下群众怎么说。")
    if shown and shown != seen.basis:
        raise ConflictError(_what_is_new(session, case, seen))


def _what_is_new(session: Session, case: Case, seen: Trips) -> str:
    """Who did what, and when, since the page was opened: the last of it. Every word and ruling keeps the record's
    figure of its moment, so where the record says otherwise by now, it is what changed last.
    """
    said: list[Testimony | TripRuling] = [*seen.testimonies, *seen.rulings]
    last = max(said, key=lambda one: (one.at, one.id))
    if last.counted != seen.counted:
        at = hall_time(max(visit.recorded_at for visit in visits_of(session, case.matter_id)))
        what = f"办件“{case.case_no}”的跑动记录于 {at} 有了变化：{in_words(seen.counted)}"
    elif isinstance(last, TripRuling):
        what = f"{last.by} 于 {hall_time(last.at)} 已裁定，{_in_favour(last)}：{in_words(last.count)}"
    else:
        way = ASKED_WORDS[Asked(last.way)]
        what = f"{last.by} 于 {hall_time(last.at)} 记下群众反映（{way}）：{in_words(last.count)}"
    return f"您打开之后，{what}。您的裁定没有作出，请看过最新情况再定。"


def _in_favour(ruling: TripRuling) -> str:
    return "以群众反映为准" if ruling.testimony_id else "以记录为准"


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
