"""The worklist as a clerk reads and settles it, and the applicant's own word."""

import dataclasses
import json
from datetime import timedelta
from uuid import UUID

import pytest
from on_the_road import CLERK, Road, as_given
from rich.cells import cell_len
from sqlalchemy import select, update
from typer.testing import CliRunner

from dispatch import worklist
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.journey import Signer, Tracked, Tracking, View
from dispatch.ledger import Visit, count, visits_of
from dispatch.shipment import Move
from dispatch.visits import VisitKind
from dispatch.worklist import Entry, Reason
from dispatch.zero_visits.close import Closure, LegEvidence
from dispatch.zero_visits.desk import on_the_desk
from dispatch.zero_visits.evidence import Consent, Evidence, Way, own_word
from dispatch.zero_visits.outcomes import count_outcomes
from dispatch.zero_visits.settle import number_of, settle_entry
from dispatch.zero_visits.story import Kind, story
from dispatch.zero_visits.word import confirm_received
from zhuandi import look


@pytest.fixture
def road(post, drain):
    return Road(post.world, drain)


@pytest.fixture
def console(road, monkeypatch):
    monkeypatch.setattr(look, "open_world", lambda: as_given(road.world))
    monkeypatch.setattr(look.console, "_width", 100)
    return CliRunner()


def reasons(road):
    return [Reason(entry.reason) for entry in road.entries()]


def settle(road, note="电话核实"):
    [entry] = road.entries()
    settle_entry(road.world, number_of(entry.id)[:8], CLERK, note)
    road.drain(road.world)


def closed(road, case_no):
    return road.shipment(case_no).view is View.CLOSED


# Settling


def test_a_settled_revocation_lets_the_case_close_by_the_next_weighing(road, decided):
    road.hand_over(decided("A"))
    road.tell("A", "704", "20")  # by a proxy, without consent: not closed
    road.revoke("A")
    road.tell("A", "704", "10")
    assert reasons(road) == [Reason.SIGNED_WITHOUT_CONSENT, Reason.DELIVERY_REVOKED]
    assert not closed(road, "A")
    revoked = road.entries()[1]
    settle_entry(road.world, number_of(revoked.id), CLERK, "揽投员误操作，已核实")
    assert not closed(road, "A")  # settling leaves the job, the job closes
    road.drain(road.world)
    assert closed(road, "A")


def test_a_settled_fact_does_not_come_back_however_often_it_is_weighed_and_told(road, decided):
    road.hand_over(decided("A"))
    at = road.world.now()
    road.tell("A", "704", "10", at=at)
    road.tell("A", "743", at=at + timedelta(seconds=1))
    settle(road)
    for text in ("再推", "又推"):
        road.tell("A", "743", at=at + timedelta(seconds=1), text=text)
    assert road.entries() == []
    road.tell("A", "704", "10", at=at + timedelta(seconds=5))
    road.tell("A", "743", at=at + timedelta(seconds=6))
    assert reasons(road) == [Reason.DELIVERY_REVOKED]  # another revocation is another fact


def test_settling_writes_down_who_and_how_and_keeps_the_note_sealed(road, decided):
    road.hand_over(decided("A"))
    road.tell("A", "711")
    [entry] = road.entries()
    settled = settle_entry(road.world, number_of(entry.id)[:6], CLERK, " 退回科室，二次寄递 ")
    assert (settled.settled_by, road.world.vault.open(settled, "settlement")) == (CLERK, "退回科室，二次寄递")
    assert "退回科室".encode() not in settled.settlement
    with pytest.raises(NotFoundError, match="尚未处理"):
        settle_entry(road.world, number_of(entry.id), CLERK, "再来一次")


def test_nobody_settles_without_a_name_and_a_note(road):
    put_with_ids(road, "abcdef01")
    for by, note in (("", "好"), ("  ", "好"), ("system", "好"), (CLERK, ""), (CLERK, " ")):
        with pytest.raises(NotAllowedError, match="请写明"):
            settle_entry(road.world, "abcdef01", by, note)
        with pytest.raises(NotAllowedError, match="请写明"):
            confirm_received(road.world, "A", by, note)
    assert len(road.entries()) == 1


