"""A counter in the middle of its day: staff of every role, and cases at every point of the road."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from sqlalchemy import select, text

from dispatch import worklist
from dispatch.approval.case import Case, Document
from dispatch.approval.decided_case import DecidedCase
from dispatch.approval.issue import Paper, register_paper
from dispatch.approval.lodge import lodge
from dispatch.approval.paper_back import take_paper_back
from dispatch.approval.release import hold, release
from dispatch.approval.upload.preview import upload
from dispatch.client import add_client
from dispatch.console.guard import COOKIE
from dispatch.hall_time import SHANGHAI
from dispatch.label.print_run import PrintRun
from dispatch.label.print_sheets import Wish, begin_print, holding
from dispatch.label.printer import PrinterAsked, add_printer, print_subject
from dispatch.label.sheet import SheetSize
from dispatch.packing.collection import open_collection
from dispatch.packing.hand_over import hand_over
from dispatch.packing.pack import pack, to_pack
from dispatch.picture import Shows, keep_picture, read_photo
from dispatch.shipment import Content, Shipment
from dispatch.staff.member import add_member, change_password, find_member
from dispatch.staff.role import Role
from dispatch.staff.session import begin_session
from dispatch.visits import Asked
from dispatch.worklist import Reason
from dispatch.world import World
from dispatch.zero_visits.trips.ruling import RECORD, rule
from dispatch.zero_visits.trips.testimony import Said, take_testimony
from samples.people import JINGNING, JINGNING_TOWNS, NAMES, STREETS, citizen_number, mobile
from tests.browser.day_list import DEPARTMENTS, ITEMS, issued_list
from tests.parts import until_nothing_is_due
from tests.rooms.on_the_road import Road

PASSWORD = "evergreen-harbour-42"
CLERK = Role.DISPATCH.value
"""Whose work it all was: what one uploads or prints is one's own."""
NAMES_OF_STAFF = dict(zip(Role, ("王样例", "陈示范", "邮务练习", "林督查", "季审计", "郑管理"), strict=True))
SOME = 5
"""So many cases stand at each point."""
LONG_NUMBER, LONG_NAME = "ZJJN3311270026XZXK2026112300000000000123", "阿卜杜热依木·买买提吐尔逊江·艾则孜"
CLIENT = "浙江省一体化在线政务服务平台行政审批系统（景宁畲族自治县）"


def decided(running: int, **more: object) -> DecidedCase:
    """A decided case; its department, item, town and person follow from the running number."""
    item, code = ITEMS[running % len(ITEMS)]
    place = JINGNING[3]
    told: dict[str, Any] = {
        "case_no": f"331127-2026-{running:06d}",
        "item_name": item,
        "item_code": code,
        "department": DEPARTMENTS[running % len(DEPARTMENTS)],
        "decided_at": (datetime.now(SHANGHAI) - timedelta(hours=running)).isoformat(),
        "applicant_name": _name(running),
        "applicant_kind": "person",
        "applicant_id_no": citizen_number(place, running),
        "slip": _slip(running),
    }
    return DecidedCase.model_validate(told | more, strict=False)


def _name(running: int) -> str:
    return NAMES[running % len(NAMES)]


def _slip(running: int) -> dict[str, object]:
    province, city, county, *_ = JINGNING
    return {
        "recipient_name": _name(running),
        "phone": mobile(running, 1),
        "province": province,
        "city": city,
        "county": county,
        "town": JINGNING_TOWNS[running % len(JINGNING_TOWNS)],
        "detail": f"{STREETS[running % len(STREETS)]}{running}号2幢301室",
        "way": "door",
    }


LONG: Mapping[str, object] = {
    "case_no": LONG_NUMBER,
    "applicant_name": LONG_NAME,
    "slip": {**_slip(1), "recipient_name": LONG_NAME},
}
"""As long as they come, and without a place to break: among short ones nothing stands beyond an edge."""


@dataclass
class Counter:
    """What the pages show. `cases`: the 办件编号 at each point of the road, by its name; `told`: makes them."""

    world: World
    told: Callable[..., DecidedCase] = decided
    cases: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def sign_in(self, role: Role) -> str:
        """The cookie's value of a member of this role, who came in just now."""
        with self.world.begin() as session:
            return begin_session(self.world, session, find_member(session, role.value))

    def cookies(self, home: str, role: Role | None, language: str) -> list[dict[str, Any]]:
        """What the browser of somebody of this role brings, or of nobody."""
        brought = {"zhuandi_language": language} | ({COOKIE: self.sign_in(role)} if role else {})
        place = {"domain": urlsplit(home).hostname, "path": "/console"}  # as the console itself sets them
        return [{"name": name, "value": value, **place} for name, value in brought.items()]

    def found(self, statement: str) -> list[str]:
        """The first column of what the database answers."""
        with self.world.reading() as session:
            return [str(one) for one in session.scalars(text(statement))]

    def shipment(self, case_no: str) -> Shipment:
        """The envelope that a case lies in."""
        with self.world.reading() as session:
            return session.scalars(_envelope_of(case_no)).one()


def _envelope_of(case_no: str) -> Any:
    inside = select(Content.shipment_id).join(Document, Document.id == Content.document_id)
    inside = inside.join(Case, Case.id == Document.case_id).where(Case.case_no == case_no)
    return select(Shipment).where(Shipment.id.in_(inside))


