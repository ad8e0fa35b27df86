"""What becomes of a parcel, chosen by the last two digits of the recipient's mobile.

The table is data; `docs/sandbox-post-sf.md` shows it to people, and a test compares the two. The digits mean what
they mean at the EMS sandbox, where SF has the codes for it. Codes of CARRIERS §2.7; what they say in ``remark``
beside the official name is made up (unconfirmed).
"""

from typing import Final

from sandbox.post import Play, Scenario, Step, table

REMARKS: Final = {
    "50": "顺丰速运已收取快件",
    "30": "快件已装车，准备发往下一站",
    "31": "快件到达",
    "44": "正在派送途中，请您准备签收（派件人：沙箱员，电话：00000000000）",
    "80": "已签收",
    "8000": "签收人：本人",
    "33": "派件异常：收件人不在",
    "70": "派件不成功：收件人不在",
    "125": "快递员派件至丰巢",
    "128": "客户从丰巢取件成功",
    "99": "应客户要求，快件正在转寄中",
    "648": "已退回/转寄，新单号为{new}",
    "631": "新单退回，新单号为{new}",
    "607": "代理收件",
}
TO_CONFIRM: Final = "31"
"""filterResult 1: the waybill number comes later."""
OUT_OF_RANGE: Final = "32"
"""filterResult 3: there is no waybill number."""
UNPUBLISHED: Final = "7777"


def _there(code: str, remark: str = "", *, gaps: int = 1, or_code: str = "", pushed: bool = True) -> Step:
    """Something that happens in the recipient's town."""
    extra = {"at": "recipient"} | ({"remark": remark} if remark else {})
    return Step(code, extra=extra, gaps=gaps, or_code=or_code, pushed=pushed)


def _here(code: str, *, gaps: int = 1) -> Step:
    """Something that happens in the sender's town."""
    return Step(code, extra={"at": "sender"}, gaps=gaps)


def _home(code: str, at: str, remark: str = "") -> Step:
    """Something that happens to a returned parcel, under its new number."""
    return Step(code, extra={"at": at} | ({"remark": remark} if remark else {}), renumbered=True)


COLLECTED: Final = _here("50", gaps=0)
GOING_OUT: Final = _there("44")
BEGINNING: Final = (COLLECTED, _here("30"), _there("31"), GOING_OUT)
SIGNED: Final = (_there("80"), _there("8000"))
REFUSED: Final = (_there("70", "派件不成功：收件人拒收"), _there("99"))
BACK_HOME: Final = (
    _home("30", "recipient"),
    _home("31", "sender"),
    _home("44", "sender"),
    _home("80", "sender", "已签收，签收人：寄件方"),
)


def _usual(number: str, title: str, *ending: Step, weight: int = 1) -> Scenario:
    return Scenario(number, title, (*BEGINNING, *ending), weight=weight)


_LATER: Final = 2  # gaps until the second attempt: the next round
_BY_PROXY: Final = (_there("80", "已签收，代收人：家人"), _there("8000", "签收人：家人代收"))

_TABLE: Final = (
    _usual("01", "本人签收", *SIGNED, weight=60),
    _usual(
        "02",
        "收件人不在，再派后本人签收",
        _there("33", or_code="70"),
        _there("44", gaps=_LATER),
        *SIGNED,
        weight=6,
    ),
    _usual("03", "放入丰巢，后取走", _there("125"), _there("128"), weight=3),
    _usual("04", "他人代收，只有备注说明", *_BY_PROXY, weight=4),
    _usual("05", "代理收件", _there("607"), weight=2),
    _usual("09", "签收，始终没有签收人", _there("80"), weight=2),
    _usual("11", "拒收，换单退回", *REFUSED, _there("648"), *BACK_HOME),
    _usual("12", "拒收，新单退回", *REFUSED, _there("631"), *BACK_HOME),
    Scenario("15", "只有收件，再无消息", (COLLECTED,)),
    Scenario("16", "推送乱序且有重复", (*BEGINNING, *SIGNED), scrambled=True),
    Scenario("17", "首次下单已受理但没有应答", (*BEGINNING, *SIGNED), first_call="lost_after"),
    _usual("18", "放入丰巢，一直未取", _there("125")),
    Scenario("19", "出现未公布的操作码", (*BEGINNING[:3], _there(UNPUBLISHED, "未公布的操作"), GOING_OUT, *SIGNED)),
    Scenario("23", "首次下单得到HTTP 503，未受理", (*BEGINNING, *SIGNED), first_call="unavailable"),
    _usual("24", "签收的推送丢失，只能查询到", _there("80", pushed=False)),
    _usual(TO_CONFIRM, "人工确认，运单号稍后才有", *SIGNED),
    _usual(OUT_OF_RANGE, "不可收派，没有运单号", *SIGNED),
)

SCENARIOS: Final = table(_TABLE)


def waybill_no(count: int) -> str:
    """``SF`` and 13 digits (CARRIERS §2.7); no check digit is published, so there is none."""
    return f"SF{count:013d}"


PLAY: Final = Play(scenarios=SCENARIOS, number=waybill_no)
