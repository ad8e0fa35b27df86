"""The desk releases, holds and prints: one, many, or all that match; each with its outcome, nothing out of sight."""

import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select, text

from dispatch.approval import dispatch_many
from dispatch.approval.case import Case
from dispatch.approval.lodge import lodge
from dispatch.audit import AuditEntry
from dispatch.label.change_printer import switch_printer
from dispatch.label.print_sheets import to_print
from dispatch.label.printer import SEND, PrinterAsked, add_printer
from dispatch.queues import look
from dispatch.queues.batches import unanswered_runs
from dispatch.queues.queue import Scope
from dispatch.shipment import Shipment
from dispatch.staff.role import Role
from sandbox.printer import Fault, running_printer
from workers.run import run_due


@pytest.fixture
def world(world):
    """Items whose cases wait for a person; those of one recipient wait to be joined."""
    told = {"item_release": "when_released", "item_grouping": timedelta(minutes=30)}
    return replace(world, settings=world.settings.model_copy(update=told))


@pytest.fixture
def lodged(world, decided):
    def make(count=3, *, one_recipient=False, **fields):
        for number in range(count):
            slip = {} if one_recipient else {"detail": f"团结路{number + 1}号"}
            lodge(world, decided(f"33112720261122{number:04}", slip=slip, **fields), "test")
        with world.reading() as session:
            return [str(key) for key in session.scalars(select(Case.id).order_by(Case.case_no))]

    return make


def followed(person, answer):
    assert answer.status_code == 303, answer.text
    page = person.get(answer.headers["location"])
    assert page.status_code == 200, page.text
    return page.text


def test_what_is_ticked_is_released_and_told_row_by_row(world, person, lodged):
    ids, clerk = lodged(), person(Role.DISPATCH)
    page = clerk.get("/console/queue/to_release").text
    assert 'formaction="/console/release"' in page
    told = followed(clerk, clerk.post("/console/release", {"id": ids[:2]}))
    assert told.count("已办") >= 2
    assert "331127202611220000" in told
    again = followed(clerk, clerk.post("/console/release", {"id": ids}))
    assert "dispatch " in again  # who was first
    assert "先前已办" in again


def test_a_trial_does_nothing_and_says_how_many_envelopes_go_and_who_else_waits(world, person, lodged):
    ids, clerk = lodged(one_recipient=True), person(Role.DISPATCH)
    clerk.post("/console/hold", {"id": ids[2:], "reason": "欠费"})
    page = clerk.post("/console/release/plan", {"id": ids[:1] + ids[2:]}).text
    assert "将寄出 1 件办件，装 1 个邮件" in page
    assert "暂缓中" in page
    assert f'name="id" value="{ids[1]}"' in page  # offered: the same recipient
    whole = clerk.post("/console/release/plan", {"all_matching": "yes", "query": ""}).text
    assert "同封 2 件" in whole
    with world.reading() as session:
        assert set(session.scalars(select(Case.released_at))) == {None}


def test_all_that_match_are_more_than_the_page(world, person, lodged):
    lodged()
    clerk = person(Role.DISPATCH)
    told = followed(clerk, clerk.post("/console/release", {"all_matching": "yes", "query": "q=331127202611220001"}))
    assert "331127202611220001" in told
    assert "331127202611220000" not in told


def shown_on(page):
    return re.search(r'name="shown" value="([^"]+)"', page)[1]


def released(world):
    with world.reading() as session:
        return session.scalar(select(func.count()).select_from(Case).where(Case.released_at.is_not(None)))


def test_a_release_of_all_that_match_is_of_those_that_the_trial_has_shown(world, person, lodged, decided):
    """The trial said two, three more came in, and the release let five go."""
    lodged(2)
    clerk, whole = person(Role.DISPATCH), {"all_matching": "yes", "query": ""}
    trial = clerk.post("/console/release/plan", whole).text
    assert "将寄出 2 件办件" in trial
    for number in range(7, 10):
        lodge(world, decided(f"33112720261122{number:04}", slip={"detail": f"团结路{number}号"}), "test")
    stale = clerk.post("/console/release", whole | {"shown": shown_on(trial)})
    assert (stale.status_code, released(world)) == (409, 0)
    assert "您看到的符合条件的是 2 件，现在是 5 件" in stale.text
    assert "将寄出 5 件办件" in stale.text  # the trial of what there is now
    followed(clerk, clerk.post("/console/release", whole | {"shown": shown_on(stale.text)}))
    assert released(world) == 5


