"""撤回出证登记: a registration is taken back while no carrier knows of the envelope; the case waits for its paper."""

import re

import pytest
from on_the_road import Road, as_given
from road_steps import entries, make_due, shipments, sql, with_settings
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from dispatch.approval.case import Case, find_case
from dispatch.approval.issue import Paper, PaperIssue, issues_of, register_all, register_paper
from dispatch.approval.issue_register import MADE_ANEW, day_of, export_register, register_of
from dispatch.approval.lodge import lodge
from dispatch.approval.paper_back import take_paper_back
from dispatch.approval.within import Within
from dispatch.audit import AuditEntry
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.journey import Act, Stage
from dispatch.personal.erase import erase
from dispatch.queues.look import counts
from dispatch.queues.queue import Queue, Scope
from dispatch.shipment import act, lock
from dispatch.worklist import Reason
from dispatch.zero_visits.put_right.undelivered import declare_lost
from dispatch.zero_visits.story import Kind, story
from workers.run import run_due
from zhuandi import arrive

CLERK, WHY = "钟秋月", "拿错了办件"
GIVEN = Paper("李科员", licence_no="JY1331", originals=1, copies=3, enclosures="附图")


@pytest.fixture
def gathering(world, decided):
    """Cases A and B of one recipient lie in an envelope that still gathers; A's paper was registered."""
    waiting = with_settings(world, item_grouping=world.settings.case_patience)
    lodge(waiting, decided("A", paper_ready=False), "test")
    lodge(waiting, decided("B"), "test")
    register_paper(waiting, "A", GIVEN, CLERK)
    run_due(waiting, "case.gather")
    assert [one.stage for one in shipments(waiting)] == [Stage.GATHERING]
    return waiting


def inside(world) -> list[str]:
    """The papers that lie in envelopes."""
    query = "SELECT code FROM documents d JOIN contents c ON c.document_id = d.id WHERE NOT c.void ORDER BY code"
    with world.reading() as session:
        return list(session.scalars(text(query)))


def open_jobs(world, case_no) -> set[str]:
    with world.reading() as session:
        subject = find_case(session, case_no).subject
        rows = text("SELECT name FROM jobs WHERE subject = :subject AND done_at IS NULL")
        return set(session.scalars(rows, {"subject": subject}))


def test_the_case_leaves_the_envelope_that_gathers_and_waits_for_its_paper_again(gathering):
    take_paper_back(gathering, "A", CLERK, WHY)
    assert inside(gathering) == ["B-1"]
    assert counts(gathering, Scope(), [Queue.TO_ISSUE]) == {Queue.TO_ISSUE: 1}
    run_due(gathering, "case.gather")
    assert inside(gathering) == ["B-1"], "nothing of it goes by itself"


def test_it_is_watched_again_and_shown_when_the_paper_stays_away(gathering):
    take_paper_back(gathering, "A", CLERK, WHY)
    assert "case.watch" in open_jobs(gathering, "A")
    make_due(gathering, "case.watch")
    run_due(gathering, "case.watch")
    assert entries(gathering) == [Reason.PAPER_LATE]


@pytest.fixture
def again(gathering):
    """A's paper was taken back, and another one registered in its place."""
    take_paper_back(gathering, "A", CLERK, WHY)
    register_paper(gathering, "A", Paper("王科员", "JY1332"), "章雪")
    return gathering


def test_registered_again_it_goes_on(again):
    run_due(again, "case.gather")
    assert inside(again) == ["A-1", "B-1"]


def test_registered_again_the_earlier_registration_stays_in_the_register_as_it_was(again):
    """The next one was written over it: who had given what to whom was gone, and the page of that day was another."""
    earlier, now = register_of(again, day_of(again))
    assert (earlier.given_by, earlier.taken_by, earlier.licence_no) == ("李科员", CLERK, "JY1331")
    assert (earlier.originals, earlier.copies, earlier.enclosures) == (1, 3, "附图")
    assert WHY in earlier.taken_back
    assert (now.given_by, now.taken_by, now.licence_no, now.taken_back) == ("王科员", "章雪", "JY1332", "")
    exported = export_register(again, day_of(again), CLERK).decode("utf-8-sig")
    assert [exported.count(one) for one in ("JY1331", "JY1332", WHY)] == [1, 1, 1]


