"""What becomes of a parcel, chosen by the last two digits of receiver.mobile.

The table is data; `docs/sandbox-post.md` shows it to people, and a test compares the two.
"""

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import Final


class FirstCall(Enum):
    """What the first 020003 of an order gets."""

    ANSWERED = "answered"
    LOST = "booked and committed, but the connection closes without an answer"
    UNAVAILABLE = "HTTP 503, nothing processed"


@dataclass(frozen=True)
class Step:
    """One event, ``gaps`` gaps after the one before; codes of CARRIERS §1.8-1.9.

    ``or_code`` is an alternative to ``op_code``, chosen by the seed. ``pushed=False``: only a query shows it.
    """

    op_code: str
    deliver_code: str = ""
    attempt_code: str = ""
    gaps: int = 1
    or_code: str = ""
    pushed: bool = True


@dataclass(frozen=True)
class Scenario:
    """A parcel's whole story; ``weight`` is its share among orders whose digits are not in the table."""

    number: str
    title: str
    steps: tuple[Step, ...]
    first_call: FirstCall = FirstCall.ANSWERED
    scrambled: bool = False
    weight: int = 1


COLLECTED: Final = Step("203", gaps=0)
BEGINNING: Final = (COLLECTED, Step("389", or_code="954"), Step("713"), Step("702"))


def _delivered(code: str) -> Step:
    return Step("704", deliver_code=code)


def _usual(number: str, title: str, *ending: Step, weight: int = 1) -> Scenario:
    return Scenario(number, title, (*BEGINNING, *ending), weight=weight)


_LATER = 2  # gaps until the second attempt: the next round of the postman

_TABLE: Final = (
    _usual("01", "本人签收", _delivered("10"), weight=60),
    _usual(
        "02",
        "收件人不在，再投后本人签收",
        Step("705", attempt_code="4"),
        Step("702", gaps=_LATER),
        _delivered("10"),
        weight=6,
    ),
    _usual("03", "放入包裹柜，后取走", Step("747"), Step("748"), weight=3),
    _usual("04", "他人代收", _delivered("20"), weight=4),
    _usual("05", "收发室签收", _delivered("60"), weight=3),
    _usual("06", "物业签收", _delivered("70"), weight=2),
    _usual("07", "办公室签收", _delivered("162"), weight=3),
    _usual("08", "村委会签收", _delivered("160"), weight=2),
    _usual("09", "妥投，始终没有妥投代码", Step("704")),
    _usual("10", "妥投，其他", _delivered("100")),
    _usual("11", "拒收，退回妥投", Step("705", attempt_code="7"), Step("708"), Step("447"), Step("711")),
    _usual("12", "丢失，赔付给协议客户", Step("987")),
    _usual("13", "未妥投：邮件丢失，再无下文", Step("705", attempt_code="13")),
    _usual("14", "妥投后随即撤销", _delivered("10"), Step("743")),
    Scenario("15", "只有收寄，再无消息", (COLLECTED,)),
    Scenario("16", "推送乱序且有重复", (*BEGINNING, _delivered("10")), scrambled=True),
    Scenario("17", "首次下单已受理但没有应答", (*BEGINNING, _delivered("10")), FirstCall.LOST),
    _usual("18", "放入包裹柜，一直未取", Step("747")),
    Scenario(
        "19",
        "出现未公布的操作码",
        (*BEGINNING[:3], Step("Z99"), BEGINNING[3], _delivered("10")),
    ),
    _usual("20", "丢失，赔付给收件人", Step("988")),
    _usual("21", "放在家门口", _delivered("161")),
    _usual("22", "妥投，很久以后撤销", _delivered("10"), Step("743", gaps=4)),
    Scenario("23", "首次下单得到HTTP 503，未受理", (*BEGINNING, _delivered("10")), FirstCall.UNAVAILABLE),
    _usual("24", "妥投的推送丢失，只能查询到", Step("704", deliver_code="10", pushed=False)),
)

SCENARIOS: Final[dict[str, Scenario]] = {scenario.number: scenario for scenario in _TABLE}


def choose(mobile: str, order_no: str, seed: int) -> Scenario:
    """Scenario of an order: by the last two digits of the mobile, else drawn by sha256(seed, order_no)."""
    named = SCENARIOS.get(mobile.strip()[-2:])
    return named or _drawn(order_no, seed)


def _drawn(order_no: str, seed: int) -> Scenario:
    digest = hashlib.sha256(f"{seed}:{order_no}".encode()).digest()
    ticket = int.from_bytes(digest[:8]) % sum(scenario.weight for scenario in _TABLE)
    for scenario in _TABLE:
        ticket -= scenario.weight
        if ticket < 0:
            return scenario
    raise AssertionError("the weights cover every ticket")