def put_with_ids(road, *tails):
    """Entries of one moment whose random digits are as given."""
    with road.world.begin() as session:
        for tail in tails:
            worklist.put(road.world, session, Reason.STALLED, "push:x", cause=tail)
            row = session.scalars(select(Entry).where(Entry.cause == tail)).one()
            moved = UUID(row.id.hex[:-8] + tail)
            session.execute(update(Entry).where(Entry.id == row.id).values(id=moved, detail=None))


def test_a_prefix_that_fits_several_entries_settles_none(road):
    put_with_ids(road, "abcdef01", "abcdef02", "abc00000")
    assert [one.number for one in on_the_desk(road.world)] == ["abcdef01", "abcdef02", "abc000"]
    for ambiguous in ("a", "abcdef0", "ABCDEF"):
        with pytest.raises(NotFoundError, match="不止一项"):
            settle_entry(road.world, ambiguous, CLERK, "好")
    for unknown in ("ffff", "", "%", "abcdef0_", "abcdef011", "-"):
        with pytest.raises(NotFoundError, match="没有编号"):
            settle_entry(road.world, unknown, CLERK, "好")
    settle_entry(road.world, "abcdef02", CLERK, "好")
    assert len(road.entries()) == 2
    assert [one.number for one in on_the_desk(road.world)] == ["abcdef", "abc000"]
    settle_entry(road.world, "ABCDEF", CLERK, "好")


# Reading


def test_an_entry_is_shown_in_a_clerks_terms(road, decided):
    road.hand_over(decided("A", department="县人社局"), decided("B"))
    road.tell("A", "711")
    road.tell("B", "Z99")
    [returned, unknown] = on_the_desk(road.world)
    assert (returned.words, returned.act) == ("退件已到", "二次寄递或暂存")
    assert (returned.waybill_no, returned.case_nos) == (road.number("A"), ("A",))
    assert (returned.departments, returned.town) == (("县人社局",), "红星街道")
    assert returned.since.utcoffset() == timedelta(hours=8)
    assert not returned.overdue
    assert "Z99" in unknown.detail


def test_the_list_can_be_cut_by_reason_and_by_department(road, decided):
    road.hand_over(decided("A", department="县人社局"), decided("B"))
    road.tell("A", "711")
    road.tell("B", "Z99")
    assert [one.case_nos for one in on_the_desk(road.world, reason="未知代码")] == [("B",)]
    assert [one.case_nos for one in on_the_desk(road.world, reason="returned")] == [("A",)]
    assert [one.case_nos for one in on_the_desk(road.world, department="县人社局")] == [("A",)]
    assert on_the_desk(road.world, "returned", "县市场监督管理局") == []
    with pytest.raises(NotFoundError, match="妥投被撤销"):
        on_the_desk(road.world, reason="没有这种")


def test_what_lies_longer_than_its_patience_is_overdue(road, decided):
    road.hand_over(decided("A"))
    road.tell("A", "711")
    later = dataclasses.replace(road.world, now=lambda: road.world.now() + timedelta(days=1, minutes=1))
    assert [one.overdue for one in on_the_desk(later)] == [True]


def test_an_entry_about_a_case_or_about_nobodys_push_is_shown_too(road, decided):
    road.lodge(decided("A"))
    with road.world.begin() as session:
        case_id = session.scalars(select(Visit.case_id)).one()
        worklist.put(road.world, session, Reason.JOB_STUCK, f"case:{case_id}", detail="蓝小雨 13900000001")
        worklist.put(road.world, session, Reason.UNKNOWN_PARCEL, f"push:{case_id}", detail="运单号 1101234567890")
    [stuck, nobodys] = on_the_desk(road.world)
    assert (stuck.case_nos, stuck.waybill_no, stuck.detail) == (("A",), "", "蓝** 139******01")
    assert (nobodys.case_nos, nobodys.departments, nobodys.town) == ((), (), "")
    assert nobodys.detail == "运单号 1101234567890"
    settle_entry(road.world, nobodys.number, CLERK, "已查单")
    assert len(on_the_desk(road.world)) == 1


