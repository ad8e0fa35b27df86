"""The journey of a shipment: two tables and one view. Nothing else is a state.

`stage` moves by our own acts, in the order of our commits; an act that is missing in ACTS is an error.
`tracked` is folded anew from the *set* of all sightings (DESIGN promise 4); news that is missing in NEWS is kept
and moves nothing. What anyone sees is `view(stage, tracked)`. This module imports no framework.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Stage(StrEnum):
    """Where our own acts have brought a shipment."""

    GATHERING = "gathering"
    TO_BOOK = "to_book"
    BOOKING = "booking"
    IN_DOUBT = "in_doubt"
    REFUSED = "refused"
    BOOKED = "booked"
    PRINTED = "printed"
    PACKED = "packed"
    CANCELLING = "cancelling"
    HANDED_OVER = "handed_over"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    UNDELIVERED = "undelivered"


class Act(StrEnum):
    """What we can do to a shipment."""

    SEAL = "seal"  # the grouping window is over: nothing more goes into this envelope
    INTEND = "intend"  # the intent to book is committed, the call follows
    POSTPONE = "postpone"  # the call was surely not processed
    DOUBT = "doubt"  # the call may have been processed
    REFUSE = "refuse"  # the carrier refused with its own words
    ADOPT = "adopt"  # the waybill number is known
    NEVER_PLACED = "never_placed"  # surely no booking exists
    AMEND = "amend"  # a person mended what the carrier refused
    PRINT = "print"
    PACK = "pack"
    UNPACK = "unpack"
    HAND_OVER = "hand_over"
    PUT_BACK = "put_back"  # it was written down as handed over, and never left the desk
    VOID = "void"  # the label is taken back: the carrier is told before anything else happens
    VOIDED = "voided"  # the carrier has no booking any more: it is booked anew
    KEEP = "keep"  # the carrier would not take it back: the label stands
    CLOSE = "close"
    CALL_OFF = "call_off"  # nothing shall be sent; done as soon as it is clear whether a booking exists
    CANCEL = "cancel"
    TAKE_BACK = "take_back"  # it came back, and its papers are in our hands again
    WRITE_OFF = "write_off"  # it is lost: what it held is made anew


ACTS: Mapping[tuple[Stage, Act], Stage] = {
    (Stage.GATHERING, Act.SEAL): Stage.TO_BOOK,
    (Stage.GATHERING, Act.CANCEL): Stage.CANCELLED,
    (Stage.TO_BOOK, Act.INTEND): Stage.BOOKING,
    (Stage.TO_BOOK, Act.CANCEL): Stage.CANCELLED,
    (Stage.TO_BOOK, Act.ADOPT): Stage.BOOKED,  # the carrier tells of a booking that was thought never placed
    (Stage.BOOKING, Act.ADOPT): Stage.BOOKED,
    (Stage.BOOKING, Act.DOUBT): Stage.IN_DOUBT,
    (Stage.BOOKING, Act.REFUSE): Stage.REFUSED,
    (Stage.BOOKING, Act.POSTPONE): Stage.TO_BOOK,
    (Stage.BOOKING, Act.CALL_OFF): Stage.BOOKING,
    (Stage.IN_DOUBT, Act.ADOPT): Stage.BOOKED,
    (Stage.IN_DOUBT, Act.NEVER_PLACED): Stage.TO_BOOK,
    (Stage.IN_DOUBT, Act.REFUSE): Stage.REFUSED,  # looked up: the carrier has the order, and will not carry it
    (Stage.IN_DOUBT, Act.CALL_OFF): Stage.IN_DOUBT,
    (Stage.REFUSED, Act.AMEND): Stage.TO_BOOK,
    (Stage.REFUSED, Act.CANCEL): Stage.CANCELLED,
    (Stage.REFUSED, Act.ADOPT): Stage.BOOKED,
    (Stage.BOOKED, Act.PRINT): Stage.PRINTED,
    (Stage.PRINTED, Act.PRINT): Stage.PRINTED,
    (Stage.PRINTED, Act.PACK): Stage.PACKED,
    (Stage.PACKED, Act.UNPACK): Stage.PRINTED,
    (Stage.BOOKED, Act.VOID): Stage.CANCELLING,
    (Stage.PRINTED, Act.VOID): Stage.CANCELLING,
    (Stage.CANCELLING, Act.VOIDED): Stage.TO_BOOK,
    (Stage.CANCELLING, Act.CANCEL): Stage.CANCELLED,
    (Stage.CANCELLING, Act.KEEP): Stage.BOOKED,
    (Stage.PACKED, Act.HAND_OVER): Stage.HANDED_OVER,
    (Stage.HANDED_OVER, Act.PUT_BACK): Stage.PACKED,
    (Stage.HANDED_OVER, Act.CLOSE): Stage.CLOSED,
    (Stage.HANDED_OVER, Act.TAKE_BACK): Stage.UNDELIVERED,
    (Stage.HANDED_OVER, Act.WRITE_OFF): Stage.UNDELIVERED,
    (Stage.CLOSED, Act.TAKE_BACK): Stage.UNDELIVERED,  # the post took the delivery back, and brought the letter
    (Stage.CLOSED, Act.WRITE_OFF): Stage.UNDELIVERED,
}


AWAITS_NUMBER = frozenset(stage for stage, act in ACTS if act is Act.ADOPT)
"""Stages of a sealed envelope whose number may be told: then it is booked, whatever we thought."""


class News(StrEnum):
    """Our word for one line of a carrier's news. A carrier's code that means none of these is UNKNOWN."""

    COLLECTED = "collected"
    IN_TRANSIT = "in_transit"
    AT_OFFICE = "at_office"
    OUT_FOR_DELIVERY = "out_for_delivery"
    ATTEMPT_FAILED = "attempt_failed"
    ADDRESS_UNCLEAR = "address_unclear"
    RECIPIENT_REFUSED = "recipient_refused"
    AWAITING_PICKUP = "awaiting_pickup"
    DELIVERED = "delivered"
    FETCHED = "fetched"
    RETURNING = "returning"
    RETURNED = "returned"
    LOST = "lost"
    VOIDING = "voiding"
    NOTE = "note"  # known, and says nothing about where the envelope is
    UNKNOWN = "unknown"


class Signer(StrEnum):
    """In what capacity somebody signed."""

    SELF = "self"
    PROXY = "proxy"
    MAILROOM = "mailroom"
    PROPERTY = "property"
    OFFICE = "office"
    VILLAGE = "village"
    FETCHED = "fetched"
    UNKNOWN = "unknown"


class Tracked(StrEnum):
    """Where the carrier's news have brought a shipment."""

    UNSEEN = "unseen"
    COLLECTED = "collected"
    IN_TRANSIT = "in_transit"
    AT_OFFICE = "at_office"
    OUT_FOR_DELIVERY = "out_for_delivery"
    ATTEMPT_FAILED = "attempt_failed"
    AWAITING_PICKUP = "awaiting_pickup"
    DELIVERED = "delivered"
    RETURNING = "returning"
    RETURNED = "returned"
    LOST = "lost"