def test_as_many_as_were_shown_but_others_are_refused_too(world, person, lodged, decided):
    ids, clerk = lodged(2), person(Role.DISPATCH)
    whole = {"all_matching": "yes", "query": ""}
    trial = clerk.post("/console/release/plan", whole).text
    person(Role.DISPATCH, "colleague").post("/console/release", {"id": ids[:1]})
    lodge(world, decided("331127202611229999", slip={"detail": "团结路9号"}), "test")
    stale = clerk.post("/console/release", whole | {"shown": shown_on(trial)})
    assert (stale.status_code, "不全是您看过的那些" in stale.text, released(world)) == (409, True, 1)


def test_a_trial_of_which_nothing_is_left_says_so(world, person, lodged):
    ids, clerk = lodged(2), person(Role.DISPATCH)
    whole = {"all_matching": "yes", "query": ""}
    trial = clerk.post("/console/release/plan", whole).text
    person(Role.DISPATCH, "colleague").post("/console/release", {"id": ids})
    stale = clerk.post("/console/release", whole | {"shown": shown_on(trial)})
    assert (stale.status_code, "现在是 0 件" in stale.text) == (409, True)


@pytest.mark.parametrize("act", ["/console/release", "/console/hold", "/console/lift"])
def test_whatever_is_done_to_all_of_a_queue_is_done_to_those_that_it_has_shown(
    world, person, lodged, decided, monkeypatch, act
):
    monkeypatch.setattr(look, "PAGE", 2)
    lodged(3)
    clerk = person(Role.DISPATCH)
    asked = {"all_matching": "yes", "query": "", "why": "欠费"}
    asked |= {"shown": shown_on(clerk.get("/console/queue/to_release").text)}
    lodge(world, decided("331127202611229999", slip={"detail": "团结路9号"}), "test")
    stale = clerk.post(act, asked)
    assert (stale.status_code, "现在是 4 件" in stale.text, released(world)) == (409, True, 0)
    asked |= {"shown": shown_on(clerk.get("/console/queue/to_release").text)}
    assert clerk.post(act, asked).status_code == 303


def test_all_of_a_print_queue_are_those_that_it_has_shown(booked, person, monkeypatch):
    monkeypatch.setattr(look, "PAGE", 2)
    world, ids = booked
    clerk = person(Role.DISPATCH)
    asked = {"all_matching": "yes", "query": "", "shown": shown_on(clerk.get("/console/queue/to_print").text)}
    person(Role.DISPATCH, "colleague").post("/console/print", {"id": ids[:1]})
    assert (clerk.post("/console/print", asked).status_code, prints(world)) == (409, [0, 0, 1])


def test_a_hold_needs_its_reason(world, person, lodged):
    ids, clerk = lodged(1), person(Role.DISPATCH)
    refused = clerk.post("/console/hold", {"id": ids})
    assert refused.status_code == 409
    assert "原因" in refused.text
    assert followed(clerk, clerk.post("/console/hold", {"id": ids, "reason": "欠费"}))
    told = followed(clerk, clerk.post("/console/hold", {"id": ids, "reason": "欠费"}))
    assert "未办成" in told
    assert "只重试未办成的" in told
    assert followed(clerk, clerk.post("/console/lift", {"id": ids}))


def test_why_cases_are_held_is_chosen_and_stands_wherever_they_are_listed(world, person, lodged):
    """The list said only that they were held: whoever came next had to open each of them."""
    ids, clerk = lodged(3), person(Role.DISPATCH)
    told = followed(clerk, clerk.post("/console/hold", {"id": ids[:1], "why": "欠费"}))
    assert "暂缓寄递：欠费" in told
    followed(clerk, clerk.post("/console/hold", {"id": ids[1:2], "why": "待签字", "reason": "明天来"}))
    listed = clerk.get("/console/queue/to_release").text
    assert "暂缓寄递：欠费" in listed
    assert "暂缓寄递：待签字：明天来" in listed
    assert "暂缓寄递：欠费" in clerk.get("/console/case/331127202611220000").text
    assert clerk.post("/console/hold", {"id": ids[2:], "why": "不想寄"}).status_code == 409


