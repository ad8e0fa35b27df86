"""What needs a person is listed, owned, solved by the act that its reason offers, and never done by two."""

import dataclasses
import re
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from uuid_utils.compat import uuid7

from dispatch import worklist
from dispatch.approval.case import Case, Document, open_hold
from dispatch.approval.issue import Paper, PaperIssue, register_paper
from dispatch.approval.lodge import lodge
from dispatch.audit import AuditEntry, verify
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.journey import Stage, View
from dispatch.packing.pack import pack
from dispatch.shipment import Content, Shipment
from dispatch.staff.role import Role
from dispatch.tracking.push import Push
from dispatch.worklist import Entry, Reason
from dispatch.zero_visits.close import Closure
from dispatch.zero_visits.outcomes import count_outcomes
from dispatch.zero_visits.put_right.changed import Ground, mark
from dispatch.zero_visits.put_right.owner import give_back, take
from dispatch.zero_visits.put_right.remedy import REMEDIES_WITHOUT_AN_ENVELOPE, Remedy, about, remedies
from dispatch.zero_visits.put_right.solve import Told, solve
from dispatch.zero_visits.put_right.undelivered import declare_lost, keep_here, send_again
from dispatch.zero_visits.settle import number_of, reopen, settle_entry
from tests.rooms.on_the_road import CLERK, Road

LIST = "/console/queue/needs_a_person"
GIVEN = Paper("李科员")
FIRM, OTHER = "县市场监督管理局", "县人力资源和社会保障局"


@pytest.fixture
def road(post, drain):
    return Road(post.world, drain)


def only(road: Road, reason: Reason) -> Entry:
    [entry] = [one for one in road.entries() if one.reason == reason]
    return entry


def brought_back(road: Road, decided, case_no: str = "A", **more: object) -> Entry:
    """Handed over, and brought back by the post."""
    road.hand_over(decided(case_no, **more))
    road.tell(case_no, "203")
    road.tell(case_no, "711")
    return next(one for one in road.entries() if one.reason == Reason.RETURNED and _about(road, one) == case_no)


def _about(road: Road, entry: Entry) -> str:
    with road.world.reading() as session:
        return about(session, entry).cases[0].case_no


def envelopes(road: Road, case_no: str) -> list[Shipment]:
    query = (
        select(Shipment)
        .join(Content, Content.shipment_id == Shipment.id)
        .join(Document, Document.id == Content.document_id)
        .join(Case, Case.id == Document.case_id)
        .where(Case.case_no == case_no)
        .order_by(Shipment.created_at, Shipment.id)
    )
    with road.world.reading() as session:
        return list(dict.fromkeys(session.scalars(query)))


def do(clerk, entry: Entry, remedy: Remedy, **told: str):
    """As the browser does it: the entry is opened, and its form is sent as it was drawn."""
    page = clerk.get(f"/console/entry/{number_of(entry.id)}").text
    shown = re.search(r'name="shown" value="([^"]*)"', page)[1]
    return clerk.post(f"/console/entry/{number_of(entry.id)}/do", {"remedy": remedy, "shown": shown, **told})


# The list


def test_the_list_shows_reason_owner_clock_and_next_act_and_masks_what_it_says(road, decided, person):
    entry = brought_back(road, decided)
    with road.world.begin() as session:
        worklist.put(road.world, session, Reason.STALLED, entry.subject, cause="x", detail="蓝小雨 13900000001 不在")
    clerk = person(Role.DISPATCH)
    take(road.world, number_of(entry.id), "dispatch")
    page = clerk.get(LIST).text
    assert "退件已到 → 二次寄递或暂存" in page
    assert ">dispatch</td>" in page
    assert road.number("A") in page
    assert "蓝小雨" not in page
    assert "13900000001" not in page
    assert "蓝** 139******01 不在" in page


