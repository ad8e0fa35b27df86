"""EMS operation codes (操作码), 妥投代码 and 未妥投代码, and our words for them.

Codes and official names: open-logistics-tracking/OLTS `mappings/cn/ems.csv` (CC-BY-4.0), a transcription of the
official dictionary of 2026-05. Our words are our judgement (CARRIERS §1.8). A known code for which no word of ours
would be safe (interceptions, anomalies, deliveries abroad) means UNKNOWN: a person reads it. So does a change of
address (756, 802, 803): the envelope leaves the way that was agreed, whoever asked for it.

723 转窗投 is no failed attempt like 705: the envelope lies at the counter and waits, and signing for it there is a
trip (docs/architecture.md).
"""

from collections.abc import Mapping

from dispatch.journey import News, Signer
from dispatch.posts.ems import abroad

OPERATIONS: Mapping[str, tuple[str, News]] = {
    "013": ("订单拦截成功", News.UNKNOWN),
    "203": ("收寄计费信息", News.COLLECTED),
    "207": ("揽收环节删除邮件", News.VOIDING),
    "208": ("客户交接", News.COLLECTED),
    "212": ("客户交接取消", News.VOIDING),
    "303": ("揽收批量配发", News.IN_TRANSIT),
    "304": ("揽投配发取消", News.VOIDING),
    "305": ("揽投发运/封车", News.IN_TRANSIT),
    "312": ("转退营业", News.RETURNING),
    "326": ("投递邮件接收-退件封发", News.RETURNING),
    "336": ("揽收直连配发", News.IN_TRANSIT),
    "345": ("揽收扫描配发", News.IN_TRANSIT),
    "356": ("处理中心分拣机落格绑定", News.IN_TRANSIT),
    "358": ("处理中心容器绑定", News.IN_TRANSIT),
    "360": ("处理中心挂信齐格封发", News.IN_TRANSIT),
    "364": ("处理中心分拣机齐格封发", News.IN_TRANSIT),
    "365": ("处理中心分拣机扫描封袋", News.IN_TRANSIT),
    "368": ("处理中心分拨扫描", News.IN_TRANSIT),
    "370": ("处理中心到段封发", News.IN_TRANSIT),
    "371": ("处理中心指定封发-封袋", News.IN_TRANSIT),
    "374": ("处理中心动态封发-封袋", News.IN_TRANSIT),
    "375": ("处理中心二码合一封发", News.IN_TRANSIT),
    "376": ("处理中心扫描封发", News.IN_TRANSIT),
    "379": ("处理中心邮件追加", News.IN_TRANSIT),
    "389": ("处理中心封车", News.IN_TRANSIT),
    "394": ("处理中心道段封发", News.IN_TRANSIT),
    "396": ("外系统封发", News.IN_TRANSIT),
    "399": ("处理中心动态调度", News.IN_TRANSIT),
    "404": ("交航扫描", News.IN_TRANSIT),
    "405": ("库区退回扫描", News.RETURNING),
    "423": ("出口邮件直封封发", News.IN_TRANSIT),
    "424": ("出口邮件直封封发删除", News.VOIDING),
    "447": ("退回邮件开拆", News.RETURNING),
    "448": ("退回邮件开拆删除", News.VOIDING),
    "456": ("已完成目的国清关", News.NOTE),
    "457": ("航空公司启运", News.IN_TRANSIT),
    "458": ("到达境外航站", News.IN_TRANSIT),
    "459": ("到达境外进口互换局", News.IN_TRANSIT),
    "460": ("离开境外进口互换局", News.IN_TRANSIT),
    "461": ("到达境外投递局", News.AT_OFFICE),
    "462": ("境外试投", News.ATTEMPT_FAILED),
    "463": ("境外妥投", News.UNKNOWN),
    "464": ("境外收寄", News.COLLECTED),
    "465": ("到达境外出口互换局", News.IN_TRANSIT),
    "466": ("发送到境外海关部门", News.NOTE),
    "467": ("境外海关清关查验", News.NOTE),
    "468": ("境外已完成目的国清关", News.NOTE),
    "469": ("境外海关放行", News.NOTE),
    "470": ("境外海关扣留", News.UNKNOWN),
    "472": ("交航扫描删除", News.VOIDING),
    "474": ("库区退回扫描删除", News.VOIDING),
    "481": ("境外已交付航空公司", News.IN_TRANSIT),
    "482": ("交换站退回扫描", News.RETURNING),
    "483": ("交换站退回扫描删除", News.VOIDING),
    "485": ("境外进口互换局留存", News.IN_TRANSIT),
    "486": ("送交境外进口海关", News.NOTE),
    "487": ("境外进口海关放行", News.NOTE),
    "488": ("到达境外经转局", News.IN_TRANSIT),
    "489": ("离开境外经转局", News.IN_TRANSIT),
    "490": ("境外投递点留存", News.AT_OFFICE),
    "491": ("到达境外自提点", News.AWAITING_PICKUP),
    "492": ("境外进口取消", News.UNKNOWN),
    "493": ("境外进口海关留存待验", News.NOTE),
    "494": ("离开境外出口互换局", News.IN_TRANSIT),
    "495": ("到达境外经转局（第三国经转）", News.IN_TRANSIT),
    "496": ("离开境外经转局（第三国经转）", News.IN_TRANSIT),
    "498": ("到达境外二级处理中心", News.IN_TRANSIT),
    "499": ("计划交航", News.IN_TRANSIT),
    "500": ("航空公司接收", News.IN_TRANSIT),
    "505": ("飞机到达进港", News.IN_TRANSIT),
    "506": ("口岸接收扫描", News.IN_TRANSIT),
    "516": ("总包到底寄达地", News.IN_TRANSIT),
    "520": ("口岸（水陆路）到达", News.IN_TRANSIT),
    "521": ("口岸（水陆路）离开", News.IN_TRANSIT),
    "533": ("理货确认", News.IN_TRANSIT),
    "534": ("理货异常", News.UNKNOWN),
    "538": ("已送交承运商", News.IN_TRANSIT),
    "542": ("境外试投失败", News.ATTEMPT_FAILED),
    "552": ("发送ITMATT", News.IN_TRANSIT),
    "553": ("接收到M53信息（RFI/ERR）", News.UNKNOWN),
    "554": ("接收到M53信息（RFS）", News.IN_TRANSIT),
    "555": ("接收到M53信息（DNL）", News.IN_TRANSIT),
    "556": ("接收到M53信息（ASC）", News.IN_TRANSIT),
    "557": ("发送M54信息（补充订单）", News.IN_TRANSIT),
    "558": ("发送M54信息（安检确认）", News.IN_TRANSIT),
    "562": ("境外进口海关批准", News.NOTE),
    "563": ("境外海关批准进口", News.NOTE),
    "564": ("境外海关拒绝（禁止）进口", News.UNKNOWN),
    "565": ("到达海关指定机构", News.NOTE),
    "651": ("物流异常提醒", News.UNKNOWN),
    "702": ("投递下段", News.OUT_FOR_DELIVERY),
    "704": ("投递结果反馈-妥投", News.DELIVERED),
    "705": ("投递结果反馈-未妥投", News.ATTEMPT_FAILED),
    "708": ("退件登记", News.RETURNING),
    "711": ("退回妥投", News.RETURNED),
    "713": ("到达投递机构", News.AT_OFFICE),
    "723": ("转窗投", News.AWAITING_PICKUP),
    "741": ("妥投退回登记", News.RETURNING),
    "742": ("投递下段撤销", News.VOIDING),
    "743": ("投递妥投撤销", News.VOIDING),
    "744": ("投递未妥投撤销", News.VOIDING),
    "747": ("包裹柜/自提点已接收", News.AWAITING_PICKUP),
    "748": ("收件人已取走邮件", News.FETCHED),
    "749": ("投递员取走邮件", News.OUT_FOR_DELIVERY),
    "750": ("投递员收回邮件", News.RETURNING),
    "751": ("包裹柜运营管理员取走邮件", News.UNKNOWN),
    "756": ("电子渠道收件人改址", News.UNKNOWN),
    "764": ("已支付尾款", News.NOTE),
    "801": ("撤单", News.UNKNOWN),
    "802": ("改址", News.UNKNOWN),
    "803": ("总部改址", News.UNKNOWN),
    "893": ("处理中心分拣机主动齐格", News.IN_TRANSIT),
    "911": ("航班起飞", News.IN_TRANSIT),
    "912": ("航班降落", News.IN_TRANSIT),
    "913": ("RFID齐格封发", News.IN_TRANSIT),
    "916": ("处理中心包分机自动齐格", News.IN_TRANSIT),
    "931": ("南集齐格-总包入箱", News.IN_TRANSIT),
    "932": ("南集齐格-二码合一封发", News.IN_TRANSIT),
    "937": ("南集齐格-封袋", News.IN_TRANSIT),
    "950": ("送交承运商", News.IN_TRANSIT),
    "954": ("邮件到达处理中心", News.IN_TRANSIT),
    "973": ("进口二次安检", News.NOTE),
    "987": ("丢失已赔付（赔付给协议客户）", News.LOST),
    "988": ("丢失已赔付（赔付给收件人）", News.LOST),
    "991": ("长途运输提示", News.IN_TRANSIT),
    "993": ("F邮件拦截指令发布", News.UNKNOWN),
    **abroad.OPERATIONS,
}

