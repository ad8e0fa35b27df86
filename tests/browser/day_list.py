"""The list of one morning: two hundred issued cases, twelve of them with a fault each."""

from io import BytesIO

import xlsxwriter

from dispatch.approval.columns import COLUMNS
from samples.people import JINGNING, JINGNING_TOWNS, NAMES, STREETS, citizen_number, mobile

DEPARTMENTS = ("县市场监督管理局", "县卫生健康局", "县自然资源和规划局（林业局）不动产登记服务中心", "县公安局")
ITEMS = (
    ("食品经营许可", "01"),
    ("公共场所卫生许可证核发（新办、变更、延续、补办合并办理）", "02"),
    ("不动产首次登记", "03"),
    ("普通护照签发", "04"),
)
CASES = 200
FAULTS: dict[int, tuple[str, str]] = {
    5: ("case_no", ""),
    12: ("slip.phone", "1390000"),
    31: ("applicant_id_no", "330106199001010019"),
    48: ("decided_at", "2026-02-30"),
    60: ("slip.recipient_name", ""),
    77: ("department", ""),
    90: ("slip.way", "飞鸽"),
    104: ("applicant_kind", "神仙"),
    123: ("slip.detail", ""),
    150: ("decided_at", "2099-01-01"),
    171: ("item_name", ""),
    199: ("slip.phone", "请问村里"),
}
"""By the place of the case in the list, from 1: the field, and what stands there."""
HEADED = [column for column in COLUMNS if column.in_template]


def case_no(place: int) -> str:
    """The 办件编号 of the case at this place of the list."""
    return f"331127-2026-{900_000 + place}"


def issued_list(stories: dict[int, int] | None = None) -> bytes:
    """As an .xlsx. `stories`: which story the practice post plays for a place; the plain one where none is said."""
    written = BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
        sheet = book.add_worksheet("出证清单")
        sheet.write_row(0, 0, [column.heading for column in HEADED])
        for place in range(1, CASES + 1):
            row = _row(place, (stories or {}).get(place, 1))
            if place in FAULTS:
                row |= dict([FAULTS[place]])
            for number, column in enumerate(HEADED):
                sheet.write_string(place, number, row.get(column.field, ""))
    return written.getvalue()


def _row(place: int, story: int) -> dict[str, str]:
    province, city, county, code, postcode = JINGNING
    item, item_code = ITEMS[place % len(ITEMS)]
    name = NAMES[place % len(NAMES)]
    return {
        "case_no": case_no(place),
        "item_name": item,
        "item_code": item_code,
        "department": DEPARTMENTS[place % len(DEPARTMENTS)],
        "decided_at": "2026-11-20",
        "applicant_name": name,
        "applicant_kind": "自然人",
        "applicant_id_no": citizen_number(code, place),
        "paper_ready": "是",
        "slip.recipient_name": name,
        "slip.phone": mobile(place, story),
        "slip.province": province,
        "slip.city": city,
        "slip.county": county,
        "slip.town": JINGNING_TOWNS[place % len(JINGNING_TOWNS)],
        "slip.detail": f"{STREETS[place % len(STREETS)]}{place}号1幢101室",
        "slip.postcode": postcode,
        "slip.way": "须上门投递",
    }