def furnish(world: World, told: Callable[..., DecidedCase] = decided) -> Counter:
    """Accounts, and some cases at each point of the road."""
    counter = Counter(world, told)
    for role, name in NAMES_OF_STAFF.items():
        add_member(world, role.value, name, role, None, "test")
        change_password(world, role.value, PASSWORD)
    numbers = iter(range(1, 1000))
    points: dict[str, Callable[[Counter, Sequence[str]], None] | None] = {
        "closed": _close,
        "on_the_way": _collect,
        "needs_a_person": _trouble,
        "to_hand_over": _pack,
        "to_pack": _print,
        "to_print": _release,
    }
    for point, bring in points.items():
        bring(counter, _lodged(counter, point, islice(numbers, SOME)))
    waiting = _lodged(counter, "to_release", islice(numbers, SOME - 1))
    _lodged(counter, "long_named", islice(numbers, 1), **LONG)
    hold(world, waiting[0], "原证未收回", CLERK)
    _lodged(counter, "to_issue", islice(numbers, SOME), paper_ready=False)
    _begin(counter)
    return counter


def _begin(counter: Counter) -> None:
    """What was begun at the desk: a list looked at, a collection counted out, a photograph taken."""
    world = counter.world
    upload(world, "出证清单.xlsx", issued_list(), CLERK, None)
    upload(world, "外单位.csv", "单号,谁\n1,2\n".encode(), CLERK, None)
    open_collection(world, "ems", CLERK)
    add_printer(world, PrinterAsked("一号窗热敏机", "127.0.0.1"), Role.ADMINISTRATOR.value)
    photo = BytesIO()
    Image.new("RGB", (64, 48), "white").save(photo, "PNG")
    with world.begin() as session:
        subject = counter.shipment(counter.cases["to_pack"][0]).subject
        keep_picture(world, session, subject, Shows.CONTENTS, read_photo(photo.getvalue()), CLERK)
        lost = print_subject(session.scalars(select(PrintRun.batch_id).order_by(PrintRun.id).limit(1)).one())
        worklist.put(world, session, Reason.PRINT_UNKNOWN, lost, detail="打印机“一号机”：共 5 张，确知收到 0 张。")
    add_client(world, CLIENT, by=Role.ADMINISTRATOR.value)
    _speak(counter)
    register_paper(world, counter.cases["to_issue"][-1], Paper("李科员"), CLERK)
    take_paper_back(world, counter.cases["to_issue"][-1], CLERK, "拿错了办件")


def _speak(counter: Counter) -> None:
    """What applicants say of their trips: one as the record has it, one otherwise, one that was ruled on."""
    agreeing, differing, ruled = counter.cases["closed"][:3]
    take_testimony(counter.world, agreeing, Said(Asked.SAMPLE, 0, 0), Role.SUPERVISOR.value)
    for case_no in (differing, ruled):
        take_testimony(counter.world, case_no, Said(Asked.TELEPHONE, 1, 2, "说去过一次窗口，又去邮局取件"), CLERK)
    rule(counter.world, ruled, RECORD, Role.SUPERVISOR.value, "查过当天的监控，没有来过")


def _lodged(counter: Counter, point: str, numbers: Iterator[int], **more: object) -> list[str]:
    cases = [counter.told(number, **more) for number in numbers]
    for case in cases:
        lodge(counter.world, case, "审批系统")
    until_nothing_is_due(counter.world)
    counter.cases[point] = [case.case_no for case in cases]
    return counter.cases[point]


def _release(counter: Counter, case_nos: Sequence[str]) -> None:
    for case_no in case_nos:
        release(counter.world, case_no, CLERK)
    until_nothing_is_due(counter.world)


def _print(counter: Counter, case_nos: Sequence[str]) -> None:
    _release(counter, case_nos)
    with counter.world.reading() as session:
        chosen = holding(session, case_nos)
    begin_print(counter.world, chosen, Wish(SheetSize.TWO_PART, CLERK))


def _pack(counter: Counter, case_nos: Sequence[str]) -> None:
    _print(counter, case_nos)
    with counter.world.reading() as session:
        pairs = to_pack(session)
    for code, number in pairs:
        pack(counter.world, code, number, CLERK)


def _collect(counter: Counter, case_nos: Sequence[str]) -> None:
    _pack(counter, case_nos)
    hand_over(counter.world, "ems", CLERK)
    road = Road(counter.world, until_nothing_is_due)
    for case_no in case_nos:
        road.tell(case_no, "203")


def _close(counter: Counter, case_nos: Sequence[str]) -> None:
    _collect(counter, case_nos)
    road = Road(counter.world, until_nothing_is_due, told=len(case_nos))
    for case_no in case_nos:
        road.tell(case_no, "704", "10")


def _trouble(counter: Counter, case_nos: Sequence[str]) -> None:
    _collect(counter, case_nos)
    road = Road(counter.world, until_nothing_is_due, told=len(case_nos))
    for case_no, (code, detail) in zip(case_nos, TROUBLE, strict=True):
        road.tell(case_no, code, detail)


TROUBLE = (("ZZ9", ""), ("708", ""), ("704", "20"), ("705", "2"), ("705", "13"))
"""News in EMS's codes that need a person: unknown, coming back, signed by another, address unclear, lost."""
