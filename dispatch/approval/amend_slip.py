"""What the applicant asked for is entered or corrected, as long as no carrier knows of it.

Papers that lie in an envelope leave it and are gathered anew: another address is another envelope. Whoever lay in it
with them stays, or is gathered anew too.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import audit, jobs
from dispatch.approval.case import Case, CaseSlip, find_case, refuse_erased
from dispatch.approval.check import check_slip
from dispatch.approval.columns import BY_FIELD
from dispatch.approval.decided_case import Problem, Slip
from dispatch.approval.fields.address import PARTS
from dispatch.approval.lodge import GATHER
from dispatch.approval.regather import Envelope, holding, regather, sharing, unbooked_with
from dispatch.approval.slip_row import amend_row, for_applicant, told_in
from dispatch.db import Base, RowId
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.hall_time import hall_time
from dispatch.world import World

NEVER_CHANGED = "0"


class SlipChange(Base):
    """Who changed which fields of a slip, and when; the newest one's id is the slip's version."""

    __tablename__ = "slip_changes"

    id: Mapped[RowId]
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"), index=True)
    at: Mapped[datetime]
    by: Mapped[str]
    fields: Mapped[list[str]] = mapped_column(JSONB)  # their headings: no values


class SlipWrongError(NotAllowedError):
    """The slip would not be one; `problems` says all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("；".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What shall be different. Empty and None: as it was. `address`: one free line, or its parts beside it."""

    recipient_name: str = ""
    phone: str = ""
    address: str = ""
    province: str = ""
    city: str = ""
    county: str = ""
    town: str = ""
    detail: str = ""
    postcode: str = ""
    way: str = ""
    point: str = ""
    point_at_address: bool | None = None
    brought_to_door: bool | None = None
    proxy_allowed: bool | None = None

    def over(self, old: dict[str, Any]) -> dict[str, Any]:
        """The whole slip, as it would be."""
        new = old | {name: value for name in ("recipient_name", "phone") if (value := getattr(self, name).strip())}
        return self._way(self._place(new, old), old)

    def _place(self, new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
        parts = {part: told for part in PARTS if (told := getattr(self, part).strip()) and told != old[part]}
        if line := self.address.strip():
            new |= {**dict.fromkeys(PARTS, ""), "address": line}
        if line or parts:
            new |= {**parts, "postcode": None}  # it was the old place's
        return new | ({"postcode": self.postcode.strip()} if self.postcode.strip() else {})

    def _way(self, new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
        new["way"] = self.way.strip() or old["way"]
        moved = new["way"] != old["way"]
        new["point"] = self.point.strip() or (None if moved else old["point"])
        for flag in ("point_at_address", "brought_to_door"):
            wanted = getattr(self, flag)
            new[flag] = wanted if wanted is not None else old[flag] and not moved
        if self.proxy_allowed is not None:
            new["proxy_allowed"] = self.proxy_allowed
        return new


@dataclass(frozen=True, slots=True)
class Amended:
    """The headings of what changed (none: all was so already), and the cases whose slips were changed."""

    fields: tuple[str, ...]
    case_nos: tuple[str, ...]


def amend_slip(
    world: World,
    case_no: str,
    wanted: Wanted,
    by: str,
    *,
    version: str | None = None,
    together: bool = False,
    departments: Collection[str] | None = None,
) -> Amended:
    """Change a case's slip. `version`: what whoever changes it has seen (`version_of`); None: whatever it is.

    `together`: the same for the other cases in its envelope, which asked for the same. `departments`: whose cases may
    be changed (None: all).
    Raises NotFoundError, SlipWrongError, ConflictError (changed meanwhile, or a carrier knows of it already).
    """
    with world.begin() as session:
        case = find_case(session, case_no)
        if departments is not None and case.department not in departments:
            raise NotFoundError(f"没有办件编号为“{case_no}”的办件。请核对编号。")
        case_ids = {case.id, *(_companions(session, case, departments) if together else ())}
        envelopes = unbooked_with(session, case_ids)
        cases = _locked(session, case_ids)
        for one in cases:
            refuse_erased(one)
        _must_hold_all(session, case_ids, envelopes)
        _must_be_as_seen(session, case, version)
        slips = {one.case_id: one for one in _slips(session, case_ids)}
        old = told_in(world, slips[case.id])
        slip = _checked(world, wanted.over(old))
        fields = _differing(old, slip.model_dump())
        if not fields:
            return Amended((), (case_no,))
        for one in cases:
            amend_row(world, slips[one.id], slip, for_applicant(world, one, slip))
            session.add(SlipChange(id=uuid7(), case_id=one.id, at=world.now(), by=by, fields=list(fields)))
            audit.note(world, session, by, audit.Deed.CHANGE, one.subject, f"寄递申请单：{'、'.join(fields)}")
        freed = regather(world, session, envelopes, case_ids, by, "改申请单后重下")
        jobs.leave_all(session, GATHER, [f"case:{one}" for one in sorted(case_ids | freed)])
    return Amended(fields, tuple(one.case_no for one in cases))


def _companions(session: Session, case: Case, departments: Collection[str] | None) -> set[UUID]:
    query = select(Case.id).where(Case.id.in_(sharing(session, case.id)))
    return set(session.scalars(query if departments is None else query.where(Case.department.in_(departments))))


def _must_hold_all(session: Session, case_ids: Collection[UUID], envelopes: Collection[Envelope]) -> None:
    """Between a look and the lock another envelope may have been opened for these cases; no more from now on."""
    if not set(session.scalars(holding(case_ids))) <= {envelope.shipment.id for envelope in envelopes}:
        raise ConflictError("出件正在装入信封，申请单没有改。请再试一次。")


def _locked(session: Session, case_ids: Collection[UUID]) -> list[Case]:
    mine = select(Case).where(Case.id.in_(case_ids)).order_by(Case.id).with_for_update()
    return list(session.scalars(mine.execution_options(populate_existing=True)))


def _slips(session: Session, case_ids: Collection[UUID]) -> list[CaseSlip]:
    mine = select(CaseSlip).where(CaseSlip.case_id.in_(case_ids)).with_for_update()
    return list(session.scalars(mine.execution_options(populate_existing=True)))


def _checked(world: World, told: dict[str, Any]) -> Slip:
    checked = check_slip(told, undrawable=world.typefaces.undrawable)
    if not isinstance(checked, Slip):
        raise SlipWrongError(checked)
    return checked


def _differing(old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        column.heading
        for field, column in BY_FIELD.items()
        if field.startswith("slip.") and (name := field[len("slip.") :]) != "address" and old[name] != new[name]
    )


def _must_be_as_seen(session: Session, case: Case, version: str | None) -> None:
    """Who comes second is told who was first, and what changed."""
    if version is None or version == version_of(session, case.id):
        return
    seen = {one.id for one in changes_of(session, case.id) if version != NEVER_CHANGED and str(one.id) <= version}
    since = [one for one in changes_of(session, case.id) if one.id not in seen]
    told = "；".join(f"{one.by} 于 {hall_time(one.at)} 改了{'、'.join(one.fields)}" for one in since)
    words = f"办件“{case.case_no}”的寄递申请单已被别人改过：{told}。您的改动没有保存，请刷新后核对再改。"
    raise ConflictError(words, tuple(field for one in since for field in one.fields))


def version_of(session: Session, case_id: UUID) -> str:
    """What whoever looks at a slip now has seen."""
    changes = changes_of(session, case_id)
    return str(changes[-1].id) if changes else NEVER_CHANGED


def changes_of(session: Session, case_id: UUID) -> list[SlipChange]:
    """Every change of a case's slip, oldest first."""
    mine = select(SlipChange).where(SlipChange.case_id == case_id)
    return list(session.scalars(mine.order_by(SlipChange.at, SlipChange.id)))
