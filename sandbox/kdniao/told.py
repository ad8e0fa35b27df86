"""How a parcel's story is told, alike in an answer and in a push (CARRIERS §3.4, §3.6, §3.7).

Places and the wording of AcceptStation are made up; the names of the states are the published ones.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from sandbox.kdniao.envelope import NO_TRACE, JsonObject
from sandbox.kdniao.settings import KdniaoSettings
from sandbox.post import Event, News, beijing, now_ms

HERE, THERE = "景宁县", "杭州市"  # the sender's and the addressee's town, of every parcel

STATES: Final = {
    "1": (HERE, "已揽收"),
    "201": (THERE, "到达派件城市"),
    "202": (THERE, "派件中"),
    "204": ("丽水市", "到达转运中心"),
    "205": (THERE, "到达派件网点"),
    "206": (HERE, "寄件网点发件"),
    "211": (THERE, "已放入快递柜或驿站"),
    "301": (THERE, "正常签收"),
    "302": (THERE, "异常后最终签收"),
    "304": (THERE, "代收签收"),
    "311": (THERE, "快递柜或驿站签收"),
    "404": (THERE, "拒收/退件"),
    "405": (THERE, "派件异常"),
    "406": (HERE, "退货签收"),
    "407": ("丽水市", "退货未签收"),
    "412": (THERE, "柜/驿站超时未取"),
    "416": (THERE, "无法联系"),
    "901": (THERE, "未公布的状态"),
}
"""StateEx: where it happens, and what it is called. The first digit is the State."""

# Nobody's name or telephone is made up, so these stay empty.
_EMPTY: Final = (
    *("Station", "StationTel", "StationAdd", "DeliveryMan", "DeliveryManTel", "NextCity", "EstimatedDeliveryTime"),
)


def state_of(events: Sequence[Event], settings: KdniaoSettings) -> JsonObject:
    """State, StateEx and Location as of the last event; 0 where there is none."""
    state_ex = events[-1].code if events else "0"
    location = STATES[state_ex][0] if events else ""
    states = {"State": state_ex[0], "StateEx": state_ex}
    if not settings.numbers_as_text:
        return {name: int(code) for name, code in states.items()} | {"Location": location}
    return {**states, "Location": location}


def traces(events: Iterable[Event]) -> list[JsonObject]:
    """One trace for each event, in the order given."""
    return [_trace(event) for event in events]


def pushed(all_news: Iterable[News], settings: KdniaoSettings) -> JsonObject:
    """RequestData of a push: every parcel with its whole story, oldest first."""
    data = [_parcel(news, settings) for news in all_news]
    count = str(len(data)) if settings.numbers_as_text else len(data)
    return {"EBusinessID": settings.e_business_id, "PushTime": beijing(now_ms()), "Count": count, "Data": data}


def answered(settings: KdniaoSettings, events: Sequence[Event]) -> JsonObject:
    """Success, Reason, State, StateEx, Location and Traces of a query."""
    success = bool(events) or settings.no_trace_success
    return {
        "Success": success,
        "Reason": "" if events else NO_TRACE,
        **state_of(events, settings),
        "Traces": traces(events),
    }


def _trace(event: Event) -> JsonObject:
    location, name = STATES[event.code]
    return {
        "AcceptTime": event.at,
        "AcceptStation": f"【{location}】{name}",
        "Location": location,
        "Action": event.code,
        "Remark": "",
    }


def _parcel(news: News, settings: KdniaoSettings) -> JsonObject:
    """One of Data. A push about nobody's parcel does not tell our order either."""
    kept = news.parcel.extra
    is_ours = news.order_no == news.parcel.order_no
    return {
        "EBusinessID": settings.e_business_id,
        "OrderCode": kept["order_code"] if is_ours else news.order_no,
        "ShipperCode": kept["shipper"],
        "LogisticCode": news.number,
        **answered(settings, news.history),
        "Callback": kept["callback"] if is_ours else "",
        **dict.fromkeys(_EMPTY, ""),
        "PickerInfo": [],
        "SenderInfo": [],
    }
