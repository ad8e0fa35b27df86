"""An entry of the worklist is solved: the act is done, unless somebody was quicker."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from dispatch.approval.issue import Paper, register_paper
from dispatch.approval.release import lift, release
from dispatch.booking.cancel import call_off, confirm_cancelled, keep_label, reroute
from dispatch.booking.doubt import adopt_by_hand, book_again, confirm_never_placed, look_up_again
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.hall_time import day_told, hall_time
from dispatch.label.print_sheets import go_on_after
from dispatch.packing.put_back import put_back_envelope
from dispatch.shipment import subject_id
from dispatch.tracking.ask import ask_by_hand
from dispatch.tracking.read import read_again
from dispatch.worklist import Entry
from dispatch.world import World
from dispatch.zero_visits.put_right.again import record_consent, try_now
from dispatch.zero_visits.put_right.changed import Ground, unchanged
from dispatch.zero_visits.put_right.lapse import let_lapse
from dispatch.zero_visits.put_right.remedy import WORDS, About, Remedy, about, remedies
from dispatch.zero_visits.put_right.undelivered import declare_lost, keep_here, send_again
from dispatch.zero_visits.settle import find_any, number_of, settle_entry
from dispatch.zero_visits.word import confirm_received

MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Told:
    """What the clerk wrote down."""

    note: str = ""
    number: str = ""
    carrier: str = ""
    until: str = ""
    sheets: str = ""
    given_by: str = ""


def solve(world: World, entry_prefix: str, remedy: Remedy, by: str, told: Told, shown: str = "") -> str:
    """Do it, if the entry is what was shown; what was done comes back in words.

    Raises NotFoundError, ConflictError (somebody was quicker: who, when, what), NotAllowedError.
    """
    with world.reading() as session:
        entry = find_any(session, entry_prefix)
        of = about(session, entry)
    with unchanged(world, Ground(entry_id=entry.id), shown):
        if entry.settled_at is not None:
            raise NotFoundError(f"待处理事项已由“{entry.settled_by}”于 {hall_time(entry.settled_at)} 处理完毕。")
        with world.reading() as session:
            if remedy not in remedies(world, session, about(session, session.get_one(Entry, entry.id))):
                raise NotAllowedError(f"现在不能“{WORDS[remedy].button}”。请看过最新情况再定。")
        return DOES[remedy](world, of, by, told) or f"“{WORDS[remedy].button}”已办。"


Doing = Callable[[World, About, str, Told], str]


def _envelope(of: About) -> UUID:
    if of.shipment is None:
        raise NotAllowedError("这一项不涉及邮件。")
    return of.shipment.id


def _case_no(of: About) -> str:
    if not of.cases:
        raise NotAllowedError("这一项不涉及办件。")
    return of.cases[0].case_no


def _to_envelope(deed: Callable[[World, UUID, str], object]) -> Doing:
    def do(world: World, of: About, by: str, _: Told) -> str:
        deed(world, _envelope(of), by)
        return ""

    return do


def _adopt(world: World, of: About, by: str, told: Told) -> str:
    adopt_by_hand(world, _envelope(of), told.number.strip(), by)
    return f"已认下运单号 {told.number.strip()}。"


def _reroute(world: World, of: About, by: str, told: Told) -> str:
    reroute(world, _envelope(of), told.carrier, by)
    return f"已改由 {world.title(told.carrier)} 寄递。"


def _put_back(world: World, of: About, by: str, _: Told) -> str:
    number = put_back_envelope(world, _envelope(of), by)
    return f"已从交寄清单 {number} 放回待交寄，可再扫描交寄。"


def _received(world: World, of: About, by: str, told: Told) -> str:
    closed = confirm_received(world, _case_no(of), by, told.note)
    return f"本人确认收到，{closed} 个邮件已闭环。"


def _send_again(world: World, of: About, by: str, told: Told) -> str:
    held = send_again(world, _envelope(of), by, told.note)
    waiting = f"其中 {'、'.join(held)} 在暂缓中，解除后才寄。" if held else ""
    return f"退件已收回，出件将用新订单寄出。{waiting}"


def _keep_here(world: World, of: About, by: str, told: Told) -> str:
    until = day_told(told.until)
    keep_here(world, _envelope(of), until, by, told.note)
    return f"退件暂存至 {until}，办件已暂缓寄递。"


def _lost(world: World, of: About, by: str, told: Told) -> str:
    made = declare_lost(world, _envelope(of), by, told.note)
    return f"已报失，办件回到待出证；新出件编码：{'、'.join(made)}。"


def _consent(world: World, of: About, by: str, told: Told) -> str:
    record_consent(world, _envelope(of), by, told.note)
    return "授权已补记，即将重新核实、闭环。"


def _try_now(world: World, of: About, by: str, _: Told) -> str:
    try_now(world, of.entry.subject, by)
    return "马上再试。"


def _read_again(world: World, of: About, by: str, _: Told) -> str:
    read_again(world, subject_id(of.entry.subject), by)
    return "推送将重新判读。"


def _lift(world: World, of: About, by: str, _: Told) -> str:
    return lift(world, _case_no(of), by) or "暂缓已解除。"


def _release(world: World, of: About, by: str, _: Told) -> str:
    release(world, _case_no(of), by)
    return "已放行。"


def _paper(world: World, of: About, by: str, told: Told) -> str:
    register_paper(world, _case_no(of), Paper(told.given_by), by)
    return "已登记出证。"


def _lapse(world: World, of: About, by: str, told: Told) -> str:
    let_lapse(world, _case_no(of), by, told.note)
    return "不再寄送；个人信息将在一天内清除。"


def _count_sheets(world: World, of: About, by: str, told: Told) -> str:
    if not told.sheets.strip().isdecimal() or len(told.sheets.strip()) > MOST_DIGITS:
        raise NotAllowedError("请填出了几张，如 3；一张也没出填 0。")
    again = go_on_after(world, subject_id(of.entry.subject), int(told.sheets), by, told.note)
    return "已清点：全部打印成功。" if again is None else "已清点，没有出的正在补打，见“批次”。"


def _settle(world: World, of: About, by: str, told: Told) -> str:
    settle_entry(world, number_of(of.entry.id), by, told.note)
    return "处理完毕。"


DOES: Mapping[Remedy, Doing] = {
    Remedy.LOOK_UP: _to_envelope(look_up_again),
    Remedy.ADOPT: _adopt,
    Remedy.NEVER_PLACED: _to_envelope(confirm_never_placed),
    Remedy.BOOK_AGAIN: _to_envelope(book_again),
    Remedy.REROUTE: _reroute,
    Remedy.CALL_OFF: _to_envelope(call_off),
    Remedy.CANCELLED: _to_envelope(confirm_cancelled),
    Remedy.KEEP_LABEL: _to_envelope(keep_label),
    Remedy.ASK: _to_envelope(ask_by_hand),
    Remedy.PUT_BACK: _put_back,
    Remedy.RECEIVED: _received,
    Remedy.SEND_AGAIN: _send_again,
    Remedy.KEEP_HERE: _keep_here,
    Remedy.LOST: _lost,
    Remedy.CONSENT: _consent,
    Remedy.TRY_NOW: _try_now,
    Remedy.READ_AGAIN: _read_again,
    Remedy.LIFT: _lift,
    Remedy.RELEASE: _release,
    Remedy.PAPER: _paper,
    Remedy.LAPSE: _lapse,
    Remedy.COUNT_SHEETS: _count_sheets,
    Remedy.SETTLE: _settle,
}
assert set(DOES) == set(Remedy)  # noqa: S101 - a button that does nothing