def test_registered_again_the_story_tells_of_both_and_of_what_was_between_them(again):
    told = [(line.words, line.voided) for line in story(again, "A").lines if line.kind == Kind.PAPER]
    assert told == [
        (f"出证登记：正本 1 份，副本 3 份，李科员 交，{CLERK} 接", True),
        (f"撤回出证登记：{WHY}，经办人 {CLERK}", False),
        ("出证登记：正本 1 份，副本 0 份，王科员 交，章雪 接", False),
    ]


def test_taken_back_a_second_time_each_keeps_its_own_reason(again):
    take_paper_back(again, "A", CLERK, "又拿错了")
    assert [line.taken_back.rpartition("：")[2] for line in register_of(again, day_of(again))] == [WHY, "又拿错了"]
    register_paper(again, "A", Paper("周科员"), CLERK)
    assert [line.given_by for line in register_of(again, day_of(again))] == ["李科员", "王科员", "周科员"]


def test_a_worker_of_the_version_before_finds_the_registration_that_stands_and_no_other(again):
    """It asks by `case_id`, and takes the first row that comes."""
    with again.reading() as session:
        case_id = find_case(session, "A").id
        found = select(PaperIssue).where(PaperIssue.case_id == case_id)
        assert [again.vault.open(row, "given_by") for row in session.scalars(found)] == ["王科员"]


def test_two_registrations_of_a_case_never_stand_at_once(again):
    with pytest.raises(IntegrityError, match="uq_paper_issues_case_id"):
        sql(again, "UPDATE paper_issues SET case_id = earlier_of, earlier_of = NULL WHERE case_id IS NULL")


def test_when_a_case_is_forgotten_so_is_who_gave_the_earlier_paper(again):
    with again.begin() as session:
        case = find_case(session, "A")
        erase(again, session, [case.id], [])
        issues = issues_of(session, case)
        assert [again.vault.open(row, "given_by") for row in issues] == ["", ""]
        assert {(row.licence_no, row.enclosures, row.taken_back_why) for row in issues} == {(None, None, None)}


def test_a_sealed_envelope_that_nobody_knows_is_given_up_whole_and_the_others_go_on(gathering):
    [shipment] = shipments(gathering)
    with gathering.begin() as session:
        locked = lock(session, shipment.id)
        locked.order_no = "ZDTEST1"
        act(gathering, session, locked, Act.SEAL)
    take_paper_back(gathering, "A", CLERK, WHY)
    run_due(gathering, "case.gather")
    assert inside(gathering) == ["B-1"]
    assert sorted(one.stage for one in shipments(gathering)) == [Stage.CANCELLED, Stage.GATHERING]


@pytest.mark.parametrize("stage", ["booking", "in_doubt", "booked", "printed", "packed", "cancelling"])
def test_a_paper_in_an_envelope_that_was_booked_stays_registered(gathering, stage):
    sql(gathering, "UPDATE shipments SET stage = :stage, order_no = 'ZDTEST1'", stage=stage)
    with pytest.raises(ConflictError, match=r"ZDTEST1.*请先.*撤销寄递"):
        take_paper_back(gathering, "A", CLERK, WHY)
    assert inside(gathering) == ["A-1", "B-1"]


def test_one_that_may_have_been_ordered_before_a_restore_counts_as_booked(gathering):
    sql(gathering, "UPDATE shipments SET perhaps_placed = true")
    with pytest.raises(ConflictError, match="可能知道"):
        take_paper_back(gathering, "A", CLERK, WHY)


def test_what_is_with_the_postman_says_so(post, drain, decided):
    road = Road(post.world, drain)
    road.hand_over(decided("A"))
    with pytest.raises(ConflictError, match="已经交寄"):
        take_paper_back(road.world, "A", CLERK, WHY)


def test_what_was_given_out_at_the_window_is_gone(gathering):
    sql(gathering, "UPDATE cases SET given_at = now() WHERE case_no = 'A'")
    with pytest.raises(ConflictError, match="已在窗口"):
        take_paper_back(gathering, "A", CLERK, WHY)


