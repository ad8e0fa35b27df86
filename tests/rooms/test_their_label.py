"""A post that accepts only its own label: it is fetched, kept, and printed as it is among our own sheets."""

import base64
import io
import itertools
from dataclasses import replace

import pypdfium2 as pdfium
import pytest
from carriers import next_answers, own_people
from road_steps import (
    details,
    entries,
    make_due,
    only,
    post_that_says,
    print_all,
    settle_all,
    shipments,
    sql,
    with_account,
)
from sqlalchemy import select

from dispatch import jobs
from dispatch.approval.lodge import lodge
from dispatch.booking.cancel import void_label
from dispatch.booking.route import set_route
from dispatch.booking.take_off import Then
from dispatch.call import CarrierCall
from dispatch.errors import NotFoundError
from dispatch.jobs import on_lane
from dispatch.label.print_sheets import print_sheets, to_print
from dispatch.label.sheet import SheetSize
from dispatch.label.their_label import TheirLabel
from dispatch.shipment import FETCH_LABEL
from dispatch.waybill import live_waybill
from dispatch.worklist import Reason
from tests.rooms.printed_page import read_pages
from workers.run import run_due

FETCH = on_lane(FETCH_LABEL, "ems")
SECOND = "331127202611220002"


@pytest.fixture
def insisting(post):
    """A service whose EMS account insists on the post's own label."""
    return with_account(post.world, prints_own_label=True)


def booked(world, *cases):
    """Booked, and nothing fetched yet."""
    for case in cases:
        lodge(world, case, "test")
    run_due(world, "case.gather")
    for lane in world.carriers:
        run_due(world, on_lane("shipment.book", lane))
    assert {row.stage for row in shipments(world)} == {"booked"}


def labels(world):
    with world.reading() as session:
        return list(session.scalars(select(TheirLabel)))


def number_of(world, shipment):
    with world.reading() as session:
        return live_waybill(session, shipment.id).number


def blank_pdf():
    page = pdfium.PdfDocument.new()
    page.new_page(200, 300)
    written = io.BytesIO()
    page.save(written)
    return written.getvalue()


def printed(world, chosen, size=SheetSize.TWO_PART_LONG):
    return read_pages(print_sheets(world, chosen, size, "clerk"), ink=False)


def test_the_posts_own_label_is_printed_with_its_own_size_and_the_letter_counts_as_printed(insisting, drain, decided):
    booked(insisting, decided())
    run_due(insisting, FETCH)
    [page] = printed(insisting, [only(insisting).id])
    assert number_of(insisting, only(insisting)) in page.text
    assert "EMSSANDBOX" in page.text
    assert (round(page.width_mm), round(page.height_mm)) == (76, 130)
    assert (only(insisting).stage, only(insisting).prints) == ("printed", 1)


def test_kept_it_names_nobody_in_the_clear_and_is_fetched_once(insisting, drain, decided):
    booked(insisting, decided())
    for _ in range(3):
        with insisting.begin() as session:
            jobs.leave(session, FETCH_LABEL, only(insisting).subject, lane="ems")
        run_due(insisting, FETCH)
    [kept] = labels(insisting)
    assert b"%PDF" not in kept.pdf
    assert len(label_calls(insisting)) == 1


def label_calls(world):
    with world.reading() as session:
        return session.scalars(select(CarrierCall.outcome).where(CarrierCall.operation == "010004")).all()


def test_before_it_is_there_nothing_is_printed_and_the_clerk_is_told_what_is_missing(insisting, drain, decided):
    booked(insisting, decided())
    with pytest.raises(NotFoundError, match="还没有取到"):
        printed(insisting, [only(insisting).id])
    assert (only(insisting).stage, only(insisting).prints) == ("booked", 0)
    run_due(insisting, FETCH)
    assert len(printed(insisting, [only(insisting).id])) == 1


def test_ours_and_theirs_are_bound_in_the_order_that_was_chosen(insisting, tmp_path, drain, decided):
    with own_people(tmp_path) as (_, carrier):
        world = replace(insisting, carriers={**insisting.carriers, "by_hand": carrier})
        set_route(world, "浙江省/丽水市", "", "by_hand", "clerk")
        far = {"city": "杭州市", "county": "上城区", "town": "小营街道"}
        cases = [
            decided(f"33112720261122000{n}", slip={"detail": f"{n}号", **(far if n % 2 else {})}) for n in range(4)
        ]
        booked(world, *cases)
        run_due(world, FETCH)
        with world.reading() as session:
            chosen = to_print(session)[::-1]
        pages = printed(world, chosen)
        by_id = {row.id: row for row in shipments(world)}
        for place, page in zip(chosen, pages, strict=True):
            assert number_of(world, by_id[place]) in page.text
            assert ("EMSSANDBOX" in page.text) == (by_id[place].carrier == "ems")
        assert {(row.carrier, row.stage) for row in shipments(world)} == {("ems", "printed"), ("by_hand", "printed")}