VOIDS: Mapping[str, frozenset[str]] = {
    "207": frozenset({"203"}),
    "212": frozenset({"208"}),
    "304": frozenset({"303", "336", "345"}),
    "424": frozenset({"423"}),
    "448": frozenset({"447"}),
    "472": frozenset({"404"}),
    "474": frozenset({"405"}),
    "483": frozenset({"482"}),
    "742": frozenset({"702"}),
    "743": frozenset({"704"}),
    "744": frozenset({"705"}),
    **abroad.VOIDS,
}
"""A code that takes back the latest earlier event with one of the named codes."""

DELIVERED = "704"
NOT_DELIVERED = "705"

SIGNERS: Mapping[str, Signer] = {
    "10": Signer.SELF,
    "20": Signer.PROXY,
    "60": Signer.MAILROOM,
    "70": Signer.PROPERTY,
    "160": Signer.VILLAGE,
    "162": Signer.OFFICE,
}
"""妥投代码 that say who signed. 100, 161, 166, 168, 169, 181, ZDY name nobody: the signer stays unknown."""

NAMES_NOBODY = frozenset({"100", "161", "166", "168", "169", "181", "ZDY"})
LEFT_AT_A_POINT = frozenset({"30", "50", "80", "90", "120", "150", "163", "164", "165", "167"})
"""妥投代码 of lockers, stations and boxes: not in the recipient's hands."""

