"""Masking: what a label, a page or an export may show of a person.

GB/T 41833-2022 forbids the whole of a person's data on an express waybill. Its exact measure is not confirmed;
what is done here is stricter than what is reported: of a name at least one character is hidden, of a
telephone number at least six digits, of an address everything below the street, community or village.
The whole data travel only in the call to the carrier.

One character is one code point (a rare name outside the BMP counts as one). Functions never raise, and give
"" for an empty text, so that a missing field stays visibly missing.
"""

import re
import unicodedata
from typing import Final

STAR: Final = "*"
LONGEST_NAME: Final = 30  # beyond it stars tell nothing but how long the name is

PERSONS_NUMBER: Final = r"1[3-9]\d{9}|\d{6}(?:19\d\d|20[01]\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
"""A mobile; an ID number (GB 11643) of somebody born before 2020: a case's own number may bear a later day there."""
MOBILE_DIGITS: Final = 11
_WITHIN = re.compile(rf"(?<!\d)(?:{PERSONS_NUMBER})(?!\d)")

_JOINTS = "·・‧•∙ "  # between the parts of a name: 买买提·艾山江, Anna Schmidt
_SEVERAL_NUMBERS = re.compile(r"[/、,;，；|]")
_COUNTRY_CODE = re.compile(r"^(?:\+|00)?86(?=1\d{10}$|0\d{9,11}$)")
_LANDLINE = re.compile(r"^(?P<area>0(?:10|2\d|[3-9]\d{2}))(?P<local>\d{7,8})$")
_EXTENSION = re.compile(r"(?:转|分机|ext\.?|x|#|(?<=\d{7})[-－](?=\d{1,6}$)).*$", re.IGNORECASE)

# Numbers that name a public road or a village, not a home: 320国道, 2号大街.
_ROAD_AFTER = r"(?:国道|省道|县道|乡道|村|号?(?:大街|大道|路(?![口边旁])))"
_DIGITS = re.compile(rf"\d+(?!\d|{_ROAD_AFTER})")
_CHINESE_NUMBER = "零〇一二三四五六七八九十百千两廿卅甲乙丙丁戊己庚辛东南西北中"
_PLACE = r"(?:号楼|号院|号|幢|栋|座|楼|单元|室|户|层|弄|房|门|组|排)"
_COUNTED = re.compile(rf"[{_CHINESE_NUMBER}]+(?={_PLACE})(?!{_ROAD_AFTER})")
_LETTERED = re.compile(rf"[A-Za-z]+(?=[-–—_*\s]*(?:\*|{_PLACE}|区))|(?<=\*)[-–—_]*[A-Za-z]+")
_ASIDE = re.compile(r"[(（\[【].*?(?:[)）\]】]|$)")
_NO_PLACE = {"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"}


def mask_name(name: str, *, organisation: bool) -> str:
    """Return a person's name as its first character and stars (任**); an organisation's name as it is.

    The joints of a name of several parts stay: 买**·***. A name of one character is all star.
    Marks that belong to the character before them are not counted and are dropped.
    """
    plain = _one_line(name)
    if organisation:
        return plain
    chars = [char for char in plain if unicodedata.category(char) not in {"Mn", "Me", "Mc", "Cf"}]
    shown = [char if i == 0 or char in _JOINTS else STAR for i, char in enumerate(chars[:LONGEST_NAME])]
    if chars and STAR not in shown:
        return STAR
    return "".join(shown).strip(_JOINTS)


def mask_phone(phone: str) -> str:
    """Return 138******34 for a mobile, 0571-******45 for a landline; at least six digits are always hidden.

    Country code and extension are left out; of several numbers only the first is shown. What has fewer
    than seven digits, or none at all, is six stars.
    """
    first = _EXTENSION.sub("", _SEVERAL_NUMBERS.split(_one_line(phone, fold_width=True))[0].strip())
    digits = _COUNTRY_CODE.sub("", re.sub(r"[^\d+]", "", first)).replace("+", "")
    if not digits:
        return STAR * 6 if phone.strip() else ""
    if landline := _LANDLINE.match(digits):
        local = landline["local"]
        return f"{landline['area']}-{STAR * 6}{local[6:]}"
    tail = min(2, max(0, len(digits) - 6))
    head = min(3, max(0, len(digits) - 6 - tail))
    hidden = min(12, max(6, len(digits) - head - tail))
    return digits[:head] + STAR * hidden + (digits[-tail:] if tail else "")


def mask_address(province: str, city: str, county: str, town: str, detail: str) -> str:
    """Return the address as a label may show it: to the street, community or village, house hidden.

    Every number of house, building, unit and room becomes stars (digits, 三幢, A座), remarks in brackets
    go. Numbers that name a road or a village stay (320国道). `detail` may repeat the places before it.
    """
    before = mask_address_to_town(province, city, county, town)
    rest = _one_line(detail, fold_width=True)
    for place in (province, city, county, town):
        rest = rest.removeprefix(_one_line(place, fold_width=True)) if place.strip() else rest
    rest = _ASIDE.sub("", rest)
    rest = _DIGITS.sub(_stars, rest)
    rest = _COUNTED.sub(_stars, rest)
    return before + _LETTERED.sub(_stars, rest).strip(" ,，、;；")


def mask_address_to_town(province: str, city: str, county: str, town: str) -> str:
    """Return the address as the applicant's public page may show it: nothing below the town."""
    places: list[str] = []
    for place in (province, city, county, town):
        plain = _one_line(place)
        if plain and plain not in _NO_PLACE and plain not in places:
            places.append(plain)
    return "".join(places)


def holds_a_number(words: str) -> bool:
    """Whether somebody's number stands anywhere in what was typed."""
    return _WITHIN.search(words) is not None


def mask_numbers(words: str) -> str:
    """Free text with every mobile and ID number masked: all that can be done where nobody knows whose it may hold."""
    return _WITHIN.sub(_masked_number, words)


def _masked_number(found: re.Match[str]) -> str:
    return mask_phone(found[0]) if len(found[0]) == MOBILE_DIGITS else _stars(found)


def _stars(found: re.Match[str]) -> str:
    return STAR * len(found[0])


def _one_line(text: str, *, fold_width: bool = False) -> str:
    # NFKC turns ５０１ into 501; a name must not be folded, its full-width letters may be its spelling.
    return " ".join(unicodedata.normalize("NFKC" if fold_width else "NFC", text).split())
