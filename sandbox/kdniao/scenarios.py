"""What becomes of a parcel, chosen by the last two digits of its waybill number.

The table is data; `docs/sandbox-post-trackers.md` shows it to people, and a test compares the two. The digits mean
what they mean at the EMS sandbox. Codes are StateEx of CARRIERS §3.7.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from sandbox.post import Play, Scenario, Step, table

COLLECTED: Final = Step("1", gaps=0)
BEGINNING: Final = (COLLECTED, Step("204", or_code="206"), Step("205", or_code="201"), Step("202"))
UNPUBLISHED: Final = "901"
_LATER: Final = 2  # gaps until the second attempt: the next round of the postman
_NUMBER: Final = re.compile(r"[0-9A-Za-z-]{6,32}", re.ASCII)


def _usual(number: str, title: str, *ending: Step, weight: int = 1) -> Scenario:
    return Scenario(number, title, (*BEGINNING, *ending), weight=weight)


_TABLE: Final = (
    _usual("01", "正常签收", Step("301"), weight=60),
    _usual("02", "派件异常，再投后签收", Step("405"), Step("202", gaps=_LATER), Step("302"), weight=6),
    _usual("03", "放入快递柜或驿站，后取出", Step("211"), Step("311"), weight=3),
    _usual("04", "代收签收", Step("304"), weight=4),
    _usual("11", "拒收，退回，退货签收", Step("404"), Step("407"), Step("406")),
    Scenario("15", "只有揽收，再无消息", (COLLECTED,)),
    Scenario("16", "推送乱序且有重复", (*BEGINNING, Step("301")), scrambled=True),
    _usual("18", "放入快递柜或驿站，一直未取", Step("211"), Step("412", gaps=_LATER)),
    Scenario("19", "出现未公布的状态", (*BEGINNING[:3], Step(UNPUBLISHED), BEGINNING[3], Step("301"))),
    _usual("24", "签收的推送丢失，只能查询到", Step("301", pushed=False)),
    _usual("36", "无法联系，再投后正常签收", Step("416"), Step("202", gaps=_LATER), Step("301")),
)

SCENARIOS: Final = table(_TABLE)


def is_number(text: str) -> bool:
    """Whether it has the shape of a waybill number; every carrier has its own, so this is wide."""
    return _NUMBER.fullmatch(text) is not None


def _adopted(number: str) -> Mapping[str, Any] | None:
    return {} if is_number(number) else None


PLAY: Final = Play(
    scenarios=SCENARIOS,
    number=lambda count: f"99{count:011d}",  # a tracker issues none: only for pushes about nobody's parcel
    adopts=_adopted,
    only_subscribed=True,
)
