"""The slip as it lies in its row: sealed where it names somebody, and a digest that says who shares an envelope."""

import json
from typing import Any

from uuid_utils.compat import uuid7

from dispatch.approval.case import Case, CaseSlip
from dispatch.approval.decided_case import DecidedCase, Slip
from dispatch.world import World

SEALED = ("recipient_name", "phone", "detail")
_PLAIN = ("province", "city", "county", "town", "way", "point_at_address", "brought_to_door", "proxy_allowed")


def new_slip(world: World, case: Case, decided: DecidedCase) -> CaseSlip:
    """The row of a new case's slip."""
    row = CaseSlip(id=uuid7(), case_id=case.id)
    fill_slip(world, row, decided.slip, _is_theirs(decided.applicant_kind, decided.applicant_name, decided.slip))
    return row


def amend_row(world: World, row: CaseSlip, slip: Slip, organisation: bool) -> None:  # noqa: FBT001 - a column
    """Write another slip into a row, which remembers what was known of a person before."""
    told = told_in(world, row)
    former = [*former_in(world, row), {name: told[name] for name in (*SEALED, "point") if told[name]}]
    fill_slip(world, row, slip, organisation)
    world.vault.seal(row, "former", json.dumps(former, ensure_ascii=False))


def former_in(world: World, row: CaseSlip) -> list[dict[str, str]]:
    """What a slip said before, oldest first: name, telephone, house and point, where they were told."""
    sealed = world.vault.open(row, "former")
    former: list[dict[str, str]] = json.loads(sealed) if sealed else []
    return former


def fill_slip(world: World, row: CaseSlip, slip: Slip, organisation: bool) -> None:  # noqa: FBT001 - a column
    """Write a slip into its row."""
    row.organisation = organisation
    for name in _PLAIN:
        setattr(row, name, getattr(slip, name))
    row.postcode = slip.postcode or ""
    row.group_digest = world.vault.digest("group", *(f"{k}={v}" for k, v in sorted(slip.model_dump().items())))
    for column in SEALED:
        world.vault.seal(row, column, getattr(slip, column))
    if slip.point:
        world.vault.seal(row, "point", slip.point)
    else:
        row.point = None


def for_applicant(world: World, case: Case, slip: Slip) -> bool:
    """Whether the recipient is the applicant, an organisation: its name is not masked."""
    return _is_theirs(case.applicant_kind, world.vault.open(case, "applicant_name") or "", slip)


def _is_theirs(kind: str, applicant: str, slip: Slip) -> bool:
    return kind == "organisation" and slip.recipient_name == applicant


def told_in(world: World, row: CaseSlip) -> dict[str, Any]:
    """The slip in full, as the model `Slip` takes it."""
    told: dict[str, Any] = {name: getattr(row, name) for name in _PLAIN}
    told |= {column: world.vault.open(row, column) or "" for column in SEALED}
    return told | {"postcode": row.postcode or None, "point": world.vault.open(row, "point"), "address": None}
