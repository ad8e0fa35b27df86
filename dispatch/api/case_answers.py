"""What the cases' door answers: the shapes that partners read in /openapi.json."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from dispatch.approval.columns import BY_FIELD
from dispatch.approval.decided_case import Problem

OutcomeWord = Literal["accepted", "repeated", "conflict", "refused"]


class Shape(BaseModel):
    """An answer: frozen, and what is not there is left out."""

    model_config = ConfigDict(frozen=True)

    def out(self) -> dict[str, object]:
        """As JSON goes out."""
        return self.model_dump(mode="json", exclude_none=True)


class ProblemOut(Shape):
    """One thing wrong with one field: what was sent, what is wrong with it, what would be right."""

    field: str = Field(description="字段的中文名")
    path: str = Field(description="字段在请求中的位置，如 slip.phone")
    value: str | None = None
    wrong: str
    right: str

    @classmethod
    def of(cls, problem: Problem) -> Self:
        """From the room's own word for it."""
        return cls(
            field=problem.field, path=problem.path, value=problem.value, wrong=problem.wrong, right=problem.right
        )


class Difference(Shape):
    """A field that differs from what was accepted first."""

    field: str
    path: str

    @classmethod
    def all_of(cls, paths: Iterable[str]) -> tuple[Self, ...]:
        """With the heading that a clerk knows."""
        return tuple(cls(field=heading(path), path=path) for path in paths)


class Result(Shape):
    """What became of one case; in a batch `row` counts from 1."""

    row: int | None = None
    case_no: str | None = None
    outcome: OutcomeWord
    case_id: UUID | None = None
    problems: tuple[ProblemOut, ...] | None = None
    differs: tuple[Difference, ...] | None = None
    words: str | None = None


class Counts(Shape):
    """How many cases of a batch came out how."""

    accepted: int = 0
    repeated: int = 0
    conflict: int = 0
    refused: int = 0


class BatchResult(Shape):
    """One result for each case, in order: the good went in without the bad."""

    counts: Counts
    results: tuple[Result, ...]


class Lodged(Shape):
    """The case is stored; the same case again gets the same ids."""

    case_no: str
    case_id: UUID
    outcome: Literal["accepted", "repeated"]


class ErrorBody(Shape):
    """Why not: a code for machines, words for people."""

    code: str
    words: str
    problems: tuple[ProblemOut, ...] | None = None
    differs: tuple[Difference, ...] | None = None


class ErrorOut(Shape):
    """Every error has this shape."""

    error: ErrorBody


class ZeroVisits(Shape):
    """`verdict`: `zero` (零跑, proved), `visits` (proved, with trips), `unverified` (not proved yet, never zero)."""

    verdict: Literal["zero", "visits", "unverified"]
    office_trips: int = Field(description="上门次数")
    trips: int = Field(description="跑动次数")


class ShipmentOut(Shape):
    """An envelope of the case."""

    waybill_no: str | None
    stage: str
    words: str
    since: datetime


class CaseOut(Shape):
    """Where a case stands: with several envelopes, where the one furthest behind does."""

    case_no: str
    case_id: UUID
    stage: str = Field(description="closed、waiting，或邮件所处环节的代码")
    words: str = Field(description="所处环节")
    closed_at: datetime | None
    zero_visits: ZeroVisits
    shipments: tuple[ShipmentOut, ...]


def heading(path: str) -> str:
    """The Chinese heading of a field's path; the path itself where it has none."""
    steps = path.split(".")
    for known in (path, ".".join(steps[:2]), steps[0]):
        if known in BY_FIELD:
            return BY_FIELD[known].heading
    return path
