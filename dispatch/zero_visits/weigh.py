"""The evidence is weighed: what is delivered is closed, or a person is asked."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import jobs, worklist
from dispatch.approval.case import CaseSlip
from dispatch.approval.decided_case import Way
from dispatch.journey import Observed, Stage, Tracking
from dispatch.lease import Claim, done_together
from dispatch.packing.put_back import taken_after_all
from dispatch.shipment import ASK, Shipment, lock, lock_all, subject_id
from dispatch.tracking.sighting import Sighting, first_told, fold_sightings, sightings_by_shipment, sightings_of
from dispatch.worklist import Entry, Reason
from dispatch.world import World
from dispatch.zero_visits.close import LegEvidence, Weighed, close_shipments, record_trips
from dispatch.zero_visits.evidence import ANSWERABLE, Consent, Evidence, weigh

BY_WHOM = (
    "退回途中又显示妥投，可能是本中心自己签收的退件，不能凭此闭环。"
    "收件人确已收到的，记下本人的话；退件在本中心的，二次寄递或暂存。"
)
NAMED = "代码“{}”{}须人工判读，已保留，未改变状态。"
UNNAMED = "代码“{}”{}不在对照表内，已保留，未改变状态。"


def weigh_shipment(world: World, claim: Claim) -> None:
    """Weigh what the sightings of a shipment say now, and act on it."""
    with claim.done() as session:
        shipment = lock(session, subject_id(claim.subject))
        rows = sightings_of(session, shipment.id)
        tracking = fold_sightings(rows)
        if shipment.stage == Stage.PACKED and (told := first_told(rows)) is not None:
            taken_after_all(world, session, shipment, told)
        entries = worklist.facts_of(session, shipment.subject)
        _show_facts(world, session, shipment, tracking)
        waiting = _show_contradictions(world, session, shipment, tracking, entries)
        if entries:
            _settle_gone(world, session, shipment, tracking)
        if waiting:  # a person has it before them, and it is not silence that they must look into
            worklist.settle_by_itself(world, session, shipment.subject, [Reason.STALLED])
            return
        verdict = weigh(tracking, consent_to(session, shipment), asked=_asked(shipment, rows))
        _carry_out(world, session, Weighed(shipment, tracking, verdict))


def weigh_together(world: World, claims: Sequence[Claim]) -> list[Claim]:
    """Weigh shipments of which no person need be told, in one transaction; the claims of the others.

    What is on its way goes on, what is delivered is closed. Whatever goes wrong is raised, and then nothing is
    written of any.
    """
    mine = {subject_id(claim.subject): claim for claim in claims}
    done: list[Claim] = []
    with done_together(world, claims[0].name, done) as session:
        weighed = _weigh_plain(session, lock_all(session, mine.keys()))
        close_shipments(world, session, [one for one in weighed if one.closes])
        done += [mine[one.shipment.id] for one in weighed]
    return [claim for claim in claims if claim not in done]


def _weigh_plain(session: Session, shipments: Sequence[Shipment]) -> list[Weighed]:
    """The verdicts on those of these locked shipments of which nothing was ever, or need be, on the worklist."""
    rows = sightings_by_shipment(session, [shipment.id for shipment in shipments])
    noted = worklist.noted(session, [shipment.subject for shipment in shipments])
    slips = select(CaseSlip).where(CaseSlip.id.in_({shipment.slip_id for shipment in shipments}))
    consents = {slip.id: _consent(slip) for slip in session.scalars(slips)}
    found = []
    for shipment in shipments:
        mine = rows[shipment.id]
        tracking = fold_sightings(mine)
        told = tracking.refusals or tracking.unknown or tracking.contradictions or shipment.subject in noted
        told = told or shipment.stage == Stage.PACKED  # it may have been put back by mistake
        one = Weighed(shipment, tracking, weigh(tracking, consents[shipment.slip_id], asked=_asked(shipment, mine)))
        silent = one.verdict.reason is None and not one.verdict.ask
        if not told and silent and (one.verdict.evidence is None or shipment.stage != Stage.CLOSED):
            found.append(one)
    return found


def _show_facts(world: World, session: Session, shipment: Shipment, tracking: Tracking) -> None:
    """What a person must have seen of all that stands of the carrier's news: so it never hangs on when we looked."""
    for seen in tracking.refusals:
        worklist.put(world, session, Reason.RECIPIENT_REFUSED, shipment.subject, cause=seen.fact)
    post = world.carriers.get(shipment.carrier)
    for seen in tracking.unknown:
        name = post.code_name(seen.code) if post else ""
        detail = f"（{seen.detail}）" if seen.detail else ""
        words = (NAMED if name else UNNAMED).format(f"{seen.code} {name}".strip(), detail)
        worklist.put(world, session, Reason.UNKNOWN_CODE, shipment.subject, cause=seen.fact, detail=words)