ATTEMPTS: Mapping[str, News] = {
    "1": News.ATTEMPT_FAILED,
    "2": News.ADDRESS_UNCLEAR,
    "3": News.ADDRESS_UNCLEAR,
    "4": News.ATTEMPT_FAILED,
    "5": News.ADDRESS_UNCLEAR,
    "6": News.ATTEMPT_FAILED,
    "7": News.RECIPIENT_REFUSED,
    "8": News.AWAITING_PICKUP,
    "9": News.AWAITING_PICKUP,
    "10": News.RETURNING,
    "11": News.ADDRESS_UNCLEAR,  # 11, 12: sent on to another address than the slip's, so a person asks which
    "12": News.ADDRESS_UNCLEAR,
    "13": News.LOST,
    "14": News.AWAITING_PICKUP,
    "15": News.RETURNING,
    "16": News.ATTEMPT_FAILED,
}


def meaning(code: str, detail: str) -> tuple[News, Signer | None]:
    """Our word for an operation code with its 妥投 or 未妥投 code (empty where none was told)."""
    _, news = OPERATIONS.get(code, ("", News.UNKNOWN))
    if code == DELIVERED:
        return _delivered(detail)
    if code == NOT_DELIVERED and detail:
        return ATTEMPTS.get(detail, News.UNKNOWN), None
    return news, Signer.FETCHED if news is News.FETCHED else None


def _delivered(detail: str) -> tuple[News, Signer | None]:
    if detail in LEFT_AT_A_POINT:
        return News.AWAITING_PICKUP, None
    if not detail or detail in NAMES_NOBODY:
        return News.DELIVERED, Signer.UNKNOWN
    signer = SIGNERS.get(detail)
    return (News.DELIVERED, signer) if signer else (News.UNKNOWN, None)
