"""How a parcel's story is told, alike in an answer and in a callback (CARRIERS §4.1, §4.3, §4.4).

Places and the wording of context are made up; the names of the states are the published ones.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sandbox.kuaidi100.check import JsonObject
from sandbox.kuaidi100.scenarios import ABORT
from sandbox.kuaidi100.settings import Kuaidi100Settings
from sandbox.post import Event, News


class Place(NamedTuple):
    """A 行政区域 as the fields area… tell it."""

    code: str
    name: str
    centre: str
    pinyin: str


class State(NamedTuple):
    """The state that a code belongs to, its own name, and where it happens."""

    state: str
    name: str
    place: Place


HERE: Final = Place("331127", "浙江,丽水市,景宁畲族自治县", "119.635,27.973", "jing ning she zu zi zhi xian")
THERE: Final = Place("330100", "浙江,杭州市", "120.153,30.287", "hang zhou shi")

BASIC: Final = {
    "0": "在途",
    "1": "揽收",
    "2": "疑难",
    "3": "签收",
    "4": "退签",
    "5": "派件",
    "6": "退回",
    "9": "未公布的状态",
}
CODES: Final = {
    "103": State("1", "已揽收", HERE),
    "1001": State("0", "到达派件城市", THERE),
    "1002": State("0", "干线", HERE),
    "203": State("2", "拒收", THERE),
    "204": State("2", "派件异常", THERE),
    "205": State("2", "柜/驿站超时未取", THERE),
    "206": State("2", "无法联系", THERE),
    "301": State("3", "本人签收", THERE),
    "302": State("3", "派件异常后签收", THERE),
    "303": State("3", "代签", THERE),
    "304": State("3", "投柜或站签收", THERE),
    "4": State("4", "退签", HERE),
    "5": State("5", "派件", THERE),
    "501": State("5", "投柜或驿站", THERE),
    "6": State("6", "退回", THERE),
    "901": State("9", "未公布的状态", THERE),
}
ADVANCED: Final = frozenset({"4", "8"})  # resultv2 that tells sub-states
SIGNED: Final = frozenset({"3", "4"})  # by the addressee, or by the sender who has it back


def visible(events: Sequence[Event]) -> tuple[Event, ...]:
    """Those that are traces."""
    return tuple(event for event in events if event.code != ABORT)


def result(
    company: str, number: str, newest_first: Sequence[Event], detail: str, settings: Kuaidi100Settings
) -> JsonObject:
    """An answer's body, and lastResult of a callback."""
    code = newest_first[0].code if newest_first else "0"
    state = CODES[code].state if newest_first else "0"
    is_advanced = settings.advanced_state and detail in ADVANCED
    numbers = {"status": "200", "state": code if is_advanced else state, "ischeck": "01"[state in SIGNED]}
    here = _way(HERE if newest_first else None)
    return {
        "message": "ok",
        "nu": number,
        "com": company,
        "condition": "",
        **(numbers if settings.numbers_as_text else {name: int(text) for name, text in numbers.items()}),
        "data": [_item(event, detail) for event in newest_first],
        "routeInfo": {"from": here, "cur": _way(CODES[code].place if newest_first else None), "to": None},
        "isLoop": False,
    }


def callback(news: News, settings: Kuaidi100Settings) -> JsonObject:
    """param of a callback, newest trace first."""
    kept = news.parcel.extra
    events = visible(news.history)[::-1]
    is_corrected = kept["auto_com"] and any(event.extra.get("corrected") for event in events)
    company = settings.corrected_company if is_corrected else kept["company"]
    return {
        "status": _status(news.event, events),
        "billstatus": "",
        "message": news.event.extra.get("message", ""),
        "autoCheck": "1" if is_corrected else "0",
        "comOld": kept["company"] if is_corrected else "",
        "comNew": company if is_corrected else "",
        "lastResult": result(company, news.number, events, kept["detail"], settings),
        "destResult": None,
    }


def _status(event: Event, newest_first: Sequence[Event]) -> str:
    if event.code == ABORT:
        return "abort"
    return "shutdown" if CODES[newest_first[0].code].state in SIGNED else "polling"


def _item(event: Event, detail: str) -> JsonObject:
    """One trace: resultv2 1 adds the area, 4 and 8 the sub-state too."""
    state, name, place = CODES[event.code]
    item: JsonObject = {"time": event.at, "ftime": event.at, "context": f"【{place.name.split(',')[-1]}】{name}"}
    if detail == "0":
        return item
    is_advanced = detail in ADVANCED
    return {
        **item,
        "status": name if is_advanced else BASIC[state],
        "statusCode": event.code if is_advanced else state,
        "areaCode": place.code,
        "areaName": place.name,
        "areaCenter": place.centre,
        "areaPinYin": place.pinyin,
        "location": place.name.split(",")[-1],
    }


def _way(place: Place | None) -> JsonObject | None:
    return {"number": place.code, "name": place.name} if place else None