def test_what_a_clerk_wrote_of_the_applicant_is_masked_in_every_list(world, person, lodged):
    ids, clerk = lodged(1), person(Role.DISPATCH)
    told = followed(clerk, clerk.post("/console/hold", {"id": ids, "reason": "蓝小雨 13900000001 说等一等"}))
    for page in (
        told,
        clerk.get("/console/queue/to_release").text,
        clerk.get("/console/case/331127202611220000").text,
    ):
        assert "说等一等" in page
        assert not [secret for secret in ("蓝小雨", "13900000001") if secret in page]


def test_whoever_releases_says_whether_those_of_one_recipient_share_an_envelope(world, person, lodged):
    """The trial told who shares one; the release did so, whether the clerk wanted it or not."""
    ids, clerk = lodged(one_recipient=True), person(Role.DISPATCH)
    declined = {"id": ids[:2], "sharing": "asked"}
    trial = clerk.post("/console/release/plan", declined).text
    assert "装 2 个邮件" in trial
    assert "同封" not in trial
    assert "同封 2 件" in clerk.post("/console/release/plan", declined | {"together": "yes"}).text
    followed(clerk, clerk.post("/console/release", declined))
    run_due(world, "case.gather")
    followed(clerk, clerk.post("/console/release", {"id": ids[2:]}))
    run_due(world, "case.gather")
    with world.reading() as session:
        assert sorted(session.scalars(select(Shipment.stage))) == ["gathering", "to_book", "to_book"]
    assert "单独装封" in clerk.get("/console/case/331127202611220000").text


def test_one_of_several_is_taken_out_of_the_envelope_that_they_would_share(world, person, lodged):
    ids, clerk = lodged(one_recipient=True), person(Role.DISPATCH)
    chosen = {"id": ids, "sharing": "asked", "together": "yes", "alone": ids[:1]}
    assert "同封 2 件" in clerk.post("/console/release/plan", chosen).text
    followed(clerk, clerk.post("/console/release", chosen))
    run_due(world, "case.gather")
    run_due(world, "case.gather")
    with world.reading() as session:
        assert sorted(session.scalars(select(Case.alone))) == [False, False, True]
        assert len(session.scalars(select(Shipment)).all()) == 2


def test_nothing_ticked_is_told_so(world, person):
    clerk = person(Role.DISPATCH)
    for url in ("/console/release", "/console/release/plan", "/console/print"):
        assert "勾选" in clerk.post(url).text


def test_another_departments_cases_and_batches_are_not_there(world, person, lodged):
    ids = lodged(1)
    clerk, other = person(Role.DISPATCH), person(Role.DISPATCH, "other", ["别的部门"])
    assert other.post("/console/release", {"id": ids}).status_code == 404
    assert other.post("/console/release/plan", {"id": ids}).status_code == 404
    made = clerk.post("/console/release", {"id": ids}).headers["location"]
    assert other.get(made).status_code == 404
    assert other.get(f"{made}/progress").status_code == 404
    assert other.post(f"{made}/retry").status_code == 404
    assert made not in other.get("/console/batches").text
    assert clerk.get("/console/batch/nonsense").status_code == 404


@pytest.fixture
def booked(post, drain, decided):
    """A console over a post that answers, and three envelopes with numbers."""
    told = {"item_release": "at_once", "item_grouping": timedelta(0)}
    there = replace(post.world, settings=post.world.settings.model_copy(update=told))
    for number in range(3):
        lodge(there, decided(f"33112720261122{number:04}", slip={"detail": f"团结路{number + 1}号"}), "test")
    drain(there)
    with post.world.reading() as session:
        return post.world, [str(key) for key in to_print(session)]


def prints(world):
    with world.reading() as session:
        return sorted(session.scalars(select(Shipment.prints)))


