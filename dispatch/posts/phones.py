"""Which field of a party a phone belongs into: posts keep mobiles and other numbers apart. Pure."""

import re

MOBILE = re.compile(r"1[3-9][0-9]{9}")


def is_mobile(phone: str) -> bool:
    """Whether this is a mobile's number (CARRIERS §6.5). A hotline or an extension such as 12345 is none."""
    return MOBILE.fullmatch(phone) is not None
