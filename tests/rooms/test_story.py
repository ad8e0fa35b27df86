"""The story of a case: complete, in order, and masked."""

import json
import re

import pytest
from on_the_road import CLERK, Road, as_given
from rich.cells import cell_len
from sqlalchemy import select
from typer.testing import CliRunner

from dispatch import worklist
from dispatch.approval.curtain import Curtain
from dispatch.approval.release import hold, lift
from dispatch.errors import NotFoundError
from dispatch.journey import taken_back
from dispatch.reveal import Reveal, reason_of
from dispatch.worklist import Reason
from dispatch.zero_visits.settle import number_of, settle_entry
from dispatch.zero_visits.story import Kind, story
from zhuandi import look

NAME, PHONE, ID_NO, DETAIL = "蓝小雨", "13900000001", "332529199003071234", "团结西路8号2幢301室"
APPLICANT = "雷金花"
SECRETS = (NAME, APPLICANT, PHONE, DETAIL, "2幢301", "雷婉儿")


@pytest.fixture
def road(post, drain, decided):
    """One case with everything in it: held, sent, delivered, revoked, settled, delivered again; a job that failed."""
    road = Road(post.world, drain)
    road.lodge(decided("A", applicant_name=APPLICANT, hold=f"{APPLICANT}欠费，电 {PHONE}"))
    lift(road.world, "A", CLERK)
    drain(road.world)
    road.hand_over()
    place = "景宁县红星揽投部"
    road.tell("A", "203", text="已收寄，寄件人雷婉儿", place=place)
    road.tell("A", "705", "4", text=f"收件人{NAME}不在，电 {PHONE}", place=place)
    road.tell("A", "704", "10", text=f"{NAME} 本人签收", place="丰巢柜 团结西路8号2幢")
    road.revoke("A")
    settle_entry(road.world, number_of(road.entries()[0].id), CLERK, f"问过{NAME}，{PHONE}，确已收到")
    drain(road.world)
    return road


@pytest.fixture
def console(road, monkeypatch):
    monkeypatch.setattr(look, "open_world", lambda: as_given(road.world))
    monkeypatch.setattr(look.console, "_width", 100)
    return CliRunner()


def kinds(told):
    return {line.kind for line in told.lines}


def words_of(told, kind):
    return [line.words for line in told.lines if line.kind is kind]


def test_everything_that_happened_has_its_line(road):
    told = story(road.world, "A")
    others = {Kind.SLIP, Kind.JOB, Kind.RELEASE, Kind.WINDOW, Kind.TELEPHONE, Kind.ERASED}
    others |= {Kind.TESTIMONY, Kind.RULING}
    assert kinds(told) == set(Kind) - others
    assert len(words_of(told, Kind.HOLD)) == 2
    assert words_of(told, Kind.PRINT) == [f"打印面单，经办人 {CLERK}"]
    [booking, *asked] = words_of(told, Kind.CALL)
    assert booking == "向 中国邮政 EMS 调用 020003：取得邮件号（HTTP 200）"
    assert all("040001" in call for call in asked)
    assert road.number("A") in words_of(told, Kind.WAYBILL)[0]
    [listed] = words_of(told, Kind.POSTING_LIST)
    assert re.search(rf"列入交寄清单 JJ\d{{8}}-001，交 中国邮政 EMS，经办人 {CLERK}", listed)
    assert words_of(told, Kind.EVIDENCE) == ["送达程已核实：本人签收"]
    assert words_of(told, Kind.CLOSURE) == ["送达闭环：上门 0 次，跑动 0 次，零跑"]
    assert [words.partition("（")[0] for words in words_of(told, Kind.SIGHTING)] == [
        "已收寄",
        "未妥投",
        "妥投，本人签收",
        "撤销先前的消息",
    ]


def test_the_story_is_in_the_order_of_time_and_in_shanghai(road):
    told = story(road.world, "A")
    moments = [line.at for line in told.lines]
    assert moments == sorted(moments)
    assert {moment.utcoffset().total_seconds() for moment in moments} == {8 * 3600}
    in_order = [line.kind for line in told.lines]
    milestones = (Kind.DECIDED, Kind.RECEIVED, Kind.WAYBILL, Kind.PRINT, Kind.SCAN, Kind.POSTING_LIST, Kind.CLOSURE)
    places = [in_order.index(kind) for kind in milestones]
    assert places == sorted(places)


def test_what_the_post_took_back_is_marked_and_stays_in_the_story(road):
    sightings = {line.code: line.voided for line in story(road.world, "A").lines if line.kind is Kind.SIGHTING}
    assert sightings == {"203": False, "705": False, "704": True, "743": False}


def test_names_and_numbers_are_masked_wherever_they_stand(road):
    told = story(road.world, "A")
    everything = "\n".join([*(line.words for line in told.lines), told.applicant, told.recipient, told.phone])
    everything += told.address + repr(told)
    for secret in SECRETS:
        assert secret not in everything
    assert (told.applicant, told.recipient, told.phone) == ("雷**", "蓝**", "139******01")
    assert "团结西路*号*幢" in told.address
    assert "雷**欠费，电 139******01" in words_of(told, Kind.HOLD)[0]
    assert any("问过蓝**，139******01，确已收到" in words for words in words_of(told, Kind.WORKLIST))
    assert "原文：" not in everything


def test_where_the_carriers_own_words_are_is_told_in_their_place(road):
    """They name couriers and neighbours whom nobody could mask; a clerk must know that there are such words."""
    masked, full = (words_of(story(road.world, "A", reveal=reveal), Kind.SIGHTING) for reveal in (False, True))
    said = ["，原文：" in one for one in full]
    assert any(said)
    assert ["，原文见“查看完整信息”，来自" in one for one in masked] == said
    assert "原文见" not in "".join(full)