ON_THE_WAY = (
    Tracked.UNSEEN,
    Tracked.COLLECTED,
    Tracked.IN_TRANSIT,
    Tracked.AT_OFFICE,
    Tracked.OUT_FOR_DELIVERY,
    Tracked.ATTEMPT_FAILED,
    Tracked.AWAITING_PICKUP,
)
MEANS: Mapping[News, Tracked] = {
    News.COLLECTED: Tracked.COLLECTED,
    News.IN_TRANSIT: Tracked.IN_TRANSIT,
    News.AT_OFFICE: Tracked.AT_OFFICE,
    News.OUT_FOR_DELIVERY: Tracked.OUT_FOR_DELIVERY,
    News.ATTEMPT_FAILED: Tracked.ATTEMPT_FAILED,
    News.ADDRESS_UNCLEAR: Tracked.ATTEMPT_FAILED,
    News.RECIPIENT_REFUSED: Tracked.ATTEMPT_FAILED,
    News.AWAITING_PICKUP: Tracked.AWAITING_PICKUP,
    News.DELIVERED: Tracked.DELIVERED,
    News.FETCHED: Tracked.DELIVERED,
    News.RETURNING: Tracked.RETURNING,
    News.RETURNED: Tracked.RETURNED,
    News.LOST: Tracked.LOST,
}
MOVEMENT = frozenset({News.COLLECTED, News.IN_TRANSIT, News.AT_OFFICE, News.OUT_FOR_DELIVERY})
"""News that final news absorbs: a letter once delivered does not go back on its way by them."""
CORRECTED_QUIETLY = MOVEMENT | {News.ATTEMPT_FAILED, News.ADDRESS_UNCLEAR, News.RECIPIENT_REFUSED, News.RETURNING}
"""Taking these back is routine on the way. Whatever else is revoked (a locker, a code not read) a person sees."""