def _settle_gone(world: World, session: Session, shipment: Shipment, tracking: Tracking) -> None:
    """What the carrier took back, and what was told of a number that is voided by now, is no fact of this envelope.

    A revocation may overtake what it revokes; what turns out to be a routine correction is nobody's work.
    """
    for reason, facts in (
        (Reason.RECIPIENT_REFUSED, tracking.refusals),
        (Reason.UNKNOWN_CODE, tracking.unknown),
        (Reason.DELIVERY_REVOKED, tracking.contradictions),
    ):
        worklist.settle_gone(world, session, shipment.subject, reason, {seen.fact for seen in facts})


def _show_contradictions(
    world: World, session: Session, shipment: Shipment, tracking: Tracking, entries: Collection[Entry]
) -> bool:
    """Whether a contradiction stands that no person has settled: then nothing is closed."""
    waiting = unsettled(entries, tracking)
    for seen in waiting:
        words = f"寄递企业的代码“{seen.code}”推翻了先前的消息。"
        worklist.put(world, session, Reason.DELIVERY_REVOKED, shipment.subject, cause=seen.fact, detail=words)
    return bool(waiting)


def unsettled(entries: Collection[Entry], tracking: Tracking) -> list[Observed]:
    """The contradictions that no person has settled yet. `entries`: all that the shipment ever had."""
    settled = worklist.settled_causes(entries, Reason.DELIVERY_REVOKED)
    return [seen for seen in tracking.contradictions if seen.fact not in settled]


def _asked(shipment: Shipment, rows: list[Sighting]) -> bool:
    latest = max((row.received_at for row in rows if row.source != "question"), default=None)
    return shipment.asked_at is not None and (latest is None or shipment.asked_at >= latest)


def consent_to(session: Session, shipment: Shipment) -> Consent:
    """What the applicant agreed to for this envelope."""
    return _consent(session.get_one(CaseSlip, shipment.slip_id))


def _consent(slip: CaseSlip) -> Consent:
    return Consent(Way(slip.way), slip.point_at_address, slip.brought_to_door, slip.proxy_allowed)


def _carry_out(world: World, session: Session, weighed: Weighed) -> None:
    shipment, tracking, verdict = weighed.shipment, weighed.tracking, weighed.verdict
    if shipment.stage == Stage.UNDELIVERED:
        return  # its papers go another way by now; only what contradicts that is shown, and was above
    if verdict.ask:
        jobs.leave(session, ASK, shipment.subject, lane=shipment.carrier)
    elif verdict.reason is not None and tracking.cause is not None:
        if not (verdict.reason in ANSWERABLE and _confirmed(session, shipment)):
            words, fact = BY_WHOM if tracking.on_way_back else "", tracking.cause.fact
            worklist.put(world, session, verdict.reason, shipment.subject, cause=fact, detail=words)
            # The watch may have shown it first, where nobody weighed for longer than its patience.
            worklist.supersede(world, session, shipment.subject, verdict.reason, fact)
            if verdict.reason is not Reason.SIGNER_UNKNOWN:  # as it may have been, or as the watch had it
                worklist.settle_by_itself(world, session, shipment.subject, [Reason.SIGNER_UNKNOWN])
    elif weighed.closes:
        close_shipments(world, session, [weighed])
    elif verdict.evidence is not None and shipment.stage == Stage.CLOSED:
        # News that came after the closing may tell of a trip that the closing could not know.
        record_trips(world, session, [weighed])


def _confirmed(session: Session, shipment: Shipment) -> bool:
    """Whether the applicant has said already that it is in hand."""
    word = LegEvidence.evidence == Evidence.CONFIRMED_BY_APPLICANT
    return session.scalar(select(LegEvidence.id).where(LegEvidence.shipment_id == shipment.id, word)) is not None
