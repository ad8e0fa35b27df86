"""Each kind of exception before the post has the letter, and of cases that wait: its acts, as a page offers them."""

import re

import pytest
from sqlalchemy import select

from dispatch import worklist
from dispatch.approval.case import Case, open_hold
from dispatch.approval.lodge import lodge
from dispatch.approval.release import set_policy
from dispatch.audit import AuditEntry, verify
from dispatch.journey import Act, Stage
from dispatch.shipment import Shipment, act, lock
from dispatch.staff.role import Role
from dispatch.worklist import Entry, Reason
from dispatch.world import World
from dispatch.zero_visits.put_right.remedy import Remedy
from dispatch.zero_visits.settle import number_of
from tests.rooms.road_steps import SETTLE_DOUBT, make_due, numbers, only, phone, with_account


def entry(world: World) -> Entry:
    with world.reading() as session:
        return session.scalars(select(Entry).where(Entry.settled_at.is_(None))).one()


def offered(clerk, found: Entry) -> list[str]:
    page = clerk.get(f"/console/entry/{number_of(found.id)}").text
    return re.findall(r'name="remedy" value="(\w+)"', page)


def press(clerk, found: Entry, remedy: Remedy, **told: str) -> None:
    page = clerk.get(f"/console/entry/{number_of(found.id)}").text
    shown = re.search(r'name="shown" value="([^"]*)"', page)[1]
    done = clerk.post(f"/console/entry/{number_of(found.id)}/do", {"remedy": remedy, "shown": shown, **told})
    assert done.status_code == 303, done.text


@pytest.fixture
def in_doubt(post, drain, decided) -> World:
    """Whether the post has the order nobody knows, and it cannot be asked."""
    world = with_account(post.world, repeats_are_idempotent=False)
    lodge(world, decided(slip=phone(23)), "test")
    drain(world)
    make_due(world, SETTLE_DOUBT)
    drain(world)
    assert only(world).stage == Stage.IN_DOUBT
    return world


@pytest.fixture
def refused(in_doubt) -> World:
    with in_doubt.begin() as session:
        shipment = lock(session, only_id(in_doubt))
        act(in_doubt, session, shipment, Act.REFUSE)
        worklist.put(in_doubt, session, Reason.REFUSED_BY_CARRIER, shipment.subject, cause="x", detail="超出范围")
    return in_doubt


def only_id(world: World):
    with world.reading() as session:
        return session.scalars(select(Shipment.id)).one()


def test_a_number_that_the_post_told_by_telephone_is_adopted(in_doubt, person):
    clerk, found = person(Role.DISPATCH), entry(in_doubt)
    assert offered(clerk, found)[-4:] == ["adopt", "never_placed", "call_off", "settle"]
    press(clerk, found, Remedy.ADOPT, waybill=" 1100000000042 ")
    assert (only(in_doubt).stage, numbers(in_doubt)) == (Stage.BOOKED, ["1100000000042"])
    assert "已认下运单号 1100000000042" in clerk.get("/console/queue/to_print").text


def test_a_number_that_cannot_be_the_posts_is_refused_and_stays_in_the_form(in_doubt, person):
    clerk, found = person(Role.DISPATCH), entry(in_doubt)
    answer = clerk.post(f"/console/entry/{number_of(found.id)}/do", {"remedy": Remedy.ADOPT, "waybill": "42"})
    assert (answer.status_code, "不是" in answer.text) == (409, True)
    assert only(in_doubt).stage == Stage.IN_DOUBT


def test_what_was_never_placed_is_placed_again(in_doubt, person):
    press(person(Role.DISPATCH), entry(in_doubt), Remedy.NEVER_PLACED)
    assert only(in_doubt).stage == Stage.TO_BOOK


def test_what_was_refused_is_booked_anew_under_another_order(refused, person):
    before = only(refused).order_no
    with refused.begin() as session:
        doubt = session.scalars(select(Entry).where(Entry.reason == Reason.BOOKING_IN_DOUBT)).one()
        assert doubt.settled_at is not None  # the refusal was a movement
    clerk, found = person(Role.DISPATCH), entry(refused)
    assert offered(clerk, found) == ["book_again", "call_off", "settle"]
    press(clerk, found, Remedy.BOOK_AGAIN)
    assert only(refused).stage == Stage.TO_BOOK
    assert only(refused).order_no != before


def test_what_was_refused_is_called_off_and_its_case_waits(refused, person):
    press(person(Role.DISPATCH), entry(refused), Remedy.CALL_OFF)
    assert only(refused).stage == Stage.CANCELLED
    with refused.reading() as session:
        assert open_hold(session, session.scalars(select(Case.id)).one()) is not None


def test_a_booking_that_the_post_has_not_cancelled_is_kept_by_a_person(post, decided, drain, person):
    lodge(post.world, decided(), "test")
    drain(post.world)
    with post.world.begin() as session:
        shipment = lock(session, only_id(post.world))
        act(post.world, session, shipment, Act.VOID)
        worklist.put(post.world, session, Reason.NOT_CANCELLED, shipment.subject, cause="x", detail="电话告知")
    clerk, found = person(Role.DISPATCH), entry(post.world)
    assert offered(clerk, found) == ["cancelled", "keep_label", "settle"]
    press(clerk, found, Remedy.KEEP_LABEL)
    assert only(post.world).stage == Stage.BOOKED


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [(Reason.ON_HOLD, Remedy.LIFT), (Reason.NOT_RELEASED, Remedy.RELEASE), (Reason.PAPER_LATE, Remedy.PAPER)],
)
def test_a_case_that_waits_goes_on(post, decided, person, drain, reason, remedy):
    world = post.world
    lodge(world, decided(paper_ready=remedy is not Remedy.PAPER, hold="欠费" if remedy is Remedy.LIFT else None), "x")
    if remedy is Remedy.RELEASE:
        set_policy(world, "食品经营许可", "when_released", None)
    with world.begin() as session:
        case = session.scalars(select(Case)).one()
        worklist.put(world, session, reason, case.subject, cause="0")
    clerk, found = person(Role.DISPATCH), entry(world)
    assert offered(clerk, found) == [remedy, "settle"]
    press(clerk, found, remedy, given_by="李科员")
    drain(world)
    with world.reading() as session:
        assert session.scalars(select(Shipment.stage)).one() != Stage.GATHERING
        assert session.get_one(Entry, found.id).settled_by == "system"


def test_who_may_not_release_is_offered_no_release(world, decided, person):
    lodge(world, decided(hold="欠费"), "test")
    with world.begin() as session:
        case = session.scalars(select(Case)).one()
        worklist.put(world, session, Reason.ON_HOLD, case.subject, cause="0")
    clerk, found = person(Role.WINDOW), entry(world)
    assert offered(clerk, found) == ["settle"]
    refused = clerk.post(f"/console/entry/{number_of(found.id)}/do", {"remedy": Remedy.LIFT})
    assert refused.status_code == 403


def test_what_is_done_stands_in_the_audit_log_and_nobodys_name_does(in_doubt, person):
    press(person(Role.DISPATCH), entry(in_doubt), Remedy.NEVER_PLACED)
    with in_doubt.reading() as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.deed == "change")).all()
        details = [in_doubt.vault.open(one, "detail") for one in noted]
    assert details == ["核定从未下单"]
    assert verify(in_doubt).sound