@pytest.mark.parametrize("role", [Role.DISPATCH, Role.POST])
def test_the_day_of_a_printed_run(booked, person, role):
    world, ids = booked
    clerk = person(role)
    assert 'formaction="/console/print"' in clerk.get("/console/queue/to_print").text
    made = clerk.post("/console/print", {"id": ids, "size": "76x130"}).headers["location"]
    page = clerk.get(made).text
    assert "全部打印成功？" in page
    first = clerk.get(f"{made}/labels.pdf")
    assert first.headers["content-type"] == "application/pdf"
    assert first.headers["accept-ranges"] == "none"  # what is noted is a whole file
    assert first.content == clerk.get(f"{made}/labels.pdf").content
    assert clerk.get(f"{made}/labels.zpl").content.count(b"^XZ") == 3
    assert clerk.get(f"{made}/labels.tspl").content.count(b"PRINT 1,1") == 3
    assert prints(world) == [1, 1, 1]
    assert made in clerk.get("/console/batches").text
    assert 'text-bg-warning">1</span>' in clerk.get("/console/queue/to_print").text  # nobody has answered yet
    refused = clerk.post(f"{made}/from", {"nth": 2, "reason": ""})
    assert refused.status_code == 409
    again = clerk.post(f"{made}/from", {"nth": 2, "reason": "卡纸"}).headers["location"]
    assert re.search(r"补打\s*1", clerk.get(again).text)
    assert prints(world) == [1, 2, 2]
    answered = clerk.get(made).text
    assert "已答复：出了 1 张" in answered
    assert "labels." not in answered
    for kind in ("pdf", "zpl", "tspl"):
        refused = clerk.get(f"{made}/labels.{kind}")
        assert (refused.status_code, "补打" in refused.text) == (409, True)
    assert clerk.get(f"{again}/labels.pdf").status_code == 200
    with world.reading() as session:
        taken = session.scalars(
            select(AuditEntry.subject).where(AuditEntry.deed == "export").order_by(AuditEntry.seq)
        )
        assert [one.rpartition(":")[2] for one in taken] == [made.rpartition("/")[2]] * 4 + [again.rpartition("/")[2]]
    assert clerk.post(f"{again}/all-out").status_code == 303
    assert clerk.post(f"{again}/all-out").status_code == 409


def test_one_waybill_is_printed_again_by_its_number_with_a_reason(booked, person):
    world, ids = booked
    clerk = person(Role.DISPATCH)
    clerk.post("/console/print", {"id": ids})
    assert clerk.get("/console/reprint").status_code == 200
    assert clerk.post("/console/reprint", {"number": "331127202611220000"}).status_code == 409
    assert clerk.post("/console/reprint", {"number": "nobody", "reason": "污损"}).status_code == 404
    page = followed(clerk, clerk.post("/console/reprint", {"number": "331127202611220000", "reason": "污损"}))
    assert re.search(r"补打\s*1", page)
    assert prints(world) == [1, 1, 2]


def test_a_reprint_that_is_sent_twice_is_one_run(booked, person):
    """At a network printer two live sheets of one envelope would come out."""
    world, ids = booked
    clerk = person(Role.DISPATCH)
    clerk.post("/console/print", {"id": ids})
    for page in ("/console/reprint", "/console/case/331127202611220000"):
        before = prints(world)
        key = re.search(
            r'action="/console/reprint".*?name="form_key" value="([0-9a-f-]{36})"', clerk.get(page).text, re.S
        )
        told = {"number": "331127202611220000", "reason": "污损", "form_key": key[1]}
        first, second = (clerk.post("/console/reprint", told) for _ in range(2))
        assert (second.status_code, second.headers["location"]) == (303, first.headers["location"])
        assert sum(prints(world)) == sum(before) + 1
        other = clerk.post("/console/reprint", told | {"number": "331127202611220001"})
        assert (other.status_code, "请刷新页面" in other.text) == (409, True)


def test_the_posts_clerk_sees_only_the_runs_that_it_began(booked, person):
    _, ids = booked
    clerk, posts = person(Role.DISPATCH), person(Role.POST)
    made = clerk.post("/console/print", {"id": ids}).headers["location"]
    assert posts.get(made).status_code == 404
    assert posts.get(f"{made}/labels.pdf").status_code == 404
    assert posts.post(f"{made}/all-out").status_code == 404


