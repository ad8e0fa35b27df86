"""SF's opCodes, and our words for them. (The states of an order are a setting.)

Codes and names: CARRIERS §2.7, two copies of SF's own list. Our words are our judgement:

* 80 covers lockers and proxies too, and only its text tells: delivered, and nobody knows by whom (`Signer.UNKNOWN`),
  unless the account knows its secondaryStatusCode. 8000 follows it with the signer's picture: a note.
* 607 is a proxy (CARRIERS §0). What a locker, station or partner's point has taken in waits there to be fetched.
* 126 takes a locker's placing back: the courier has the envelope in hand again.
* 648 and 631 name the number under which it comes back; 99, 660 and 215 are on the way back, and never back with us.
* A known code for which no word of ours would be safe (deliveries that are not quite normal, anomalies, pieces held,
  658 and 679, whose point may have given it out or not, names that say nothing) means UNKNOWN: a person reads it.
"""

import re
from collections.abc import Mapping

from dispatch.journey import News, Signer

OPERATIONS: Mapping[str, tuple[str, News]] = {
    "50": ("顺丰已收件", News.COLLECTED),
    "51": ("一票多件子件", News.NOTE),
    "54": ("上门收件", News.COLLECTED),
    "43": ("收件入仓", News.COLLECTED),
    "30": ("已装车", News.IN_TRANSIT),
    "36": ("封车", News.IN_TRANSIT),
    "10": ("发车", News.IN_TRANSIT),
    "11": ("到车", News.IN_TRANSIT),
    "31": ("到达", News.IN_TRANSIT),
    "302": ("车辆发车", News.IN_TRANSIT),
    "304": ("离开经停点", News.IN_TRANSIT),
    "3036": ("准备送往下一站", News.IN_TRANSIT),
    "105": ("航空起飞", News.IN_TRANSIT),
    "106": ("航空落地", News.IN_TRANSIT),
    "570": ("铁路发车", News.IN_TRANSIT),
    "571": ("铁路到车", News.IN_TRANSIT),
    "405": ("船舶离港", News.IN_TRANSIT),
    "406": ("船舶到港", News.IN_TRANSIT),
    "77": ("中转滞留", News.IN_TRANSIT),
    "66": ("中转批量滞留", News.IN_TRANSIT),
    "44": ("正在派送途中", News.OUT_FOR_DELIVERY),
    "204": ("派件责任交接", News.OUT_FOR_DELIVERY),
    "122": ("加时区域派件出仓", News.OUT_FOR_DELIVERY),
    "34": ("滞留件出仓", News.OUT_FOR_DELIVERY),
    "880": ("上门派件", News.OUT_FOR_DELIVERY),
    "870": ("非正常派件", News.UNKNOWN),
    "677": ("顺手派", News.OUT_FOR_DELIVERY),
    "80": ("已签收", News.DELIVERED),
    "8000": ("签收人/签收图", News.NOTE),
    "33": ("派件异常原因", News.ATTEMPT_FAILED),
    "70": ("派件不成功", News.ATTEMPT_FAILED),
    "72": ("标记异常", News.UNKNOWN),
    "99": ("应客户要求转寄中", News.RETURNING),
    "648": ("已退回/转寄", News.RETURNING),
    "631": ("新单退回", News.RETURNING),
    "660": ("合作点退件给客户", News.RETURNING),
    "607": ("代理收件", News.DELIVERED),
    # Lockers and stations.
    "125": ("快递员派件至丰巢", News.AWAITING_PICKUP),
    "126": ("取消派件取出丰巢", News.OUT_FOR_DELIVERY),
    "127": ("寄件客户放至丰巢", News.NOTE),
    "128": ("客户从丰巢取件成功", News.FETCHED),
    "129": ("快递员从丰巢收件成功", News.COLLECTED),
    "131": ("快递员从丰巢收件失败", News.UNKNOWN),
    "123": ("正送往顺丰店/站", News.IN_TRANSIT),
    "130": ("到达顺丰店/站", News.AWAITING_PICKUP),
    "632": ("储物柜交接", News.AWAITING_PICKUP),
    "642": ("门市/顺丰站上架", News.AWAITING_PICKUP),
    "643": ("转移", News.UNKNOWN),
    "655": ("合作点收件", News.COLLECTED),
    "656": ("交接给顺丰", News.IN_TRANSIT),
    "657": ("从顺丰交接", News.AWAITING_PICKUP),
    "658": ("合作点已派件", News.UNKNOWN),
    "664": ("客户接触点交接", News.UNKNOWN),
    "678": ("到达驿站", News.AWAITING_PICKUP),
    "679": ("驿站完成派件", News.UNKNOWN),
    # Third parties.
    "626": ("到转第三方", News.IN_TRANSIT),
    "627": ("寄转第三方", News.IN_TRANSIT),
    "630": ("落地配派件出仓", News.OUT_FOR_DELIVERY),
    "649": ("代理转运", News.IN_TRANSIT),
    "98": ("代理路由信息", News.NOTE),
    "208": ("代理交接", News.IN_TRANSIT),
    "930": ("外配装车", News.IN_TRANSIT),
    "931": ("外配卸车", News.IN_TRANSIT),
    "932": ("外配交接", News.IN_TRANSIT),
    "933": ("外配出仓", News.OUT_FOR_DELIVERY),
    "934": ("外配异常", News.UNKNOWN),
    "935": ("外配签收", News.DELIVERED),
    # Others.
    "14": ("放行", News.NOTE),
    "15": ("海关查验", News.NOTE),
    "16": ("报关待申报", News.NOTE),
    "17": ("海关待查", News.NOTE),
    "18": ("海关扣件", News.UNKNOWN),
    "41": ("二程接驳", News.IN_TRANSIT),
    "46": ("二程接驳", News.IN_TRANSIT),
    "47": ("二程接驳", News.IN_TRANSIT),
    "64": ("晨配", News.IN_TRANSIT),
    "65": ("晨配", News.IN_TRANSIT),
    "86": ("晨配", News.IN_TRANSIT),
    "87": ("晨配", News.IN_TRANSIT),
    "921": ("晨配", News.IN_TRANSIT),
    "75": ("混建包复核", News.NOTE),
    "84": ("重量复核", News.NOTE),
    "88": ("外资航空", News.IN_TRANSIT),
    "89": ("外资航空", News.IN_TRANSIT),
    "96": ("整车发货", News.IN_TRANSIT),
    "97": ("整车签收", News.UNKNOWN),
    "135": ("信息记录", News.NOTE),
    "136": ("落地配装车", News.IN_TRANSIT),
    "137": ("落地配卸车", News.IN_TRANSIT),
    "138": ("用户自助寄件", News.NOTE),
    "140": ("国际件通知", News.NOTE),
    "141": ("预售件准备发运", News.NOTE),
    "147": ("整车在途", News.IN_TRANSIT),
    "151": ("师傅分配", News.NOTE),
    "152": ("师傅预约", News.NOTE),
    "153": ("师傅提货", News.IN_TRANSIT),
    "154": ("师傅上门", News.OUT_FOR_DELIVERY),
    "186": ("KC", News.UNKNOWN),
    "187": ("KC", News.UNKNOWN),
    "188": ("KC", News.UNKNOWN),
    "189": ("KC", News.UNKNOWN),
    "190": ("无人车发车", News.IN_TRANSIT),
    "201": ("准备拣货", News.NOTE),
    "202": ("出库", News.IN_TRANSIT),
    "830": ("出库", News.IN_TRANSIT),
    "205": ("仓内审核", News.NOTE),
    "206": ("仓内拣货", News.NOTE),
    "211": ("星管家派件交接", News.OUT_FOR_DELIVERY),
    "212": ("星管家派送", News.OUT_FOR_DELIVERY),
    "214": ("星管家收件", News.COLLECTED),
    "215": ("星管家退件给客户", News.RETURNING),
    "407": ("接驳点收件出仓", News.IN_TRANSIT),
    "604": ("CFS清关", News.NOTE),
    "605": ("CFS抵口岸", News.NOTE),
    "606": ("CFS清关完成", News.NOTE),
    "611": ("理货异常", News.UNKNOWN),
    "612": ("暂存待申报", News.NOTE),
    "613": ("放行待补税", News.NOTE),
    "614": ("时效延长", News.NOTE),
    "619": ("检疫查验", News.NOTE),
    "620": ("检疫待查", News.NOTE),
    "621": ("检疫扣件", News.UNKNOWN),
    "623": ("海关数据放行", News.NOTE),
    "633": ("港澳台接驳", News.IN_TRANSIT),
    "634": ("港澳台接驳", News.IN_TRANSIT),
    "646": ("包装完成", News.NOTE),
    "647": ("寄方准备中", News.NOTE),
    "651": ("SLC已揽件", News.COLLECTED),
    "676": ("顺PHONE车", News.UNKNOWN),
    "700": ("拍照收件", News.COLLECTED),
    "701": ("拍照收件", News.COLLECTED),
    "831": ("入库", News.IN_TRANSIT),
    "833": ("滞留件入仓", News.AT_OFFICE),
    "843": ("集收入库", News.IN_TRANSIT),
    "844": ("配送出库", News.IN_TRANSIT),
    "847": ("二程接驳", News.IN_TRANSIT),
    "850": ("集收", News.COLLECTED),
    "851": ("集收", News.COLLECTED),
    "900": ("订舱路由", News.NOTE),
    "950": ("快速收件", News.COLLECTED),
}

