"""A decided case as it reaches us: one shape for the JSON API and for a row of an imported list.

The models hold every check that needs nothing but the value itself, so no door can forget one. Two checks need the
outside and come in by the validation context (`check.py` gives it; without it they are skipped):
`undrawable` (characters that the label's fonts lack) and `today` (the date in Shanghai).
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from dispatch.approval.fields import dates, identity
from dispatch.approval.fields.way import Way
from dispatch.approval.slip import Drawn, Line, LongLine, ShortLine, Slip, Strict, line, number
from dispatch.hall_time import SHANGHAI
from dispatch.visits import VisitKind

__all__ = ["DecidedCase", "DocumentIn", "Problem", "RowProblem", "Slip", "VisitMade", "Way"]


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one field, in a clerk's words.

    `field` is the Chinese heading, `path` the API's name for it (`slip.phone`, `documents.0.copies`). `value` is
    what was sent, personal data perhaps: for whoever sent it, never for a log.
    """

    field: str
    value: str | None
    wrong: str
    right: str
    path: str = ""

    def __str__(self) -> str:
        shown = "" if self.value is None else f"“{self.value}”"
        return f"{self.field}{shown}：{self.wrong}。{self.right}"


@dataclass(frozen=True)
class RowProblem:
    """A `Problem` in a row of a list; `row` counts as Excel does, from 1, the headings included."""

    row: int
    field: str
    value: str | None
    wrong: str
    right: str
    path: str = ""

    @classmethod
    def at(cls, row: int, problem: Problem) -> Self:
        """The same problem, with its row."""
        return cls(row, problem.field, problem.value, problem.wrong, problem.right, problem.path)

    def __str__(self) -> str:
        return f"第{self.row}行 {Problem(self.field, self.value, self.wrong, self.right)}"


def _not_ahead(value: datetime, info: ValidationInfo) -> datetime:
    today = (info.context or {}).get("today")
    return dates.not_ahead(value, today) if today else value


Moment = Annotated[datetime, BeforeValidator(dates.iso_moment), AfterValidator(_not_ahead)]


class VisitMade(Strict):
    """Something the applicant did, and when. Visits with the same `trip` text were one trip of one person."""

    _shown = ("kind", "on", "trip")

    kind: VisitKind
    on: date | None = None
    trip: ShortLine | None = None


class DocumentIn(Strict):
    """A document that goes into the envelope; `copies`: originals and copies of it together, 1 to 99."""

    _shown = ("name", "copies")

    name: Annotated[str, line(200), Drawn]
    copies: Annotated[int, Field(ge=1, le=99)] = 1


class DecidedCase(Strict):
    """A case that was decided, with the slip of its result. `decided_at` as a date means 00:00 in Shanghai.

    `case_no` and `matter_no` are opaque. `applicant_id_no` is a 公民身份号码 (person) or 统一社会信用代码
    (organisation). Without `documents` the item's name stands for the one document. `hold`: why it must wait.
    """

    _shown = ("case_no", "item_name", "department", "slip")

    case_no: Annotated[str, number(50)]
    matter_no: Annotated[str, number(50)] | None = None
    item_code: Annotated[str, number(50)] | None = None
    item_name: Annotated[str, line(200), Drawn]
    department: Line
    decided_at: Moment
    decision_doc_no: Line | None = None
    applicant_name: Line
    applicant_kind: Literal["person", "organisation"]
    applicant_id_no: str | None = None
    application: VisitMade = VisitMade(kind=VisitKind.ONLINE)
    visits: Annotated[tuple[VisitMade, ...], Field(max_length=100)] = ()
    paper_ready: bool = True
    hold: LongLine | None = None
    documents: Annotated[tuple[DocumentIn, ...], Field(max_length=50, validate_default=True)] = ()
    slip: Slip

    @field_validator("applicant_id_no", mode="after")
    @classmethod
    def _check_digit(cls, value: str | None, info: ValidationInfo) -> str | None:
        kind = info.data.get("applicant_kind")
        if value is None or kind is None:
            return value
        return identity.citizen_number(value) if kind == "person" else identity.credit_code(value)

    @field_validator("documents", mode="after")
    @classmethod
    def _at_least_one(cls, value: tuple[DocumentIn, ...], info: ValidationInfo) -> tuple[DocumentIn, ...]:
        if value or "item_name" not in info.data:
            return value
        return (DocumentIn(name=info.data["item_name"]),)

    def content(self) -> dict[str, str]:
        """Flat path → text in order, to compare "same case, same content" field by field; absent things are left out.

        Moments are in Shanghai time, and the document number is NFKC (brackets come in both widths). The values
        are personal data: compare, or keep a keyed digest.
        """
        flat = dict(_flat("", self.model_dump()))
        if "decision_doc_no" in flat:
            flat["decision_doc_no"] = unicodedata.normalize("NFKC", flat["decision_doc_no"])
        return dict(sorted(flat.items()))


def _flat(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, tuple):
        for place, inner in enumerate(value):
            yield from _flat(f"{path}.{place}", inner)
    elif isinstance(value, datetime):
        yield path, value.astimezone(SHANGHAI).isoformat()
    elif value is not None:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)