def test_filters_stand_in_the_url(road, decided, person):
    entry = brought_back(road, decided)
    brought_back(road, decided, "B", department=OTHER)
    clerk = person(Role.DISPATCH)
    take(road.world, number_of(entry.id), "dispatch")
    rows = lambda query: re.findall(r'href="/console/case/(\w)"', clerk.get(f"{LIST}?{query}").text)  # noqa: E731
    assert rows("") == ["A", "B"]
    assert rows("whose=mine") == ["A"]
    assert rows("whose=nobody") == ["B"]
    assert rows(f"department={OTHER}") == ["B"]
    assert rows("reason=returned") == ["A", "B"]
    assert rows("reason=lost") == []
    assert rows("overdue=yes") == []
    with road.world.begin() as session:
        session.execute(text("UPDATE worklist SET opened_at = opened_at - interval '30 days'"))
    assert rows("overdue=yes") == ["A", "B"]


def test_the_list_comes_in_pages_of_fifty(road, decided, person):
    entry = brought_back(road, decided)
    with road.world.begin() as session:
        for count in range(60):
            worklist.put(road.world, session, Reason.UNKNOWN_CODE, entry.subject, cause=str(count))
    clerk = person(Role.DISPATCH)
    assert clerk.get(LIST).text.count('href="/console/entry/') == 50
    assert clerk.get(f"{LIST}?page=2").text.count('href="/console/entry/') == 11
    assert "1 / 2" in clerk.get(LIST).text


def test_whoever_sees_one_department_neither_sees_nor_touches_anothers(road, decided, person):
    """Forced browsing to another department's record."""
    entry = brought_back(road, decided, department=OTHER)
    clerk = person(Role.DISPATCH, departments=[FIRM])
    assert "/console/entry/" not in clerk.get(LIST).text
    assert clerk.get(f"/console/entry/{number_of(entry.id)}").status_code == 404
    for deed in ("take", "give-back", "reopen"):
        assert clerk.post(f"/console/entry/{number_of(entry.id)}/{deed}", {"note": "x"}).status_code == 404
    sent = clerk.post(f"/console/entry/{number_of(entry.id)}/do", {"remedy": Remedy.SEND_AGAIN})
    assert sent.status_code == 404
    assert road.entries()


# Whose it is


def test_an_entry_is_taken_once_and_the_second_is_told_by_whom_and_when(road, decided):
    number = number_of(brought_back(road, decided).id)
    take(road.world, number, "li.na")
    take(road.world, number, "li.na")
    with pytest.raises(ConflictError, match=r"已由 li\.na 于 20"):
        take(road.world, number, "wang")
    with pytest.raises(ConflictError, match=r"由 li\.na 接手，只有本人能放回"):
        give_back(road.world, number, "wang")
    assert give_back(road.world, number, "li.na").owner is None
    assert take(road.world, number, "wang").owner == "wang"
    assert take(road.world, number, "li.na", instead_of="wang").owner == "li.na"


# Two people at one record


def test_the_second_of_two_is_told_who_was_first_and_what_changed_and_nothing_is_done(road, decided, person):
    entry = brought_back(road, decided)
    first, second = person(Role.DISPATCH, "first"), person(Role.DISPATCH, "second")
    page = second.get(f"/console/entry/{number_of(entry.id)}").text
    shown = re.search(r'name="shown" value="([^"]*)"', page)[1]
    assert do(first, entry, Remedy.SEND_AGAIN).status_code == 303
    late = second.post(
        f"/console/entry/{number_of(entry.id)}/do", {"remedy": "lost", "note": "找不到", "shown": shown}
    )
    assert late.status_code == 409
    assert "first 收回退件（退件已到 → 未送达已了结）" in late.text
    assert "没有重复办理" in late.text
    assert envelopes(road, "A")[0].stage == Stage.UNDELIVERED
    with road.world.reading() as session:
        assert not session.scalars(select(Document).where(Document.lost_at.is_not(None))).all()


