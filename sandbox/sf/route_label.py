"""routeLabelInfo for customers who draw their own labels (CARRIERS §2.4); all codes but the number are made up."""

import hashlib
from typing import Final

from sandbox.post import Parcel
from sandbox.sf.envelope import JsonObject

ALWAYS: Final = {
    "proCode": "T4",
    "proName": "顺丰标快",
    "codingMappingOut": "",
    "printFlag": "0" * 9,
    "printIcon": "0" * 8,
    "abFlag": "A",
}


def city_code(contact: JsonObject) -> str:
    """Three digits, the same for the same city; really the city's telephone code."""
    town = f"{contact.get('province') or ''}/{contact.get('city') or ''}"
    return f"{_mark(town) % 900 + 100}"


def route_label(parcel: Parcel) -> JsonObject:
    """One entry, code 1000."""
    origin, destination = parcel.extra["cities"]
    mark = _mark(destination)
    outlet = f"{destination}{'ABCDEFGH'[mark % 8]}{'ABCDEFGH'[mark // 8 % 8]}"
    team = f"{mark // 64 % 1000:03d}"
    data = {
        "waybillNo": parcel.number,
        "sourceTransferCode": f"{origin}W",
        "destTransferCode": f"{destination}W",
        "destRouteLabel": f"{destination}W-{outlet}",
        "destCityCode": destination,
        "destDeptCode": outlet,
        "destTeamCode": team,
        "codingMapping": f"{'ABCDEFGH'[mark // 512 % 8]}{mark // 4096 % 100:02d}",
        "twoDimensionCode": _square_code(parcel.number, f"{destination}W", outlet, team),
        "checkCode": _check_code(parcel.number),
    }
    return {"code": "1000", "routeLabelData": data | ALWAYS}


def _square_code(number: str, transfer: str, outlet: str, team: str) -> str:
    parts = (transfer, outlet, team, ALWAYS["proCode"], number, ALWAYS["abFlag"], _check_code(number))
    return "MMM={" + ",".join(f"'k{place}':'{part}'" for place, part in enumerate(parts, 1)) + "}"


def _check_code(number: str) -> str:
    return f"{_mark(number) % 16**8:08x}"


def _mark(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)
