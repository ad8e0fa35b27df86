"""出证登记: paper comes from the department, and who gave what to whom is written down. Then the case may leave."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Select, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import audit, words
from dispatch.approval.case import Case, Document, refuse_erased
from dispatch.approval.fields.text import WrongError, one_line
from dispatch.approval.regather import SENT, holding
from dispatch.approval.release import paper_ready_in
from dispatch.db import Base, RowId
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.hall_time import hall_time
from dispatch.shipment import Shipment
from dispatch.world import World

MOST_COPIES = 999
LOOK_AGAIN = "请核对扫的是不是这一件。"
IF_LOST = "邮件遗失、另有补证的，先在“待处理”报失补证，再登记。"


class PaperIssue(Base):
    """What came from the department for a case. `taken_by`: the login of whoever took it.

    One stands for a case. Taken back, or of a paper that is lost since, it makes way for the next registration and is
    kept as an earlier one: whoever gave and took it then is answerable for it still.
    """

    __tablename__ = "paper_issues"

    id: Mapped[RowId]
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("cases.id"), unique=True)
    earlier_of: Mapped[UUID | None] = mapped_column(ForeignKey("cases.id"), index=True)  # in place of `case_id`
    licence_no: Mapped[bytes | None]  # sealed
    originals: Mapped[int]
    copies: Mapped[int]
    enclosures: Mapped[bytes | None]  # sealed
    given_by: Mapped[bytes]  # sealed
    taken_by: Mapped[str]
    taken_at: Mapped[datetime] = mapped_column(index=True)
    taken_back_at: Mapped[datetime | None]  # registered by mistake: the paper is not here
    taken_back_by: Mapped[str | None]
    taken_back_why: Mapped[bytes | None]  # sealed

    __table_args__ = (
        CheckConstraint("originals >= 0 AND copies >= 0 AND originals + copies > 0", name="some"),
        CheckConstraint("num_nonnulls(case_id, earlier_of) = 1", name="of_a_case"),
    )


OF_CASE = func.coalesce(PaperIssue.case_id, PaperIssue.earlier_of)
"""The case of a registration, earlier or not."""


def standing_issue(session: Session, case: Case) -> PaperIssue | None:
    """The registration that stands for a case, taken back or not: no other was made since."""
    return session.scalar(select(PaperIssue).where(PaperIssue.case_id == case.id))


def issues_of(session: Session, case: Case) -> Sequence[PaperIssue]:
    """All registrations of a case, in order."""
    mine = or_(PaperIssue.case_id == case.id, PaperIssue.earlier_of == case.id)
    return session.scalars(select(PaperIssue).where(mine).order_by(PaperIssue.taken_at, PaperIssue.id)).all()


@dataclass(frozen=True, slots=True)
class Paper:
    """What was handed over. Without numbers: one original of each document, and the rest of it as copies."""

    given_by: str
    licence_no: str = ""
    originals: int | None = None
    copies: int | None = None
    enclosures: str = ""


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of one case of several: `wrong` is empty where it was registered."""

    case_no: str
    wrong: str


def register_paper(
    world: World, number: str, paper: Paper, by: str, departments: Collection[str] | None = None
) -> Registered:
    """Register the paper of a case, which may leave from now on. `number`: 办件编号, or the code of a document of it.

    Raises NotFoundError, ConflictError (registered before, or the paper is not here any more), NotAllowedError
    (numbers or words that cannot be).
    """
    paper, number = _clean(paper), number.strip()
    with world.begin() as session:
        with_code = select(Document.case_id).where(Document.code == number)
        asked = select(Case).where((Case.case_no == number) | Case.id.in_(with_code))
        case = _locked(session, asked.order_by(Case.case_no != number).limit(1), departments, number)
        _register(world, session, case, paper, by)
    return Registered(case.case_no, "")


def register_all(
    world: World, case_ids: Sequence[UUID], paper: Paper, by: str, departments: Collection[str] | None = None
) -> list[Registered]:
    """Register several with one giver, each by itself; what became of each, in order. Raises NotAllowedError."""
    paper = _clean(paper)
    return [_register_one(world, case_id, paper, by, departments) for case_id in case_ids]


def _register_one(
    world: World, case_id: UUID, paper: Paper, by: str, departments: Collection[str] | None
) -> Registered:
    case_no = ""
    try:
        with world.begin() as session:
            case = _locked(session, select(Case).where(Case.id == case_id), departments)
            case_no = case.case_no
            _register(world, session, case, paper, by)
    except (NotFoundError, ConflictError, NotAllowedError) as error:
        return Registered(case_no, str(error))
    return Registered(case_no, "")


