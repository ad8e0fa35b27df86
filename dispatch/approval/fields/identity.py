"""Numbers that carry a check digit: 公民身份号码 (GB 11643-1999) and 统一社会信用代码 (GB 32100-2015)."""

import re

from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from dispatch.approval.fields.text import WrongError, half_width

_CITIZEN = re.compile(r"[0-9]{17}[0-9X]")
_CHECK = "以证件原件为准，逐位核对"


def citizen_number(text: str) -> str:
    """The 18 characters with a capital X; raises `WrongError` for a bad length, birth date or check digit.

    The six digits of the place are not looked up: counties have been renamed and renumbered since.
    """
    number = half_width(text).replace(" ", "").upper()
    if len(number) == 15 and number.isdigit():
        raise WrongError("是15位旧号码，已停用", "填18位公民身份号码")
    if not _CITIZEN.fullmatch(number):
        raise WrongError(f"应为18位（前17位是数字，末位是数字或X），现有{len(number)}位", _CHECK)
    try:
        ric.get_birth_date(number)
    except ValidationError:
        raise WrongError("第7至14位不是出生日期", _CHECK) from None
    if ric.calc_check_digit(number) != number[-1]:
        raise WrongError("末位校验码不对，很可能有一位抄错", _CHECK)
    return number


def credit_code(text: str) -> str:
    """The 18 characters in capitals; raises `WrongError` for a bad length, character or check character."""
    code = half_width(text).replace(" ", "").upper()
    if len(code) != 18:
        raise WrongError(f"统一社会信用代码应为18位，现有{len(code)}位", _CHECK)
    strange = next((c for c in code if c not in "0123456789ABCDEFGHJKLMNPQRTUWXY"), None)
    if strange is not None:
        raise WrongError(f"统一社会信用代码里不会有“{strange}”", "不用字母 I、O、S、V、Z；多半是 1、0、5、2 之误")
    if not uscc.is_valid(code):
        raise WrongError("末位校验码不对，很可能有一位抄错", _CHECK)
    return code
