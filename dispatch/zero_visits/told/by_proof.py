"""What was proved, and what a person had to look at: worklist, failures of jobs, evidence, closure."""

from collections.abc import Iterator

from sqlalchemy import select

from dispatch.approval.case import Direction, Leg
from dispatch.jobs import Job, JobFailure, kind_of
from dispatch.ledger import what_stands
from dispatch.worklist import SYSTEM, WORDS, Entry, Reason
from dispatch.zero_visits.close import Closure, LegEvidence
from dispatch.zero_visits.evidence import EVIDENCE_WORDS, Evidence
from dispatch.zero_visits.told.line import Kind, Line, Teller, line

LEGS = {Direction.INBOUND: "收件程", Direction.OUTBOUND: "送达程"}


def told_by_proof(teller: Teller) -> Iterator[Line]:
    """All lines about proof and trouble, in no order."""
    yield from _entries(teller)
    yield from _failures(teller)
    yield from _evidence(teller)
    yield from _closure(teller)


def _entries(teller: Teller) -> Iterator[Line]:
    for entry in teller.session.scalars(select(Entry).where(Entry.subject.in_(teller.subjects))):
        words = WORDS[Reason(entry.reason)]
        detail = teller.curtain.free(teller.world.vault.open(entry, "detail"))
        yield line(entry.opened_at, Kind.WORKLIST, f"列入待处理：{words.reason}，下一步：{words.act}。{detail}")
        if entry.settled_at:
            yield line(entry.settled_at, Kind.WORKLIST, f"“{words.reason}”{_settled(teller, entry)}")


def _settled(teller: Teller, entry: Entry) -> str:
    if entry.settled_by == SYSTEM:
        return "因有进展自行了结"
    return f"处理完毕，经办人 {entry.settled_by}：{teller.curtain.free(teller.world.vault.open(entry, 'settlement'))}"


def _failures(teller: Teller) -> Iterator[Line]:
    query = (
        select(JobFailure, Job.name).join(Job, Job.id == JobFailure.job_id).where(Job.subject.in_(teller.subjects))
    )
    for failure, name in teller.session.execute(query):
        words = teller.curtain.free(teller.world.vault.open(failure, "words"))
        yield line(failure.at, Kind.JOB, f"任务 {kind_of(name)} 第 {failure.attempt} 次没有做成：{words}")


def _evidence(teller: Teller) -> Iterator[Line]:
    query = select(LegEvidence, Leg.direction).join(Leg, Leg.id == LegEvidence.leg_id)
    for proof, direction in teller.session.execute(query.where(Leg.case_id == teller.case.id)):
        words = f"{LEGS[Direction(direction)]}已核实：{EVIDENCE_WORDS[Evidence(proof.evidence)]}"
        yield line(proof.recorded_at, Kind.EVIDENCE, words)


def _closure(teller: Teller) -> Iterator[Line]:
    closed = teller.session.scalar(select(Closure).where(Closure.case_id == teller.case.id))
    if closed is not None:
        counted = what_stands(teller.session, teller.case.matter_id).count
        zero = "，零跑" if counted.zero else ""
        words = f"送达闭环：上门 {counted.office_trips} 次，跑动 {counted.trips} 次{zero}"
        yield line(closed.closed_at, Kind.CLOSURE, words)
    if teller.case.lapsed_at is not None:
        yield line(teller.case.lapsed_at, Kind.ERASED, "保存期限已满，没有送达，不再寄送")
    if teller.case.erased_at is not None:
        yield line(teller.case.erased_at, Kind.ERASED, "保存期限已满，个人信息已清除")
