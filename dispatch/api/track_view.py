"""What the applicant's page may show of an envelope: read from its record, masked, in our words."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from dispatch import words
from dispatch.api.track_lines import Line, lines_of
from dispatch.approval.case import CaseSlip
from dispatch.approval.decided_case import Way
from dispatch.journey import AT_AN_END, Act, Signer, Stage, Tracked, View, view
from dispatch.mask import mask_address_to_town, mask_name, mask_phone
from dispatch.world import World
from dispatch.zero_visits.evidence import EVIDENCE_WORDS, Evidence

TOKEN = re.compile(r"[A-Z2-7]{26}")
ENDING_ACTS = tuple(f"act:{act}" for act in (Act.CLOSE, Act.CANCEL, Act.TAKE_BACK, Act.WRITE_OFF))
HIDDEN = "按规定不显示名称的证件"


@dataclass(frozen=True, slots=True)
class Parcel:
    """An envelope as its page shows it. `signed`: who signed, in words, or nothing; `zero`: zero visits, proved.

    `ended_at`: since when it is at its end; None while it is not.
    """

    view: View
    way: Way
    disputed: bool
    signed: str
    zero: bool
    carrier: str
    waybill_no: str
    name: str
    phone: str
    place: str
    contents: tuple[str, ...]
    lines: tuple[Line, ...]
    ended_at: datetime | None


def token_of(given: str) -> str | None:
    """The token that was written, in whatever case; None for what cannot be one."""
    token = given.upper() if given.isascii() else ""
    return token if TOKEN.fullmatch(token) else None


def read_record(world: World, record: str) -> Parcel:
    """The envelope of this record (`track_record`)."""
    told = json.loads(record)
    seen = view(Stage(told["stage"]), Tracked(told["tracked"]))
    slip = told["slip"]
    name = _opened(world, slip, "recipient_name")
    return Parcel(
        view=seen,
        way=Way(slip["way"]),
        disputed=told["disputed"],
        signed=_signed(seen, told),
        zero=bool(told["zero"]),
        carrier=world.title(told["carrier"]),
        waybill_no=told["number"],
        name=mask_name(name, organisation=slip["organisation"]),
        phone=mask_phone(_opened(world, slip, "phone")),
        place=mask_address_to_town(*slip["place"]),
        contents=_contents(told),
        lines=lines_of(world, told, never_shown=() if slip["organisation"] else (name,)),
        ended_at=_ended_at(told) if seen in AT_AN_END else None,
    )


def _opened(world: World, slip: Mapping[str, Any], column: str) -> str:
    row = CaseSlip(id=UUID(slip["id"]), **{column: bytes.fromhex(slip[column])})
    return world.vault.open(row, column) or ""


def _ended_at(told: Mapping[str, Any]) -> datetime:
    ends = [at for at, cause in told["acts"] or () if cause in ENDING_ACTS]
    return datetime.fromisoformat(ends[-1] if ends else told["moved_at"])


def _signed(seen: View, told: Mapping[str, Any]) -> str:
    """The evidence that closed it; before that, and where another envelope closed the leg, the post's word."""
    if seen not in {View.DELIVERED, View.CLOSED}:
        return ""
    if told["evidence"] is not None:
        return EVIDENCE_WORDS[Evidence(told["evidence"])]
    return words.SIGNERS[Signer(told["signer"])] if told["signer"] else ""


def _contents(told: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of what is inside; of an item whose title tells too much, only that there is something."""
    names = [HIDDEN if hide else _counted(name, copies) for name, copies, hide, _ in told["contents"] or ()]
    return tuple(dict.fromkeys(names))


def _counted(name: str, copies: int) -> str:
    return f"{name}（{copies} 份）" if copies > 1 else name
