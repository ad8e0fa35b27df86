"""What no post has published is a setting with a default, and docs/posts.md tells which ones to ask about."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ACCOUNTS = Path("dispatch/accounts.py")
PAGE = Path("docs/posts.md")
ROWS = {
    "Account": "every account",
    "EmsAccount": "`ems`",
    "SfAccount": "`sf`",
    "KdniaoAccount": "`kdniao`",
    "Kuaidi100Account": "`kuaidi100`",
    "TrackedCarrier": "`tracked`",
    "ByHandAccount": "`by_hand`",
    "GovEmsAccount": "`gov_ems`",
}
"""The row of the table that speaks of an account."""


def unconfirmed() -> Iterator[tuple[str, str]]:
    """Class and field, where a comment beside the field or right above it says «unconfirmed»."""
    text = ACCOUNTS.read_text(encoding="utf-8")
    lines = text.splitlines()
    for account in ast.parse(text).body:
        for field in getattr(account, "body", []) if isinstance(account, ast.ClassDef) else []:
            if isinstance(field, ast.AnnAssign) and "unconfirmed" in _said_of(field, lines):
                yield account.name, field.target.id


def _said_of(field: ast.AnnAssign, lines: list[str]) -> str:
    first = field.lineno - 1
    above = first
    while lines[above - 1].strip().startswith("#"):
        above -= 1
    return "\n".join(line.partition("#")[2] for line in lines[above : field.end_lineno])


def row_of(account: str) -> str:
    [row] = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {ROWS[account]}")]
    return row


MARKED = list(unconfirmed())


@pytest.mark.parametrize(("account", "field"), MARKED)
def test_every_unconfirmed_setting_is_named_in_the_row_of_its_account(account: str, field: str) -> None:
    """A centre that is not told what to ask its post goes live on our guess."""
    assert f"`{field}`" in row_of(account)


def test_the_marks_are_found_beside_above_and_over_several_lines() -> None:
    """Or the test above would pass because it sees none."""
    for seen in (("EmsAccount", "not_accepted_code"), ("SfAccount", "refused_codes"), ("GovEmsAccount", "letters")):
        assert seen in MARKED
    assert ("EmsAccount", "product") not in MARKED
    assert len(MARKED) > 30


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("EmsAccount", ["S00001", "getURL", "schedule", "check digit", "妥投代码", "030005"]),
        ("SfAccount", ["interval", "signed by nothing", "658"]),
        ("KdniaoAccount", ["20 calls a second", "repeated"]),
        ("Kuaidi100Account", ["701 and 702", "a month"]),
        ("TrackedCarrier", ["YTO", "ZTO", "acknowledgement", "last four digits"]),
        ("GovEmsAccount", ["Zhejiang", "ISSEND"]),
    ],
)
def test_what_was_not_found_and_is_no_setting_is_told_too(row: str, words: list[str]) -> None:
    """CARRIERS §10: gaps that no setting mends must not be forgotten either."""
    assert [word for word in words if word not in row_of(row)] == []
