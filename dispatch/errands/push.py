"""The news go out: what was not acknowledged yet is sent again, signed anew, until it is (docs/by-hand.md)."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dispatch import jobs
from dispatch.accounts import ByHandAccount
from dispatch.carrier import Answer, CarrierError, Request
from dispatch.errands.errand import SUBJECT, Errand, ErrandEvent, told
from dispatch.errands.report import LANE, PUSH
from dispatch.errors import ZhuandiError
from dispatch.lease import Claim
from dispatch.posts.by_hand.booking import body_text
from dispatch.posts.by_hand.signature import HEADER, sign
from dispatch.posts.line import open_line
from dispatch.posts.reading import as_object
from dispatch.world import World

PATH = "/pushes/by_hand"
AT_ONCE = 20  # events in one push: with the longest notes it stays below what the door reads


def push_news(world: World, claim: Claim) -> None:
    """Send the events of one errand that were not acknowledged yet. No transaction is open while it speaks."""
    account = world.settings.by_hand
    if account is None:
        raise ZhuandiError("没有设置代送账号 by_hand，代送的消息无处可推。")
    with world.reading() as session:
        errand = session.get_one(Errand, claim.subject.removeprefix(SUBJECT))
        events = _unpushed(session, errand)
        news = [told(world, errand, event) for event in events]
    if not news:
        with claim.done():
            return
    answer, fault = _speak(world, account, news)
    if fault:
        with claim.failed(fault, answer.retry_after if answer else None):
            return
    with claim.done() as session:
        sent = [event.id for event in events]
        session.execute(update(ErrandEvent).where(ErrandEvent.id.in_(sent)).values(pushed_at=world.now()))
        if len(events) == AT_ONCE:
            jobs.leave(session, PUSH, claim.subject, lane=LANE)


def _unpushed(session: Session, errand: Errand) -> list[ErrandEvent]:
    """In the order in which they were recorded: a repetition of a push is the same push, byte for byte."""
    waiting = select(ErrandEvent).where(ErrandEvent.errand_id == errand.id, ErrandEvent.pushed_at.is_(None))
    return list(session.scalars(waiting.order_by(ErrandEvent.recorded_at, ErrandEvent.id).limit(AT_ONCE)))


def _speak(world: World, account: ByHandAccount, news: list[dict[str, str]]) -> tuple[Answer | None, str]:
    """The answer, if one came, and why the news are not acknowledged; empty where they are."""
    reference = news[-1]["id"]
    raw = body_text("news", id=reference, events=news).encode()
    signed = {HEADER: sign(account.key.get_secret_value(), world.now(), raw)}
    line = open_line(account)
    try:
        url = world.settings.public_url.rstrip("/") + PATH
        answer = line.speak(Request(url, raw, "application/json", signed))
    except CarrierError as error:
        return None, str(error)
    finally:
        line.client.close()
    said = as_object(answer.text) or {}
    if answer.status == 200 and said.get("ok") is True and said.get("id") == reference:
        return answer, ""
    return answer, f"代送的消息没有收到回执（HTTP {answer.status}）。"
