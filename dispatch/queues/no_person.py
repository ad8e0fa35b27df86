"""Nobody is looked for by name, telephone or ID number: what is looked for stands in addresses and histories."""

import re

from dispatch.mask import PERSONS_NUMBER

NAME = r"[\u3400-\u9fff·]{2,}"
"""Nothing but characters: every number that is looked for has a digit or a letter."""
PATTERN = f"(?!(?:{PERSONS_NUMBER}|{NAME})$).*"
"""The same for a field of a page: so it never leaves the browser."""
WORDS = "只按编号查：不按姓名、手机号、身份证号查，免得它们留在地址栏里。请输入办件编号、运单号。"
_ALONE = re.compile(rf"(?:{PERSONS_NUMBER}|{NAME})")


def names_a_person(wanted: str) -> bool:
    """Whether what is looked for is somebody's name or number."""
    return _ALONE.fullmatch(wanted.strip()) is not None
