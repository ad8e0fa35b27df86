"""States and finer states (resultv2=4) of Kuaidi100 (CARRIERS §4.4), each with our word for it."""

from collections.abc import Mapping

from dispatch.journey import News, Signer
from dispatch.posts.history import State

STATES: Mapping[str, State] = {
    "1": State("揽收", News.COLLECTED),
    "101": State("已下单", News.NOTE, of="1"),
    "102": State("待揽收", News.NOTE, of="1"),
    "103": State("已揽收", News.COLLECTED, of="1"),
    "0": State("在途", News.IN_TRANSIT),
    "1001": State("到达派件城市", News.IN_TRANSIT, of="0"),
    "1002": State("干线", News.IN_TRANSIT, of="0"),
    "1003": State("转递", News.IN_TRANSIT, of="0"),
    "5": State("派件", News.OUT_FOR_DELIVERY),
    "501": State("投柜或驿站", News.AWAITING_PICKUP, of="5"),
    "3": State("签收", News.DELIVERED, Signer.UNKNOWN, wants_detail=True),  # a finer state may say: a locker
    "301": State("本人签收", News.DELIVERED, Signer.SELF, of="3"),
    "302": State("派件异常后签收", News.DELIVERED, Signer.UNKNOWN, of="3"),
    "303": State("代签", News.DELIVERED, Signer.PROXY, of="3"),
    "304": State("投柜或站签收", News.AWAITING_PICKUP, of="3"),
    "6": State("退回", News.RETURNING),
    "4": State("退签", News.RETURNED, wants_detail=True),  # unconfirmed; a finer state may say: refused
    "401": State("已销单", News.UNKNOWN, of="4"),
    "14": State("拒签", News.RECIPIENT_REFUSED, of="4"),
    "7": State("转投", News.UNKNOWN),  # to another company than was chosen (邮政法 55)
    "2": State("疑难", News.UNKNOWN),
    "201": State("超时未签收", News.NOTE, of="2"),  # 201, 202, 208: notices of time, the parcel is where it was
    "202": State("超时未更新", News.NOTE, of="2"),
    "203": State("拒收", News.RECIPIENT_REFUSED, of="2"),
    "204": State("派件异常", News.ATTEMPT_FAILED, of="2"),
    "205": State("快递柜或驿站超时未取", News.AWAITING_PICKUP, of="2"),
    "206": State("无法联系", News.ATTEMPT_FAILED, of="2"),
    "207": State("超区", News.UNKNOWN, of="2"),  # this company does not deliver there: a person finds another way
    "208": State("滞留", News.NOTE, of="2"),
    "209": State("破损", News.UNKNOWN, of="2"),
    "210": State("销单", News.UNKNOWN, of="2"),
    "8": State("清关", News.NOTE),
    "10": State("待清关", News.NOTE, of="8"),
    "11": State("清关中", News.NOTE, of="8"),
    "12": State("已清关", News.NOTE, of="8"),
    "13": State("清关异常", News.UNKNOWN, of="8"),
}
RETURNED = "4"


def states(*, state_4_is_returned: bool) -> Mapping[str, State]:
    """The table, with the one meaning that a single source tells taken out where the account says so."""
    if state_4_is_returned:
        return STATES
    return {**STATES, RETURNED: State(STATES[RETURNED].name, News.UNKNOWN)}