NEWS: Mapping[tuple[Tracked, News], Tracked] = {
    # On its way every piece of news is believed, whatever came before it.
    **{(tracked, news): MEANS[news] for tracked in ON_THE_WAY for news in MEANS},
    # Going back, it moves on its way without turning round; only an end ends that.
    **{
        (Tracked.RETURNING, news): MEANS[news]
        for news in (News.DELIVERED, News.FETCHED, News.RETURNED, News.LOST, News.RETURNING)
    },
    # An end is left only for another end or for the way back: a contradiction, which a person settles.
    **{
        (end, news): MEANS[news]
        for end in (Tracked.DELIVERED, Tracked.RETURNED, Tracked.LOST)
        for news in (News.DELIVERED, News.FETCHED, News.RETURNED, News.LOST)
    },
    (Tracked.DELIVERED, News.RETURNING): Tracked.RETURNING,
    (Tracked.LOST, News.RETURNING): Tracked.RETURNING,
}
ENDS = frozenset({Tracked.DELIVERED, Tracked.RETURNED, Tracked.LOST})
WAY_BACK = frozenset({Tracked.RETURNING, Tracked.RETURNED})

RANK: Mapping[News, int] = {news: rank for rank, news in enumerate(News)}
"""Orders news of the same second: the later on the road, the later in the fold; a voiding after what it voids."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One sighting as the fold needs it. Equal sightings are one: the set is what counts, not the arrivals."""

    at: datetime
    code: str
    news: News
    detail: str = ""  # the carrier's sub-code (EMS 妥投代码 or 未妥投代码), empty where it told none
    signer: Signer | None = None
    voids: frozenset[str] = frozenset()
    digest: str = ""

    @property
    def fact(self) -> str:
        """Names one event, whatever text tells it: pushed and asked for, it is the same fact."""
        return f"{self.at.isoformat()}:{self.code}:{self.detail}"

    def order(self) -> tuple[datetime, int, str, str, str]:
        """Event time, rank of the news, code, sub-code, digest: total, and blind to arrival."""
        return (self.at, RANK[self.news], self.code, self.detail, self.digest)


@dataclass(frozen=True, slots=True)
class Tracking:
    """What all sightings together say. `cause` is the one that led here; `contradictions` go to a person."""

    state: Tracked = Tracked.UNSEEN
    cause: Observed | None = None
    signer: Signer | None = None
    contradictions: tuple[Observed, ...] = ()
    unknown: tuple[Observed, ...] = ()
    refusals: tuple[Observed, ...] = ()  # the recipient refused it: a fact, whatever came after
    from_point: bool = False  # delivered from a locker, station or counter: it did not come out to the door again
    on_way_back: bool = False  # delivered after it had turned back to us: 本人 may mean the sender, ourselves

    @property
    def since(self) -> datetime | None:
        """The carrier's time of the news that led to this state."""
        return self.cause.at if self.cause else None


def fold(sightings: Iterable[Observed]) -> Tracking:
    """The tracked state of a set of sightings: the same for every order and every repetition of them."""
    standing, voidings = _take_back(sorted(_told_best(sightings), key=Observed.order))
    state, cause, signer, contradictions = Tracked.UNSEEN, None, None, list(voidings)
    from_point = at_point = going_back = False
    for seen in standing:
        at_point = seen.news is News.AWAITING_PICKUP or (at_point and seen.news is not News.OUT_FOR_DELIVERY)
        moved = NEWS.get((state, seen.news))
        if moved is None:
            if state in ENDS and seen.news in MEANS and seen.news not in MOVEMENT:
                contradictions.append(seen)
            continue
        if _contradicts(state, signer, seen, moved):
            contradictions.append(seen)
        if state is Tracked.DELIVERED is moved and seen.signer in {None, Signer.UNKNOWN}:
            continue  # told again with less than is known
        if state is not Tracked.DELIVERED:
            from_point = at_point and moved is Tracked.DELIVERED
        state, cause = moved, seen
        going_back = going_back or state in WAY_BACK
        signer = (seen.signer or Signer.UNKNOWN) if state is Tracked.DELIVERED else None
    return Tracking(
        state,
        cause,
        signer,
        tuple(sorted(contradictions, key=Observed.order)),
        unknown=tuple(seen for seen in standing if seen.news is News.UNKNOWN),
        refusals=tuple(seen for seen in standing if seen.news is News.RECIPIENT_REFUSED),
        from_point=from_point,
        on_way_back=going_back and state is Tracked.DELIVERED,
    )


def _contradicts(state: Tracked, signer: Signer | None, seen: Observed, moved: Tracked) -> bool:
    """One end after another, delivered on the way back to us, or signed for by somebody else as well."""
    if state is Tracked.DELIVERED is moved:
        return signer is not Signer.UNKNOWN and seen.signer not in {None, Signer.UNKNOWN, signer}
    return (state in ENDS and moved is not state) or (state is Tracked.RETURNING and moved is Tracked.DELIVERED)