def test_who_took_an_entry_meanwhile_is_told_too(road, decided):
    entry = brought_back(road, decided)
    shown = mark(road.world, Ground(entry_id=entry.id))
    take(road.world, number_of(entry.id), "li.na")
    with pytest.raises(ConflictError, match=r"li\.na 接手了“退件已到”"):
        solve(road.world, number_of(entry.id), Remedy.SETTLE, "wang", Told(note="已处理"), shown)
    assert road.entries()


def test_a_case_that_was_held_meanwhile_is_not_held_twice(road, decided, person):
    road.lodge(decided("A", paper_ready=False))
    first, second = person(Role.DISPATCH, "first"), person(Role.DISPATCH, "second")
    shown = re.search(r'name="shown" value="([^"]*)"', second.get("/console/case/A").text)[1]
    assert first.post("/console/case/A/hold", {"reason": "欠费"}).status_code == 303
    late = second.post("/console/case/A/hold", {"reason": "待签字", "shown": shown})
    assert (late.status_code, "first 暂缓寄递" in late.text) == (409, True)


# A letter that came back


def test_a_returned_letter_goes_out_again_under_a_new_order_and_closes(road, decided, drain):
    """The entry «退件已到» had no act that ended it."""
    entry = brought_back(road, decided)
    old = envelopes(road, "A")[0]
    assert send_again(road.world, old.id, CLERK, "本人说改日在家") == ()
    drain(road.world)
    before, after = envelopes(road, "A")
    assert (before.view, after.view) == (View.UNDELIVERED, View.TO_PRINT)
    assert after.order_no not in {None, before.order_no}
    assert road.entries() == []
    with road.world.reading() as session:
        settled = session.get_one(Entry, entry.id)
        assert (settled.settled_by, road.world.vault.open(settled, "settlement")) == (
            CLERK,
            "二次寄递：本人说改日在家",
        )


def test_news_of_the_old_number_move_nothing_of_the_new_envelope(road, decided, drain):
    brought_back(road, decided)
    old = envelopes(road, "A")[0]
    number = road.number("A")
    send_again(road.world, old.id, CLERK)
    drain(road.world)
    tell_number(road, number, "711")
    assert road.entries() == []  # that it is back is known
    tell_number(road, number, "704", "10")
    assert [one.reason for one in road.entries()] == [Reason.DELIVERY_REVOKED]  # and that it is delivered cannot be
    assert envelopes(road, "A")[1].view is View.TO_PRINT


def tell_number(road: Road, number: str, code: str, detail: str = "") -> None:
    from dispatch.carrier import Seen  # noqa: PLC0415 - only here a number that is not the case's newest speaks
    from dispatch.posts.ems.codes import VOIDS, meaning  # noqa: PLC0415
    from dispatch.tracking.observe import observe  # noqa: PLC0415

    road.told += 1
    news, signer = meaning(code, detail)
    at = road.world.now() + timedelta(seconds=road.told)
    seen = Seen(number, at, code, news, detail=detail, signer=signer, voids=VOIDS.get(code, frozenset()))
    with road.world.begin() as session:
        observe(road.world, session, "ems", seen, "push")
    road.drain(road.world)


def test_what_has_not_come_back_is_not_sent_again(road, decided):
    road.hand_over(decided("A"))
    road.tell("A", "203")
    with pytest.raises(NotAllowedError, match="没有退回"):
        send_again(road.world, road.shipment("A").id, CLERK)


def test_a_letter_that_came_back_after_the_closing_loses_its_proof_until_the_next_one_is_delivered(
    road, decided, drain
):
    road.hand_over(decided("A"))
    road.deliver("A")
    road.tell("A", "741")
    road.tell("A", "711")
    with road.world.reading() as session:
        assert count_outcomes(session).closed == 0
    send_again(road.world, road.shipment("A").id, CLERK)
    drain(road.world)
    new = envelopes(road, "A")[1]
    with road.world.begin() as session:
        session.execute(text("UPDATE contents SET scanned_at = NULL WHERE NOT void"))
        session.execute(text("UPDATE shipments SET stage = 'printed' WHERE id = :id"), {"id": new.id})
    with road.world.reading() as session:
        number = session.scalar(text("SELECT number FROM waybills WHERE shipment_id = :id"), {"id": new.id})
    pack(road.world, "A-1", number, CLERK)
    road.hand_over()
    tell_number(road, number, "203")
    tell_number(road, number, "704", "10")
    with road.world.reading() as session:
        counted = count_outcomes(session)
        assert (counted.closed, counted.zero_visits) == (1, 1)
        assert len(session.scalars(select(Closure)).all()) == 1


