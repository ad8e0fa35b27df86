"""What becomes of a parcel, chosen by the last two digits of receiver.mobile.

The table is data; `docs/sandbox-post.md` shows it to people, and a test compares the two.
Codes of CARRIERS §1.8-1.9.
"""

from typing import Final

from sandbox.post import Play, Scenario, Step, table

COLLECTED: Final = Step("203", gaps=0)
BEGINNING: Final = (COLLECTED, Step("389", or_code="954"), Step("713"), Step("702"))


def _delivered(code: str, *, pushed: bool = True) -> Step:
    return Step("704", extra={"deliverCode": code}, pushed=pushed)


def _attempted(code: str) -> Step:
    return Step("705", extra={"attemptDeliveryCode": code})


def _usual(number: str, title: str, *ending: Step, weight: int = 1) -> Scenario:
    return Scenario(number, title, (*BEGINNING, *ending), weight=weight)


_LATER = 2  # gaps until the second attempt: the next round of the postman

_TABLE: Final = (
    _usual("01", "本人签收", _delivered("10"), weight=60),
    _usual(
        "02",
        "收件人不在，再投后本人签收",
        _attempted("4"),
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
    _usual("11", "拒收，退回妥投", _attempted("7"), Step("708"), Step("447"), Step("711")),
    _usual("12", "丢失，赔付给协议客户", Step("987")),
    _usual("13", "未妥投：邮件丢失，再无下文", _attempted("13")),
    _usual("14", "妥投后随即撤销", _delivered("10"), Step("743")),
    Scenario("15", "只有收寄，再无消息", (COLLECTED,)),
    Scenario("16", "推送乱序且有重复", (*BEGINNING, _delivered("10")), scrambled=True),
    Scenario("17", "首次下单已受理但没有应答", (*BEGINNING, _delivered("10")), first_call="lost_after"),
    _usual("18", "放入包裹柜，一直未取", Step("747")),
    Scenario(
        "19",
        "出现未公布的操作码",
        (*BEGINNING[:3], Step("Z99"), BEGINNING[3], _delivered("10")),
    ),
    _usual("20", "丢失，赔付给收件人", Step("988")),
    _usual("21", "放在家门口", _delivered("161")),
    _usual("22", "妥投，很久以后撤销", _delivered("10"), Step("743", gaps=4)),
    Scenario("23", "首次下单得到HTTP 503，未受理", (*BEGINNING, _delivered("10")), first_call="unavailable"),
    _usual("24", "妥投的推送丢失，只能查询到", _delivered("10", pushed=False)),
    # Voiding codes: something is taken back, and then the letter goes on as usual.
    Scenario("25", "收寄后删除，重新收寄", (COLLECTED, Step("207"), Step("203"), *BEGINNING[1:], _delivered("10"))),
    Scenario(
        "26",
        "客户交接取消后重新交接",
        (Step("208", gaps=0), Step("212"), Step("203"), *BEGINNING[1:], _delivered("10")),
    ),
    Scenario(
        "27",
        "揽投配发取消后重新配发",
        (COLLECTED, Step("303"), Step("304"), Step("303"), *BEGINNING[1:], _delivered("10")),
    ),
    _usual("28", "投递下段撤销后重新下段", Step("742"), Step("702"), _delivered("10")),
    _usual("29", "未妥投撤销，实已妥投", _attempted("4"), Step("744"), _delivered("10")),
)

SCENARIOS: Final = table(_TABLE)


def waybill_no(count: int) -> str:
    """13 digits beginning with 11 (CARRIERS §1.10); no check digit is published, so there is none."""
    return f"11{count:011d}"


PLAY: Final = Play(scenarios=SCENARIOS, number=waybill_no, revoked_by={"704": Step("743")})