def test_the_posts_clerk_sees_the_runs_of_today_only(booked, person):
    """Today's envelopes and nothing else: an older run names envelopes that are long gone."""
    world, ids = booked
    posts = person(Role.POST)
    made = posts.post("/console/print", {"id": ids}).headers["location"]
    assert made in posts.get("/console/batches").text
    with world.begin() as session:
        session.execute(text("UPDATE batches SET made_at = made_at - interval '1 day'"))
    assert posts.get(made).status_code == 404
    assert posts.get(f"{made}/labels.pdf").status_code == 404
    assert made not in posts.get("/console/batches").text
    assert unanswered_runs(world, Scope(today_only=True), "post") == 0
    assert made in person(Role.DISPATCH).get("/console/batches").text


def test_the_posts_clerk_is_offered_filters_of_what_lies_here_and_nobodys_views(booked, person, decided):
    world, _ = booked
    told = {"department": "县公安局", "item_code": "驾驶证", "item_name": "驾驶证换领", "slip": {"town": "鹤溪街道"}}
    lodge(world, decided("331127202611229999", paper_ready=False, **told), "test")
    filters = {"title": "公安的", "query": urlencode({"department": "县公安局"}), "shared": "true"}
    clerk, here = person(Role.DISPATCH), "/console/queue/to_print"
    assert clerk.post(f"{here}/views", filters).status_code == 303
    page, theirs = person(Role.POST).get(here).text, clerk.get(here).text
    for word in ("县公安局", "驾驶证换领", "鹤溪街道", "公安的"):
        assert (word in theirs, word in page) == (True, False)
    assert "县市场监督管理局" in page


def test_who_may_not_print_or_release_is_told_so(booked, person):
    _, ids = booked
    window = person(Role.WINDOW)
    assert window.post("/console/print", {"id": ids}).status_code == 403
    assert window.post("/console/release", {"id": ids}).status_code == 403
    assert 'formaction="/console/print"' not in window.get("/console/queue/to_print").text


def test_printers_are_the_administrators_and_only_where_they_may_stand(world, person):
    admin = person(Role.ADMINISTRATOR)
    assert admin.get("/console/printers").status_code == 200
    outside = admin.post("/console/printers", {"name": "外面", "host": "8.8.8.8"})
    assert outside.status_code == 409
    assert "网段" in outside.text
    added = admin.post("/console/printers", {"name": "一号机", "host": "127.0.0.1", "port": 9100, "speaks": "tspl"})
    page = followed(admin, added)
    assert "127.0.0.1:9100" in page
    [printer] = re.findall(r'action="(/console/printers/[0-9a-f-]+)/off"', page)
    assert "一号机" not in followed(admin, admin.post(f"{printer}/remove"))
    clerk = person(Role.DISPATCH)
    assert {clerk.get("/console/printers").status_code, clerk.get(printer).status_code} == {403}
    assert {clerk.post(f"{printer}{act}", {"name": "x", "host": "127.0.0.1"}).status_code for act in ACTS} == {403}


ACTS = ("", "/off", "/on", "/remove")


def test_a_printer_is_edited_switched_off_and_on_and_each_is_noted(world, person):
    admin, clerk = person(Role.ADMINISTRATOR), person(Role.DISPATCH)
    key = add_printer(world, PrinterAsked("一号机", "127.0.0.1", 9100), "admin")
    page = admin.get(f"/console/printers/{key}").text
    [seen] = re.findall(r'name="seen" value="([^"]+)"', page)
    asked = {"name": "二号机", "host": "127.0.0.2", "port": 9101, "speaks": "tspl", "darkness": "9", "seen": seen}
    told = followed(admin, admin.post(f"/console/printers/{key}", asked))
    assert "127.0.0.2:9101" in told
    late = admin.post(f"/console/printers/{key}", asked | {"name": "三号机"})
    assert late.status_code == 409
    assert "administrator" in late.text  # who was first
    assert "二号机" in clerk.get("/console/reprint").text
    followed(admin, admin.post(f"/console/printers/{key}/off"))
    assert "二号机" not in clerk.get("/console/reprint").text
    refused = clerk.post("/console/reprint", {"number": "x", "reason": "卡纸", "printer": str(key)})
    assert refused.status_code == 404
    followed(admin, admin.post(f"/console/printers/{key}/on"))
    with world.reading() as session:
        of_printer = select(AuditEntry).where(AuditEntry.subject == f"printer:{key}").order_by(AuditEntry.seq)
        told = [world.vault.open(entry, "detail") for entry in session.scalars(of_printer)]
    assert [one[:4] for one in told] == ["新增打印", "修改打印", "停用打印", "启用打印"]
    assert "IP 地址 127.0.0.1 → 127.0.0.2" in told[1]


