"""A decided case, as the approval system tells it: valid, and about nobody."""

from typing import Any


def case_body(case_no: str, slip: dict[str, object] | None = None, **fields: object) -> dict[str, Any]:
    """What a test cares about is said by keyword, fields of the slip in `slip`."""
    return {
        "case_no": case_no,
        "item_name": "食品经营许可",
        "department": "县市场监督管理局",
        "decided_at": "2026-11-20T09:00:00+08:00",
        "applicant_name": "蓝小雨",
        "applicant_kind": "person",
        "slip": {
            "recipient_name": "蓝小雨",
            "phone": "13900000001",
            "province": "浙江省",
            "city": "丽水市",
            "county": "景宁畲族自治县",
            "town": "红星街道",
            "detail": "团结西路8号2幢301室",
            "way": "door",
            **(slip or {}),
        },
        **fields,
    }