@pytest.mark.parametrize("fault", ["unavailable", "lost_before", "garbage", "wrong_type", "throttled", "drip"])
def test_whatever_becomes_of_the_answer_the_label_is_there_in_the_end(post, insisting, drain, decided, fault):
    booked(insisting, decided())
    next_answers(post.url, fault)
    run_due(insisting, FETCH)
    sql(insisting, "UPDATE breakers SET open_until = now() WHERE open_until IS NOT NULL")
    make_due(insisting, FETCH)
    drain(insisting)
    assert len(labels(insisting)) == 1
    assert len(printed(insisting, [only(insisting).id])) == 1


def test_a_refused_label_comes_before_a_person_and_is_not_asked_for_for_ever(world, drain, decided):
    def say(code):
        return 200, {"retCode": "SBX9", "retMsg": "无此单"} if code == "010004" else {"waybillNo": "1100000000001"}

    with post_that_says(world, say) as there:
        insisting = with_account(there, prints_own_label=True, refused_codes=("SBX9",))
        booked(insisting, decided())
        drain(insisting)
        assert entries(insisting) == [Reason.REFUSED_BY_CARRIER]
        assert label_calls(insisting) == ["Refused"]


def test_a_busy_post_is_asked_for_the_label_again_until_it_draws_it(world, drain, decided):
    """Any failure taken for a refusal would end the fetching: the letter could never be printed."""
    drawn = {"retCode": "00000", "retBody": base64.encodebytes(b"%PDF-1.7 their label").decode()}
    label_answers = iter([{"retCode": "B9999", "retMsg": "系统繁忙"}] * 2 + [drawn])

    def say(code):
        return 200, next(label_answers) if code == "010004" else {"waybillNo": "1100000000001"}

    with post_that_says(world, say) as there:
        insisting = with_account(there, prints_own_label=True)
        booked(insisting, decided())
        for _ in range(3):
            make_due(insisting, FETCH)
            run_due(insisting, FETCH)
        assert sorted(label_calls(insisting)) == ["InDoubt", "InDoubt", "Told"]
        assert (len(labels(insisting)), entries(insisting)) == (1, [])


@pytest.fixture
def refusing(world):
    """A post that gives a new number for each order, and refuses the label until `drawn` is set."""
    numbered, drawn = itertools.count(1), []

    def say(code):
        if code == "020003":
            return 200, {"waybillNo": f"11000000000{next(numbered):02}"}
        if code != "010004":
            return 200, {}
        return 200, drawn[0] if drawn else {"retCode": "SBX9", "retMsg": "无此单"}

    with post_that_says(world, say) as there:
        yield with_account(there, prints_own_label=True, refused_codes=("SBX9",)), drawn


def test_a_second_numbers_refused_label_is_seen_also_where_the_firsts_was_settled(refusing, drain, decided):
    world, _ = refusing
    booked(world, decided())
    drain(world)
    settle_all(world, Reason.REFUSED_BY_CARRIER)
    void_label(world, only(world).id, Then.BOOK_AGAIN, "clerk")
    drain(world)
    assert entries(world) == [Reason.REFUSED_BY_CARRIER]
    assert number_of(world, only(world)) in details(world, Reason.REFUSED_BY_CARRIER)[-1]


def test_printing_asks_again_for_a_label_that_was_refused_and_prints_it_when_it_is_there(refusing, drain, decided):
    """Refused once, it was never asked for again: the letter could never be printed."""
    world, drawn = refusing
    booked(world, decided())
    drain(world)
    settle_all(world, Reason.REFUSED_BY_CARRIER)
    with pytest.raises(NotFoundError, match="已再去取"):
        printed(world, [only(world).id])
    drain(world)
    assert entries(world) == [Reason.REFUSED_BY_CARRIER]  # a refusal after the settling is another
    drawn.append({"retCode": "00000", "retBody": base64.b64encode(blank_pdf()).decode()})
    with pytest.raises(NotFoundError):
        printed(world, [only(world).id])
    drain(world)
    assert len(printed(world, [only(world).id])) == 1


def test_printing_what_needs_no_label_of_theirs_asks_for_none(post, drain, decided):
    booked(post.world, decided())
    printed(post.world, [only(post.world).id])
    drain(post.world)
    assert label_calls(post.world) == []


def test_a_second_label_is_fetched_for_the_second_number(insisting, drain, decided):
    booked(insisting, decided())
    drain(insisting)
    first = number_of(insisting, only(insisting))
    print_all(insisting)
    void_label(insisting, only(insisting).id, Then.BOOK_AGAIN, "clerk")
    drain(insisting)
    second = number_of(insisting, only(insisting))
    assert second != first
    [page] = printed(insisting, [only(insisting).id])
    assert second in page.text
    assert first not in page.text
