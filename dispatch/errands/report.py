"""One of our people reports what has happened on the way; the news go out by a job."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from dispatch import jobs
from dispatch.crash import Deed
from dispatch.errands.errand import BadFieldError, Errand, ErrandEvent, by_number, ended, events_of
from dispatch.errors import ConflictError, NotAllowedError
from dispatch.posts.by_hand.codes import CODES, HANDED, NOTE, SIGNERS
from dispatch.world import World

PUSH = "errand.push"
LANE = "by_hand"  # a door that hangs holds up nobody but these news
ASKEW = timedelta(minutes=5)  # a telephone's clock beside ours
TEXT_MOST = 200


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported; without a time it is now."""

    number: str
    code: str
    at: datetime | None = None
    signer: str = ""
    note: str = ""
    place: str = ""


def report(world: World, said: Report, by: str) -> UUID:
    """Store an event; its id. The same event again (number, time, code) gives the first id.

    Raises BadFieldError, NotFoundError, NotAllowedError (the order was taken back), and ConflictError where the same
    event was told otherwise before.
    """
    _check(said)
    with world.begin(Deed.REPORT) as session:
        errand = by_number(session, said.number, lock=True)
        at = (said.at or world.now()).replace(microsecond=0)
        events = events_of(session, errand.id)
        known = next((event for event in events if (event.at, event.code) == (at, said.code)), None)
        if known is not None:
            return _the_same(world, known, said)
        _check_place_in_time(world, errand, at)
        event = _event(world, errand, said, at, by)
        session.add(event)
        _move(errand, event, [*events, event])
        jobs.leave(session, PUSH, errand.subject, lane=LANE)
        return event.id


def _check(said: Report) -> None:
    if said.code not in CODES:
        raise BadFieldError(f"字段 code 须为下列之一：{'、'.join(CODES)}。")
    if said.signer and said.signer not in SIGNERS:
        raise BadFieldError(f"字段 signer 须为空，或下列之一：{'、'.join(SIGNERS)}。")
    if said.signer and said.code != HANDED:
        raise BadFieldError(f"只有当面交付（{HANDED}）才写签收人 signer。")
    for name, text in (("note", said.note), ("place", said.place)):
        if len(text) > TEXT_MOST or not text.isprintable():
            raise BadFieldError(f"字段 {name} 最多 {TEXT_MOST} 个字，写在一行里。")


def _check_place_in_time(world: World, errand: Errand, at: datetime) -> None:
    if errand.cancelled_at is not None:
        raise NotAllowedError("这一单已撤销，请把邮件送回服务中心。")
    if not errand.created_at - ASKEW <= at <= world.now() + ASKEW:
        raise BadFieldError("字段 at 早于下单，或在将来。请核对时间。")


def _the_same(world: World, known: ErrandEvent, said: Report) -> UUID:
    before = {"signer": known.signer, "note": world.vault.open(known, "note") or "", "place": known.place}
    if differs := tuple(name for name, text in before.items() if getattr(said, name) != text):
        raise ConflictError("同一时刻的同一情况已报过，但内容不同。更正请另报一条。", differs)
    return known.id


def _event(world: World, errand: Errand, said: Report, at: datetime, by: str) -> ErrandEvent:
    event = ErrandEvent(
        id=uuid7(),
        errand_id=errand.id,
        at=at,
        code=said.code,
        signer=said.signer,
        place=said.place,
        by=by,
        recorded_at=world.now(),
    )
    if said.note:
        world.vault.seal(event, "note", said.note)
    return event


def _move(errand: Errand, event: ErrandEvent, events: list[ErrandEvent]) -> None:
    """Whatever is reported but a note says that somebody has it; the end hangs on all events together."""
    if errand.taken_at is None and event.code != NOTE:
        errand.taken_by, errand.taken_at = event.by, event.at
    errand.ended_at = ended(events)
