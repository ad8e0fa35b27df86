"""One slip at the counter: masked until revealed, changed only while no carrier knows, nobody overwritten."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from dispatch.approval.amend_slip import SlipWrongError, Wanted, amend_slip
from dispatch.approval.case import Case, CaseSlip, find_case
from dispatch.approval.lodge import lodge
from dispatch.approval.release import hold
from dispatch.approval.slip_row import told_in
from dispatch.approval.slip_view import see_slip
from dispatch.booking.gather import SEAL
from dispatch.booking.order import build_order, cases_in
from dispatch.errors import ConflictError, NotFoundError
from dispatch.journey import Stage
from dispatch.reveal import Reveal, reason_of
from dispatch.shipment import Content, Shipment
from dispatch.staff.role import Role
from dispatch.worklist import Reason
from dispatch.zero_visits.story import story
from tests.rooms.road_steps import entries, make_due, numbers, post_that_says, shipments, sql, with_settings
from workers.run import run_due

LONG = {"item_grouping": timedelta(hours=1)}
CASE = "331127-2026-000001"
HERE = f"/console/case/{CASE}/slip"


def slip_of(world, case_no: str = CASE) -> dict:
    with world.reading() as session:
        case = find_case(session, case_no)
        return told_in(world, session.scalars(select(CaseSlip).where(CaseSlip.case_id == case.id)).one())


def inside(world, shipment) -> list[str]:
    with world.reading() as session:
        return [case.case_no for case in cases_in(session, shipment)]


def alive(world) -> list[Shipment]:
    return [one for one in shipments(world) if one.stage != Stage.CANCELLED]


@pytest.fixture
def gathering(world, decided):
    """Two cases of one recipient in one envelope that still gathers."""
    slow = with_settings(world, **LONG)
    for case_no in (CASE, "331127-2026-000002"):
        lodge(slow, decided(case_no=case_no), "test")
    run_due(slow, "case.gather")
    return slow


@pytest.fixture
def clerk(person):
    return person(Role.WINDOW)


def version_in(page: str) -> str:
    return re.search(r'name="version" value="([^"]+)"', page)[1]


def test_the_form_shows_nothing_whole_until_a_reason_is_given(world, clerk, decided):
    lodge(world, decided(case_no=CASE), "test")
    page = clerk.get(HERE).text
    assert "蓝小雨" not in page
    assert "13900000001" not in page
    assert "8号2幢" not in page
    assert clerk.post(f"{HERE}/reveal", {"reason": " "}).status_code == 409
    shown = clerk.post(f"{HERE}/reveal", {"reason": "本人来电核对"}).text
    assert "13900000001" in shown
    assert "蓝小雨" in shown
    with world.reading() as session:
        assert [reason_of(world, one) for one in session.scalars(select(Reveal))] == ["本人来电核对"]


def test_what_is_left_empty_stays_and_what_is_filled_in_is_changed(world, clerk, decided):
    lodge(world, decided(case_no=CASE), "test")
    before = slip_of(world)
    given = {"version": version_in(clerk.get(HERE).text), "phone": "13900000777", "way": "door"}
    assert clerk.post(HERE, given).status_code == 303
    assert slip_of(world) == before | {"phone": "13900000777"}
    assert "收件人电话" in clerk.get(HERE).text, "the record of changes names the field, not the value"
    with world.reading() as session:
        assert (
            "13900000777"
            not in session.execute(text("SELECT string_agg(fields::text, '') FROM slip_changes")).scalar()
        )


def test_an_address_on_one_line_is_read_into_its_parts(world, decided):
    lodge(world, decided(case_no=CASE), "test")
    amend_slip(world, CASE, Wanted(address="浙江省丽水市景宁县大均乡伏叶村7号"), "clerk")
    told = slip_of(world)
    assert (told["town"], told["detail"]) == ("大均乡", "伏叶村7号")
    with pytest.raises(SlipWrongError, match="地址不完整"):
        amend_slip(world, CASE, Wanted(address="某处7号"), "clerk")


def test_a_village_station_instead_of_the_door_needs_its_name(world, decided):
    lodge(world, decided(case_no=CASE), "test")
    with pytest.raises(SlipWrongError, match="写明是哪一处"):
        amend_slip(world, CASE, Wanted(way="village_station"), "clerk")
    done = amend_slip(world, CASE, Wanted(way="village_station", point="伏叶村村邮站", proxy_allowed=True), "clerk")
    assert done.fields == ("投递方式", "投递点", "可由他人代收")
    amend_slip(world, CASE, Wanted(way="door"), "clerk")
    assert slip_of(world)["point"] is None


def test_who_comes_second_is_told_who_was_first_and_overwrites_nothing(world, clerk, person, decided):
    lodge(world, decided(case_no=CASE), "test")
    other = person(Role.DISPATCH)
    seen = version_in(clerk.get(HERE).text)
    assert seen == version_in(other.get(HERE).text)
    other.post(HERE, {"version": seen, "phone": "13900000555", "way": "door"})
    late = clerk.post(HERE, {"version": seen, "recipient_name": "蓝大山", "way": "door"})
    assert late.status_code == 409
    assert "dispatch 于" in late.text
    assert "收件人电话" in late.text
    assert slip_of(world)["recipient_name"] == "蓝小雨"


def test_the_same_form_sent_twice_changes_once(world, clerk, decided):
    lodge(world, decided(case_no=CASE), "test")
    given = {"version": version_in(clerk.get(HERE).text), "phone": "13900000777", "way": "door"}
    assert clerk.post(HERE, given).status_code == 303
    assert clerk.post(HERE, given).status_code == 409, "told that it was changed, by whom: oneself"
    given["version"] = version_in(clerk.get(HERE).text)
    assert clerk.post(HERE, given).status_code == 303
    assert len(see_slip(world, CASE).changes) == 1


def test_papers_of_a_changed_slip_leave_the_envelope_that_gathers_and_the_others_go_where_they_asked(gathering):
    """The envelope had the changed case's slip: without a turn the other's paper would go to the new address."""
    amend_slip(gathering, CASE, Wanted(address="浙江省丽水市景宁县大均乡伏叶村7号"), "clerk")
    run_due(gathering, "case.gather")
    where = {}
    for shipment in alive(gathering):
        with gathering.reading() as session:
            slip = session.get_one(CaseSlip, shipment.slip_id)
        where |= dict.fromkeys(inside(gathering, shipment), slip.town)
    assert where == {CASE: "大均乡", "331127-2026-000002": "红星街道"}


def test_one_who_lies_beside_may_be_changed_too_and_both_stay_together(gathering):
    done = amend_slip(gathering, CASE, Wanted(address="浙江省丽水市景宁县大均乡伏叶村7号"), "clerk", together=True)
    assert sorted(done.case_nos) == [CASE, "331127-2026-000002"]
    run_due(gathering, "case.gather")
    [shipment] = alive(gathering)
    assert sorted(inside(gathering, shipment)) == [CASE, "331127-2026-000002"]


def test_a_later_case_for_the_old_address_does_not_join_the_envelope_that_was_left(gathering, decided):
    amend_slip(gathering, CASE, Wanted(phone="13900000777"), "clerk", together=True)
    lodge(gathering, decided(case_no="331127-2026-000003"), "test")
    run_due(gathering, "case.gather")
    found = {tuple(sorted(inside(gathering, one))): one for one in alive(gathering)}
    [old] = [one for cases, one in found.items() if cases == ("331127-2026-000003",)]
    with gathering.reading() as session:
        slip = session.get_one(CaseSlip, old.slip_id)
    assert slip_of(gathering, "331127-2026-000003")["phone"] == "13900000001"
    assert gathering.vault.open(slip, "phone") == "13900000001"


def test_an_envelope_that_a_held_case_has_left_still_goes_where_the_others_asked(gathering):
    """Its address stands in the slip of the case that left: that one is changed, and the envelope must not follow."""
    [envelope] = alive(gathering)
    with gathering.reading() as session:
        owner = session.get_one(CaseSlip, envelope.slip_id).case_id
        named = session.scalars(select(Case.case_no).where(Case.id == owner)).one()
    hold(gathering, named, "待签字", "clerk")
    make_due(gathering, SEAL)
    run_due(gathering, SEAL)
    [sealed] = alive(gathering)
    assert named not in inside(gathering, sealed)
    amend_slip(gathering, named, Wanted(address="浙江省丽水市景宁县大均乡伏叶村7号"), "clerk")
    with gathering.reading() as session:
        there = session.get_one(Shipment, sealed.id)
        assert (there.stage, session.get_one(CaseSlip, there.slip_id).town) == (Stage.TO_BOOK, "红星街道")


REFUSAL = {"retCode": "SBX202", "retMsg": "收件人地址超出投递范围", "retBody": ""}


def test_a_refused_order_goes_out_again_under_a_new_number_once_its_slip_is_mended(world, drain, decided):
    answers = iter([REFUSAL, {"waybillNo": "1100000000001"}])
    with post_that_says(world, lambda _: (200, next(answers))) as there:
        lodge(there, decided(case_no=CASE), "test")
        drain(there)
        [refused] = shipments(there)
        assert refused.stage == Stage.REFUSED
        amend_slip(there, CASE, Wanted(phone="13900000778"), "clerk")
        assert entries(there, settled=True) == [Reason.REFUSED_BY_CARRIER]
        drain(there)
        [again] = alive(there)
        assert (again.stage, numbers(there)) == (Stage.BOOKED, ["1100000000001"])
        assert again.order_no != refused.order_no
        with there.reading() as session:
            order = build_order(there, session, session.get_one(Shipment, again.id))
        assert order.recipient.phone == "13900000778"


def test_what_a_slip_said_before_stays_masked_in_the_carriers_old_words(world, drain, decided):
    told = {**REFUSAL, "retMsg": "收件人蓝小雨（13900000001）地址超出投递范围"}
    answers = iter([told, {"waybillNo": "1100000000001"}])
    with post_that_says(world, lambda _: (200, next(answers))) as there:
        lodge(there, decided(case_no=CASE), "test")
        drain(there)
        amend_slip(there, CASE, Wanted(recipient_name="雷大山", phone="13900000778"), "clerk")
        drain(there)
        lines = [line.words for line in story(there, CASE).lines]
    assert "寄递申请单改了收件人、收件人电话，经办人 clerk" in lines
    assert [line for line in lines if "地址超出投递范围" in line]
    assert not [line for line in lines if "蓝小雨" in line or "13900000001" in line]


def test_what_the_carrier_knows_is_not_changed_any_more(post, drain, decided):
    world = post.world
    lodge(world, decided(case_no=CASE), "test")
    drain(world)
    with pytest.raises(ConflictError, match="先撤销寄递"):
        amend_slip(world, CASE, Wanted(phone="13900000777"), "clerk")
    assert slip_of(world)["phone"] == "13900000001"
    with world.reading() as session:
        assert session.scalars(select(Content.void)).all() == [False]


def test_what_was_given_at_the_window_is_not_changed_any_more(world, clerk, decided):
    lodge(world, decided(case_no=CASE), "test")
    sql(world, "UPDATE cases SET given_at = now()")
    with pytest.raises(ConflictError, match="已在窗口交给"):
        amend_slip(world, CASE, Wanted(phone="13900000777"), "clerk")
    page = clerk.get(HERE).text
    assert "已在窗口交给" in page
    assert "保存申请单" not in page


def test_a_case_of_another_department_is_not_found(world, person, decided):
    lodge(world, decided(case_no=CASE), "test")
    other = person(Role.WINDOW, departments=["县公安局"])
    assert other.get(HERE).status_code == 404
    assert other.post(HERE, {"version": "0", "phone": "13900000777"}).status_code == 404
    assert other.post(f"{HERE}/reveal", {"reason": "好奇"}).status_code == 404
    assert other.post(f"{HERE}/address", {"address": "浙江省"}).status_code == 404
    with world.reading() as session:
        assert session.scalars(select(Reveal)).all() == []
    with pytest.raises(NotFoundError):
        amend_slip(world, CASE, Wanted(phone="13900000777"), "clerk", departments=["县公安局"])


def test_only_who_may_changes_a_slip(world, person, decided):
    lodge(world, decided(case_no=CASE), "test")
    assert person(Role.SUPERVISOR).get(HERE).status_code == 403
    assert person(Role.POST).get(HERE).status_code == 403


def test_the_clerk_sees_what_was_made_of_a_line_before_it_is_saved(world, clerk, decided):
    lodge(world, decided(case_no=CASE), "test")
    part = clerk.post(f"{HERE}/address", {"address": "浙江省丽水市景宁县大均乡伏叶村7号"}).text
    assert 'value="大均乡"' in part
    assert 'value="伏叶村7号"' in part
    assert "地址不完整" in clerk.post(f"{HERE}/address", {"address": "某处"}).text
