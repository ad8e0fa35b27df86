"""What becomes of a parcel, chosen by the last two digits of its waybill number.

The table is data; `docs/sandbox-post-trackers.md` shows it to people, and a test compares the two. The digits mean
what they mean at the EMS sandbox; from 31 on they are this tracker's own. Codes are the sub-states of CARRIERS §4.4,
or the state where there is none.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from sandbox.post import Play, Scenario, Step, table

ABORT: Final = "abort"  # no trace: watching ends, and only a callback tells it
CORRECTED: Final = {"corrected": True}
UNPUBLISHED: Final = "901"
COLLECTED: Final = Step("103", gaps=0)
BEGINNING: Final = (COLLECTED, Step("1002"), Step("1001"), Step("5"))
_LATER: Final = 2  # gaps until the second attempt, or until somebody loses patience
_NUMBER: Final = re.compile(r"[0-9A-Za-z-]{6,32}", re.ASCII)


def _usual(number: str, title: str, *ending: Step, weight: int = 1) -> Scenario:
    return Scenario(number, title, (*BEGINNING, *ending), weight=weight)


def _aborted(words: str, *, gaps: int) -> Step:
    return Step(ABORT, extra={"message": words}, gaps=gaps)


_TABLE: Final = (
    _usual("01", "本人签收", Step("301"), weight=60),
    _usual("02", "派件异常，再投后签收", Step("204"), Step("5", gaps=_LATER), Step("302"), weight=6),
    _usual("03", "投柜或驿站，后本人签收", Step("501"), Step("301"), weight=3),
    _usual("04", "代签", Step("303"), weight=4),
    _usual("11", "拒收，退回，退签", Step("203"), Step("6"), Step("4")),
    Scenario("15", "只有揽收，再无消息", (COLLECTED,)),
    Scenario("16", "推送乱序且有重复", (*BEGINNING, Step("301")), scrambled=True),
    _usual("18", "投柜或驿站，一直未取", Step("501"), Step("205", gaps=_LATER)),
    Scenario("19", "出现未公布的状态", (*BEGINNING[:3], Step(UNPUBLISHED), BEGINNING[3], Step("301"))),
    _usual("24", "签收的推送丢失，只能查询到", Step("301", pushed=False)),
    Scenario(
        "31",
        "公司编码被更正（订阅时autoCom为1）",
        (Step("103", gaps=0, extra=CORRECTED), *BEGINNING[1:], Step("301")),
    ),
    Scenario("33", "3天查询无记录，监控中止", (_aborted("3天查询无记录", gaps=1),)),
    Scenario("34", "60天无变化，监控中止", (*BEGINNING[:2], _aborted("60天无变化", gaps=_LATER))),
    _usual("35", "投柜或站签收", Step("304")),
    _usual("36", "无法联系，再投后本人签收", Step("206"), Step("5", gaps=_LATER), Step("301")),
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
