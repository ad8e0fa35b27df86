"""The desk of the centre's own people: orders from our own post's side, signed; reports from those who carry.

The four signed operations answer in the protocol's shape (docs/by-hand.md), the people's doors in the house's own.
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dispatch.api.body import parse_json, read_whole
from dispatch.api.shell import Answer, RefusedError
from dispatch.api.who import Carrying, TheWorld
from dispatch.errands.errand import BadFieldError
from dispatch.errands.open_errands import OpenErrand, open_errands
from dispatch.errands.report import Report, report
from dispatch.errands.take import cancel, look_up, take_order, trace
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.hall_time import hall_time
from dispatch.posts.by_hand.booking import BOOK, CANCEL, LOOK_UP, NO_ORDER, TAKEN
from dispatch.posts.by_hand.signature import HEADER, fault
from dispatch.posts.by_hand.trace import NO_NUMBER, TRACE
from dispatch.posts.times import read_time
from dispatch.world import World

router = APIRouter(prefix="/by-hand", tags=["干部代送"])
BODY_MOST = 1_048_576
JSON_BODY: dict[str, Any] = {"content": {"application/json": {"schema": {"type": "object"}}}, "required": True}
KEYED: dict[int | str, dict[str, Any]] = {
    401: {"description": "没有密钥，或密钥不对"},
    403: {"description": "密钥没有开通这项权限"},
}
SIGNED: dict[str, Any] = {
    "responses": {
        200: {"description": "已办"},
        401: {"description": "签名或时间不对"},
        404: {"description": "没有这一单，或没有开通代送"},
        409: {"description": "与已有的单冲突"},
        422: {"description": "字段有误"},
    },
    "openapi_extra": {"requestBody": JSON_BODY},
}


async def _raw(request: Request) -> bytes:
    return await read_whole(request, BODY_MOST)


Raw = Annotated[bytes, Depends(_raw)]
Said = dict[str, Any]


@router.post("/book", summary="代送点收单", **SIGNED)
def post_book(world: TheWorld, request: Request, raw: Raw) -> Answer:
    """同一单号、同样内容，可以放心重发；内容不同则答 409。"""

    def book(said: Said) -> Said:
        errand = take_order(world, said)
        return {"number": errand.number, "order_no": errand.order_no}

    return _answered(world, request, raw, BOOK, book)


@router.post("/look-up", summary="按订单号查单", **SIGNED)
def post_look_up(world: TheWorld, request: Request, raw: Raw) -> Answer:
    """没有此单答 404。"""

    def find(said: Said) -> Said:
        errand = look_up(world, _text(said, "order_no"))
        cancelled = errand.cancelled_at is not None
        return {"order_no": errand.order_no, "number": errand.number, "cancelled": cancelled}

    return _answered(world, request, raw, LOOK_UP, find)


@router.post("/cancel", summary="撤单", **SIGNED)
def post_cancel(world: TheWorld, request: Request, raw: Raw) -> Answer:
    """已撤过的再撤一次无妨；已有人取走的答 409。"""

    def take_back(said: Said) -> Said:
        cancel(world, _text(said, "order_no"), _text(said, "number"))
        return {}

    return _answered(world, request, raw, CANCEL, take_back)


@router.post("/trace", summary="查轨迹", **SIGNED)
def post_trace(world: TheWorld, request: Request, raw: Raw) -> Answer:
    """一个单号的全部情况。"""

    def tell(said: Said) -> Said:
        errand, events = trace(world, _text(said, "number"))
        return {"number": errand.number, "events": events}

    return _answered(world, request, raw, TRACE, tell)


def _answered(world: World, request: Request, raw: bytes, operation: str, act: Callable[[Said], Said]) -> Answer:
    """Only what is signed under our key, in time, and for this operation is acted on."""
    account = world.settings.by_hand
    if account is None:
        raise NotFoundError("没有开通代送。")
    signature = request.headers.get(HEADER, "")
    if reason := fault(account.key.get_secret_value(), signature, raw, world.now()):
        return _refused(401, "bad_signature", reason)
    try:
        return Answer({"ok": True, **act(_said(raw, operation))})
    except BadFieldError as error:
        return _refused(422, "bad_field", str(error))
    except NotFoundError as error:
        return _refused(404, NO_NUMBER if operation == TRACE else NO_ORDER, str(error))
    except ConflictError as error:
        return _refused(409, "other_content", str(error))
    except NotAllowedError as error:
        return _refused(409, TAKEN if operation == CANCEL else "cancelled", str(error))


def _refused(status: int, code: str, words: str) -> Answer:
    return Answer({"ok": False, "code": code, "words": words}, status)


def _said(raw: bytes, operation: str) -> Said:
    """The object of a body that names this operation: signed for one address, it opens no other."""
    try:
        said = parse_json(raw)
    except RefusedError as error:
        raise BadFieldError(str(error)) from None
    if not isinstance(said, dict) or said.get("operation") != operation:
        raise BadFieldError(f"字段 operation 须为 {operation}。")
    return said


def _text(said: Said, name: str) -> str:
    if not isinstance(value := said.get(name), str):
        raise BadFieldError(f"字段 {name} 缺失或有误。")
    return value


class ReportBody(BaseModel):
    """What one of our people reports."""

    model_config = ConfigDict(extra="forbid", strict=True)

    number: str
    code: str
    at: str = Field("", description="北京时间 yyyy-MM-dd HH:mm:ss；不写就是现在。写了，重发就是同一条")
    signer: str = ""
    note: str = ""
    place: str = ""


@router.post(
    "/report",
    summary="代送人员报情况",
    responses={**KEYED, 404: {"description": "没有这一单"}},
    openapi_extra={"requestBody": JSON_BODY},
)
def post_report(world: TheWorld, client: Carrying, raw: Raw) -> Answer:
    """已存下才答；随后由系统推送。"""
    try:
        body = ReportBody.model_validate(parse_json(raw))
    except ValidationError as error:
        place = ".".join(str(step) for step in error.errors(include_input=False)[0]["loc"])
        raise BadFieldError(f"字段 {place or '（整个请求）'} 缺失或有误。") from None
    try:
        at = read_time(body.at) if body.at else None
    except ValueError:
        raise BadFieldError("字段 at 须为北京时间 yyyy-MM-dd HH:mm:ss。") from None
    said = Report(body.number, body.code, at, body.signer, body.note, body.place)
    return Answer({"ok": True, "id": str(report(world, said, client.name))})


@router.get("/errands", summary="还没送完的", responses=KEYED)
def get_errands(world: TheWorld, client: Carrying) -> Answer:  # noqa: ARG001 - the key is asked for
    """收件人隐去大部分；时间为北京时间。"""
    return Answer({"ok": True, "errands": [_listed(errand) for errand in open_errands(world)]})


def _listed(errand: OpenErrand) -> dict[str, str]:
    return {
        "number": errand.number,
        "name": errand.name,
        "phone": errand.phone,
        "address": errand.address,
        "way_of_delivery": errand.way_of_delivery,
        "created_at": hall_time(errand.created_at),
        "taken_by": errand.taken_by,
        "taken_at": hall_time(errand.taken_at) if errand.taken_at else "",
        "last": errand.last,
        "last_at": hall_time(errand.last_at) if errand.last_at else "",
    }
