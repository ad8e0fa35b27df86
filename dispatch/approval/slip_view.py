"""The slip as whoever changes it sees it: masked, until it is revealed with a reason."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from dispatch.approval.amend_slip import changes_of, version_of
from dispatch.approval.case import Case, CaseSlip, find_case
from dispatch.approval.decided_case import Way
from dispatch.approval.regather import sharing, why_not
from dispatch.approval.slip_row import told_in
from dispatch.errors import NotFoundError
from dispatch.mask import mask_address, mask_name, mask_phone
from dispatch.world import World


@dataclass(frozen=True, slots=True)
class Changed:
    """One change: which fields, by whom, when."""

    at: datetime
    by: str
    fields: Sequence[str]


@dataclass(frozen=True, slots=True)
class SlipView:
    """`full` is empty until revealed; `why_not`: why it cannot be changed; `sharing`: so many lie beside it."""

    case_no: str
    department: str
    subject: str
    version: str
    applicant: str
    recipient: str
    phone: str
    address: str
    point: str
    province: str
    city: str
    county: str
    town: str
    postcode: str
    way: Way
    point_at_address: bool
    brought_to_door: bool
    proxy_allowed: bool
    full: dict[str, str]
    why_not: str
    sharing: int
    changes: Sequence[Changed]


def see_slip(
    world: World, case_no: str, departments: Collection[str] | None = None, *, reveal: bool = False
) -> SlipView:
    """The slip of a case. `reveal`: in full; the caller has logged that before. Raises NotFoundError."""
    with world.reading() as session:
        case = find_case(session, case_no)
        if departments is not None and case.department not in departments:
            raise NotFoundError(f"没有办件编号为“{case_no}”的办件。请核对编号。")
        row = session.scalars(select(CaseSlip).where(CaseSlip.case_id == case.id)).one()
        changes = [Changed(one.at, one.by, one.fields) for one in changes_of(session, case.id)]
        version, blocked = version_of(session, case.id), why_not(session, case.id)
        beside = len(sharing(session, case.id))
    told = told_in(world, row)
    masked = mask_address(row.province, row.city, row.county, row.town, told["detail"])
    return SlipView(
        case_no=case.case_no,
        department=case.department,
        subject=case.subject,
        version=version,
        applicant=_applicant(world, case),
        recipient=mask_name(told["recipient_name"], organisation=row.organisation),
        phone=mask_phone(told["phone"]),
        address=masked,
        point="" if told["point"] is None else mask_address("", "", "", "", told["point"]),
        province=row.province,
        city=row.city,
        county=row.county,
        town=row.town,
        postcode=row.postcode,
        way=Way(row.way),
        point_at_address=row.point_at_address,
        brought_to_door=row.brought_to_door,
        proxy_allowed=row.proxy_allowed,
        full={name: told[name] or "" for name in ("recipient_name", "phone", "detail", "point")} if reveal else {},
        why_not=blocked,
        sharing=beside,
        changes=changes,
    )


def _applicant(world: World, case: Case) -> str:
    name = world.vault.open(case, "applicant_name") or ""
    return mask_name(name, organisation=case.applicant_kind == "organisation")
