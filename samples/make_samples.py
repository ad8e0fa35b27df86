"""Write `issued-cases.xlsx`, a list of decided cases to practise with: `python -m samples.make_samples`.

The same bytes every time (seeded), so that a change shows up in review.
"""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import xlsxwriter

from dispatch.approval.columns import COLUMNS
from samples import people
from samples.people import Recipient

_ITEMS = (
    ("食品经营许可", "县市场监督管理局", "食品经营许可证", "XK0013100Y"),
    ("公共场所卫生许可", "县卫生健康局", "卫生许可证", "XK0022300Y"),
    ("不动产登记", "县自然资源和规划局", "不动产权证书", "QR0006400Y"),
    ("取水许可", "县水利局", "取水许可证", "XK0017200Y"),
    ("林木采伐许可", "县林业局", "林木采伐许可证", "XK0041100Y"),
    ("再生育审批", "县卫生健康局", "再生育证明", "XK0022900Y"),
    ("道路货物运输经营许可", "县交通运输局", "道路运输经营许可证;道路运输证×2", "XK0019500Y"),
    ("民办学校设立审批", "县教育局", "民办学校办学许可证正本;民办学校办学许可证副本", "XK0005100Y"),
    ("企业设立登记", "县市场监督管理局", "营业执照;营业执照副本×2", "QR0013200Y"),
)
_FIRST_DAY = date(2026, 10, 26)
_HEADED = [column for column in COLUMNS if column.in_template]
Row = dict[str, str | date]


def rows() -> list[Row]:
    """Every row by API path, in the order of the list."""
    draw = random.Random(20261122)
    made = [row for place, who in enumerate(people.RECIPIENTS) for row in _cases(who, place, draw)]
    for number, row in enumerate(made, start=1):
        place = people.PANAN if row["slip.county"] == people.PANAN[2] else people.JINGNING
        row["case_no"] = f"{place[3]}-2026-{number:06d}"
        row["decision_doc_no"] = f"（2026）浙{place[3][2:]}行审字第{number:05d}号"
        if number % 3 == 0:
            _as_one_line(row)
    return made


def _cases(who: Recipient, place: int, draw: random.Random) -> Iterator[Row]:
    slip = _slip(who, place, draw)
    for turn in range(who.cases):
        name, department, documents, code = _ITEMS[(place + turn) % len(_ITEMS)]
        decided = _FIRST_DAY + timedelta(days=draw.randrange(24))
        row: Row = {"item_name": name, "department": department, "documents": documents, "item_code": code}
        row |= {"decided_at": decided, "application": who.application, "visits": who.visits, "paper_ready": "是"}
        if who.matter:
            row["matter_no"] = f"YJS-2026-{place:04d}"
        yield row | slip


def _slip(who: Recipient, place: int, draw: random.Random) -> Row:
    province, city, county, code, postcode = people.PANAN if place % 2 else people.JINGNING
    town = draw.choice(people.PANAN_TOWNS if place % 2 else people.JINGNING_TOWNS)
    road, house, room = draw.choice(people.STREETS), draw.randint(1, 199), draw.randint(101, 604)
    detail = f"{road}{house}号{draw.randint(1, 9)}幢{room}室"
    name = people.NAMES[place % len(people.NAMES)]
    organisation = people.COMPANIES[place % len(people.COMPANIES)]
    numbered = people.credit_code(code, place) if who.company else people.citizen_number(code, place)
    return {
        "applicant_name": organisation if who.company else name,
        "applicant_kind": "法人及其他组织" if who.company else "自然人",
        "applicant_id_no": numbered,
        "slip.recipient_name": name,
        "slip.phone": people.mobile(place, who.story),
        "slip.province": province,
        "slip.city": city,
        "slip.county": county,
        "slip.town": town,
        "slip.detail": detail,
        "slip.postcode": postcode,
        **_way(who, town),
    }


def _way(who: Recipient, town: str) -> Row:
    points = {"door": "", "locker": "示例小区东门快件箱", "village_station": f"{town}示例村村邮站"}
    flags = {"point_at_address": who.at_address, "brought_to_door": who.to_door, "proxy_allowed": who.proxy}
    return {
        "slip.way": who.way.chinese,
        "slip.point": points.get(who.way, f"{town}邮政支局"),
        **{f"slip.{flag}": "是" if value else "否" for flag, value in flags.items()},
    }


def _as_one_line(row: Row) -> None:
    """The address as people usually write it, in one cell."""
    parts = [f"slip.{part}" for part in ("province", "city", "county", "town", "detail")]
    row["slip.address"] = "".join(str(row.pop(part)) for part in parts)


def write(target: Path) -> None:
    """Write the list to `target`."""
    with xlsxwriter.Workbook(str(target)) as book:
        book.set_properties({"title": "出证清单（样例）", "created": datetime(2026, 1, 1)})  # noqa: DTZ001 - Excel has no zones
        sheet = book.add_worksheet("出证清单")
        as_date = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, [column.heading for column in _HEADED])
        for number, row in enumerate(rows(), start=1):
            for place, column in enumerate(_HEADED):
                value = row.get(column.field, "")
                if isinstance(value, date):
                    sheet.write_datetime(number, place, value, as_date)
                elif value:
                    sheet.write_string(number, place, value)
        sheet.set_column(0, len(_HEADED), 18)
        sheet.freeze_panes(1, 1)


if __name__ == "__main__":
    write(Path(__file__).with_name("issued-cases.xlsx"))
