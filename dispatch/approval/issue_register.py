"""The register of a day's papers (出证登记簿): read, printed, exported."""

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from dispatch import audit
from dispatch.approval.case import Case, CaseSlip, Item
from dispatch.approval.curtain import Curtain
from dispatch.approval.issue import OF_CASE, PaperIssue
from dispatch.cells import harmless
from dispatch.hall_time import SHANGHAI, day_told, hall_time
from dispatch.mask import mask_name
from dispatch.world import World

HEADINGS = (
    *("登记时间", "办件编号", "事项", "部门", "申请人"),
    *("证照编号", "正本", "副本", "附件", "交件人", "接件人", "撤回"),
)

MADE_ANEW = "遗失，已补证另行登记"
"""Of a registration that nobody took back and that stands no more."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the register; the applicant is masked, also in what was typed. `taken_back`: by whom and why; empty
    where it stands.
    """

    at: datetime
    case_no: str
    item: str
    department: str
    applicant: str
    licence_no: str
    originals: int
    copies: int
    enclosures: str
    given_by: str
    taken_by: str
    taken_back: str


def day_of(world: World, told: str = "") -> date:
    """A day as 2026-11-23; empty: today. Raises NotAllowedError."""
    return day_told(told) if told else world.now().astimezone(SHANGHAI).date()


def register_of(world: World, day: date, departments: Collection[str] | None = None) -> Sequence[Line]:
    """What was registered on this day, for cases of these departments (None: of all), in order.

    What was taken back or lost since stays on its page.
    """
    begins = datetime.combine(day, time(), SHANGHAI)
    asked = (
        select(PaperIssue, Case, CaseSlip, Item)
        .join(Case, Case.id == OF_CASE)
        .join(CaseSlip, CaseSlip.case_id == Case.id)
        .join(Item, Item.id == Case.item_id)
        .where(PaperIssue.taken_at >= begins, PaperIssue.taken_at < begins + timedelta(days=1))
        .order_by(PaperIssue.taken_at, PaperIssue.id)
    )
    if departments is not None:
        asked = asked.where(Case.department.in_(departments))
    with world.reading() as session:
        return [_line(world, *row) for row in session.execute(asked)]


def _line(world: World, issue: PaperIssue, case: Case, slip: CaseSlip, item: Item) -> Line:
    name, curtain = world.vault.open(case, "applicant_name") or "", Curtain.before(world, case, slip, reveal=False)
    opened = {column: world.vault.open(issue, column) or "" for column in ("licence_no", "given_by")}
    return Line(
        at=issue.taken_at.astimezone(SHANGHAI),
        case_no=case.case_no,
        item=item.title,
        department=case.department,
        applicant=mask_name(name, organisation=case.applicant_kind == "organisation"),
        originals=issue.originals,
        copies=issue.copies,
        enclosures=curtain.free(world.vault.open(issue, "enclosures")),
        taken_by=issue.taken_by,
        taken_back=_taken_back(world, issue, curtain),
        **opened,
    )


def _taken_back(world: World, issue: PaperIssue, curtain: Curtain) -> str:
    if issue.taken_back_at is None:
        return "" if issue.earlier_of is None else MADE_ANEW
    why = curtain.free(world.vault.open(issue, "taken_back_why"))
    return f"{hall_time(issue.taken_back_at)} {issue.taken_back_by}：{why}"


def export_register(world: World, day: date, by: str, departments: Collection[str] | None = None) -> bytes:
    """The register as CSV that spreadsheets open as UTF-8; no cell of it is computed by them."""
    lines = register_of(world, day, departments)
    with world.begin() as session:
        audit.note(world, session, by, audit.Deed.EXPORT, f"register:{day}", f"出证登记簿 {len(lines)} 行")
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    writer.writerows([harmless(str(cell)) for cell in _cells(line)] for line in lines)
    return out.getvalue().encode("utf-8-sig")


def _cells(line: Line) -> tuple[object, ...]:
    return (f"{line.at:%Y-%m-%d %H:%M}", *astuple(line)[1:])
