"""Headings as people write them, matched to columns."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dispatch.approval.columns import BY_FIELD, COLUMNS, Column

FAULTS = "未收原因"
"""The column that we add to rows which were not taken; it comes back with them, and says nothing then."""

# The legal representative's own number and name have no use here, so they are not even read.
_NEVER_READ = ("XK_FR_SFZH", "法定代表人身份证号", "法定代表人身份证号码", "XK_FRDB", "法定代表人")
_ADDRESS = "slip.address"
_PARTS = ("slip.province", "slip.county", "slip.town", "slip.detail")
LONGEST = 40
"""Characters of a heading, an explanation in brackets among them; what is longer is text of a row."""
_OF_A_ROW = re.compile(
    r"\d{6,}|1[3-9]\d[ -]\d{4}[ -]\d{4}"  # telephone, ID number, number of a case
    r"|[\w.+-]+@[\w-]+\.\w"
    r"|^\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}(?:$|[日 T])",
    re.ASCII,
)


def plain(heading: str) -> str:
    """A heading without the differences that people make: width, case, spaces, brackets, 必填 marks."""
    text = unicodedata.normalize("NFKC", heading).upper()
    for mark in ("(必填)", "(选填)", "必填", "选填", "*", "(", ")", "、", ":"):
        text = text.replace(mark, "")
    return "".join(text.split())


_RANKED = {
    plain(name): (column, rank)
    for column in COLUMNS
    for rank, name in enumerate((column.heading, *column.names, column.field))
}
_NEVER = {plain(name) for name in _NEVER_READ}


def find(heading: str) -> tuple[Column, int] | None:
    """The column meant by a heading, and the rank of that name among the column's names; None: unknown."""
    return _RANKED.get(plain(heading))


def never_read(heading: str) -> bool:
    """Whether this column must not be read at all."""
    return plain(heading) in _NEVER


@dataclass(frozen=True)
class Meanings:
    """What headings mean. `said`: a clerk's own word (plain heading → field, empty: not taken), before our names."""

    said: Mapping[str, str] = field(default_factory=dict)

    def find(self, heading: str) -> tuple[Column, int] | None:
        """The column meant by a heading, and its rank: what a clerk said comes first."""
        told, ours = self.said.get(plain(heading)), find(heading)
        if told is None or (ours is not None and ours[0].field == told):
            return ours
        return (BY_FIELD[told], -1) if told in BY_FIELD else None

    def unknown(self, heading: str) -> bool:
        """Whether neither we nor a clerk ever said anything of it."""
        return not (plain(heading) in self.said or find(heading) or never_read(heading) or is_ours(heading))


def of_a_row(heading: str) -> bool:
    """Whether it is surely no heading but what stands in a row: a number, an e-mail, a date, a long text.

    What a clerk says of headings is kept open and for good, so nobody's data may pass for one.
    """
    if find(heading) or never_read(heading) or is_ours(heading):
        return False
    return len(heading) > LONGEST or _OF_A_ROW.search(unicodedata.normalize("NFKC", heading)) is not None


def is_ours(heading: str) -> bool:
    """Whether it is the column of faults from an earlier round."""
    return plain(heading) == plain(FAULTS)


def fingerprint(names: Iterable[str]) -> str:
    """The same for the same set of headings, in any order."""
    told = "\n".join(sorted({plain(name) for name in names if name and not is_ours(name)}))
    return hashlib.sha256(told.encode()).hexdigest()


def missing(fields: Iterable[str]) -> list[str]:
    """The headings of required columns that are not among `fields`; one form of the address is enough."""
    present = set(fields)
    lacking = [column.heading for column in COLUMNS if column.required and column.field not in present]
    if _ADDRESS in present:
        return lacking
    parts = [BY_FIELD[part].heading for part in _PARTS if part not in present]
    return [*lacking, *(parts if len(parts) < len(_PARTS) else [BY_FIELD[_ADDRESS].heading])]
