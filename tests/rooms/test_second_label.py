"""What a voided label leaves behind: nothing of it may stick to the second one, and no word comes too late."""

import itertools
from contextlib import contextmanager
from datetime import timedelta

import pytest
from carriers import next_answers, orders
from road_steps import (
    BOOK,
    CANCEL,
    details,
    do,
    end_leases,
    entries,
    make_due,
    numbers,
    only,
    post_that_says,
    print_all,
    push,
    raw_push,
    shipments,
    sql,
    with_settings,
)
from sqlalchemy import select

from dispatch import lease
from dispatch.api.track_record import records
from dispatch.api.track_view import read_record
from dispatch.approval.case import Hold
from dispatch.approval.lodge import lodge
from dispatch.approval.release import lift
from dispatch.booking.cancel import confirm_cancelled, keep_label, void_label
from dispatch.booking.take_off import TAKEN_OFF, Then
from dispatch.errors import NotAllowedError
from dispatch.journey import Act
from dispatch.label.pages import tracking_url
from dispatch.packing.pack import pack, to_pack
from dispatch.tracking.orphans import Why, orphans
from dispatch.waybill import live_waybill
from dispatch.wiring import now
from dispatch.worklist import Reason
from workers.run import run_due

HOUR = timedelta(hours=1)
TWO = {"documents": [{"name": "许可证"}, {"name": "附件"}]}
FIRST, SECOND = "331127202611220001", "331127202611220002"


@pytest.fixture
def booked(post, drain, decided):
    """One letter with two papers, printed."""
    lodge(post.world, decided(FIRST, **TWO), "test")
    drain(post.world)
    print_all(post.world)
    return post.world


def relabel(world, drain):
    void_label(world, only(world).id, Then.BOOK_AGAIN, "clerk")
    drain(world)


def live(post):
    return [order["waybill_no"] for order in orders(post.url) if order["cancelled_at"] is None]


def link(world):
    """The token on the label that is live now."""
    with world.reading() as session:
        return tracking_url(world, live_waybill(session, only(world).id)).rpartition("/")[2]


def page(world, token):
    with world.reading() as session:
        [record] = records(world, session, [token])
    return None if record is None else read_record(world, record)


# The second label is a new one.


def test_both_orders_stand_in_the_posts_books_the_first_cancelled_and_one_live(post, booked, drain):
    first_order, [first] = only(booked).order_no, numbers(booked)
    relabel(booked, drain)
    assert [(order["order_no"], order["cancelled_at"] is None) for order in orders(post.url)] == [
        (first_order, False),
        (only(booked).order_no, True),
    ]
    assert live(post) == numbers(booked) != [first]
    calls = "SELECT operation, outcome FROM carrier_calls ORDER BY intended_at"
    with booked.begin() as session:
        said = session.connection().exec_driver_sql(calls).all()
    assert [tuple(call) for call in said] == [("020003", "Booked"), ("020006", "Told"), ("020003", "Booked")]


def test_every_paper_must_be_scanned_anew_into_the_envelope_with_the_second_label(booked, drain):
    with booked.reading() as session:
        [(code, number), _] = to_pack(session)
    assert not pack(booked, code, number, "clerk").complete
    relabel(booked, drain)
    print_all(booked)
    with booked.reading() as session:
        assert len(to_pack(session)) == 2
    with pytest.raises(Exception, match="没有运单号"):
        pack(booked, code, number, "clerk")


def test_the_link_on_the_torn_off_label_leads_nowhere_and_the_new_one_to_the_letter(booked, drain):
    old = link(booked)
    assert page(booked, old) is not None
    relabel(booked, drain)
    assert page(booked, old) is None
    assert page(booked, link(booked)).waybill_no == numbers(booked)[0]


def test_news_that_came_of_the_first_number_is_nobodys_once_that_is_voided(booked, drain):
    [first] = numbers(booked)
    push(booked, raw_push(booked, first, "203", now()))
    drain(booked)
    assert only(booked).tracked == "collected"
    relabel(booked, drain)
    assert (only(booked).stage, only(booked).tracked, only(booked).signer) == ("booked", "unseen", None)
    with booked.reading() as session:
        assert [(orphan.number, orphan.why) for orphan in orphans(session, "ems")] == [(first, Why.NOBODYS_NEWS)]


def test_a_delivery_told_of_the_first_number_proves_nothing_for_the_second(booked, drain):
    push(booked, raw_push(booked, numbers(booked)[0], "704", now(), deliverCode="10"))
    drain(booked)
    relabel(booked, drain)
    print_all(booked)
    with booked.reading() as session:
        pairs = to_pack(session)
    for pair in pairs:
        pack(booked, *pair, "clerk")
    do(booked, Act.HAND_OVER, only(booked))
    drain(booked)
    assert (only(booked).stage, only(booked).tracked) == ("handed_over", "unseen")


# The carrier's word, and a person's, in either order.


@contextmanager
def post_meanwhile(world, deed):
    """A post that books and cancels; `deed` happens while the first cancelling is under way."""
    counted, cancellings = itertools.count(1), []

    def say(interface):
        if interface == "020003":
            return 200, {"waybillNo": f"110000000000{next(counted)}"}
        cancellings.append(interface)
        if len(cancellings) == 1:
            deed(there)
        return 200, {}

    with post_that_says(world, say) as there:
        yield there, cancellings


def voided_under(there, drain, decided):
    lodge(there, decided(), "test")
    drain(there)
    void_label(there, only(there).id, Then.BOOK_AGAIN, "clerk")


