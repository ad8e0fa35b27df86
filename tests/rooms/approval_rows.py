"""A good row, a good object, and what the checks say of their variants."""

import copy
from datetime import date
from typing import Any

from dispatch.approval.check import check, check_json
from dispatch.approval.decided_case import DecidedCase, Problem

TODAY = date(2026, 11, 23)
ROW: dict[str, object] = {
    "case_no": "331127-2026-000001",
    "item_name": "食品经营许可",
    "department": "县市场监督管理局",
    "decided_at": "2026-11-02",
    "applicant_name": "蓝样本",
    "applicant_kind": "自然人",
    "applicant_id_no": "330106199001010018",
    "slip.recipient_name": "蓝样本",
    "slip.phone": "13900000101",
    "slip.province": "浙江省",
    "slip.city": "丽水市",
    "slip.county": "景宁畲族自治县",
    "slip.town": "大均乡",
    "slip.detail": "示例村1号",
    "slip.way": "须上门投递",
}
JSON: dict[str, Any] = {
    "case_no": "331127-2026-000001",
    "item_name": "食品经营许可",
    "department": "县市场监督管理局",
    "decided_at": "2026-11-02",
    "applicant_name": "蓝样本",
    "applicant_kind": "person",
    "applicant_id_no": "330106199001010018",
    "slip": {
        "recipient_name": "蓝样本",
        "phone": "13900000101",
        "address": "景宁县大均乡示例村1号",
        "way": "door",
    },
}
PARTS = ("slip.province", "slip.city", "slip.county", "slip.town", "slip.detail")


def all_drawn(text: str) -> list[str]:
    return []


def row_with(**cells: object) -> dict[str, object]:
    return {**ROW, **{key.replace("__", "."): cell for key, cell in cells.items()}}


def on_one_line(address: str) -> dict[str, object]:
    return {key: cell for key, cell in ROW.items() if key not in PARTS} | {"slip.address": address}


def taken(row: dict[str, object], undrawable: Any = all_drawn) -> DecidedCase:
    outcome = check(row, undrawable=undrawable, today=TODAY)
    assert isinstance(outcome, DecidedCase), [str(problem) for problem in outcome]
    return outcome


def problems(row: dict[str, object], undrawable: Any = all_drawn) -> list[Problem]:
    outcome = check(row, undrawable=undrawable, today=TODAY)
    assert isinstance(outcome, list), "the row was taken"
    return outcome


def only(row: dict[str, object], undrawable: Any = all_drawn) -> Problem:
    found = problems(row, undrawable)
    assert len(found) == 1, [str(problem) for problem in found]
    assert found[0].wrong
    assert found[0].right
    return found[0]


def json_with(path: str, value: object) -> dict[str, Any]:
    obj = copy.deepcopy(JSON)
    *places, name = path.split(".")
    inner = obj
    for place in places:
        inner = inner[place]
    inner[name] = value
    return obj


def json_problems(obj: object) -> list[Problem]:
    outcome = check_json(obj, undrawable=all_drawn, today=TODAY)
    assert isinstance(outcome, list), "the object was taken"
    return outcome
