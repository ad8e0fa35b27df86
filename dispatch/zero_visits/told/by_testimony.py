"""What applicants said of their trips, and what supervisors ruled of it: of the whole matter, as it is counted."""

from collections.abc import Iterator

from sqlalchemy import select

from dispatch.ledger import Count, Testimony, TripRuling
from dispatch.visits import ASKED_WORDS, Asked
from dispatch.zero_visits.told.line import Kind, Line, Teller, line


def told_by_testimony(teller: Teller) -> Iterator[Line]:
    """Each word and each ruling, in no order."""
    matter = teller.case.matter_id
    for told in teller.session.scalars(select(Testimony).where(Testimony.matter_id == matter)):
        note = teller.curtain.free(teller.world.vault.open(told, "note"))
        what = f"{ASKED_WORDS[Asked(told.way)]}：{in_words(told.count)}{f'。{note}' if note else ''}"
        yield line(told.at, Kind.TESTIMONY, f"{what}，经办人 {told.by}")
    for ruling in teller.session.scalars(select(TripRuling).where(TripRuling.matter_id == matter)):
        reason = teller.curtain.free(teller.world.vault.open(ruling, "reason"))
        by_whom = "以记录为准" if ruling.testimony_id is None else "以群众反映为准"
        what = f"裁定{by_whom}：{in_words(ruling.count)}。{reason}，裁定人 {ruling.by}"
        yield line(ruling.at, Kind.RULING, what, voided=ruling.replaced_at is not None)


def in_words(count: Count) -> str:
    """Both counters."""
    return f"上门 {count.office_trips} 次，跑动 {count.trips} 次"
