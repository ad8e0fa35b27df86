"""Whose data a detail may hold: the cases that its subject is about, behind their curtains.

Why something was held, reprinted or settled is what a clerk typed, and may name whom the case is for.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import String, Uuid, column, select, text
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, CaseSlip
from dispatch.approval.curtain import Curtain
from dispatch.audit import AuditEntry, Deed
from dispatch.auditing.numbers import ids_of
from dispatch.world import World

NOTHING_TYPED = frozenset(
    {Deed.PRINT, Deed.EXPORT, Deed.ERASE, Deed.SIGN_IN, Deed.SIGN_IN_FAILED, Deed.SIGN_OUT, Deed.UNLOCK}
)
"""Deeds that are told in our own words alone: a print run of hundreds would be opened for nothing."""
_WHOSE = text("""
WITH envelopes AS (
    SELECT id::text AS named, id FROM shipments WHERE id = ANY(:ids)
    UNION SELECT number, shipment_id FROM waybills WHERE number = ANY(:numbers)
    UNION SELECT batch_id::text, "of" FROM batch_items WHERE batch_id = ANY(:ids)
    UNION SELECT hand_over_id::text, shipment_id FROM hand_over_lines WHERE hand_over_id = ANY(:ids)
    UNION SELECT hand_over_id::text, shipment_id FROM lines_put_back WHERE hand_over_id = ANY(:ids)
    UNION SELECT collection_id::text, shipment_id FROM collection_scans WHERE collection_id = ANY(:ids)
)
SELECT id::text AS named, id AS case_id FROM cases WHERE id = ANY(:ids)
UNION SELECT id::text, case_id FROM pickups WHERE id = ANY(:ids)
UNION SELECT batch_id::text, "of" FROM batch_items WHERE batch_id = ANY(:ids)
UNION SELECT envelopes.named, documents.case_id FROM envelopes
    JOIN contents ON contents.shipment_id = envelopes.id JOIN documents ON documents.id = contents.document_id
""").columns(column("named", String), column("case_id", Uuid))
"""What lies or lay in an envelope; of a batch either its cases or its envelopes are known."""


def curtains_of(world: World, session: Session, entries: Collection[AuditEntry]) -> Mapping[str, Sequence[Curtain]]:
    """By subject, what is drawn before its details: one statement, however many entries there are."""
    typed = {one.subject for one in entries if one.detail is not None and one.deed not in NOTHING_TYPED}
    named: defaultdict[str, list[str]] = defaultdict(list)
    for subject in typed:
        named[subject.rpartition(":")[2]].append(subject)
    found: defaultdict[str, list[Curtain]] = defaultdict(list)
    drawn: dict[UUID, Curtain] = {}
    whose = _WHOSE.subquery()
    query = (
        select(whose.c.named, Case, CaseSlip)
        .join_from(whose, Case, Case.id == whose.c.case_id)
        .join(CaseSlip, CaseSlip.case_id == Case.id)
    )
    for name, case, slip in session.execute(query, {"ids": list(ids_of(typed)), "numbers": list(named)}):
        if case.id not in drawn:
            drawn[case.id] = Curtain.before(world, case, slip, reveal=False)
        for subject in named[name]:
            found[subject].append(drawn[case.id])
    return found
