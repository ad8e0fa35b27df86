"""What the database holds of an envelope for its page: one text, looked up by token, for many at once."""

import json
from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import TextClause, func, literal_column, select, text
from sqlalchemy.orm import Session

from dispatch.api.track_lines import OUR_ACTS, UNDOES
from dispatch.api.track_view import ENDING_ACTS
from dispatch.approval.case import Case, Document
from dispatch.db import DIALECT
from dispatch.shipment import Content
from dispatch.worklist import Reason
from dispatch.world import World
from dispatch.zero_visits.proof import CONTRADICTING, TRIPS, on_the_worklist, proved, without

TOLD_ACTS = tuple(dict.fromkeys((*OUR_ACTS, UNDOES, *ENDING_ACTS)))
DISPUTES = (Reason.DELIVERY_REVOKED, Reason.SIGNED_WITHOUT_CONSENT)


def records(world: World, session: Session, tokens: Sequence[str]) -> list[str | None]:
    """For each token the record of its envelope, as JSON; None for one that nobody has, or whose number is void.

    All that a page tells comes from here, so equal records are equal pages. Sealed values stay sealed.
    """
    digests = [world.vault.digest("token", token).hex() for token in tokens]
    rows = session.execute(_looking(), {"digests": json.dumps(digests)})
    found: dict[str, str] = {row.digest: row.record for row in rows}
    return [found.get(digest) for digest in digests]


@lru_cache(maxsize=1)
def _looking() -> TextClause:
    acts, disputes = (", ".join(f"'{word}'" for word in words) for words in (TOLD_ACTS, DISPUTES))
    whole = LOOK.format(acts=acts, disputes=disputes, zero=_zero())
    return text(" ".join(whole.split()))  # the driver keeps only short statements in its own form


def _zero() -> str:
    """Every case in it is proved and cost nobody a trip, by the conditions of the monthly figures."""
    each = proved() & ~on_the_worklist(CONTRADICTING) & without(TRIPS)
    inside = select(Document.case_id).join(Content, Content.document_id == Document.id)
    mine = inside.where(Content.shipment_id == literal_column("envelope.id", type_=Content.shipment_id.type))
    query = select(func.bool_and(each)).where(Case.id.in_(mine.where(~Content.void)))
    return str(query.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})).replace("%%", "%")


LOOK = """
SELECT encode(number.token_digest, 'hex') AS digest, CAST(json_build_object(
    'carrier', number.carrier, 'number', number.number,
    'stage', envelope.stage, 'tracked', envelope.tracked, 'signer', envelope.signer, 'moved_at', envelope.moved_at,
    'slip', json_build_object(
        'id', slip.id, 'recipient_name', encode(slip.recipient_name, 'hex'), 'phone', encode(slip.phone, 'hex'),
        'organisation', slip.organisation, 'way', slip.way,
        'place', json_build_array(slip.province, slip.city, slip.county, slip.town)
    ),
    'contents', (
        SELECT json_agg(
            json_build_array(documents.name, documents.copies, items.hide_title, cases.decided_at)
            ORDER BY documents.code
        )
        FROM contents JOIN documents ON documents.id = contents.document_id
        JOIN cases ON cases.id = documents.case_id JOIN items ON items.id = cases.item_id
        WHERE contents.shipment_id = envelope.id AND NOT contents.void
    ),
    'acts', (
        SELECT json_agg(json_build_array(moves.at, moves.cause) ORDER BY moves.at, moves.id) FROM moves
        WHERE moves.shipment_id = envelope.id AND moves.cause IN ({acts})
    ),
    'sightings', (
        SELECT json_agg(json_build_object(
            'id', seen.id, 'at', seen.at, 'code', seen.code, 'detail', seen.detail, 'news', seen.news,
            'signer', seen.signer, 'voids', seen.voids, 'digest', encode(seen.digest, 'hex'),
            'place', encode(seen.place, 'hex')
        ) ORDER BY seen.at, seen.received_at, seen.id)
        FROM sightings AS seen WHERE seen.shipment_id = envelope.id
    ),
    'evidence', (
        SELECT min(leg_evidence.evidence) FROM leg_evidence WHERE leg_evidence.shipment_id = envelope.id
    ),
    'disputed', EXISTS (
        SELECT FROM worklist WHERE worklist.subject = 'shipment:' || envelope.id
        AND worklist.settled_at IS NULL AND worklist.reason IN ({disputes})
    ),
    'zero', envelope.stage = 'closed' AND ({zero})
) AS text) AS record
FROM waybills AS number
JOIN shipments AS envelope ON envelope.id = number.shipment_id
JOIN slips AS slip ON slip.id = envelope.slip_id
WHERE number.voided_at IS NULL AND number.token_digest = ANY (ARRAY(
    SELECT decode(digest, 'hex') FROM json_array_elements_text(CAST(:digests AS json)) AS asked (digest)
))
"""
