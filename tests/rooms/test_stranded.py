"""Work for a carrier that the settings do not name any more: nobody does it, so a person must see it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from carriers import own_people
from road_steps import details, do, entries, make_due, only, print_all, settle_all, sql, with_settings
from sqlalchemy import func, select

from dispatch import jobs
from dispatch.api.track_record import records
from dispatch.api.track_view import read_record
from dispatch.approval.lodge import lodge
from dispatch.booking.cancel import reroute
from dispatch.booking.doubt import adopt_by_hand
from dispatch.booking.route import set_route
from dispatch.errands.report import PUSH
from dispatch.errors import NotFoundError
from dispatch.jobs import Job, JobFailure, on_lane
from dispatch.journey import Act
from dispatch.label.pages import tracking_url
from dispatch.label.print_sheets import print_sheets
from dispatch.label.sheet import SheetSize
from dispatch.packing.hand_over import hand_over, posting_list
from dispatch.packing.pack import pack, to_pack
from dispatch.waybill import live_waybill
from dispatch.worklist import Reason
from dispatch.zero_visits.story import story
from tests.rooms.printed_page import read_pages
from workers.clock import tick
from workers.jobs import JOBS
from workers.run import run_due

BOOK = on_lane("shipment.book", "by_hand")
DAY = timedelta(days=1)


@pytest.fixture
def both(post, tmp_path, decided):
    """A service with China Post and the centre's own people, who have one envelope to book."""
    with own_people(tmp_path) as (_, carrier):
        world = replace(post.world, carriers={**post.world.carriers, "by_hand": carrier})
        set_route(world, "", "", "by_hand", "clerk")
        lodge(world, decided(), "test")
        run_due(world, "case.gather")
        yield world


@pytest.fixture
def without(both):
    """The same service after somebody took the account out of the settings."""
    gone = replace(both, carriers={"ems": both.carriers["ems"]})
    return with_settings(gone, job_retry_cap=DAY)


def open_jobs(world, name):
    with world.reading() as session:
        return len(session.scalars(select(Job.id).where(Job.name == name, Job.done_at.is_(None))).all())


def test_a_person_is_told_once_which_carrier_is_gone_and_the_work_stays(without):
    for _ in range(3):
        tick(without)
    assert entries(without) == [Reason.JOB_STUCK]
    assert "by_hand" in details(without, Reason.JOB_STUCK)[0]
    assert open_jobs(without, BOOK) == 1


def test_no_bell_rings_for_nobody(without):
    without.bell.rung.clear()
    tick(without)
    assert BOOK not in without.bell.rung


def test_the_account_is_back_and_the_entry_settles_itself_and_the_work_goes_on(both, without):
    tick(without)
    tick(both)
    assert (entries(both), entries(both, settled=True)) == ([], [Reason.JOB_STUCK])
    run_due(both, BOOK)
    assert only(both).stage == "booked"


def test_settled_by_a_person_and_still_stranded_it_is_shown_again_after_a_rest(without):
    tick(without)
    settle_all(without, Reason.JOB_STUCK)
    tick(without)
    assert entries(without) == []
    later = replace(without, now=lambda: without.now() + 2 * DAY)
    tick(later)
    assert entries(later) == [Reason.JOB_STUCK]


def test_sent_with_another_carrier_the_envelope_is_booked_there_and_nothing_stays_stranded(without, drain):
    tick(without)
    reroute(without, only(without).id, "ems", "clerk")
    assert open_jobs(without, BOOK) == 0
    tick(without)
    assert entries(without) == []
    run_due(without, on_lane("shipment.book", "ems"))
    assert (only(without).carrier, only(without).stage) == ("ems", "booked")


def test_an_entry_about_another_kind_of_stuck_work_is_left_alone(without, both):
    tick(without)
    sql(both, "UPDATE worklist SET subject = 'shipment:1'")
    tick(both)
    assert entries(both) == [Reason.JOB_STUCK]


# Whoever comes upon it.


def job_of(world, name):
    with world.reading() as session:
        return session.scalars(select(Job).where(Job.name == name, Job.done_at.is_(None))).one()


def test_a_worker_that_takes_up_such_work_puts_it_off_with_the_reason_and_tells_a_person(without):
    for _ in range(7):
        make_due(without, BOOK)
        run_due(without, BOOK)
    job = job_of(without, BOOK)
    assert (job.attempts, "by_hand" in without.vault.open(job, "last_error")) == (0, True)
    with without.reading() as session:
        assert session.scalar(select(Job.next_at > func.now() + DAY / 2).where(Job.id == job.id))
        assert session.scalar(select(func.count()).select_from(JobFailure)) == 0
    assert (entries(without), only(without).stage) == ([Reason.JOB_STUCK], "to_book")


def test_put_off_it_still_counts_as_stranded_however_far_its_time_is(without):
    run_due(without, BOOK)
    sql(without, "UPDATE jobs SET next_at = now() + interval '1 day'")
    tick(without)
    assert entries(without) == [Reason.JOB_STUCK]


SPEAKING = sorted(kind.name for kind in JOBS.values() if kind.speaks and kind.name != PUSH)


@pytest.mark.parametrize("kind", SPEAKING)
def test_work_left_with_another_carrier_for_such_an_envelope_ends_there_without_a_stumble(without, kind):
    """It was rerouted, and then the account went: what was left on the first carrier's lane is nobody's."""
    with without.begin() as session:
        jobs.leave(session, kind, only(without).subject, lane="ems")
    run_due(without, on_lane(kind, "ems"))
    assert open_jobs(without, on_lane(kind, "ems")) == 0
    assert open_jobs(without, BOOK) == 1
    with without.reading() as session:
        assert session.scalar(select(func.count()).select_from(JobFailure)) == 0


# What is on paper and on the screen.


@pytest.fixture
def numbered(both):
    """The envelope has its number."""
    run_due(both, BOOK)
    assert only(both).stage == "booked"
    return both


def test_its_label_is_not_printed_and_the_clerk_reads_which_envelope_and_why(numbered, without):
    letter = only(without)
    with pytest.raises(NotFoundError, match=f"{letter.order_no}.*by_hand"):
        print_sheets(without, [letter.id], SheetSize.ONE_PART, "clerk")
    assert only(without).stage == "booked"


def test_its_posting_list_is_printed_again_under_the_name_that_is_stored(numbered, without):
    print_all(numbered)
    with numbered.reading() as session:
        [(code, number)] = to_pack(session)
    pack(numbered, code, number, "clerk")
    made = hand_over(numbered, "by_hand", "clerk")
    assert all("by_hand" in page.text for page in read_pages(posting_list(without, made), ink=False))


def test_its_story_and_its_page_are_still_told(numbered, without):
    assert any("by_hand" in line.words for line in story(without, "331127202611220001").lines)
    with without.reading() as session:
        token = tracking_url(without, live_waybill(session, only(without).id)).rpartition("/")[2]
        [record] = records(without, session, [token])
    assert read_record(without, record).carrier == "by_hand"


def test_a_number_told_by_telephone_cannot_be_checked_and_is_refused_in_words(without):
    for deed in (Act.INTEND, Act.DOUBT):
        do(without, deed, only(without))
    with pytest.raises(NotFoundError, match="by_hand"):
        adopt_by_hand(without, only(without).id, "GB0000000018", "clerk")
    assert only(without).stage == "in_doubt"
