"""The door for approval systems: decided cases come in, one or up to 500 at once; what became of them goes out."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import TypeAdapter
from sqlalchemy.exc import DataError

from dispatch.api.body import parse_json, read_whole
from dispatch.api.case_answers import (
    BatchResult,
    CaseOut,
    Counts,
    Difference,
    ErrorOut,
    Lodged,
    ProblemOut,
    Result,
)
from dispatch.api.case_view import look_at
from dispatch.api.shell import Answer, RefusedError, error_answer
from dispatch.api.who import Following, Lodging, TheWorld
from dispatch.approval.check import check_json
from dispatch.approval.decided_case import DecidedCase, Problem
from dispatch.approval.lodge import Lodged as StoredCase
from dispatch.approval.lodge import lodge_all
from dispatch.errors import ConflictError
from dispatch.world import World

router = APIRouter(prefix="/api/v1/cases", tags=["办件"])
BODY_MOST = 4 * 1_048_576
BATCH_MOST = 500
CASE_NO_MOST = 50
BATCH = "cases"
COMPONENTS = "#/components/schemas/{model}"


def body_schemas() -> dict[str, Any]:
    """The body's models for `components/schemas`: the body is read raw, so FastAPI cannot see them."""
    schema = TypeAdapter(DecidedCase).json_schema(ref_template=COMPONENTS)
    return {**schema.pop("$defs", {}), "DecidedCase": schema}


ONE: dict[str, Any] = {"$ref": COMPONENTS.format(model="DecidedCase")}
MANY: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": [BATCH],
    "properties": {BATCH: {"type": "array", "minItems": 1, "maxItems": BATCH_MOST, "items": ONE}},
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"一个办件，或一批（最多 {BATCH_MOST} 个）；不超过 {BODY_MOST // 1_048_576} MB，UTF-8。",
        "content": {"application/json": {"schema": {"anyOf": [ONE, MANY]}}},
    }
}
REASONS = {
    400: "不是 JSON",
    401: "没有密钥，或密钥不对",
    403: "密钥没有开通这项权限",
    408: "没有及时发完",
    409: "办件编号已受理过，但内容不同",
    413: "太大",
    422: "内容有误，逐条列出",
    503: "没有存下：请稍后原样再发",
}


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorOut, "description": REASONS[status]} for status in statuses}


async def _limited(request: Request) -> bytes:
    return await read_whole(request, BODY_MOST)


@router.post(
    "",
    summary="送交已办结的办件",
    status_code=201,
    responses={
        201: {"model": Lodged, "description": "已受理"},
        200: {"model": Lodged | BatchResult, "description": "同一办件再次送交，答复与第一次相同；或一批的逐条结果"},
        **_errors(*REASONS),
    },
    openapi_extra=BODY,
)
def post_cases(world: TheWorld, client: Lodging, raw: Annotated[bytes, Depends(_limited)]) -> Answer:
    """同一办件编号、同样内容，可以放心重发；内容不同则答 409。一批里有错的不影响没错的。"""
    value = parse_json(raw)
    if isinstance(value, dict) and BATCH in value:
        return _batch(world, client.name, value)
    checked = _check(world, value)
    if isinstance(checked, Result):
        return _one(checked)
    [result] = _lodge(world, client.name, [checked])
    return _one(result)


@router.get(
    "/{case_no:path}",
    summary="办件到了哪一步",
    responses={200: {"model": CaseOut}, 404: {"model": ErrorOut}, **_errors(401, 403, 503)},
)
def get_case(
    world: TheWorld, client: Following, case_no: Annotated[str, Path(min_length=1, max_length=CASE_NO_MOST)]
) -> Answer:
    """只能查本系统送交的办件。"""
    return Answer(look_at(world, case_no, client.name).model_dump(mode="json"))


def _one(result: Result) -> Answer:
    match result.outcome:
        case "conflict":
            return error_answer(409, "conflict", result.words or "", differs=_listed(result, "differs"))
        case "refused":
            return error_answer(422, "refused", "办件内容有误。", problems=_listed(result, "problems"))
        case outcome:
            found = {"case_no": result.case_no, "case_id": str(result.case_id), "outcome": outcome}
            return Answer(found, 201 if outcome == "accepted" else 200)


def _listed(result: Result, name: str) -> list[object]:
    return list(result.model_dump(mode="json")[name])


def _batch(world: World, source: str, value: dict[str, Any]) -> Answer:
    rows = value[BATCH]
    if len(value) != 1 or not isinstance(rows, list) or not rows:
        raise RefusedError(422, "refused", '一批办件写成 {"cases": […]}，至少一个，此外不要有别的字段。')
    if len(rows) > BATCH_MOST:
        raise RefusedError(422, "too_many", f"一批最多 {BATCH_MOST} 个办件，这次有 {len(rows)} 个。请分批发送。")
    checked = [_check(world, each) for each in rows]
    outcomes = iter(_lodge(world, source, [one for one in checked if isinstance(one, DecidedCase)]))
    results = tuple(
        (next(outcomes) if isinstance(one, DecidedCase) else one).model_copy(update={"row": place})
        for place, one in enumerate(checked, start=1)
    )
    counts = Counts.model_validate(Counter(result.outcome for result in results))
    return Answer(BatchResult(counts=counts, results=results).out())


UNHELD = Problem("整个请求", None, "含有系统存不下的值", "核对日期和数字")


def _check(world: World, value: object) -> DecidedCase | Result:
    try:
        decided = check_json(value, undrawable=world.typefaces.undrawable)
    except ArithmeticError:  # a moment at the edge of the calendar: no clock can hold it
        decided = [UNHELD]
    return _refused(_case_no(value), decided) if isinstance(decided, list) else decided


def _lodge(world: World, source: str, cases: Sequence[DecidedCase]) -> list[Result]:
    """Store good cases in one transaction; where the database cannot hold one of them, each in its own."""
    try:
        outcomes = lodge_all(world, cases, source) if cases else []
    except (DataError, ArithmeticError):
        if len(cases) == 1:
            return [_refused(cases[0].case_no, [UNHELD])]
        return [result for case in cases for result in _lodge(world, source, [case])]
    return [_result(case.case_no, outcome) for case, outcome in zip(cases, outcomes, strict=True)]


def _result(case_no: str, outcome: StoredCase | ConflictError) -> Result:
    if isinstance(outcome, ConflictError):
        differs = Difference.all_of(outcome.differs)
        return Result(outcome="conflict", case_no=case_no, differs=differs, words=str(outcome))
    return Result(outcome=outcome.outcome.value, case_no=outcome.case_no, case_id=outcome.case_id)


def _refused(case_no: str | None, problems: Sequence[Problem]) -> Result:
    found = tuple(ProblemOut.of(problem) for problem in problems)
    return Result(outcome="refused", case_no=case_no, problems=found)


def _case_no(value: object) -> str | None:
    """Whose answer this is, where that can be said."""
    number = value.get("case_no") if isinstance(value, dict) else None
    return number if isinstance(number, str) and number.isprintable() and len(number) <= CASE_NO_MOST else None
