"""What must be nought whatever failed: each is a promise of the house, asked of the rows themselves.

A change in flight may show for a moment; what stays for minutes is a fault. Each query touches open rows only.
"""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import String, bindparam, text
from sqlalchemy.orm import Session

from dispatch.booking.book import SETTLE_DOUBT
from dispatch.db import Base
from dispatch.journey import Stage
from dispatch.shipment import BOOK, WATCH
from dispatch.tracking.push import READ

ENDED = {Stage.CLOSED, Stage.CANCELLED, Stage.UNDELIVERED}
STAGES: Mapping[str, Sequence[Stage]] = {
    "numbered": [Stage.BOOKED, Stage.PRINTED, Stage.PACKED, Stage.HANDED_OVER],
    "to_be_booked": [Stage.TO_BOOK, Stage.BOOKING],
    "waiting": [stage for stage in Stage if stage not in {Stage.GATHERING, *ENDED}],
}
"""Written into the statement: nearly all envelopes have ended, which no plan knows of a value that is yet to come."""
BOUND: Mapping[str, object] = {
    "closed": Stage.CLOSED,
    "booking_jobs": [BOOK, SETTLE_DOUBT],
    "book": BOOK,
    "watch": WATCH,
    "read": READ,
}
ZERO: Mapping[str, str] = {
    # promise 2: nothing twice
    "two_live_waybills": """
        SELECT count(*) FROM (SELECT 1 FROM waybills w JOIN shipments s ON s.id = w.shipment_id
        WHERE w.voided_at IS NULL AND s.stage IN :waiting GROUP BY s.id HAVING count(*) > 1) AS twice""",
    "two_open_jobs": """
        SELECT count(*) FROM (SELECT 1 FROM jobs WHERE done_at IS NULL
        GROUP BY name, subject HAVING count(*) > 1) AS twice""",
    "closed_with_order_to_book": """
        SELECT count(*) FROM jobs j JOIN shipments s ON j.subject = 'shipment:' || s.id
        WHERE j.done_at IS NULL AND split_part(j.name, '@', 1) = ANY(:booking_jobs) AND s.stage = :closed""",
    # promises 1 and 10: nothing lost, and whatever waits is seen
    "booked_without_waybill": """
        SELECT count(*) FROM shipments s WHERE s.stage IN :numbered
        AND NOT EXISTS (SELECT 1 FROM waybills w WHERE w.shipment_id = s.id AND w.voided_at IS NULL)""",
    "to_book_without_job": """
        SELECT count(*) FROM shipments s WHERE s.stage IN :to_be_booked AND NOT EXISTS (SELECT 1 FROM jobs j
        WHERE j.done_at IS NULL AND j.name = :book || '@' || s.carrier AND j.subject = 'shipment:' || s.id)""",
    "waiting_without_watch": """
        SELECT count(*) FROM shipments s WHERE s.stage IN :waiting AND NOT EXISTS (SELECT 1 FROM jobs j
        WHERE j.done_at IS NULL AND j.name = :watch AND j.subject = 'shipment:' || s.id)""",
    "push_without_job": """
        SELECT count(*) FROM pushes p WHERE p.raw IS NOT NULL AND p.read_at IS NULL AND p.turned_away IS NULL
        AND NOT EXISTS (SELECT 1 FROM jobs j
        WHERE j.done_at IS NULL AND j.name = :read AND j.subject = 'push:' || p.id)""",
    # promise 6: whoever closes has written the evidence in the same transaction
    "closed_without_evidence": """
        SELECT count(*) FROM closures c WHERE c.closed_at > now() - interval '7 days' AND EXISTS (
        SELECT 1 FROM legs l WHERE l.case_id = c.case_id
        AND NOT EXISTS (SELECT 1 FROM leg_evidence e WHERE e.leg_id = l.id))""",
}
VALID = text("""
    SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indisunique AND i.indisvalid AND c.relnamespace = current_schema()::regnamespace
""")


def broken(session: Session) -> Iterator[tuple[str, int]]:
    """Each invariant, and how many rows break it."""
    for name, query in ZERO.items():
        bound = {key: value for key, value in BOUND.items() if f":{key}" in query}
        spelled = [
            bindparam(key, stages, String, expanding=True, literal_execute=True)
            for key, stages in STAGES.items()
            if f":{key}" in query
        ]
        yield name, session.scalar(text(query).bindparams(*spelled), bound) or 0
    yield "guards_missing", _guards_missing(session)


def _guards_missing(session: Session) -> int:
    """Unique indexes of ours that are gone or broken: they are what holds when everything else fails."""
    guards = {str(index.name) for table in Base.metadata.tables.values() for index in table.indexes if index.unique}
    return len(guards - set(session.scalars(VALID)))
