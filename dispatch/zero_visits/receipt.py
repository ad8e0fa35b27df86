"""The receipt of the window (领取登记) on paper: before it is signed to be signed, afterwards with the signature."""

from pathlib import Path
from typing import Final

from dispatch import audit
from dispatch.approval.within import EVERYTHING, Within, find_case_within
from dispatch.hall_time import hall_time
from dispatch.label.press import press
from dispatch.label.words import printable
from dispatch.picture import open_picture
from dispatch.world import World
from dispatch.zero_visits.pickup import AtWindow, Receipt, at_window

TEMPLATE: Final = Path(__file__).with_name("receipt.typ")
LONGEST = 30.0


def receipt(world: World, case_no: str, by: str, within: Within = EVERYTHING) -> bytes:
    """The PDF; names on it are masked. Raises NotFoundError, LabelError (a character that cannot be drawn)."""
    shown = at_window(world, case_no, within)
    with world.begin() as session:
        case = find_case_within(session, case_no, within)
        audit.note(world, session, by, audit.Deed.PRINT, case.subject, "打印领取登记")
    signed = shown.receipt.pictures if shown.receipt else []
    data = {
        "case_no": _word(shown, shown.case_no),
        "centre": _word(shown, world.settings.centre.name),
        "rows": [[name, _word(shown, value)] for name, value in _rows(shown)],
        "papers": [[_word(shown, name), f"{copies} 份"] for name, copies in shown.papers],
        "signature": list(open_picture(world, signed[0].id).body) if signed else [],
    }
    return press(TEMPLATE, data, world.typefaces.folder(), tagged=True)


def _rows(shown: AtWindow) -> list[tuple[str, str]]:
    rows = [
        ("办件编号", shown.case_no),
        ("事项", shown.item),
        ("部门", shown.department),
        ("申请人", shown.applicant),
    ]
    return [*rows, *(_taken(shown.receipt) if shown.receipt else _to_be_filled_in())]


def _taken(taken: Receipt) -> list[tuple[str, str]]:
    who = f"{taken.taker}（{'代领，已查验委托书' if taken.delegate else '本人，已查验证件'}）"
    number = f"正本 {taken.originals} 份，副本 {taken.copies} 份"
    return [
        ("领取人", who),
        ("领取份数", number),
        ("领取时间", hall_time(taken.given_at)),
        ("经办人", taken.given_by),
    ]


def _to_be_filled_in() -> list[tuple[str, str]]:
    return [("领取人", ""), ("证件已查验", "本人证件　　委托书"), ("领取份数", "正本　　　份，副本　　　份")]


def _word(shown: AtWindow, text: str) -> str:
    return printable(text, subject=shown.case_no, field="receipt", longest=LONGEST)["t"]