def test_what_came_back_is_kept_until_a_day_and_its_case_waits(road, decided, drain):
    brought_back(road, decided)
    until = (road.world.now() + timedelta(days=20)).date()
    keep_here(road.world, road.shipment("A").id, until, CLERK, "本人下月回来")
    drain(road.world)
    [one] = envelopes(road, "A")
    assert one.view is View.UNDELIVERED
    with road.world.reading() as session:
        hold = open_hold(session, session.scalars(select(Case.id)).one())
        assert road.world.vault.open(hold, "reason") == f"退件暂存至 {until}：本人下月回来"
        due = session.scalar(
            text("SELECT max(next_at) - now() FROM jobs WHERE name = 'case.watch' AND done_at IS NULL")
        )
    assert timedelta(days=18) < due < timedelta(days=21)


def test_it_is_not_kept_until_a_day_that_is_over(road, decided):
    brought_back(road, decided)
    with pytest.raises(NotAllowedError, match="已过"):
        keep_here(road.world, road.shipment("A").id, road.world.now().date(), CLERK)


def test_a_lost_letter_is_made_anew_and_the_old_paper_goes_nowhere(road, decided, drain):
    road.hand_over(decided("A"))
    road.tell("A", "203")
    road.tell("A", "708")  # the way back, on which it is lost
    number = road.number("A")
    assert declare_lost(road.world, road.shipment("A").id, CLERK, "邮政查单确认丢失，已申请赔偿") == ("A-2",)
    drain(road.world)
    with road.world.reading() as session:
        assert session.scalars(select(Case.paper_ready_at)).one() is None
    register_paper(road.world, "A", GIVEN, CLERK)  # the new paper comes
    drain(road.world)
    before, after = envelopes(road, "A")
    assert (before.view, after.view) == (View.UNDELIVERED, View.TO_PRINT)
    with road.world.reading() as session:
        inside = select(Document.code).join(Content, Content.document_id == Document.id)
        assert list(session.scalars(inside.where(~Content.void))) == ["A-2"]
        new = session.scalar(text("SELECT number FROM waybills WHERE shipment_id = :id"), {"id": after.id})
    with pytest.raises(NotAllowedError, match="已报失并补证"):
        pack(road.world, "A-1", new, CLERK)
    assert number != new


@pytest.mark.parametrize("number", ["A", "A-2"])
def test_the_paper_that_is_made_anew_is_registered_at_the_counter_and_gathered_again(
    road, decided, drain, person, number
):
    """The first registration was of the paper that is lost: it must not stand in the way of the second."""
    lodge(road.world, decided("A", paper_ready=False), "test")
    register_paper(road.world, "A", GIVEN, CLERK)
    road.hand_over()
    declare_lost(road.world, road.shipment("A").id, CLERK, "邮政查单确认丢失，已申请赔偿")
    clerk = person(Role.DISPATCH)
    assert clerk.post("/console/issue", {"number": number, "given_by": "王科员"}).status_code == 303
    drain(road.world)
    assert [one.view for one in envelopes(road, "A")] == [View.UNDELIVERED, View.TO_PRINT]
    twice = clerk.post("/console/issue", {"number": number, "given_by": "王科员"})
    assert (twice.status_code, "没有再登记" in twice.text) == (409, True)


