"""State and StateEx of Kdniao (CARRIERS §3.7), each with our word for it."""

from collections.abc import Mapping

from dispatch.journey import News, Signer
from dispatch.posts.history import State

STATES: Mapping[str, State] = {
    "0": State("暂无轨迹", News.NOTE),
    "1": State("已揽收", News.COLLECTED),
    "10": State("待揽件", News.NOTE, of="1"),  # not taken yet
    "2": State("在途", News.IN_TRANSIT),
    "201": State("到达派件城市", News.IN_TRANSIT, of="2"),
    "202": State("派件中", News.OUT_FOR_DELIVERY, of="2"),
    "204": State("到达转运中心", News.IN_TRANSIT, of="2"),
    "205": State("到达派件网点", News.AT_OFFICE, of="2"),
    "206": State("寄件网点发件", News.IN_TRANSIT, of="2"),
    "211": State("已放入快递柜或驿站", News.AWAITING_PICKUP, of="2"),
    "3": State("签收", News.DELIVERED, Signer.UNKNOWN, wants_detail=True),  # a finer state may say: a locker
    "301": State("正常签收", News.DELIVERED, Signer.UNKNOWN, of="3"),  # by whom is not told
    "302": State("异常后最终签收", News.DELIVERED, Signer.UNKNOWN, of="3"),
    "304": State("代收签收", News.DELIVERED, Signer.PROXY, of="3"),
    # 已取出 in older lists, 快递柜或驿站签收 in newer ones: what may mean «put into a locker» is no delivery.
    "311": State("快递柜或驿站签收", News.AWAITING_PICKUP, of="3"),
    "4": State("问题件", News.UNKNOWN),
    "401": State("发货无信息", News.NOTE, of="4"),  # 401, 402, 403, 417: notices of time, the parcel is where it was
    "402": State("超时未签收", News.NOTE, of="4"),
    "403": State("超时未更新", News.NOTE, of="4"),
    "404": State("拒收/退件", News.RETURNING, of="4"),
    "405": State("派件异常", News.ATTEMPT_FAILED, of="4"),
    "406": State("退货签收", News.RETURNED, of="4"),
    "407": State("退货未签收", News.RETURNING, of="4"),
    "412": State("快递柜或驿站超时未取", News.AWAITING_PICKUP, of="4"),
    "413": State("单号已拦截", News.UNKNOWN, of="4"),
    "414": State("破损", News.UNKNOWN, of="4"),
    "415": State("客户取消发货", News.UNKNOWN, of="4"),
    "416": State("无法联系", News.ATTEMPT_FAILED, of="4"),
    "417": State("配送延迟", News.NOTE, of="4"),
    "418": State("快件取出", News.UNKNOWN, of="4"),  # by the recipient or by the courier: not told
    "419": State("重新派送", News.OUT_FOR_DELIVERY, of="4"),
    "420": State("地址不详", News.ADDRESS_UNCLEAR, of="4"),
    "421": State("电话错误", News.ADDRESS_UNCLEAR, of="4"),
    "422": State("错分", News.IN_TRANSIT, of="4"),
    "423": State("超区", News.UNKNOWN, of="4"),  # this company does not deliver there: a person finds another way
    "5": State("转寄", News.UNKNOWN),  # to another address or company than was chosen (邮政法 55)
    "6": State("清关", News.NOTE),
    "601": State("清关", News.NOTE, of="6"),
    "602": State("清关", News.NOTE, of="6"),
    "603": State("清关", News.NOTE, of="6"),
    "604": State("清关", News.NOTE, of="6"),
}
