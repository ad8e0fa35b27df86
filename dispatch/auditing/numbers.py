"""Numbers that people know, and the subjects by which the audit log names the same: neither names a person.

In plain SQL: one statement for cases, envelopes and posting lists.
"""

from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_SUBJECTS = text("""
WITH named AS (
    SELECT id FROM cases WHERE case_no = ANY(:asked)
    UNION SELECT case_id FROM documents WHERE code = ANY(:asked)
), carried AS (
    SELECT shipment_id AS id FROM waybills WHERE number = ANY(:asked)
    UNION SELECT id FROM shipments WHERE order_no = ANY(:asked)
), theirs AS (
    SELECT id FROM named
    UNION SELECT documents.case_id FROM contents JOIN documents ON documents.id = contents.document_id
    WHERE contents.shipment_id IN (SELECT id FROM carried)
), envelopes AS (
    SELECT id FROM carried
    UNION SELECT contents.shipment_id FROM contents JOIN documents ON documents.id = contents.document_id
    WHERE documents.case_id IN (SELECT id FROM named)
), many AS (
    SELECT batch_id AS id FROM batch_items WHERE "of" IN (SELECT id FROM theirs UNION ALL SELECT id FROM envelopes)
)
SELECT 'case:' || id FROM theirs
UNION ALL SELECT 'shipment:' || id FROM envelopes
UNION ALL SELECT 'pickup:' || id FROM pickups WHERE case_id IN (SELECT id FROM theirs)
UNION ALL SELECT 'parcel:' || carrier || ':' || number FROM waybills WHERE shipment_id IN (SELECT id FROM envelopes)
UNION ALL SELECT DISTINCT 'batch:' || id FROM many
UNION ALL SELECT DISTINCT 'print:' || id FROM many
UNION ALL SELECT 'hand_over:' || hand_over_id FROM hand_over_lines WHERE shipment_id IN (SELECT id FROM envelopes)
UNION ALL SELECT 'hand_over:' || id FROM hand_overs WHERE number = ANY(:asked)
""")
"""A case with its envelopes, or an envelope with its cases; what was done to many, these among them."""
_NUMBERS = text("""
SELECT 'case:' || id, case_no FROM cases WHERE id = ANY(:ids)
UNION ALL SELECT 'pickup:' || pickups.id, cases.case_no
    FROM pickups JOIN cases ON cases.id = pickups.case_id WHERE pickups.id = ANY(:ids)
UNION ALL SELECT 'hand_over:' || id, number FROM hand_overs WHERE id = ANY(:ids)
UNION ALL SELECT 'shipment:' || shipments.id, coalesce((
    SELECT number FROM waybills WHERE shipment_id = shipments.id
    ORDER BY voided_at IS NULL DESC, adopted_at DESC LIMIT 1
), order_no) FROM shipments WHERE shipments.id = ANY(:ids)
""")
"""Of an envelope its live waybill's, else the last one's, else the order's."""


def subjects_of(session: Session, number: str) -> list[str]:
    """Of a case (办件编号), an envelope (运单号, order), a paper, a posting list: what the log may name."""
    return list(session.scalars(_SUBJECTS, {"asked": [number, number.upper()]}))


def numbers_of(session: Session, subjects: Collection[str]) -> Mapping[str, str]:
    """The numbers of those subjects that have one."""
    rows = session.execute(_NUMBERS, {"ids": list(ids_of(subjects))})
    return {subject: number for subject, number in rows if number}


def ids_of(subjects: Collection[str]) -> Iterator[UUID]:
    """The ids by which these subjects are named."""
    for subject in subjects:
        try:
            yield UUID(subject.partition(":")[2])
        except ValueError:  # a subject that is named by a word
            continue