def _locked(session: Session, asked: Select[Case], departments: Collection[str] | None, number: str = "") -> Case:
    found = session.scalar(asked.with_for_update(of=Case))
    if found is None or (departments is not None and found.department not in departments):
        raise NotFoundError(f"没有编号为“{number}”的办件或出件，或不是您部门的。请核对编号。")
    return found


def _register(world: World, session: Session, case: Case, paper: Paper, by: str) -> None:
    refuse_erased(case)
    _must_be_here(session, case)
    _make_way(session, case)
    originals, copies = _numbers(session, case, paper)
    row = PaperIssue(id=uuid7(), case_id=case.id, originals=originals, copies=copies, taken_by=by)
    row.taken_at = world.now()
    for column in ("given_by", "licence_no", "enclosures"):
        if told := getattr(paper, column):
            world.vault.seal(row, column, told)
    if paper_ready_in(world, session, case) and case.paper_ready_at is not None:
        row.taken_at = case.paper_ready_at  # one moment
    session.add(row)
    audit.note(world, session, by, audit.Deed.CHANGE, case.subject, f"出证登记：正本 {originals}，副本 {copies}")


def _must_be_here(session: Session, case: Case) -> None:
    """Raises ConflictError for a case that is over or has left: what is registered of it could not be taken back."""
    about = f"出证没有登记：办件“{case.case_no}”"
    if case.given_at is not None:
        raise ConflictError(f"{about}的证照已于 {hall_time(case.given_at)} 在窗口交给本人或代领人。{LOOK_AGAIN}")
    if case.lapsed_at is not None:
        when = hall_time(case.lapsed_at)
        raise ConflictError(f"{about}已于 {when} 到期，不再寄送。{LOOK_AGAIN}确要办的，请按新办件另行受理。")
    if case.paper_ready_at is None:
        return  # it waits for this very paper
    left = select(Shipment).where(Shipment.id.in_(holding([case.id])), Shipment.stage.in_(SENT))
    if (shipment := session.scalars(left.limit(1)).first()) is not None:
        left_in = f"{shipment.order_no} 中交寄（{words.VIEWS[shipment.view]}）"
        raise ConflictError(f"{about}的出件已在邮件 {left_in}。{LOOK_AGAIN}{IF_LOST}")


def _make_way(session: Session, case: Case) -> None:
    """An earlier registration stays in the books. Raises ConflictError where it stands."""
    row = standing_issue(session, case)
    if row is None:
        return
    if row.taken_back_at is None and case.paper_ready_at is not None:
        told = f"已于 {hall_time(row.taken_at)} 由 {row.taken_by} 登记"
        raise ConflictError(f"办件“{case.case_no}”的出证{told}，没有再登记。登记有误的，先撤回登记。")
    row.case_id, row.earlier_of = None, case.id
    session.flush()


def _numbers(session: Session, case: Case, paper: Paper) -> tuple[int, int]:
    originals, copies = _by_default(session, case)
    return (
        originals if paper.originals is None else paper.originals,
        copies if paper.copies is None else paper.copies,
    )


def _by_default(session: Session, case: Case) -> tuple[int, int]:
    inside = select(func.count(), func.sum(Document.copies)).where(Document.case_id == case.id)
    documents, together = session.execute(inside.where(Document.lost_at.is_(None))).one()
    return documents, max(0, (together or 0) - documents)


def numbers_here(session: Session, case: Case) -> tuple[int, int]:
    """Originals and copies of what is here: as registered, or as it would be registered by default."""
    row = standing_issue(session, case)
    stands = row is not None and row.taken_back_at is None and case.paper_ready_at is not None
    return (row.originals, row.copies) if row is not None and stands else _by_default(session, case)


def _clean(paper: Paper) -> Paper:
    """Raises NotAllowedError, with all that is wrong."""
    wrong: list[str] = []
    told: dict[str, Any] = {}
    for name, title, limit, needed in (
        ("given_by", "交件人", 50, True),
        ("licence_no", "证照编号", 200, False),
        ("enclosures", "附件", 200, False),
    ):
        try:
            told[name] = one_line(value, limit) if (value := getattr(paper, name)).strip() or needed else ""
        except WrongError as error:
            wrong.append(f"{title}：{error.wrong}")
    given = [number for number in (paper.originals, paper.copies) if number is not None]
    if any(not 0 <= number <= MOST_COPIES for number in given) or (len(given) == 2 and not sum(given)):
        wrong.append(f"份数：正本、副本各填 0 至 {MOST_COPIES}，合计至少一份")
    if wrong:
        raise NotAllowedError(f"出证没有登记。{'；'.join(wrong)}。")
    return replace(paper, **told)
