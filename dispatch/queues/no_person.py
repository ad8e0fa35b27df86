"""Nobody is looked for by name, telephone or ID number: what is looked for stands in addresses and histories."""

import re

NUMBER = r"1[3-9]\d{9}|\d{6}(?:19\d\d|20[01]\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
"""A mobile; an ID number (GB 11643) of somebody born before 2020: a case's own number may bear a later day there."""
NAME = r"[\u3400-\u9fff·]{2,}"
"""Nothing but characters: every number that is looked for has a digit or a letter."""
PATTERN = f"(?!(?:{NUMBER}|{NAME})$).*"
"""The same for a field of a page: so it never leaves the browser."""
WORDS = "只按编号查：不按姓名、手机号、身份证号查，免得它们留在地址栏里。请输入办件编号、运单号。"
_ALONE, _WITHIN = re.compile(rf"(?:{NUMBER}|{NAME})"), re.compile(rf"(?<!\d)(?:{NUMBER})(?!\d)")


def names_a_person(wanted: str) -> bool:
    """Whether what is looked for is somebody's name or number."""
    return _ALONE.fullmatch(wanted.strip()) is not None


def holds_a_number(words: str) -> bool:
    """Whether somebody's number stands anywhere in what was typed."""
    return _WITHIN.search(words) is not None