def test_a_delivery_that_is_proved_is_not_declared_lost(road, decided):
    road.hand_over(decided("A"))
    road.deliver("A")
    with pytest.raises(NotAllowedError, match="已凭签收闭环"):
        declare_lost(road.world, road.shipment("A").id, CLERK, "本人说没收到")
    with pytest.raises(NotAllowedError, match="请写明怎样"):
        declare_lost(road.world, road.shipment("A").id, CLERK, " ")


def test_a_paper_that_came_late_is_registered_from_the_entry_with_who_gave_it(road, decided, drain, person):
    """Of a paper that is merely said to be there nobody knows who gave it, and nobody is answerable."""
    road.lodge(decided("A", paper_ready=False))
    with road.world.begin() as session:
        worklist.put(road.world, session, Reason.PAPER_LATE, _subject(session, "A"))
    clerk, entry = person(Role.DISPATCH), only(road, Reason.PAPER_LATE)
    unsaid = do(clerk, entry, Remedy.PAPER)
    assert (unsaid.status_code, "交件人：没有填" in unsaid.text) == (409, True)
    assert do(clerk, entry, Remedy.PAPER, given_by="李科员").status_code == 303
    drain(road.world)
    with road.world.reading() as session:
        [row] = session.scalars(select(PaperIssue))
        noted = [road.world.vault.open(one, "detail") for one in session.scalars(select(AuditEntry))]
    assert (road.world.vault.open(row, "given_by"), row.taken_by) == ("李科员", "dispatch")
    assert "出证登记：正本 1，副本 0" in noted
    assert [one.view for one in envelopes(road, "A")] == [View.TO_PRINT]


def _subject(session, case_no: str) -> str:
    return session.scalars(select(Case).where(Case.case_no == case_no)).one().subject


# Settled by mistake


def test_what_was_settled_by_mistake_is_opened_again_within_a_day(road, decided):
    number = number_of(brought_back(road, decided).id)
    settle_entry(road.world, number, CLERK, "误点")
    reopen(road.world, number, CLERK, "点错了")
    assert [one.reason for one in road.entries()] == [Reason.RETURNED]
    settle_entry(road.world, number, CLERK, "已处理")
    later = dataclasses.replace(road.world, now=lambda: road.world.now() + timedelta(hours=25))
    with pytest.raises(NotAllowedError, match="超过一天"):
        reopen(later, number, CLERK, "想起来了")
    with pytest.raises(NotFoundError, match="没有编号"):
        reopen(road.world, "zzzz", CLERK, "x")


def test_what_was_written_when_it_was_settled_is_masked(road, decided, person):
    number = number_of(brought_back(road, decided).id)
    settle_entry(road.world, number, CLERK, "蓝小雨说改寄 13812345678")
    page = person(Role.DISPATCH).get(f"/console/entry/{number}").text
    assert "蓝**说改寄 138******78" in page
    assert "蓝小雨" not in page
    assert "13812345678" not in page


def test_who_opens_it_again_second_is_told_what_happened_meanwhile(road, decided, person):
    """The page was older: what a colleague had opened and settled anew was opened once more."""
    number = number_of(brought_back(road, decided).id)
    settle_entry(road.world, number, CLERK, "误点")
    clerk = person(Role.DISPATCH)
    shown = re.search(r'name="shown" value="([^"]*)"', clerk.get(f"/console/entry/{number}").text)[1]
    reopen(road.world, number, CLERK, "点错了")
    settle_entry(road.world, number, "wang", "退件已取")
    late = clerk.post(f"/console/entry/{number}/reopen", {"note": "点错了", "shown": shown})
    assert (late.status_code, "wang" in late.text) == (409, True), late.text
    assert not road.entries()


# Each reason has its acts


def test_every_reason_offers_what_is_possible_where_it_stands(road, decided):
    returned = brought_back(road, decided)
    with road.world.reading() as session:
        offered = remedies(road.world, session, about(session, returned))
    assert offered == (Remedy.SEND_AGAIN, Remedy.KEEP_HERE, Remedy.ASK, Remedy.LOST, Remedy.SETTLE)


