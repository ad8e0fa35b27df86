"""Invented recipients: who, where, reached how, and which of the practice post's stories they will live through.

The last two digits of a mobile number choose the story in the practice post (`sandbox`), so the numbers here are
`139000` + a running number + the story. Towns are real, everything else is made up; birth years are 1900 and
company codes spell nothing, so that no number can be a living person's.
"""

from dataclasses import dataclass

from stdnum.cn import ric, uscc

from dispatch.approval.fields.way import Way

JINGNING = ("浙江省", "丽水市", "景宁畲族自治县", "331127", "323500")
PANAN = ("浙江省", "金华市", "磐安县", "330727", "322300")
JINGNING_TOWNS = (
    "红星街道",
    "鹤溪街道",
    "渤海镇",
    "东坑镇",
    "英川镇",
    "沙湾镇",
    "大均乡",
    "梅岐乡",
    "郑坑乡",
    "大漈乡",
)
PANAN_TOWNS = ("安文街道", "新渥街道", "尖山镇", "仁川镇", "大盘镇", "方前镇", "玉山镇", "尚湖镇", "冷水镇", "窈川乡")
STREETS = ("示例路", "样本巷", "试行街", "演示弄", "虚构路", "范例街")

NAMES = (
    *(
        "蓝𬭎",
        "雷㛃",
        "钟䶮",
        "陈堃",
        "张𠮷",
        "周𬎆",
        "阿依古丽·示例",
        "蓝样本",
        "雷示范",
        "钟试行",
        "吴演示",
        "叶虚构",
    ),
    *(
        "陈范例",
        "周练习",
        "徐模拟",
        "潘假设",
        "梅例句",
        "刘样张",
        "柳试点",
        "任示意",
        "季拟定",
        "夏试题",
        "毛习题",
        "曹例如",
    ),
    *(
        "卢演练",
        "厉样品",
        "羊示例",
        "施模型",
        "孔例子",
        "杨假名",
        "郑空白",
        "蒋代称",
        "马虚拟",
        "胡样式",
        "葛试用",
        "傅拟名",
    ),
)
COMPANIES = (
    "景宁示例惠明茶业有限公司",
    "景宁样本民宿管理有限公司",
    "磐安演示中药材专业合作社",
    "磐安虚构香菇食品有限公司",
    "景宁畲族自治县试行幼儿园",
    "磐安县范例养老服务中心",
)


@dataclass(frozen=True)
class Recipient:
    """One envelope's worth: a story of the practice post, the agreed way, and how many cases are decided.

    `application` and `visits` are cells of the list; `matter`: the cases are one matter (一件事).
    """

    story: int
    cases: int = 1
    way: Way = Way.DOOR
    at_address: bool = False
    to_door: bool = False
    proxy: bool = False
    company: bool = False
    matter: bool = False
    application: str = ""
    visits: str = ""


AT_COUNTER = "窗口办理@2026-10-12"
LOCKER, STATION = Way.LOCKER, Way.VILLAGE_STATION

RECIPIENTS = (
    *(Recipient(1) for _ in range(7)),
    Recipient(1, cases=3),
    Recipient(1, cases=2),
    Recipient(1, cases=2, company=True),
    Recipient(1, cases=2, matter=True),
    Recipient(1, cases=2, matter=True, company=True),
    Recipient(1, company=True),
    Recipient(1, company=True, proxy=True),
    Recipient(1, application=AT_COUNTER),
    Recipient(1, application="窗口办理@2026-10-14#甲", visits="补正后再次提交@2026-10-20"),
    Recipient(1, application="代办员上门@2026-10-13"),
    Recipient(1, visits="咨询@2026-10-09"),
    Recipient(1, visits="强制预审@2026-10-15"),
    Recipient(1, way=Way.POST_OFFICE),
    Recipient(2),
    Recipient(2, cases=2),
    Recipient(2, application=AT_COUNTER),
    Recipient(3, way=LOCKER, at_address=True),
    Recipient(3, way=LOCKER, at_address=True, cases=2),
    Recipient(3, way=LOCKER),
    Recipient(3),
    *(Recipient(story, proxy=proxy) for story in (4, 5, 6, 7) for proxy in (True, False)),
    Recipient(5, proxy=True, company=True),
    Recipient(8, way=STATION),
    Recipient(8, way=STATION, to_door=True),
    Recipient(8),
    Recipient(9),
    Recipient(10),
    Recipient(10, proxy=True),
    Recipient(11),
    Recipient(11, application=AT_COUNTER),
    *(Recipient(story) for story in (12, 13, 14, 15, 16, 17)),
    Recipient(18, way=LOCKER, at_address=True),
    *(Recipient(story) for story in (19, 20, 21, 22, 23, 24)),
    Recipient(23, cases=2),
    Recipient(24, cases=2),
)


def mobile(running: int, story: int) -> str:
    """A valid number whose last two digits are the story."""
    return f"139000{running:03d}{story:02d}"


def citizen_number(place: str, running: int) -> str:
    """A 公民身份号码 of someone born in 1900, with its check digit."""
    body = f"{place}1900{running % 12 + 1:02d}{running % 28 + 1:02d}{running:03d}"
    return f"{body}{ric.calc_check_digit(body + '0')}"


def credit_code(place: str, running: int) -> str:
    """A 统一社会信用代码 with its check character."""
    body = f"91{place}MA0000{running:03d}"
    return f"{body}{uscc.calc_check_digit(body)}"
