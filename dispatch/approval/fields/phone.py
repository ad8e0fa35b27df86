"""A number at which the postman reaches the recipient."""

import phonenumbers

from dispatch.approval.fields.text import WrongError, half_width

_RIGHT = "11位手机号码，或带区号的固定电话（如 0578-5081234）；港澳号码以 +852、+853 开头"
_HOME, _HONG_KONG, _MACAO = 86, 852, 853
_DIALLED_DIRECTLY = {
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
}


def phone_number(text: str) -> str:
    """`13900001234`, `0578-5081234` or `+85223456789`; raises `WrongError`.

    +86 and 0086 are taken off. Hong Kong and Macao numbers are taken with their prefix: many applicants live there,
    and the post may call them. Numbers of other countries are not: the recipient has to be called on delivery.
    """
    plain = half_width(text).replace("—", "-").replace("–", "-")
    if plain.startswith("00"):
        plain = "+" + plain[2:]
    if any(c not in "+-() 0123456789" for c in plain):
        raise WrongError("不是一个电话号码", f"只填一个能直接拨通的号码，不写分机和说明：{_RIGHT}")
    number = _parsed(plain)
    if number.country_code not in (_HOME, _HONG_KONG, _MACAO):
        raise WrongError("不是内地或港澳的号码", _RIGHT)
    if not phonenumbers.is_valid_number(number):
        raise WrongError(_why(plain), _RIGHT)
    if phonenumbers.number_type(number) not in _DIALLED_DIRECTLY:
        raise WrongError("不是手机也不是固定电话", _RIGHT)
    return _written(number)


def _parsed(plain: str) -> phonenumbers.PhoneNumber:
    try:
        return phonenumbers.parse(plain, "CN")
    except phonenumbers.NumberParseException:
        raise WrongError(_why(plain), _RIGHT) from None


def _why(plain: str) -> str:
    digits = sum(c.isdigit() for c in plain)
    if plain.startswith("1") and digits != 11:
        return f"手机号码应为11位，现有{digits}位"
    if 7 <= digits <= 8 and not plain.startswith("0"):
        return "固定电话没有区号"
    return "没有这样的号码"


def _written(number: phonenumbers.PhoneNumber) -> str:
    if number.country_code != _HOME:
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    digits = str(phonenumbers.national_significant_number(number))
    area = phonenumbers.length_of_geographical_area_code(number)
    return f"0{digits[:area]}-{digits[area:]}" if area else digits
