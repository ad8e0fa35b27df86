"""The applicant's page in words: what has happened, what to do, what comes next. Plain enough for anybody."""

from collections.abc import Mapping
from dataclasses import dataclass

from dispatch.approval.decided_case import Way
from dispatch.journey import News, View

STEPS = ("已办结", "已寄出", "投递中", "已送达")
CALM, GOOD, ACT, TROUBLE = "calm", "good", "act", "trouble"


@dataclass(frozen=True, slots=True)
class Told:
    """One view, told: headline, step reached (1 to 4), what the person must do, what happens next, and the tone."""

    headline: str
    step: int
    todo: str
    then: str
    tone: str = CALM


NOTHING = "您什么都不用做，也不用跑大厅。"
PREPARING = Told("您的证件正在准备寄出", 1, NOTHING, "装好信封就交给邮政。寄出后，这里会显示走到了哪里。")

VIEWS: Mapping[View, Told] = {
    View.GATHERING: PREPARING,
    View.TO_BOOK: PREPARING,
    View.BOOKING: PREPARING,
    View.IN_DOUBT: PREPARING,
    View.REFUSED: PREPARING,
    View.TO_PRINT: PREPARING,
    View.TO_PACK: PREPARING,
    View.CANCELLING: PREPARING,
    View.TO_HAND_OVER: Told("您的证件已经装好，等邮政来取", 1, NOTHING, "邮政取走后，这里会显示走到了哪里。"),
    View.HANDED_OVER: Told("您的证件已寄出，交给了邮政", 2, NOTHING, "邮政收寄后，这里会显示走到了哪里。"),
    View.IN_TRANSIT: Told("您的证件已寄出，正在路上", 2, NOTHING, "快到的时候，邮政会联系您。请保持电话畅通。"),
    View.OUT_FOR_DELIVERY: Told(
        "邮递员正在给您送证件",
        3,
        "请保持电话畅通，准备好身份证，当面签收。",
        "没有碰上面也不要紧，邮政会再联系您。",
        ACT,
    ),
    View.ATTEMPT_FAILED: Told(
        "邮递员来过，这次没有送成",
        3,
        "请保持电话畅通，等邮政再联系您。电话或地址变了的，请打下面的电话。",
        "不用跑大厅。证件很安全，还在邮政手里。",
        ACT,
    ),
    View.AWAITING_PICKUP: Told(
        "您的证件到了取件点，等您去取",
        3,
        "请按邮政的取件通知去取，带上身份证。",
        "没有同意放在那里，或者不方便去取的，请打下面的电话。",
        ACT,
    ),
    View.DELIVERED: Told(
        "邮政说已经送到，我们正在核实",
        4,
        "收到了，就什么都不用做。没有收到，请马上打下面的电话。",
        "核实清楚后，这里会改为“已送达”。",
        ACT,
    ),
    View.RETURNING: Told(
        "证件没有送成，正在退回",
        2,
        "请不要跑大厅。中心会与您联系，商量怎样再寄。",
        "没有等到电话，或者电话、地址变了的，请打下面的电话。",
        TROUBLE,
    ),
    View.RETURNED: Told(
        "证件退回了政务服务中心",
        1,
        "请打下面的电话，告诉我们怎样再寄给您。",
        "证件由中心妥善保管，可以再寄。",
        TROUBLE,
    ),
    View.LOST: Told(
        "证件在路上出了问题，正在追查",
        2,
        "责任不在您，请等中心与您联系。想问清楚的，请打下面的电话。",
        "邮政查明以后，中心会告诉您怎样补办。",
        TROUBLE,
    ),
    View.CLOSED: Told(
        "您的证件已送达", 4, "请打开看一看，证件上写的对不对。", "有不对的地方，请打下面的电话。", GOOD
    ),
    View.CANCELLED: Told(
        "这次寄递已经取消",
        1,
        "如果不是您要求取消的，请打下面的电话问清楚。",
        "改在窗口领取的，请按约定的时间去领。",
        TROUBLE,
    ),
    View.UNDELIVERED: Told(
        "这一封没有送成，中心另行办理",
        1,
        "请不要跑大厅。再寄出时，新的邮件有新的查询码。",
        "退回的证件由中心保管；丢失的由中心补办。想问清楚的，请打下面的电话。",
        TROUBLE,
    ),
}
assert set(VIEWS) == set(View)  # noqa: S101 - what has no words would leave somebody before an empty page

AT_A_POINT = Told(
    "证件正在送往您约定的取件点", 3, "到了以后会有取件通知，请保持电话畅通。", "到了取件点，这里会告诉您。"
)
CHECKING = Told(
    "送达情况有疑问，正在核实",
    4,
    "收到了，就什么都不用做。没有收到，请马上打下面的电话。",
    "邮政显示的签收情况还没有核实清楚，我们正在查。",
    TROUBLE,
)

NEWS: Mapping[News, str] = {
    News.COLLECTED: "邮政已收寄",
    News.IN_TRANSIT: "正在运输",
    News.AT_OFFICE: "到达投递网点",
    News.OUT_FOR_DELIVERY: "邮递员出门投递",
    News.ATTEMPT_FAILED: "这次没有送成",
    News.ADDRESS_UNCLEAR: "地址或电话对不上，没有送成",
    News.RECIPIENT_REFUSED: "收件人没有收，没有送成",
    News.AWAITING_PICKUP: "放到取件点，等待领取",
    News.DELIVERED: "邮政显示已签收",
    News.FETCHED: "已从取件点领走",
    News.RETURNING: "正在退回",
    News.RETURNED: "已退回寄件人",
    News.LOST: "邮件出了问题，正在追查",
    News.VOIDING: "邮政更正了前面的消息",
}
"""News without a word here says nothing that the applicant could use."""


def tell(view: View, way: Way, *, disputed: bool) -> Told:
    """The words for a view; `disputed`: what the post said of the delivery does not fit together."""
    if disputed and view in {View.DELIVERED, View.CLOSED}:
        return CHECKING
    if view is View.OUT_FOR_DELIVERY and way is not Way.DOOR:
        return AT_A_POINT
    return VIEWS[view]