def _told_best(sightings: Iterable[Observed]) -> set[Observed]:
    """The same event told with its sub-code replaces its telling without (EMS pushes leave 妥投代码 out)."""
    told = set(sightings)
    with_detail = {(seen.at, seen.code) for seen in told if seen.detail}
    best: dict[tuple[datetime, str, str], Observed] = {}
    for seen in sorted(told, key=Observed.order):
        if seen.detail or (seen.at, seen.code) not in with_detail:
            best.setdefault((seen.at, seen.code, seen.detail), seen)
    return set(best.values())


def taken_back(sightings: Iterable[Observed]) -> frozenset[tuple[datetime, str]]:
    """Time and code of the events that a later voiding code has taken back, in whichever telling."""
    best = _told_best(sightings)
    standing, _ = _take_back(sorted(best, key=Observed.order))
    return frozenset((seen.at, seen.code) for seen in best.difference(standing) if not seen.voids)


def _take_back(ordered: list[Observed]) -> tuple[list[Observed], list[Observed]]:
    """Each voiding code takes back the latest earlier sighting that it names. What stands, and the revocations."""
    standing: list[Observed] = []
    revocations: list[Observed] = []
    for seen in ordered:
        if not seen.voids:
            standing.append(seen)
            continue
        named = next((past for past in reversed(standing) if past.code in seen.voids), None)
        if named is not None:
            standing.remove(named)
        if named is None or named.news not in CORRECTED_QUIETLY:
            revocations.append(seen)
    return standing, revocations


class View(StrEnum):
    """What anyone sees of a shipment."""

    GATHERING = "gathering"
    TO_BOOK = "to_book"
    BOOKING = "booking"
    IN_DOUBT = "in_doubt"
    REFUSED = "refused"
    TO_PRINT = "to_print"
    TO_PACK = "to_pack"
    TO_HAND_OVER = "to_hand_over"
    CANCELLING = "cancelling"
    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    ATTEMPT_FAILED = "attempt_failed"
    AWAITING_PICKUP = "awaiting_pickup"
    DELIVERED = "delivered"
    RETURNING = "returning"
    RETURNED = "returned"
    LOST = "lost"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    UNDELIVERED = "undelivered"


BY_STAGE: Mapping[Stage, View] = {
    Stage.GATHERING: View.GATHERING,
    Stage.TO_BOOK: View.TO_BOOK,
    Stage.BOOKING: View.BOOKING,
    Stage.IN_DOUBT: View.IN_DOUBT,
    Stage.REFUSED: View.REFUSED,
    Stage.BOOKED: View.TO_PRINT,
    Stage.PRINTED: View.TO_PACK,
    Stage.PACKED: View.TO_HAND_OVER,
    Stage.CANCELLING: View.CANCELLING,
    Stage.HANDED_OVER: View.HANDED_OVER,
    Stage.CLOSED: View.CLOSED,
    Stage.CANCELLED: View.CANCELLED,
    Stage.UNDELIVERED: View.UNDELIVERED,
}
BY_TRACKED: Mapping[Tracked, View] = {
    Tracked.COLLECTED: View.IN_TRANSIT,
    Tracked.IN_TRANSIT: View.IN_TRANSIT,
    Tracked.AT_OFFICE: View.IN_TRANSIT,
    Tracked.OUT_FOR_DELIVERY: View.OUT_FOR_DELIVERY,
    Tracked.ATTEMPT_FAILED: View.ATTEMPT_FAILED,
    Tracked.AWAITING_PICKUP: View.AWAITING_PICKUP,
    Tracked.DELIVERED: View.DELIVERED,
    Tracked.RETURNING: View.RETURNING,
    Tracked.RETURNED: View.RETURNED,
    Tracked.LOST: View.LOST,
}
AT_AN_END = frozenset({View.CLOSED, View.CANCELLED, View.UNDELIVERED})
"""Views that wait for nothing. Every other one has its patience in the settings."""
WAITS_FOR_THE_HALL = frozenset(
    {View.REFUSED, View.TO_PRINT, View.TO_PACK, View.TO_HAND_OVER, View.RETURNED, View.LOST}
)
"""Views in which somebody at the hall has the next act: nobody is there on days off. The post and our own machines
work on all days."""


def view(stage: Stage, tracked: Tracked) -> View:
    """The news count from the hand-over until the closing; before and after it our own acts say where we are."""
    if stage is Stage.HANDED_OVER:
        return BY_TRACKED.get(tracked, View.HANDED_OVER)
    return BY_STAGE[stage]