PROXY = "607"
SIGNER_TOLD = "8000"
NEW_NUMBER = frozenset({"648", "631"})
SUB_CODES: Mapping[str, str] = {
    **dict.fromkeys(("80", SIGNER_TOLD), "secondaryStatusCode"),
    **dict.fromkeys(("33", "70", "72"), "reasonCode"),
}
"""Which field holds the sub-code of an opCode: one each, so that a push and a query tell the same fact."""

NUMBER = r"SF[0-9]{13}|[0-9]{12}"
WHOLE = re.compile(NUMBER)
ENDS = r"(?![0-9A-Za-z])"
OF_SFS_SHAPE = re.compile(rf"(?<![0-9A-Za-z])SF[0-9]{{13}}{ENDS}")
OF_DIGITS = re.compile(rf"(?<![0-9A-Za-z])[1-9][0-9]{{11}}{ENDS}")
IS = r"(?:\s|[为是：:])*"
CALLED_NEW = re.compile(rf"新(?:运)?单号{IS}({NUMBER}){ENDS}")
CALLED_OTHERWISE = re.compile(rf"(?:原(?:运)?单号|电话?|热线|联系|拨打?){IS}(?:{NUMBER}){ENDS}")


def is_waybill_no(text: str) -> bool:
    """`SF` and 13 digits, or 12 digits (CARRIERS §2.7)."""
    return WHOLE.fullmatch(text) is not None


def meaning(code: str, told: Signer | None) -> tuple[News, Signer | None]:
    """Our word for an opCode; `told`: who signed, where the account knows what the sub-code says of it."""
    _, news = OPERATIONS.get(code, ("", News.UNKNOWN))
    if code == SIGNER_TOLD and told:
        return News.DELIVERED, told
    if news is News.DELIVERED:
        return news, Signer.PROXY if code == PROXY else told or Signer.UNKNOWN
    return news, Signer.FETCHED if news is News.FETCHED else None


def new_number_in(words: str, number: str) -> str:
    """The other waybill number in the words of a 648 or 631, which has no field for it; empty unless there is one.

    What is called the new number is it. Without that word: the one of SF's own shape, or the one of 12 digits that
    is no telephone (with its area code, 0571…, that has 12 digits too). Anything else is a guess.
    """
    called = set(CALLED_NEW.findall(words))
    rest = CALLED_OTHERWISE.sub("", words)
    found = called or _inside(OF_SFS_SHAPE, rest, number) or _inside(OF_DIGITS, rest, number)
    return found.pop() if len(found) == 1 and number not in found else ""


def _inside(shape: re.Pattern[str], words: str, number: str) -> set[str]:
    return set(shape.findall(words)) - {number}