# The applicant's own word


def confirmed(road, case_no="A", note="电话：本人已收到"):
    return confirm_received(road.world, case_no, CLERK, note)


def proofs(road):
    with road.world.reading() as session:
        return [Evidence(one) for one in session.scalars(select(LegEvidence.evidence))]


def test_the_applicants_word_closes_what_nobody_knows_who_signed_for_and_says_so(road, decided):
    road.hand_over(decided("A"))
    road.deliver("A", "100")
    assert reasons(road) == [Reason.SIGNER_UNKNOWN]
    assert confirmed(road) == 1
    assert closed(road, "A")
    assert proofs(road) == [Evidence.CONFIRMED_BY_APPLICANT]
    assert road.entries() == []
    told = story(road.world, "A")
    assert [line.words for line in told.lines if line.kind is Kind.EVIDENCE] == ["送达程已核实：本人确认收到"]
    assert any(f"经办人 {CLERK}：本人确认收到：电话：本人已收到" in line.words for line in told.lines)
    with road.world.reading() as session:
        assert session.scalars(select(Move.by).where(Move.cause == "act:close")).one() == CLERK
        assert session.scalars(select(Closure)).one()
        assert count_outcomes(session).zero_visits == 1
    road.drain(road.world)
    assert closed(road, "A")
    assert proofs(road) == [Evidence.CONFIRMED_BY_APPLICANT]


def test_the_applicants_word_settles_a_signature_without_consent(road, decided):
    road.hand_over(decided("A"))
    road.deliver("A", "20")
    assert reasons(road) == [Reason.SIGNED_WITHOUT_CONSENT]
    confirmed(road)
    assert closed(road, "A")
    assert road.entries() == []


def test_a_word_after_the_question_was_settled_is_recorded_all_the_same(road, decided):
    road.hand_over(decided("A"))
    road.deliver("A", "20")
    settle(road, "已补授权书")
    assert not closed(road, "A")
    confirmed(road, note="本人到窗口说已收到")
    with road.world.reading() as session:
        notes = [road.world.vault.open(entry, "settlement") for entry in session.scalars(select(Entry))]
    assert sorted(notes) == ["已补授权书", "本人确认收到：本人到窗口说已收到"]


def test_a_letter_left_in_the_village_without_consent_was_a_trip_by_the_posts_fault(road, decided):
    road.hand_over(decided("A"))
    road.deliver("A", "160")
    confirmed(road)
    with road.world.reading() as session:
        [visit] = [one for one in session.scalars(select(Visit)) if one.origin.startswith("shipment:")]
        counted = count(visits_of(session, visit.matter_id))
    assert visit.kind == VisitKind.VILLAGE_STATION_WITHOUT_CONSENT
    assert (counted.office_trips, counted.trips) == (0, 1)


def test_how_a_word_counts_depends_on_where_the_letter_lay():
    def lay(signer: Signer, *, at_a_point: bool = False) -> Tracking:
        return Tracking(Tracked.DELIVERED, signer=signer, from_point=at_a_point)

    fetched = own_word(lay(Signer.PROXY, at_a_point=True), Consent(Way.DOOR)).visit
    assert fetched == VisitKind.POST_OFFICE
    kinds = {
        own_word(lay(Signer.UNKNOWN), Consent(Way.DOOR)).visit: None,
        own_word(lay(Signer.PROXY), Consent(Way.DOOR)).visit: None,
        own_word(lay(Signer.UNKNOWN), Consent(Way.POST_OFFICE)).visit: VisitKind.POST_OFFICE,
        own_word(lay(Signer.UNKNOWN), Consent(Way.LOCKER)).visit: VisitKind.LOCKER_ELSEWHERE,
        own_word(lay(Signer.UNKNOWN), Consent(Way.LOCKER, point_at_address=True)).visit: VisitKind.LOCKER_AT_ADDRESS,
        own_word(
            lay(Signer.UNKNOWN), Consent(Way.VILLAGE_STATION, brought_to_door=True)
        ).visit: VisitKind.CADRE_VISIT,
        own_word(lay(Signer.VILLAGE), Consent(Way.LOCKER)).visit: VisitKind.VILLAGE_STATION_WITHOUT_CONSENT,
    }
    assert all(counted == meant for counted, meant in kinds.items())


