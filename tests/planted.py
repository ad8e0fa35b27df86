"""People who are planted everywhere, and the search for them: in plain, and in the guises in which bytes travel."""

import base64
import json
from urllib.parse import quote

from sqlalchemy import text

from dispatch.world import World
from tests.decided import case_body
from zhuandi.dump import copying, driver

PEOPLE = {
    "applicant": "欧阳望舒",
    "recipient": "澹台秋水",
    "sender": "尉迟青岚",
    "caller": "公孙晚晴",
    "postman": "司徒归帆",
    "phone": "13957886501",
    "callers phone": "13857886502",
    "id": "330106199001010018",
    "home": "鹤溪中路77号菊花坪5幢",
    "locker": "菊花坪丰巢柜甲",
}


def guises(value: str) -> set[str]:
    """In which a value might lie about: as PostgreSQL, JSON, URLs and mails write bytes, in four character sets."""
    raw = [value.encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be", "gb18030")]
    found = {value, quote(value), json.dumps(value).strip('"'), value.encode("unicode_escape").decode()}
    for one in raw:
        found |= {one.hex(), one.hex().upper(), *(_in_base64(one, before) for before in range(3))}
    return found


def _in_base64(raw: bytes, before: int) -> str:
    """What every Base64 text shows of these bytes, where so many others stand before them."""
    whole = base64.b64encode(bytes(before) + raw + bytes(3)).decode()
    first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
    return whole[first:last]


def found_in(text: str) -> list[str]:
    """Who is named in it, and how."""
    return [f"{who}: {guise}" for who, value in PEOPLE.items() for guise in guises(value) if guise in text]


def body(case_no: str, **more: object) -> dict[str, object]:
    slip = {"recipient_name": PEOPLE["recipient"], "phone": PEOPLE["phone"], "detail": PEOPLE["home"]}
    who = {"applicant_name": PEOPLE["applicant"], "applicant_id_no": PEOPLE["id"]}
    return case_body(case_no, slip | dict(more.pop("slip", {})), **(who | more))


def dump(world: World) -> dict[str, str]:
    """Every table as COPY writes it into a backup."""
    found = {}
    with world.sessions.kw["bind"].connect() as connection:
        names = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        for name in names:
            columns = tuple(connection.scalars(COLUMNS, {"name": name}))
            with driver(connection).cursor() as cursor, cursor.copy(copying(name, columns, "TO STDOUT")) as copy:
                found[name] = b"".join(bytes(chunk) for chunk in copy).decode()
    return found


COLUMNS = text(
    "SELECT column_name FROM information_schema.columns WHERE table_name = :name AND table_schema = 'public'"
)
