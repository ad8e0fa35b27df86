"""What a citizen had to do, in kinds, and how each kind counts (pure; 浙江“最多跑一次”规定 and hall practice).

Two counters: 上门 (`office_trips`, the law's: trips to an office, for each matter) and 跑动 (`trips`, the
citizen's burden: any trip at all, for each person). One trip that served several matters carries one `trip` text
on all its visits; whoever adds up counts 上门 per matter and 跑动 once for each such text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class VisitKind(StrEnum):
    """How something was done in a case: the word of the API; the Chinese word is in `KINDS`."""

    ONLINE = "online"
    TELEPHONE = "telephone"
    COURIER_COLLECTION = "courier_collection"
    CADRE_VISIT = "cadre_visit"
    INSPECTION = "inspection"
    HALL_COUNTER = "hall_counter"
    RELATIVE_OR_AGENT_AT_HALL = "relative_or_agent_at_hall"
    FREE_AGENT_FETCHED = "free_agent_fetched"
    FREE_AGENT_WALKED_TO = "free_agent_walked_to"
    VILLAGE_STATION = "village_station"
    VILLAGE_STATION_WITHOUT_CONSENT = "village_station_without_consent"
    POST_OFFICE = "post_office"
    POSTED_MATERIALS = "posted_materials"
    LOCKER_AT_ADDRESS = "locker_at_address"
    LOCKER_ELSEWHERE = "locker_elsewhere"
    HANDED_IN_AGAIN_INCOMPLETE_NOTICE = "handed_in_again_incomplete_notice"
    HANDED_IN_AGAIN_PROPER_NOTICE = "handed_in_again_proper_notice"
    COLLECTED_AT_HALL = "collected_at_hall"
    HALL_AFTER_FAILURE = "hall_after_failure"
    CONSULTATION = "consultation"
    COMPULSORY_PRECHECK = "compulsory_precheck"


class Fault(StrEnum):
    """Whose fault a trip was. `OF_THE_CAUSE`: the kind does not say; the return, loss or wrong document does."""

    POST = "post"
    WINDOW = "window"
    DEPARTMENT = "department"
    OF_THE_CAUSE = "of_the_cause"

    @property
    def chinese(self) -> str:
        """The word on the screen."""
        return _FAULT_WORDS[self]


_FAULT_WORDS = {
    Fault.POST: "邮政",
    Fault.WINDOW: "窗口",
    Fault.DEPARTMENT: "部门",
    Fault.OF_THE_CAUSE: "按原因认定",
}


class Asked(StrEnum):
    """How the applicant came to speak of it. Only `SAMPLE` is a supervisor's own question."""

    TELEPHONE = "telephone"
    SAMPLE = "sample"
    WINDOW = "window"


ASKED_WORDS: Mapping[Asked, str] = MappingProxyType(
    {Asked.TELEPHONE: "电联", Asked.SAMPLE: "抽查回访", Asked.WINDOW: "窗口反映"}
)
assert set(ASKED_WORDS) == set(Asked)  # noqa: S101 - a way without a word


@dataclass(frozen=True)
class VisitRule:
    """How one visit of a kind counts; every number is trips for one visit.

    `shown_only`: trips to an office that are shown beside the law's count, not in it. `nearby`: a trip within the
    village (就近). `voluntary`: made although it was not necessary (自愿).
    """

    chinese: str
    office_trips: int = 0
    trips: int = 0
    shown_only: int = 0
    fault: Fault | None = None
    voluntary: bool = False
    nearby: bool = False

    @property
    def zero(self) -> bool:
        """Whether a matter with nothing but such visits is a zero-visit matter."""
        return self.office_trips == 0 and self.trips == 0


KINDS: Mapping[VisitKind, VisitRule] = MappingProxyType(
    {
        VisitKind.ONLINE: VisitRule("网上办理"),
        VisitKind.TELEPHONE: VisitRule("电话办理"),
        VisitKind.COURIER_COLLECTION: VisitRule("上门揽收"),
        VisitKind.CADRE_VISIT: VisitRule("干部上门"),
        VisitKind.INSPECTION: VisitRule("现场勘验"),
        VisitKind.HALL_COUNTER: VisitRule("窗口办理", office_trips=1, trips=1),
        VisitKind.RELATIVE_OR_AGENT_AT_HALL: VisitRule("他人代跑窗口", office_trips=1, trips=1),
        VisitKind.FREE_AGENT_FETCHED: VisitRule("代办员上门"),
        VisitKind.FREE_AGENT_WALKED_TO: VisitRule("到代办点", trips=1),
        VisitKind.VILLAGE_STATION: VisitRule("村邮站", trips=1, nearby=True),
        VisitKind.VILLAGE_STATION_WITHOUT_CONSENT: VisitRule("未经同意投村邮站", trips=1, fault=Fault.POST),
        VisitKind.POST_OFFICE: VisitRule("邮局自取", trips=1),
        VisitKind.POSTED_MATERIALS: VisitRule("自行寄送材料", trips=1),
        VisitKind.LOCKER_AT_ADDRESS: VisitRule("收件地址处快件箱"),
        VisitKind.LOCKER_ELSEWHERE: VisitRule("其他快件箱", trips=1),
        VisitKind.HANDED_IN_AGAIN_INCOMPLETE_NOTICE: VisitRule(
            "告知不全再次提交", office_trips=1, trips=1, fault=Fault.WINDOW
        ),
        VisitKind.HANDED_IN_AGAIN_PROPER_NOTICE: VisitRule("补正后再次提交", trips=1, shown_only=1),
        VisitKind.COLLECTED_AT_HALL: VisitRule("自愿到窗口领取", office_trips=1, trips=1, voluntary=True),
        VisitKind.HALL_AFTER_FAILURE: VisitRule(
            "寄递失败后到窗口", office_trips=1, trips=1, fault=Fault.OF_THE_CAUSE
        ),
        VisitKind.CONSULTATION: VisitRule("咨询", voluntary=True),
        VisitKind.COMPULSORY_PRECHECK: VisitRule("强制预审", office_trips=1, trips=1),
    }
)

_BY_WORD = {**{kind.value: kind for kind in VisitKind}, **{rule.chinese: kind for kind, rule in KINDS.items()}}


def kind_from(text: str) -> VisitKind | None:
    """The kind meant by its English or its Chinese word (surrounding space and case do not matter), or None."""
    return _BY_WORD.get(text.strip().lower())