@pytest.mark.parametrize("remedy", [one for one in Remedy if one not in REMEDIES_WITHOUT_AN_ENVELOPE])
def test_an_act_on_an_envelope_is_refused_where_there_is_none(world, remedy):
    with world.begin() as session:
        worklist.put(world, session, Reason.UNKNOWN_PARCEL, "parcel:ems:1", detail="无主")
    with world.reading() as session:
        number = number_of(session.scalars(select(Entry.id)).one())
    with pytest.raises(NotAllowedError, match="现在不能"):
        told = Told(note="x", number="1", carrier="ems", until="2030-01-01", given_by="x")
        solve(world, number, remedy, CLERK, told)


def test_a_proxy_whose_authorisation_is_shown_afterwards_was_allowed_to_sign(road, decided, person, drain):
    road.hand_over(decided("A"))
    road.deliver("A", "20")
    entry = only(road, Reason.SIGNED_WITHOUT_CONSENT)
    done = do(person(Role.WINDOW), entry, Remedy.CONSENT, note="授权书存档 2026-118")
    assert done.status_code == 303
    drain(road.world)
    assert road.shipment("A").view is View.CLOSED
    assert road.entries() == []


def test_a_push_that_cannot_be_read_is_read_again_and_listed_again(world, person, drain):
    with world.begin() as session:
        now = world.now()
        push = Push(id=uuid7(), carrier="ems", digest=b"x", source="x", received_at=now, read_at=now, times=1)
        for column, value in (("raw", "{}"), ("body", "no json")):
            world.vault.seal(push, column, value)
        session.add(push)
        worklist.put(world, session, Reason.UNREADABLE_PUSH, push.subject, detail="读不懂")
    with world.reading() as session:
        entry = session.scalars(select(Entry)).one()
    assert do(person(Role.DISPATCH), entry, Remedy.READ_AGAIN).status_code == 303
    with world.reading() as session:
        assert session.scalars(select(Entry.settled_at)).one() is not None
    drain(world)
    with world.reading() as session:
        assert session.scalars(select(Entry.settled_at)).one() is None


def test_the_acts_of_the_page_do_what_they_say(road, decided, person, drain):
    """Two clicks each: the entry is opened, the button is pressed."""
    clerk = person(Role.DISPATCH)
    asked = brought_back(road, decided)
    assert do(clerk, asked, Remedy.ASK).headers["location"] == LIST
    assert do(clerk, asked, Remedy.SEND_AGAIN).status_code == 303
    drain(road.world)
    assert "出件将用新订单寄出" in clerk.get(LIST).text
    road.hand_over(decided("B", slip={"detail": "鹤溪路2号"}))
    road.deliver("B", "100")
    drain(road.world)
    unknown = only(road, Reason.SIGNER_UNKNOWN)
    assert do(clerk, unknown, Remedy.RECEIVED, note="本人来电说收到").status_code == 303
    assert road.shipment("B").view is View.CLOSED
    assert verify(road.world).sound


def test_an_act_without_the_note_it_asks_for_changes_nothing_and_keeps_what_was_typed(road, decided, person):
    entry = brought_back(road, decided)
    clerk = person(Role.DISPATCH)
    asked = {"remedy": Remedy.LOST, "note": " ", "csrf": clerk.csrf}
    headers = {"HX-Request": "true", "Origin": "http://testserver"}
    answer = clerk.browser.post(f"/console/entry/{number_of(entry.id)}/do", data=asked, headers=headers)
    assert (answer.status_code, answer.headers["hx-retarget"]) == (409, "#said")
    assert "请写明怎样核实" in answer.text
    assert road.entries()


def test_who_only_supervises_sees_and_settles_nothing(road, decided, person):
    entry = brought_back(road, decided)
    supervisor = person(Role.SUPERVISOR)
    page = supervisor.get(f"/console/entry/{number_of(entry.id)}")
    assert (page.status_code, '/do"' in page.text) == (200, False)
    assert supervisor.post(f"/console/entry/{number_of(entry.id)}/do", {"remedy": "settle"}).status_code == 403
