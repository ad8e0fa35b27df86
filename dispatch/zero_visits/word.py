"""The applicant's own word: it is in my hands. Evidence where the post's news alone is none (DESIGN promise 6)."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import words, worklist
from dispatch.approval.case import Case, Document, find_case
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.journey import Stage, Tracking, fold
from dispatch.shipment import Content, Shipment, lock
from dispatch.tracking.sighting import sightings_of
from dispatch.worklist import Reason
from dispatch.world import World
from dispatch.zero_visits.close import close_shipment, consent_to, unsettled
from dispatch.zero_visits.evidence import EVIDENCE_WORDS, Evidence, own_word, weigh
from dispatch.zero_visits.settle import hand_over_to_a_person

ANSWERABLE = frozenset({Reason.SIGNER_UNKNOWN, Reason.SIGNED_WITHOUT_CONSENT})
"""What the applicant can answer: nobody knows who signed, or somebody did without consent."""


def confirm_received(world: World, case_no: str, by: str, note: str) -> int:
    """Close what the post delivered, on the applicant's word that it is in hand; how many envelopes that were.

    `by`: who took the word (a clerk, or the applicant's page); `note`: how and when it was given. All cases in such
    an envelope close with it. Raises NotFoundError (no such case, no envelope), NotAllowedError (not delivered,
    a contradiction stands, the post's own news are evidence enough, no note).
    """
    hand_over_to_a_person(by, note)
    with world.begin() as session:
        case = find_case(session, case_no)
        envelopes = [lock(session, key) for key in _envelopes(session, case)]
        if not envelopes:
            raise NotFoundError(f"办件“{case_no}”还没有邮件，谈不上收到。")
        waiting = [shipment for shipment in envelopes if shipment.stage != Stage.CLOSED]
        if not waiting:
            raise NotAllowedError(f"办件“{case_no}”的邮件已送达闭环，无需再确认。")
        return sum(_confirm(world, session, shipment, by, note) for shipment in waiting)


def _envelopes(session: Session, case: Case) -> list[object]:
    query = (
        select(Content.shipment_id)
        .join(Document, Document.id == Content.document_id)
        .where(Document.case_id == case.id, ~Content.void)
    )
    return sorted(set(session.scalars(query)))