def test_what_is_not_registered_has_no_reason_or_is_not_ones_own_is_refused(gathering):
    with pytest.raises(NotAllowedError, match="为什么"):
        take_paper_back(gathering, "A", CLERK, "  ")
    with pytest.raises(NotFoundError):
        take_paper_back(gathering, "A", CLERK, WHY, Within(cases=Case.department == "县公安局"))
    take_paper_back(gathering, "A", CLERK, WHY)
    with pytest.raises(NotFoundError, match="还没有登记"):
        take_paper_back(gathering, "A", CLERK, WHY)


def test_it_is_told_in_the_story_and_noted_and_what_was_written_is_sealed(gathering):
    take_paper_back(gathering, "A", CLERK, "蓝小雨的那一份")
    words = [line.words for line in story(gathering, "A").lines]
    assert any(one.startswith("撤回出证登记：蓝**的那一份") for one in words)
    assert [line.voided for line in story(gathering, "A").lines if line.words.startswith("出证登记：")] == [True]
    with gathering.reading() as session:
        details = [gathering.vault.open(one, "detail") for one in session.scalars(select(AuditEntry))]
        [row] = session.scalars(select(PaperIssue))
    assert "撤回出证登记：蓝小雨的那一份" in details
    assert "蓝小雨".encode() not in row.taken_back_why


def test_the_paper_that_was_made_anew_after_a_loss_is_registered(post, drain, decided):
    """The first registration is of the paper that is lost, and stays one of it."""
    road = Road(post.world, drain)
    lodge(road.world, decided("A", paper_ready=False), "test")
    register_paper(road.world, "A", GIVEN, CLERK)
    road.hand_over()
    declare_lost(road.world, road.shipment("A").id, CLERK, "查过两遍，向邮政索赔")
    register_paper(road.world, "A", Paper("王科员"), CLERK)
    with road.world.reading() as session:
        first, row = issues_of(session, find_case(session, "A"))
    assert (row.originals, row.copies) == (1, 0), "the lost one is not counted"
    opened = [road.world.vault.open(one, "given_by") for one in (first, row)]
    assert (first.taken_back_at, opened) == (None, ["李科员", "王科员"])
    lines = register_of(road.world, day_of(road.world))
    assert [line.taken_back for line in lines] == [MADE_ANEW, ""], "only what stands can be taken back"


# What cannot be taken back is not registered in the first place: a wrong scan would stay for good.


def refused(world, told) -> None:
    """Nothing is registered, neither alone nor among others."""
    with pytest.raises(ConflictError, match=told):
        register_paper(world, "A", Paper("王科员", originals=9), CLERK)
    with world.reading() as session:
        case = find_case(session, "A")
    [one] = register_all(world, [case.id], Paper("王科员"), CLERK)
    assert re.search(told, one.wrong)
    assert register_of(world, day_of(world)) == []


def test_of_a_case_that_was_sent_or_delivered_nothing_is_registered(post, drain, decided):
    """Posted with its paper it has no registration, and nine originals of it were registered after it was closed."""
    road = Road(post.world, drain)
    road.hand_over(decided("A"))
    number = road.shipment("A").order_no
    refused(road.world, rf"没有登记.*{number}.*交寄.*核对.*报失补证")
    road.deliver("A")
    refused(road.world, rf"没有登记.*{number}.*送达闭环")


def test_what_came_back_or_was_lost_is_registered_as_ever(post, drain, decided):
    road = Road(post.world, drain)
    road.hand_over(decided("A"))
    declare_lost(road.world, road.shipment("A").id, CLERK, "查过两遍，向邮政索赔")
    assert register_paper(road.world, "A", Paper("王科员"), CLERK).wrong == ""


@pytest.mark.parametrize(("over", "told"), [("given_at", "在窗口交给"), ("lapsed_at", "到期，不再寄送")])
def test_of_a_case_that_is_over_nothing_is_registered(world, decided, over, told):
    lodge(world, decided("A"), "test")
    sql(world, f"UPDATE cases SET {over} = now()")  # noqa: S608 - our own words
    refused(world, rf"没有登记.*{told}.*核对")


def test_the_same_is_typed(gathering, monkeypatch):
    monkeypatch.setattr(arrive, "open_world", lambda: as_given(gathering))
    told = CliRunner().invoke(arrive.app, ["paper-back", "A", "--why", WHY])
    assert "回到待出证" in told.output
    again = CliRunner().invoke(arrive.app, ["paper-back", "A", "--why", WHY])
    assert (again.exit_code, "Traceback" in again.output) == (1, False)
