"""What was said to the post and what it said: calls, waybills, moves, sightings."""

from collections.abc import Iterator, Mapping

from sqlalchemy import select

from dispatch import words
from dispatch.call import CarrierCall
from dispatch.journey import Act, News, Signer, View, taken_back
from dispatch.shipment import Move
from dispatch.tracking.sighting import Sighting
from dispatch.waybill import Waybill
from dispatch.zero_visits.told.line import Kind, Line, Teller, line

NEWS: Mapping[News, str] = {
    News.COLLECTED: "已收寄",
    News.IN_TRANSIT: "运输中",
    News.AT_OFFICE: "到达投递机构",
    News.OUT_FOR_DELIVERY: "投递中",
    News.ATTEMPT_FAILED: "未妥投",
    News.ADDRESS_UNCLEAR: "地址不详、电话不通",
    News.RECIPIENT_REFUSED: "拒收",
    News.AWAITING_PICKUP: "待自取",
    News.DELIVERED: "妥投",
    News.FETCHED: "已取走",
    News.RETURNING: "退回途中",
    News.RETURNED: "退件已到",
    News.LOST: "丢失",
    News.VOIDING: "撤销先前的消息",
    News.NOTE: "提示",
    News.UNKNOWN: "读不懂，未改变状态",
}
OUTCOMES: Mapping[str, str] = {
    "Booked": "取得邮件号",
    "Told": "已答复",
    "NoAnswer": "没有等到答复，结果不明",
    "Refused": "拒单",
    "Unavailable": "没有送达，稍后再试",
    "Throttled": "要求稍后再试",
    "Unauthorised": "不认可账号",
    "InDoubt": "结果不明",
    "Duplicate": "称已有此单，结果不明",
    "ValueError": "答复读不懂",
}
SOURCES: Mapping[str, str] = {"push": "推送", "question": "查询", "answer": "下单答复"}
assert set(NEWS) == set(News)  # noqa: S101 - news without a word could not be told


def told_by_post(teller: Teller) -> Iterator[Line]:
    """All lines about the envelopes, in no order."""
    yield from _calls(teller)
    yield from _waybills(teller)
    yield from _moves(teller)
    yield from _sightings(teller)


def _calls(teller: Teller) -> Iterator[Line]:
    """Operation and outcome; what was asked and answered stays sealed."""
    query = select(CarrierCall).where(CarrierCall.shipment_id.in_(teller.shipments))
    for call in teller.session.scalars(query):
        status = f"（HTTP {call.status}）" if call.status else ""
        outcome = OUTCOMES.get(call.outcome, call.outcome) if call.outcome else "尚无结果"
        said = f"向 {teller.title(call.carrier)} 调用 {call.operation}：{outcome}{status}"
        yield line(call.intended_at, Kind.CALL, said)


def _waybills(teller: Teller) -> Iterator[Line]:
    for waybill in teller.session.scalars(select(Waybill).where(Waybill.shipment_id.in_(teller.shipments))):
        source = SOURCES.get(waybill.adopted_from, f"{waybill.adopted_from} 登记")
        said = f"运单号 {waybill.number}（{teller.title(waybill.carrier)}，{source}）"
        yield line(waybill.adopted_at, Kind.WAYBILL, said, voided=waybill.voided_at is not None)
        if waybill.voided_at:
            yield line(waybill.voided_at, Kind.WAYBILL, f"运单号 {waybill.number} 作废")


def _moves(teller: Teller) -> Iterator[Line]:
    prints = 0
    query = select(Move).where(Move.shipment_id.in_(teller.shipments)).order_by(Move.at, Move.id)
    for move in teller.session.scalars(query):
        before, after = (words.VIEWS[View(seen)] for seen in (move.before, move.after))
        if move.cause == f"act:{Act.PRINT}":
            prints += 1
            yield line(move.at, Kind.PRINT, f"{'打印' if prints == 1 else '补打'}面单，经办人 {move.by}")
        if move.before != move.after:
            yield line(move.at, Kind.MOVE, f"{before} → {after}（{_cause(move)}）")


def _cause(move: Move) -> str:
    what, _, which = move.cause.partition(":")
    if what != "act":
        return "依轨迹"
    by = "" if move.by == "system" else f"，{SOURCES.get(move.by, move.by)}"
    return words.ACTS[Act(which)] + by


def _sightings(teller: Teller) -> Iterator[Line]:
    rows = list(teller.session.scalars(select(Sighting).where(Sighting.shipment_id.in_(teller.shipments))))
    for shipment_id in teller.shipments:
        mine = [row for row in rows if row.shipment_id == shipment_id]
        gone = taken_back(row.observed() for row in mine)
        for row in mine:
            yield line(
                row.at, Kind.SIGHTING, _sighting(teller, row), voided=(row.at, row.code) in gone, code=row.code
            )


def _sighting(teller: Teller, row: Sighting) -> str:
    open_sealed, curtain = teller.world.vault.open, teller.curtain
    signer = f"，{words.SIGNERS[Signer(row.signer)]}" if row.signer else ""
    place = curtain.place(open_sealed(row, "place"))
    where = f"，{place}" if place else ""
    own = _own_words(open_sealed(row, "words"), reveal=curtain.reveal)
    source = SOURCES.get(row.source, row.source)
    return f"{NEWS[News(row.news)]}{signer}（{_code(teller, row)}）{where}{own}，来自{source}"


def _own_words(text: str | None, *, reveal: bool) -> str:
    """The carrier's, in full or not at all: they name its courier, a neighbour who signed, a place at the door, of
    whom no row of ours says how they are called, so nothing could be masked that is only known by its name.
    """
    if not text:
        return ""
    return f"，原文：{text}" if reveal else "，原文见“查看完整信息”"


def _code(teller: Teller, row: Sighting) -> str:
    carrier = teller.world.carriers.get(row.carrier)
    name = (carrier.code_name(row.detail) or carrier.code_name(row.code)) if carrier else ""
    return f"{row.code}{f'/{row.detail}' if row.detail else ''}{f' {name}' if name else ''}"
