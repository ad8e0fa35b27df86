"""Everything that is wrong with a decided case, at once; or the case.

Two doors, one set of rules: a row of a list (`check`, cells as spreadsheets write them) is put into the shape of
the API's JSON, and both then pass the models of `decided_case`. Pure: today's date may be given, else it is the
date in Shanghai now.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dispatch.approval.columns import BY_FIELD, Column
from dispatch.approval.decided_case import DecidedCase, Problem, Slip
from dispatch.approval.fields import cells
from dispatch.approval.fields.text import WrongError
from dispatch.hall_time import SHANGHAI

Undrawable = Callable[[str], list[str]]
_SHOWN = 60


def check(
    raw: Mapping[str, object], *, undrawable: Undrawable, today: date | None = None
) -> DecidedCase | list[Problem]:
    """A row (API path → cell, as `read_list` gives it) as a case, or every problem it has, in the columns' order.

    `undrawable(text)` gives the characters of a text that the label's fonts cannot draw. Never raises on any cell.
    """
    shaped, unread = _shape(raw)
    refused = {problem.path for problem in unread}
    outcome = _validate(shaped, undrawable, today)
    if isinstance(outcome, DecidedCase) and not unread:
        return outcome
    found = outcome if isinstance(outcome, list) else []
    problems = unread + [problem for problem in found if problem.path not in refused]
    return sorted(problems, key=lambda problem: _place(problem.path))


def check_json(obj: object, *, undrawable: Undrawable, today: date | None = None) -> DecidedCase | list[Problem]:
    """A parsed JSON value as a case, or every problem it has. Types are strict; unknown fields are problems."""
    return _validate(obj, undrawable, today)


def check_slip(told: Mapping[str, object], *, undrawable: Undrawable) -> Slip | list[Problem]:
    """A slip alone, in the API's shape, or every problem it has."""
    try:
        return Slip.model_validate_json(json.dumps(told), context={"undrawable": undrawable})
    except ValidationError as error:
        return [_from_pydantic(one, "slip.") for one in error.errors(include_url=False)]


def _shape(raw: Mapping[str, object]) -> tuple[dict[str, Any], list[Problem]]:
    shaped: dict[str, Any] = {"slip": {}}
    problems = []
    for field, cell in _coalesced(raw).items():
        if not cells.as_text(cell):
            continue
        try:
            value = cells.READERS.get(field, cells.text)(cell)
        except WrongError as wrong:
            problems.append(_problem(field, cells.as_text(cell), wrong))
            continue
        place, _, name = field.rpartition(".")
        (shaped[place] if place else shaped)[name] = value
    return shaped, problems


def _coalesced(raw: Mapping[str, object]) -> dict[str, object]:
    """The row without the columns of 双公示 that only serve the applicant's number."""
    row = {field: cell for field, cell in raw.items() if field in BY_FIELD}
    code, id_kind = row.pop("credit_code", None), row.pop("id_kind", None)
    if not cells.is_identity_card(id_kind):
        row.pop("applicant_id_no", None)  # a passport number has no check digit and no use here
    if cells.as_text(code) and (_is_organisation(row) or not cells.as_text(row.get("applicant_id_no"))):
        row["applicant_id_no"] = code
    return row


def _is_organisation(row: Mapping[str, object]) -> bool:
    try:
        return cells.applicant_kind(row.get("applicant_kind")) == "organisation"
    except WrongError:
        return False


def _validate(obj: object, undrawable: Undrawable, today: date | None) -> DecidedCase | list[Problem]:
    context = {"undrawable": undrawable, "today": today or datetime.now(SHANGHAI).date()}
    try:
        return DecidedCase.model_validate_json(json.dumps(obj), context=context)
    except ValidationError as error:
        return [_from_pydantic(one) for one in error.errors(include_url=False)]
    except (TypeError, ValueError, RecursionError):
        return [Problem("整个请求", None, "不是 JSON", "按接口说明发送 JSON 对象")]


def _from_pydantic(error: ErrorDetails, under: str = "") -> Problem:
    path = under + ".".join(str(step) for step in error["loc"])
    cause = error.get("ctx", {}).get("error")
    shown = error["input"] if isinstance(error["input"], str | int | float) else None
    wrong = cause if isinstance(cause, WrongError) else _in_chinese(error)
    # "missing" carries the object around the field, bad JSON the whole of it: neither is this field's value.
    return _problem(path, None if error["type"] in ("missing", "json_invalid") else shown, wrong)


def _problem(path: str, value: object, wrong: WrongError) -> Problem:
    column = _column(path)
    heading = column.heading if column else (path or "整个请求")
    right = wrong.right or (column.explain if column else "按接口说明填写")
    shown = None if value is None or value == "" else str(value)
    if shown is not None and len(shown) > _SHOWN:
        shown = shown[:_SHOWN] + "…"
    return Problem(heading, shown, wrong.wrong, right, path)


_TYPES = {
    "missing": "没有填",
    "extra_forbidden": "没有这个字段",
    "string_type": "应为文字",
    "bool_type": "应为 true 或 false",
    "int_type": "应为整数",
    "tuple_type": "应为数组",
    "model_type": "应为对象",
    "model_attributes_type": "应为对象",
    "dict_type": "应为对象",
    "string_too_long": "太长",
    "too_long": "太多",
    "json_invalid": "不是合法的 JSON 文字（多半含有残缺的字符）",
}


def _in_chinese(error: ErrorDetails) -> WrongError:
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("enum", "literal_error"):
        return WrongError("不是可用的值", f"可用：{context.get('expected', '')}".replace(" or ", "、"))
    if kind in ("greater_than_equal", "less_than_equal"):
        return WrongError("超出范围", "份数是1到99")
    if kind == "string_pattern_mismatch":
        return WrongError("格式不对")
    if kind.startswith("date"):
        return WrongError("不是日期", "写成 2026-11-02")
    right = "去掉它，或核对字段名" if kind == "extra_forbidden" else None
    return WrongError(_TYPES.get(kind, "不合要求"), right)


def _column(path: str) -> Column | None:
    steps = path.split(".")
    return BY_FIELD.get(path) or BY_FIELD.get(".".join(steps[:2])) or BY_FIELD.get(steps[0])


_ORDER = {field: place for place, field in enumerate(BY_FIELD)}


def _place(path: str) -> int:
    column = _column(path)
    return _ORDER[column.field] if column else len(_ORDER)
