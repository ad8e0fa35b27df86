"""What becomes of a letter, chosen by the last two digits of the recipient's phone.

The table is data; `docs/sandbox-post-by-hand.md` shows it to people, and a test compares the two. The digits mean
what they mean at the EMS sandbox, where the protocol has the codes for it.
"""

from typing import Final

from sandbox.post import Play, Scenario, Step, table

TOOK: Final = Step("took", gaps=0)
GOING_OUT: Final = Step("going_out")
BEGINNING: Final = (TOOK, Step("on_way"), GOING_OUT)
UNPUBLISHED: Final = "ferry_waiting"
_LATER: Final = 2  # gaps until the second attempt: the next round


def _handed(signer: str, *, pushed: bool = True) -> Step:
    return Step("handed", extra={"signer": signer}, pushed=pushed)


def _usual(number: str, title: str, *ending: Step, weight: int = 1) -> Scenario:
    return Scenario(number, title, (*BEGINNING, *ending), weight=weight)


_REVOKED: Final = Step("handed_revoked", extra={"note": "送错人家"})

_TABLE: Final = (
    _usual("01", "当面交付本人", _handed("self"), weight=60),
    _usual("02", "不在家，再送后当面交付", Step("absent"), Step("going_out", gaps=_LATER), _handed("self"), weight=6),
    _usual("03", "放约定点，后由本人取走", Step("left_at_point"), Step("fetched"), weight=3),
    _usual("04", "他人代收", _handed("proxy"), weight=4),
    _usual("05", "收发室签收", _handed("mailroom"), weight=2),
    _usual("06", "物业签收", _handed("property")),
    _usual("07", "办公室签收", _handed("office"), weight=2),
    Scenario("08", "到村，村委会签收", (TOOK, Step("on_way"), Step("at_village"), _handed("village")), weight=4),
    _usual("09", "已交付，没有说交给谁", _handed("")),
    _usual("11", "拒收，带回中心", Step("refused"), Step("bringing_back"), Step("brought_back")),
    _usual("12", "遗失", Step("lost")),
    _usual("14", "交付后随即撤销", _handed("self"), _REVOKED),
    Scenario("15", "只有取件，再无消息", (TOOK,)),
    Scenario("16", "推送乱序且有重复", (*BEGINNING, _handed("self")), scrambled=True),
    Scenario("17", "首次下单已受理但没有应答", (*BEGINNING, _handed("self")), first_call="lost_after"),
    _usual("18", "放约定点，一直未取", Step("left_at_point")),
    Scenario("19", "出现未公布的代码", (*BEGINNING[:2], Step(UNPUBLISHED), GOING_OUT, _handed("self"))),
    _usual("22", "交付，很久以后撤销", _handed("self"), Step("handed_revoked", gaps=4)),
    Scenario("23", "首次下单得到HTTP 503，未受理", (*BEGINNING, _handed("self")), first_call="unavailable"),
    _usual("24", "交付的推送丢失，只能查询到", _handed("self", pushed=False)),
    _usual(
        "30",
        "地址不详，问明后当面交付",
        Step("address_unclear"),
        Step("note", extra={"note": "已电话问明地址"}),
        GOING_OUT,
        _handed("self"),
    ),
)

SCENARIOS: Final = table(_TABLE)


def number_of(count: int) -> str:
    """``GB``, nine digits, and one Luhn check digit over the nine."""
    serial = f"{count:09d}"
    # The digit next to the check digit is doubled, then every second one; a doubled digit counts by its digits.
    doubled = (2 * int(digit) for digit in serial[::-2])
    total = sum(twice // 10 + twice % 10 for twice in doubled) + sum(map(int, serial[-2::-2]))
    return f"GB{serial}{(10 - total % 10) % 10}"


PLAY: Final = Play(scenarios=SCENARIOS, number=number_of, revoked_by={"handed": _REVOKED})
