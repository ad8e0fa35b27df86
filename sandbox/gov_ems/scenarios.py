"""What becomes of an envelope, chosen by the last two digits of RCV_PHONE.

The table is data; `docs/sandbox-post-gov-ems.md` shows it to people, and a test compares the two. The digits mean
what they mean at the EMS sandbox, where the interface has letters for it. Letters of CARRIERS §7.1.
"""

from typing import Final

from sandbox.post import Play, Scenario, Step, table

DELIVERED: Final = "delivered"
"""Stands for the letter of the settings: the one found dictionary has none for 收件人已签收."""
UNPUBLISHED: Final = "Z"

TAKEN: Final = Step("A", gaps=0)
BEGINNING: Final = (TAKEN, Step("B"), Step("D"), Step("E"))
SIGNED: Final = Step(DELIVERED)

STATUSES: Final = {
    "A": "已收件",
    "B": "已收寄",
    "D": "运输中",
    "E": "投递中",
    "F": "寄件人已签收（退回）",
    DELIVERED: "收件人已签收",
    UNPUBLISHED: "未公布的状态",
}

_TABLE: Final = (
    Scenario("01", "收件人已签收", (*BEGINNING, SIGNED), weight=80),
    Scenario("11", "退回，寄件人已签收", (*BEGINNING, Step("D"), Step("F")), weight=6),
    Scenario("15", "只有收寄，再无消息", (Step("B", gaps=0),)),
    Scenario("17", "首次下单已受理但没有应答", (*BEGINNING, SIGNED), first_call="lost_after"),
    Scenario("19", "出现未公布的状态", (*BEGINNING[:3], Step(UNPUBLISHED), BEGINNING[3], SIGNED)),
    Scenario("23", "首次下单得到HTTP 503，未受理", (*BEGINNING, SIGNED), first_call="unavailable"),
)

SCENARIOS: Final = table(_TABLE)


def mail_num(count: int) -> str:
    """13 digits beginning with 12; no check digit is published (CARRIERS §6.5)."""
    return f"12{count:011d}"


PLAY: Final = Play(scenarios=SCENARIOS, number=mail_num, pushes=False)
