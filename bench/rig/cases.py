"""Decided cases of invented people, each another recipient's, as an approval system posts them."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

TOWNS = ("红星街道", "鹤溪街道", "渤海镇", "东坑镇", "英川镇", "沙湾镇", "大均乡", "澄照乡")
SURNAMES, GIVEN = "蓝雷钟吴陈林叶周徐梅", ("小雨", "志远", "秋月", "一鸣", "文静", "建国")
ITEMS = ("食品经营许可", "取水许可", "道路运输证", "林木采伐许可", "建设工程规划许可")
COUNTY = {"province": "浙江省", "city": "丽水市", "county": "景宁畲族自治县"}
SIGNED_BY_THE_RECIPIENT = "01"
"""The last two digits of a telephone tell the sandbox post which story to play."""

numbers = itertools.count(1)
"""No case comes twice in one run."""


def case(number: int, *, free_line: bool = False) -> dict[str, Any]:
    """The n-th case; `free_line`: its address in one line, to be read into its parts."""
    name, town = SURNAMES[number % 10] + GIVEN[number % 6], TOWNS[number % 8]
    detail = f"团结西路{number % 900 + 1}号{number % 30 + 1}幢{number % 6 + 1}0{number % 4 + 1}室"
    place = {**COUNTY, "town": town, "detail": detail}
    return {
        "case_no": f"33112720261{number:09}",
        "item_name": ITEMS[number % 5],
        "department": "县市场监督管理局",
        "decided_at": "2026-11-20T09:00:00+08:00",
        "applicant_name": name,
        "applicant_kind": "person",
        "slip": {
            "recipient_name": name,
            "phone": f"13{number // 1_000_000 % 10}{number % 1_000_000:06}{SIGNED_BY_THE_RECIPIENT}",
            **({"address": "".join(place.values())} if free_line else place),
            "way": "door",
        },
    }


def batches(count: int, at_once: int, *, free_line: bool = False) -> Iterator[bytes]:
    """Bodies for `POST /api/v1/cases`: `count` new cases, `at_once` in each call."""
    left = count
    while left > 0:
        some = [case(next(numbers), free_line=free_line) for _ in range(min(at_once, left))]
        left -= len(some)
        yield json.dumps({"cases": some}, ensure_ascii=False).encode()
