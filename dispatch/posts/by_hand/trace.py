"""trace and news: what the people who carry have reported, one line each (docs/by-hand.md). Pure."""

from collections.abc import Mapping
from typing import Any

from dispatch.carrier import Answer, InDoubt, Knock, NotVouched, Seen, Unreadable, Vouched
from dispatch.journey import News
from dispatch.posts.by_hand.booking import body_text, heard, words_of
from dispatch.posts.by_hand.codes import CODES, HANDED, VOIDS, meaning
from dispatch.posts.reading import as_object, objects, text_of
from dispatch.posts.times import NEVER, read_time

TRACE, NEWS = "trace", "news"
NO_NUMBER = "no_such_number"


def question_text(number: str) -> str:
    """The body that asks for everything known of a number."""
    return body_text(TRACE, number=number)


def read_trace(answer: Answer) -> tuple[Seen, ...]:
    """All news of a number; empty where there is none yet, or the desk does not know the number (yet)."""
    code, said = heard(answer)
    if code == NO_NUMBER:
        return ()
    if code or not isinstance(said.get("events"), list):
        raise InDoubt(f"代送点没有答复轨迹：{words_of(said)}".rstrip("："))
    return read_events(said)


def vouched(knock: Knock) -> Vouched:
    """A push whose signature holds: is it one at all? Its events are read later, in a worker."""
    try:
        body = knock.raw.decode()
    except UnicodeDecodeError:
        raise NotVouched("报文不是 UTF-8") from None
    said = as_object(body)
    if said is None:
        raise NotVouched("报文不是 JSON 对象")
    if text_of(said, "operation") != NEWS:
        raise NotVouched(f"不是轨迹推送 {NEWS}")
    if not (reference := text_of(said, "id")):
        raise NotVouched("推送没有编号 id")
    return Vouched(body, reference)


def reference(knock: Knock) -> str:
    """`id` of a push, whoever sent it: what its acknowledgement echoes."""
    return text_of(as_object(knock.raw.decode(errors="replace")) or {}, "id")


def read_push(body: str) -> tuple[Seen, ...]:
    """The news of a push. Raises Unreadable where it is no push."""
    said = as_object(body)
    if said is None or not isinstance(said.get("events"), list):
        raise Unreadable("推送没有 events")
    return read_events(said)


def read_events(said: Mapping[str, Any]) -> tuple[Seen, ...]:
    """Every event, in the order told."""
    return tuple(_read_line(item) for item in objects(said.get("events")))


def _read_line(item: Mapping[str, Any]) -> Seen:
    """One bad line must not cost the others: without a time that can be read, a person reads it."""
    try:
        return _read_event(item)
    except ValueError as error:
        words = f"{error} {_text(item)}".strip()
        return Seen(text_of(item, "number"), NEVER, text_of(item, "code"), News.UNKNOWN, text=words)


def _read_event(item: Mapping[str, Any]) -> Seen:
    number, code, signer = text_of(item, "number"), text_of(item, "code"), text_of(item, "signer")
    if not number or not code:
        raise ValueError("缺少 number 或 code")
    news, capacity = meaning(code, signer)
    return Seen(
        waybill_no=number,
        order_no=text_of(item, "order_no"),
        at=read_time(text_of(item, "at")),
        code=code,
        detail=signer if code == HANDED else "",
        news=news,
        signer=capacity,
        voids=VOIDS.get(code, frozenset()),
        text=_text(item),
        place=text_of(item, "place"),
    )


def _text(item: Mapping[str, Any]) -> str:
    name = CODES.get(text_of(item, "code"), ("",))[0]
    return " ".join(part for part in (name, text_of(item, "note")) if part)
