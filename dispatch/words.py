"""The clerks' words for what is seen of a shipment and what is done to it (HALL.md §3)."""

from collections.abc import Mapping

from dispatch.journey import Act, Signer, View

VIEWS: Mapping[View, str] = {
    View.GATHERING: "待合并",
    View.TO_BOOK: "待下单",
    View.BOOKING: "下单中",
    View.IN_DOUBT: "下单结果不明",
    View.REFUSED: "寄递企业拒单",
    View.TO_PRINT: "待打单",
    View.TO_PACK: "待封装",
    View.TO_HAND_OVER: "待交寄",
    View.CANCELLING: "撤单中",
    View.HANDED_OVER: "已交寄未收寄",
    View.IN_TRANSIT: "在途",
    View.OUT_FOR_DELIVERY: "投递中",
    View.ATTEMPT_FAILED: "未妥投待再投",
    View.AWAITING_PICKUP: "待自取",
    View.DELIVERED: "已妥投待核实",
    View.RETURNING: "退回途中",
    View.RETURNED: "退件已到",
    View.LOST: "丢失",
    View.CLOSED: "送达闭环",
    View.CANCELLED: "已撤销",
    View.UNDELIVERED: "未送达已了结",
}
ACTS: Mapping[Act, str] = {
    Act.SEAL: "封袋",
    Act.INTEND: "下单",
    Act.POSTPONE: "暂缓下单",
    Act.DOUBT: "存疑",
    Act.REFUSE: "拒单",
    Act.ADOPT: "得运单号",
    Act.NEVER_PLACED: "核定未下单",
    Act.AMEND: "改后重下",
    Act.PRINT: "打单",
    Act.PACK: "封装",
    Act.UNPACK: "拆封",
    Act.HAND_OVER: "交寄",
    Act.PUT_BACK: "放回待交寄",
    Act.VOID: "作废运单",
    Act.VOIDED: "撤单后重下",
    Act.KEEP: "保留运单",
    Act.CLOSE: "闭环",
    Act.CALL_OFF: "要求撤销",
    Act.CANCEL: "撤销",
    Act.TAKE_BACK: "收回退件",
    Act.WRITE_OFF: "报失",
}
SIGNERS: Mapping[Signer, str] = {
    Signer.SELF: "本人签收",
    Signer.PROXY: "他人代收",
    Signer.MAILROOM: "收发室代收",
    Signer.PROPERTY: "物业代收",
    Signer.OFFICE: "单位代收",
    Signer.VILLAGE: "村邮站签收",
    Signer.FETCHED: "本人取走",
    Signer.UNKNOWN: "没有说明由谁签收",
}
assert set(VIEWS) == set(View)  # noqa: S101 - what has no word cannot be shown
assert set(ACTS) == set(Act)  # noqa: S101
assert set(SIGNERS) == set(Signer)  # noqa: S101