def test_kept_by_a_person_while_the_carrier_was_cancelling_the_dead_number_does_not_stay_live(world, drain, decided):
    with post_meanwhile(world, lambda there: keep_label(there, only(there).id, "clerk")) as (there, cancellings):
        voided_under(there, drain, decided)
        drain(there)
        assert (numbers(there), only(there).stage) == (["1100000000002"], "booked")
        assert len(cancellings) == 1


def test_kept_and_packed_while_the_carrier_was_cancelling_a_person_is_told(world, drain, decided):
    def keep_and_pack(there):
        keep_label(there, only(there).id, "clerk")
        for deed in (Act.PRINT, Act.PACK):
            do(there, deed, only(there))

    with post_meanwhile(world, keep_and_pack) as (there, _):
        voided_under(there, drain, decided)
        run_due(there, CANCEL)
        assert (numbers(there), only(there).stage) == (["1100000000001"], "packed")
        assert "1100000000001" in details(there, Reason.REFUSED_BY_CARRIER)[0]
        do(there, Act.HAND_OVER, only(there))
        assert Reason.REFUSED_BY_CARRIER in entries(there)  # it does not go away by itself


def test_an_answer_about_the_first_number_never_voids_the_second(world, drain, decided):
    def settle_and_void_again(there):
        confirm_cancelled(there, only(there).id, "clerk")
        run_due(there, BOOK)
        void_label(there, only(there).id, Then.BOOK_AGAIN, "clerk")

    with post_meanwhile(world, settle_and_void_again) as (there, cancellings):
        voided_under(there, drain, decided)
        drain(there)
        assert numbers(there) == ["1100000000003"]
        assert len(cancellings) == 2  # the second number was taken back by a word of its own


def test_killed_before_a_word_was_said_the_cancelling_is_said_after_all(post, booked, drain):
    void_label(booked, only(booked).id, Then.BOOK_AGAIN, "clerk")
    assert lease.claim(booked, CANCEL, 1)
    end_leases(booked)
    drain(booked)
    assert len(live(post)) == 1
    assert live(post) == numbers(booked)


def test_silence_upon_silence_tells_a_person_and_the_clear_answer_settles_the_entry(post, booked, drain):
    patient = with_settings(booked, job_retry_first=HOUR, job_retry_cap=HOUR)
    void_label(patient, only(patient).id, Then.BOOK_AGAIN, "clerk")
    next_answers(post.url, *["error_after", "garbage"] * 3)
    for _ in range(6):
        make_due(patient, CANCEL)
        run_due(patient, CANCEL)
    assert only(patient).stage == "cancelling"
    assert Reason.NOT_CANCELLED in entries(patient)
    make_due(patient, CANCEL)
    drain(patient)
    assert (numbers(patient), entries(patient)) == (live(post), [])


def test_a_number_that_is_being_cancelled_can_be_neither_printed_nor_packed(booked):
    with booked.reading() as session:
        [(code, number), _] = to_pack(session)
    void_label(booked, only(booked).id, Then.BOOK_AGAIN, "clerk")
    with pytest.raises(NotAllowedError):
        pack(booked, code, number, "clerk")
    with pytest.raises(NotAllowedError):
        do(booked, Act.PRINT, only(booked))


@pytest.mark.parametrize(
    "stage", ["gathering", "to_book", "booking", "in_doubt", "refused", "packed", "cancelling", "closed", "cancelled"]
)
def test_a_label_is_voided_only_where_there_is_one_on_the_table(booked, stage):
    sql(booked, "UPDATE shipments SET stage = :stage", stage=stage)
    with pytest.raises(NotAllowedError):
        void_label(booked, only(booked).id, Then.BOOK_AGAIN, "clerk")
    assert only(booked).stage == stage


# Nothing is sent.


def test_an_envelope_of_two_cases_is_cancelled_whole_and_each_goes_again_when_it_is_wanted(post, drain, decided):
    waiting = with_settings(post.world, item_grouping=HOUR)
    for case_no in (FIRST, SECOND):
        lodge(waiting, decided(case_no), "test")
    drain(waiting)
    make_due(waiting, "shipment.seal")
    drain(waiting)
    void_label(waiting, only(waiting).id, Then.CANCEL, "clerk")
    drain(waiting)
    assert ([row.stage for row in shipments(waiting)], live(post)) == (["cancelled"], [])
    with waiting.begin() as session:
        held = session.connection().exec_driver_sql("SELECT count(*) FROM holds WHERE lifted_at IS NULL").scalar()
    assert held == 2
    lift(waiting, SECOND, "clerk")
    drain(waiting)
    make_due(waiting, "shipment.seal")
    drain(waiting)
    assert len(numbers(waiting)) == len(live(post)) == 1
    with waiting.begin() as session:
        inside = session.connection().exec_driver_sql(
            "SELECT d.code FROM contents c JOIN documents d ON d.id = c.document_id WHERE NOT c.void"
        )
        assert all(code.startswith(SECOND) for code in inside.scalars())
    assert len({row.order_no for row in shipments(waiting)}) == 2


def test_a_cancelled_case_says_why_it_waits(booked, drain):
    void_label(booked, only(booked).id, Then.CANCEL, "clerk")
    drain(booked)
    with booked.reading() as session:
        assert booked.vault.open(session.scalars(select(Hold)).one(), "reason") == TAKEN_OFF
