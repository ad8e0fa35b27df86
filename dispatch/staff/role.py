"""Roles and rights: one table. Pure.

Supervisor, auditor and administrator are kept apart (三员分立): nobody who makes accounts sees a case, nobody who
works on cases sees the audit log, and who reads the audit log changes nothing.
"""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What somebody is at the centre (HALL.md §1)."""

    WINDOW = "window"
    DISPATCH = "dispatch"
    POST = "post"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"

    @property
    def chinese(self) -> str:
        """The word on the screen."""
        return ROLE_WORDS[self]


ROLE_WORDS: Mapping[Role, str] = {
    Role.WINDOW: "窗口人员",
    Role.DISPATCH: "寄件员",
    Role.POST: "驻厅邮政人员",
    Role.SUPERVISOR: "督查人员",
    Role.AUDITOR: "审计员",
    Role.ADMINISTRATOR: "管理员",
}


class Right(StrEnum):
    """What a page or a button asks for."""

    SEE = "see"  # queues and cases, masked
    SEE_TODAY = "see_today"  # the envelopes that are on the desk today, and nothing else
    REVEAL = "reveal"
    IMPORT = "import"
    SLIP = "slip"
    ISSUE = "issue"
    RELEASE = "release"
    PRINT = "print"
    PACK = "pack"
    HAND_OVER = "hand_over"
    WINDOW = "window"
    CALL = "call"
    TESTIMONY = "testimony"  # what an applicant says of their trips
    SETTLE = "settle"
    OVERVIEW = "overview"
    RULE = "rule"
    EXPORT = "export"
    AUDIT = "audit"
    STAFF = "staff"
    CLIENTS = "clients"
    PRINTERS = "printers"
    CALENDAR = "calendar"


RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.WINDOW: frozenset(
        {Right.SEE, Right.REVEAL, Right.IMPORT, Right.SLIP, Right.ISSUE, Right.WINDOW, Right.CALL, Right.SETTLE}
        | {Right.TESTIMONY}
    ),
    Role.DISPATCH: frozenset(
        {Right.SEE, Right.REVEAL, Right.IMPORT, Right.SLIP, Right.ISSUE, Right.RELEASE, Right.PRINT, Right.PACK}
        | {Right.HAND_OVER, Right.WINDOW, Right.CALL, Right.TESTIMONY, Right.SETTLE, Right.EXPORT, Right.OVERVIEW}
    ),
    Role.POST: frozenset({Right.SEE_TODAY, Right.PRINT, Right.PACK, Right.HAND_OVER}),
    Role.SUPERVISOR: frozenset({Right.SEE, Right.REVEAL, Right.TESTIMONY, Right.OVERVIEW, Right.RULE, Right.EXPORT}),
    Role.AUDITOR: frozenset({Right.AUDIT}),
    Role.ADMINISTRATOR: frozenset({Right.STAFF, Right.CLIENTS, Right.PRINTERS, Right.CALENDAR}),
}
assert set(RIGHTS) == set(ROLE_WORDS) == set(Role)  # noqa: S101 - a role without rights could not even sign out
