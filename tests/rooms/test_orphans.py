"""Orphans: what a carrier bills or tells of that is not ours, or no more; and calls that are kept for their time."""

import io
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import xlsxwriter
from road_steps import entries, make_due, numbers, on_the_way, only, post_that_says, print_all, push, raw_push, sql
from sf_post import by_sf, line_of, sf_post, tell
from sqlalchemy import select, text

from dispatch.approval.files.sheets import ListError
from dispatch.approval.lodge import lodge
from dispatch.booking.cancel import void_label
from dispatch.booking.take_off import Then
from dispatch.errors import NotFoundError
from dispatch.retention import BATCH, FORGET
from dispatch.tracking.orphans import Why, orphans, read_bill
from dispatch.waybill import Waybill
from dispatch.wiring import now
from dispatch.worklist import Reason
from workers.clock import leave_standing
from workers.run import run_due

NUMBER = "1100000000001"
DAY = timedelta(days=1)


def workbook(*rows):
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("账单")
        for place, row in enumerate(rows):
            sheet.write_row(place, 0, row)
    return out.getvalue()


def listed(world, carrier="ems", billed=()):
    with world.reading() as session:
        return [(one.number, one.why) for one in orphans(session, carrier, billed)]


@pytest.mark.parametrize("heading", ["运单号", "邮件号", "快递单号", "waybillNo"])
def test_a_bill_is_read_by_its_heading_wherever_that_stands(heading):
    rows = [["景宁县分公司 2026年11月账单"], ["序号", heading, "资费"], [1, NUMBER, 12.0], [2, "1100000000002", 12.0]]
    as_text = "\n".join(",".join(str(cell) for cell in row) for row in rows)
    for content, name in ((workbook(*rows), "账单.xlsx"), (as_text.encode("gb18030"), "账单.csv")):
        assert read_bill(content, name) == [NUMBER, "1100000000002"]


def test_numbers_that_a_spreadsheet_took_for_amounts_and_lines_without_one_are_read_right():
    rows = [["邮件号", "资费"], [1100000000001, 12], ["", "小计"], [1100000000001, 3], ["1100000000002 ", 12]]
    assert read_bill(workbook(*rows), "账单.xlsx") == [NUMBER, "1100000000002"]


def test_a_bill_without_numbers_says_so():
    with pytest.raises(NotFoundError, match="运单号"):
        read_bill("日期,资费\n2026-11-01,12\n".encode(), "账单.csv")
    with pytest.raises(ListError):
        read_bill(b"%PDF-1.7", "账单.pdf")


def test_a_bill_of_what_is_ours_has_no_orphans(post, drain, decided):
    on_the_way(post.world, drain, decided())
    assert listed(post.world, billed=numbers(post.world)) == []


def test_billed_although_it_was_taken_back_it_is_an_orphan_and_the_second_label_is_none(post, drain, decided):
    world = post.world
    lodge(world, decided(), "test")
    drain(world)
    first = numbers(world)[0]
    print_all(world)
    void_label(world, only(world).id, Then.BOOK_AGAIN, "clerk")
    drain(world)
    assert listed(world, billed=[first, *numbers(world), "1100000099999"]) == [
        (first, Why.VOIDED),
        ("1100000099999", Why.UNKNOWN),
    ]


def test_a_number_that_came_again_and_is_live_is_no_orphan(post, drain, decided):
    world = post.world
    on_the_way(world, drain, decided())
    with world.begin() as session:
        live = session.scalars(select(Waybill)).one()
        same = ("shipment_id", "carrier", "number", "sorting_code", "adopted_from", "token")
        said = {key: getattr(live, key) for key in same}
        earlier = {"adopted_at": now() - DAY, "voided_at": now(), "token_digest": b"another"}
        session.add(Waybill(id=uuid4(), **said, **earlier))
    assert listed(world, billed=numbers(world)) == []


def test_news_of_nobodys_parcel_are_listed_once_for_each_number(post, drain, decided):
    world = post.world
    on_the_way(world, drain, decided())
    for code in ("203", "389"):
        push(world, raw_push(world, "1100000099999", code, now(), orderNo="ZDOTHER"))
    push(world, raw_push(world, numbers(world)[0], "203", now()))
    for _ in range(3):
        make_due(world, "push.read")
        drain(world)
    assert listed(world) == [("1100000099999", Why.NOBODYS_NEWS)]
    assert listed(world, "by_hand") == []


def test_a_second_number_for_one_order_is_listed_with_the_order(world, drain, decided):
    given = iter([NUMBER, NUMBER])
    with post_that_says(world, lambda _: (200, {"waybillNo": next(given)})) as there:
        on_the_way(there, drain, decided())
        lodge(there, decided("331127202611220002", slip={"detail": "团结西路9号"}), "test")
        run_due(there, "case.gather")
        run_due(there, "shipment.book@ems")
        assert entries(there) == [Reason.TWO_NUMBERS]
        assert listed(there) == [(NUMBER, Why.SECOND_NUMBER)]
        with there.reading() as session:
            [one] = orphans(session, "ems")
        assert one.order_no == next(row for row in orders(there) if row != only_handed_over(there))


def orders(world):
    with world.reading() as session:
        return session.scalars(text("SELECT order_no FROM shipments")).all()


def only_handed_over(world):
    with world.reading() as session:
        return session.scalar(text("SELECT order_no FROM shipments WHERE stage = 'handed_over'"))


def test_the_number_for_the_way_back_is_billed_rightly(world, drain, decided):
    with sf_post(world) as (_, there):
        by_sf(there, drain, decided())
        back = "SF9000000000000"
        tell(there, line_of(numbers(there)[0], "648", now(), f"新单号为：{back}"))
        drain(there)
        assert listed(there, "sf", billed=[*numbers(there), back]) == []


# Kept for their time.


def calls(world):
    with world.reading() as session:
        return session.scalar(text("SELECT count(*) FROM carrier_calls"))


def test_calls_are_kept_for_their_time_and_not_longer(post, drain, decided):
    world = post.world
    on_the_way(world, drain, decided())
    leave_standing(world)
    kept = calls(world)
    for later, left in ((-DAY, kept), (DAY, 0)):
        moment = replace(world, now=lambda later=later: now() + world.settings.calls_kept + later)
        make_due(moment, FORGET)
        run_due(moment, FORGET)
        assert calls(world) == left
    with world.reading() as session:
        assert session.scalar(
            text("SELECT count(*) FROM jobs WHERE name = :name AND done_at IS NULL"), {"name": FORGET}
        )


def test_many_old_calls_are_erased_in_batches_oldest_first_and_the_rest_soon(post, drain, decided):
    world = post.world
    on_the_way(world, drain, decided())
    kept = calls(world)
    sql(
        world,
        "INSERT INTO carrier_calls (id, shipment_id, carrier, operation, intended_at, request)"
        " SELECT gen_random_uuid(), s.id, 'ems', '020003', now() - make_interval(days => 2000, mins => n), 'x'"
        " FROM shipments s, generate_series(1, :many) n",
        many=BATCH + 1,
    )
    leave_standing(world)
    make_due(world, FORGET)
    run_due(world, FORGET)
    assert calls(world) == kept + 1
    with world.reading() as session:
        soon = "SELECT next_at < now() + interval '1 minute' FROM jobs WHERE name = :name"
        assert session.scalar(text(soon), {"name": FORGET})
    make_due(world, FORGET)
    run_due(world, FORGET)
    assert calls(world) == kept