def test_a_word_answers_what_the_post_took_back_and_settles_it(road, decided):
    road.hand_over(decided("A"))
    road.tell("A", "704", "100")
    road.revoke("A")
    assert not closed(road, "A")
    confirmed(road)
    assert closed(road, "A")
    assert road.entries() == []


def test_no_word_stands_against_a_letter_that_the_post_has_brought_back(road, decided):
    road.hand_over(decided("A"))
    road.deliver("A")
    road.tell("A", "741")
    road.tell("A", "711")
    with pytest.raises(NotAllowedError):
        confirmed(road)


def test_no_word_closes_what_the_post_has_not_delivered(road, decided):
    road.hand_over(decided("A"))
    for code in ("203", "747", "705", "708", "711"):
        road.tell("A", code)
        with pytest.raises(NotAllowedError, match="已妥投待核实"):
            confirmed(road)


def test_a_word_about_what_is_not_sent_or_already_closed_is_refused(road, decided):
    with pytest.raises(NotFoundError, match="没有办件编号"):
        confirmed(road, "nobody")
    road.lodge(decided("A", paper_ready=False))
    with pytest.raises(NotFoundError, match="还没有邮件"):
        confirmed(road)
    road.hand_over(decided("B"))
    road.deliver("B")
    with pytest.raises(NotAllowedError, match="送达闭环"):
        confirmed(road, "B")


# On the command line


def test_an_empty_worklist_says_so(console):
    shown = console.invoke(look.app, ["worklist"])
    assert (shown.exit_code, shown.stdout) == (0, "没有待处理的事项。\n")
    assert json.loads(console.invoke(look.app, ["worklist", "--json"]).stdout) == []


def test_the_list_names_what_settles_each_entry_and_the_command_settles_it(road, console, decided):
    road.hand_over(decided("331127202611220001", department="县人力资源和社会保障局"), decided("331127202611220002"))
    road.tell("331127202611220001", "Z99")
    road.tell("331127202611220001", "711")
    road.tell("331127202611220002", "704", "100")
    shown = console.invoke(look.app, ["worklist"])
    assert shown.exit_code == 0, shown.output
    assert max(cell_len(line) for line in shown.output.splitlines()) <= 100
    for word in ("退件已到", "二次寄递或暂存", "331127202611220001", road.number("331127202611220001")):
        assert word in shown.output
    assert "…" not in shown.output  # nothing that a clerk must read is cut off
    [listed] = json.loads(console.invoke(look.app, ["worklist", "--reason", "退件已到", "--json"]).stdout)
    assert listed["number"] in shown.output
    done = console.invoke(look.app, ["settle", listed["number"], "--note", "退科室", "--by", CLERK])
    assert (done.exit_code, done.stdout) == (0, "“退件已到”已处理完毕。\n")
    word = console.invoke(look.app, ["received", "331127202611220002", "--note", "来电", "--by", CLERK])
    assert (word.exit_code, word.stdout) == (0, "办件 331127202611220002：本人确认收到，1 个邮件已闭环。\n")
    unknown = console.invoke(look.app, ["settle", "zzz", "--note", "x"])
    assert unknown.exit_code == 1
    assert unknown.stderr.startswith("错误：没有编号以“zzz”开头")