def test_the_pages_are_whole_in_english_too(booked, person):
    _, ids = booked
    clerk = person(Role.DISPATCH)
    clerk.browser.cookies.set("zhuandi_language", "en", path="/console")
    made = clerk.post("/console/print", {"id": ids}).headers["location"]
    assert "Did all of them come out?" in clerk.get(made).text
    assert "Print" in clerk.get("/console/queue/to_print").text


def test_a_run_on_a_printer_is_watched_until_it_ends_and_a_lost_line_asks_the_clerk(booked, person):
    world, ids = booked
    with running_printer(Fault.CUT) as printer:
        printer_id = str(
            add_printer(world, PrinterAsked("一号机", "127.0.0.1", printer.port, size="76x130"), "admin")
        )
        clerk = person(Role.DISPATCH)
        assert "一号机（76x130）" in clerk.get("/console/queue/to_print").text
        made = clerk.post("/console/print", {"id": ids, "printer": printer_id}).headers["location"]
        page = clerk.get(made).text
        assert "等打印机" in page
        assert "/progress" in page
        assert clerk.post(f"{made}/all-out").status_code == 409
        run_due(world, SEND)
    told = clerk.get(f"{made}/progress").text
    assert "不知出了几张" in told
    assert "every 2s" not in told
    again = clerk.post(f"{made}/from", {"nth": 3, "reason": "断线", "printer": printer_id}).headers["location"]
    followed(clerk, clerk.post(f"{again}/stop"))
    assert clerk.post(f"{again}/stop").status_code == 409
    assert clerk.post("/console/print", {"id": ids, "printer": "nonsense"}).status_code == 404


def test_a_run_that_goes_to_a_printer_offers_no_file_and_one_that_failed_does(booked, person):
    """Its main button opened the same sheets once more, and none of them was counted or bore 补打."""
    world, ids = booked
    key = add_printer(world, PrinterAsked("一号机", "127.0.0.1", 9100, size="76x130"), "admin")
    clerk = person(Role.DISPATCH)
    made = clerk.post("/console/print", {"id": ids, "printer": str(key)}).headers["location"]
    for page in (clerk.get(made).text, clerk.get(f"{made}/progress").text):
        assert ("labels." in page, "先按“不等打印机了”" in page) == (False, True)
    for kind in ("pdf", "zpl", "tspl"):
        refused = clerk.get(f"{made}/labels.{kind}")
        assert (refused.status_code, "先按“不等打印机了”" in refused.text) == (409, True)
    switch_printer(world, key, "admin", on=False)
    run_due(world, SEND)
    told = clerk.get(f"{made}/progress").text  # as the open page learns of it
    assert ('id="file" hx-swap-oob="true"' in told, f"{made}/labels.pdf" in told) == (True, True)
    assert clerk.get(f"{made}/labels.pdf").status_code == 200


def test_what_a_printer_has_taken_of_a_run_is_not_in_its_file_and_the_page_says_so(booked, person):
    world, ids = booked
    key = add_printer(world, PrinterAsked("一号机", "127.0.0.1", 9100, size="76x130"), "admin")
    clerk = person(Role.DISPATCH)
    made = clerk.post("/console/print", {"id": ids, "printer": str(key)}).headers["location"]
    with world.begin() as session:
        session.execute(text("UPDATE print_jobs SET upto = 2"))
    page = followed(clerk, clerk.post(f"{made}/stop"))
    assert ("打开 1 张面单" in page, "前 2 张打印机已收" in page) == (True, True)


def test_a_queue_that_is_longer_than_a_step_is_gone_on_with_and_its_page_asks_again(
    world, person, lodged, monkeypatch
):
    monkeypatch.setattr(dispatch_many, "STEP", 2)
    ids, clerk = lodged(3), person(Role.DISPATCH)
    made = clerk.post("/console/release", {"id": ids}).headers["location"]
    assert "every 2s" in clerk.get(made).text
    run_due(world, dispatch_many.WORK)
    assert "every 2s" not in clerk.get(f"{made}/progress").text
