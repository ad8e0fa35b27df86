"""What a tracked state is worth (HALL.md §2, CARRIERS §1.9): delivered is a claim, closed is a fact. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dispatch.approval.decided_case import Way
from dispatch.journey import News, Signer, Tracked, Tracking
from dispatch.visits import VisitKind
from dispatch.worklist import Reason


class Evidence(StrEnum):
    """Who had the envelope in hand, as the post told it, as the applicant says, or as the window's receipt shows."""

    SIGNED_BY_RECIPIENT = "signed_by_recipient"
    SIGNED_BY_CONSENTED_PROXY = "signed_by_consented_proxy"
    SIGNED_AT_CONSENTED_STATION = "signed_at_consented_station"
    FETCHED_BY_RECIPIENT = "fetched_by_recipient"
    CONFIRMED_BY_APPLICANT = "confirmed_by_applicant"
    COLLECTED_AT_WINDOW = "collected_at_window"  # signed for across the counter: the hall's own receipt


EVIDENCE_WORDS: Mapping[Evidence, str] = {
    Evidence.SIGNED_BY_RECIPIENT: "本人签收",
    Evidence.SIGNED_BY_CONSENTED_PROXY: "授权代收",
    Evidence.SIGNED_AT_CONSENTED_STATION: "约定村邮站签收",
    Evidence.FETCHED_BY_RECIPIENT: "本人取走",
    Evidence.CONFIRMED_BY_APPLICANT: "本人确认收到",
    Evidence.COLLECTED_AT_WINDOW: "窗口领取签收",
}
assert set(EVIDENCE_WORDS) == set(Evidence)  # noqa: S101 - evidence without a word could not be shown


@dataclass(frozen=True, slots=True)
class Consent:
    """What the applicant agreed to in the slip."""

    way: Way
    point_at_address: bool = False
    brought_to_door: bool = False
    proxy_allowed: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do: close with `evidence` and `visit`, put `reason` before a person, ask the post, or wait."""

    evidence: Evidence | None = None
    visit: VisitKind | None = None
    reason: Reason | None = None
    ask: bool = False


WAIT = Verdict()
PROXIES = frozenset({Signer.PROXY, Signer.MAILROOM, Signer.PROPERTY, Signer.OFFICE})
TROUBLES: Mapping[News, Reason] = {
    News.ADDRESS_UNCLEAR: Reason.ADDRESS_UNCLEAR,
    News.RETURNING: Reason.RETURNING,
    News.RETURNED: Reason.RETURNED,
    News.LOST: Reason.LOST,
}


def weigh(tracking: Tracking, consent: Consent, *, asked: bool) -> Verdict:
    """The verdict on what all sightings say. `asked`: the post was asked after it told of the delivery."""
    if tracking.state is not Tracked.DELIVERED:
        trouble = TROUBLES.get(tracking.cause.news) if tracking.cause else None
        return Verdict(reason=trouble) if trouble else WAIT
    if tracking.on_way_back:
        return Verdict(reason=Reason.SIGNER_UNKNOWN)  # no carrier's word tells whether it was we who signed
    match tracking.signer:
        case Signer.SELF:
            return Verdict(evidence=Evidence.SIGNED_BY_RECIPIENT, visit=_trip_to_sign(tracking, consent))
        case Signer.FETCHED:
            return Verdict(evidence=Evidence.FETCHED_BY_RECIPIENT, visit=fetching(consent))
        case Signer.VILLAGE:
            return _at_the_village(consent)
        case signer if signer in PROXIES:
            return _by_proxy(tracking, consent)
        case _:
            return Verdict(reason=Reason.SIGNER_UNKNOWN) if asked else Verdict(ask=True)


def fetching(consent: Consent) -> VisitKind:
    """How fetching it oneself counts: only a consented locker at the delivery address is no trip."""
    match consent.way:
        case Way.LOCKER if consent.point_at_address:
            return VisitKind.LOCKER_AT_ADDRESS
        case Way.VILLAGE_STATION:
            return VisitKind.VILLAGE_STATION
        case Way.POST_OFFICE:
            return VisitKind.POST_OFFICE
        case _:
            return VisitKind.LOCKER_ELSEWHERE


def _trip_to_sign(tracking: Tracking, consent: Consent) -> VisitKind | None:
    """Signed in person is no trip at the door, and one at the point where it was agreed or left to be fetched."""
    at_the_station = consent.way is Way.VILLAGE_STATION and not consent.brought_to_door
    if consent.way is Way.POST_OFFICE or at_the_station:
        return fetching(consent)
    if not tracking.from_point:
        return None
    # After a failed attempt it is the post's counter that hands it out against a signature.
    return VisitKind.POST_OFFICE if consent.way is Way.DOOR else fetching(consent)


ANSWERABLE = frozenset({Reason.SIGNER_UNKNOWN, Reason.SIGNED_WITHOUT_CONSENT, Reason.DELIVERY_REVOKED})
"""What the applicant can answer: nobody knows who signed, somebody did without consent, the post took it back."""


def own_word(tracking: Tracking, consent: Consent) -> Verdict:
    """The verdict where the applicant says that it is in hand; who took it in decides how it counts (HALL.md §2)."""
    return Verdict(evidence=Evidence.CONFIRMED_BY_APPLICANT, visit=_trip_behind_the_word(tracking, consent))


def _trip_behind_the_word(tracking: Tracking, consent: Consent) -> VisitKind | None:
    if tracking.signer is Signer.VILLAGE and consent.way is not Way.VILLAGE_STATION:
        return VisitKind.VILLAGE_STATION_WITHOUT_CONSENT
    if consent.way is Way.DOOR:
        return _trip_to_sign(tracking, consent)
    # It lay at a point. The higher figure stands until somebody rules otherwise.
    return VisitKind.CADRE_VISIT if consent.brought_to_door else fetching(consent)


def _at_the_village(consent: Consent) -> Verdict:
    if consent.way is not Way.VILLAGE_STATION:
        return Verdict(reason=Reason.SIGNED_WITHOUT_CONSENT)
    visit = VisitKind.CADRE_VISIT if consent.brought_to_door else VisitKind.VILLAGE_STATION
    return Verdict(evidence=Evidence.SIGNED_AT_CONSENTED_STATION, visit=visit)


def _by_proxy(tracking: Tracking, consent: Consent) -> Verdict:
    if not consent.proxy_allowed:
        return Verdict(reason=Reason.SIGNED_WITHOUT_CONSENT)
    # Somebody's trip to a counter is a trip, whoever of the household made it.
    return Verdict(evidence=Evidence.SIGNED_BY_CONSENTED_PROXY, visit=_trip_to_sign(tracking, consent))
