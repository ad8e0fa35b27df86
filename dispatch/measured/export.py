"""The overview as a table for a spreadsheet: nothing in it can be a formula, and that it was taken out is noted."""

import csv
import io
from collections.abc import Iterable

from dispatch import audit
from dispatch.cells import harmless
from dispatch.measured.overview import Line, overview
from dispatch.queues.queue import Scope
from dispatch.world import World
from dispatch.zero_visits.figures import Share

MARK = "\ufeff"
"""Spreadsheets take a file without it for one in their own old coding."""
HEADINGS = (
    *("部门", "办件", "零跑", "零跑率%", "未核实", "未核实率%", "上门零次", "上门零次率%"),
    *("当日交寄", "有纸质截止前", "退回", "交寄邮件", "送达办件", "决定到送达中位小时", "计时办件"),
    *("承诺不符", "一件事", "承诺不符率%", "抽查一致", "抽查", "抽查一致率%"),
)


def export_overview(world: World, scope: Scope, month: str, by: str) -> bytes:
    """The month by department and by day, as CSV in UTF-8. Raises NotFoundError for what is no month."""
    told = overview(world, scope, month)
    with world.begin() as session:
        audit.note(world, session, by, audit.Deed.EXPORT, f"overview:{told.month}", "概览 CSV")
    rows: list[Iterable[object]] = [HEADINGS]
    rows += [_row(line) for line in (*told.departments, told.total)]
    rows += [(), ("日期", "决定", "交寄邮件", "送达办件")]
    rows += [(one.day.isoformat(), one.decided, one.sent, one.delivered) for one in told.days]
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([_cell(cell) for cell in row] for row in rows)
    return (MARK + out.getvalue()).encode()


def _cell(told: object) -> object:
    """A text that a spreadsheet would reckon with stays a text (formula injection): names come from outside."""
    return harmless(told) if isinstance(told, str) else told


def _row(line: Line) -> Iterable[object]:
    figures = line.figures
    yield line.department or "合计"
    yield figures.decided
    for share in (figures.zero_visits, figures.unverified, figures.zero_office_trips):
        yield from (share.part, _percent(share))
    yield from (figures.posted_same_day.part, figures.posted_same_day.whole, figures.returned.part)
    yield from (line.sent, line.delivered, "" if line.hours is None else round(line.hours, 1), line.timed)
    for share in (figures.over_published, figures.agreeing):
        yield from (share.part, share.whole, _percent(share))


def _percent(share: Share) -> object:
    return "" if share.percent is None else share.percent
