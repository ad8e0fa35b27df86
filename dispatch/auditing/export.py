"""The audit log as a table for a spreadsheet; that it was taken out stands in the log itself.

Details are masked like on the page, and digests are keyed: only `audit verify`, beside the database, walks the chain.
"""

import csv
import io

from dispatch import audit
from dispatch.auditing.look import Sought, every_line
from dispatch.cells import harmless
from dispatch.errors import NotAllowedError
from dispatch.hall_time import SHANGHAI
from dispatch.world import World

MOST = 200_000
"""Lines: what a spreadsheet opens, and what a process holds in memory without harm."""
COLUMNS = ("序号", "时间", "经办", "事项", "对象", "编号", "详情（已脱敏）", "校验值（库内核验）")


def export_log(world: World, sought: Sought, by: str) -> bytes:
    """CSV in UTF-8 with a mark at its head, so that Excel and WPS read the Chinese.

    Raises NotAllowedError where it would be longer than `MOST`.
    """
    with world.begin() as session:
        audit.note(world, session, by, audit.Deed.EXPORT, "audit", sought.words())
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(COLUMNS)
    with world.reading() as session:
        for place, line in enumerate(every_line(world, session, sought, MOST + 1)):
            if place == MOST:
                raise NotAllowedError(f"超过 {MOST} 条，一次导不出来。请按日期分次导出。")
            at = line.at.astimezone(SHANGHAI).isoformat(" ", "milliseconds")
            told = (str(line.seq), at, line.by, line.deed, line.subject, line.number, line.detail, line.digest)
            table.writerow([harmless(cell) for cell in told])
    return b"\xef\xbb\xbf" + written.getvalue().encode()