def test_everything_is_told_in_full_only_on_a_reveal(road):
    told = story(road.world, "A", reveal=True)
    everything = "\n".join(line.words for line in told.lines)
    for secret in (NAME, APPLICANT, PHONE, "2幢"):
        assert secret in everything
    assert "原文：已收寄，寄件人雷婉儿" in everything
    assert (told.recipient, told.phone) == (NAME, PHONE)
    assert told.address.endswith(DETAIL)


def test_calls_are_told_without_what_was_said_in_them(road):
    for reveal in (False, True):
        calls = "\n".join(words_of(story(road.world, "A", reveal=reveal), Kind.CALL))
        assert NAME not in calls
        assert "logisticsOrderNo" not in calls


def test_a_failed_job_is_told_in_words_and_masked(world, drain, decided):
    """Its post is away: the booking fails, again and again."""
    road = Road(world, lambda _: None)
    road.lodge(decided("A"))
    from workers.run import run_due  # noqa: PLC0415 - only this test looks after single jobs

    run_due(world, "case.gather")
    from dispatch.lease import claim  # noqa: PLC0415

    [job] = claim(world, "shipment.book@ems", 1)
    with job.failed(f"地址有误：{NAME} {PHONE} {DETAIL}"):
        pass
    told = words_of(story(world, "A"), Kind.JOB)
    assert told == ["任务 shipment.book 第 1 次没有做成：地址有误：蓝** 139******01 团结西路*号*幢***室"]
    assert NAME in words_of(story(world, "A", reveal=True), Kind.JOB)[0]


def test_a_visit_of_which_only_the_day_is_known_stands_on_that_day(post, drain, decided):
    road = Road(post.world, drain)
    visit = {"kind": "hall_counter", "on": "2026-11-18"}
    road.lodge(decided("A", application=visit, matter_no="M"), decided("B", matter_no="M"))
    told = story(road.world, "A")
    first = told.lines[0]
    assert (first.kind, first.day_only, f"{first.at:%Y-%m-%d}") == (Kind.VISIT, True, "2026-11-18")
    assert first.words == "窗口办理：上门 1 次，跑动 1 次"
    assert "网上办理（同一件事的另一办件）：上门 0 次，跑动 0 次" in words_of(told, Kind.VISIT)
    assert (told.count.office_trips, told.count.trips) == (1, 1)


def test_a_case_that_is_not_there_is_told_so(world):
    with pytest.raises(NotFoundError, match="没有办件编号"):
        story(world, "nobody")


def test_the_organisation_that_receives_is_not_masked(post, drain, decided):
    road = Road(post.world, drain)
    firm = "景宁畲乡茶业有限公司"
    road.lodge(decided("A", applicant_kind="organisation", applicant_name=firm, slip={"recipient_name": firm}))
    told = story(road.world, "A")
    assert (told.applicant, told.recipient) == (firm, firm)


def test_an_unknown_mobile_number_in_free_text_is_masked_too(road):
    with road.world.begin() as session:
        worklist.put(
            road.world, session, Reason.STALLED, road.shipment("A").subject, cause="x", detail="电 13812345678 问"
        )
    assert any("138******78" in words for words in words_of(story(road.world, "A"), Kind.WORKLIST))
    assert Curtain("", "", "", "", reveal=False, pairs=()).free("运单 1101234567890") == "运单 1101234567890"


def test_taken_back_agrees_with_the_fold_for_repeated_deliveries():
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

    from dispatch.journey import News, Observed, Signer, Tracked, fold  # noqa: PLC0415

    start = datetime(2026, 11, 12, tzinfo=UTC)
    news = [Observed(start + timedelta(hours=hour), "704", News.DELIVERED, signer=Signer.SELF) for hour in (1, 2)] + [
        Observed(start + timedelta(hours=3), "743", News.VOIDING, voids=frozenset({"704"}))
    ]
    assert taken_back(news) == {(start + timedelta(hours=2), "704")}
    assert fold(news).state is Tracked.DELIVERED
    assert fold(news).since == start + timedelta(hours=1)


def test_the_command_shows_the_story_masked_and_as_json(console):
    shown = console.invoke(look.app, ["trace", "A"])
    assert shown.exit_code == 0, shown.output
    assert all(secret not in shown.output for secret in SECRETS)
    assert "送达闭环" in shown.output
    assert "已撤销" in shown.output
    assert max(cell_len(line) for line in shown.output.splitlines()) <= 100
    told = json.loads(console.invoke(look.app, ["trace", "A", "--json"]).stdout)
    assert told["case_no"] == "A"
    assert told["lines"][0]["at"].endswith("+08:00")


def test_the_command_reveals_only_with_a_reason_and_writes_it_down(road, console):
    refused = console.invoke(look.app, ["trace", "A", "--reveal", "--by", CLERK])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "理由" in refused.stderr
    shown = console.invoke(look.app, ["trace", "A", "--reveal", "--reason", "本人来电核对", "--by", CLERK])
    assert NAME in shown.output
    with road.world.reading() as session:
        [logged] = session.scalars(select(Reveal))
    assert (logged.by, reason_of(road.world, logged)) == (CLERK, "本人来电核对")
    assert logged.subject.startswith("case:")


def test_a_held_case_shows_its_hold(post, drain, decided):
    settings = post.world.settings
    road = Road(post.world, drain)
    assert settings.item_release == "at_once"
    road.lodge(decided("A", paper_ready=False))
    hold(road.world, "A", "待签字", CLERK)
    assert words_of(story(road.world, "A"), Kind.HOLD) == [f"暂缓寄递：待签字，经办人 {CLERK}"]
