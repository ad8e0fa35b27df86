"""Sheets are printed in runs: a lost file is drawn again without counting; what is printed again counts."""

import pytest
from road_steps import at_once, do, only, shipments
from sqlalchemy import select

from dispatch.approval.lodge import lodge
from dispatch.audit import AuditEntry
from dispatch.batch import Outcome, items_of
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.journey import Act
from dispatch.label import SheetSize
from dispatch.label.print_run import all_came_out, draw_run, find_run, take_out
from dispatch.label.print_sheets import Wish, begin_print, print_from, print_sheets, to_print
from dispatch.label.printer import Language
from dispatch.label.thermal.labels import run_in
from dispatch.waybill import live_waybill
from tests.rooms.printed_page import read_pages
from workers.run import run_due

WISH = Wish(SheetSize.TWO_PART, "li.na")
AGAIN = Wish(SheetSize.TWO_PART, "wang.wu", "卡纸")


@pytest.fixture
def booked(post, drain, decided):
    """Three envelopes with numbers, in the order in which they are printed."""
    for number in range(3):
        lodge(post.world, decided(f"33112720261122{number:04}", slip={"detail": f"团结路{number + 1}号"}), "test")
    drain(post.world)
    with post.world.reading() as session:
        chosen = to_print(session)
    assert len(chosen) == 3
    return post.world, chosen


def outcomes(world, batch_id):
    with world.reading() as session:
        return [(item.of, item.outcome, item.copy) for item in items_of(session, batch_id)]


def noted(world):
    with world.reading() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()
        return [(row.deed, row.by, world.vault.open(row, "detail")) for row in rows]


def numbers(pdf):
    return [page.codes["Code128"] for page in read_pages(pdf, ink=False)]


def test_a_run_keeps_its_order_and_is_drawn_again_as_often_as_its_file_is_lost(booked):
    world, chosen = booked
    batch = begin_print(world, list(reversed(chosen)), WISH)
    first, second = draw_run(world, batch), draw_run(world, batch)
    assert first == second
    assert len(set(numbers(first))) == 3
    assert [of for of, _, _ in outcomes(world, batch)] == list(reversed(chosen))
    assert {(one.stage, one.prints) for one in shipments(world)} == {("printed", 1)}
    assert [(deed, by) for deed, by, _ in noted(world)] == [("print", "li.na")]


def test_what_was_printed_before_is_not_printed_again_without_a_reason_and_names_who_did(booked):
    world, chosen = booked
    begin_print(world, chosen[:1], WISH)
    batch = begin_print(world, chosen, Wish(SheetSize.TWO_PART, "wang.wu"))
    states = outcomes(world, batch)
    assert [state for _, state, _ in states] == [Outcome.DONE, Outcome.DONE, Outcome.ALREADY]
    assert states[-1][0] == chosen[0]
    with pytest.raises(ConflictError, match=r"li\.na.*补打"):
        begin_print(world, chosen[:1], Wish(SheetSize.TWO_PART, "wang.wu"))
    assert {one.prints for one in shipments(world)} == {1}


def test_a_reprint_has_a_reason_is_counted_bears_its_mark_and_stands_in_the_audit_log(booked):
    world, chosen = booked
    begin_print(world, chosen[:1], WISH)
    batch = begin_print(world, chosen[:1], AGAIN)
    [page] = read_pages(draw_run(world, batch), ink=False)
    assert "补打1" in page.text
    again = begin_print(world, chosen[:1], AGAIN)
    assert "补打2" in read_pages(draw_run(world, again), ink=False)[0].text
    assert "补打1" in read_pages(draw_run(world, batch), ink=False)[0].text  # the earlier run is as it was
    assert [(deed, by, words) for deed, by, words in noted(world) if deed == "reprint"] == [
        ("reprint", "wang.wu", "补打 1：卡纸"),
        ("reprint", "wang.wu", "补打 2：卡纸"),
    ]


def test_two_who_print_one_envelope_at_once_print_one_sheet_without_a_mark(booked):
    world, chosen = booked

    def attempt(by):
        try:
            return begin_print(world, chosen[:2], Wish(SheetSize.TWO_PART, by))
        except ConflictError:
            return None

    made = at_once([lambda by=by: attempt(by) for by in ("li.na", "wang.wu", "zhao.liu")])
    states = [state for batch in made for _, state, _ in outcomes(world, batch)]
    assert states.count(Outcome.DONE) == 2
    assert states.count(Outcome.ALREADY) == 4
    assert sorted(one.prints for one in shipments(world)) == [0, 1, 1]


def test_from_the_nth_again_is_a_run_of_its_own_and_answers_the_first(booked):
    world, chosen = booked
    batch = begin_print(world, chosen, WISH)
    again = print_from(world, batch, 2, AGAIN)
    assert [(of, copy) for of, _, copy in outcomes(world, again)] == [(chosen[1], 1), (chosen[2], 1)]
    pages = read_pages(draw_run(world, again), ink=False)
    assert all("补打1" in page.text for page in pages)
    with world.reading() as session:
        answered = find_run(session, batch)
        assert (answered.came_out, answered.answered_by) == (1, "wang.wu")
        assert find_run(session, again).again_of == batch
    assert sorted(one.prints for one in shipments(world)) == [1, 2, 2]


def test_each_file_of_a_run_is_noted_and_after_the_answer_there_is_none(booked):
    """Full sheets without 补打 came out as often as one liked, and nothing was written down of it."""
    world, chosen = booked
    batch = begin_print(world, chosen, WISH)
    assert take_out(world, batch, "li.na") == run_in(world, batch, "wang.wu") == draw_run(world, batch)
    run_in(world, batch, "wang.wu", Language.ZPL)
    assert [one for one in noted(world) if one[0] == "export"] == [
        ("export", "li.na", "面单文件（PDF）"),
        ("export", "wang.wu", "面单文件（PDF）"),
        ("export", "wang.wu", "面单文件（ZPL）"),
    ]
    all_came_out(world, batch, "li.na")
    before = noted(world)
    for language in (None, *Language):
        with pytest.raises(ConflictError, match=r"li\.na.*3 张.*补打"):
            run_in(world, batch, "wang.wu", language)
    assert noted(world) == before


def test_what_went_on_from_the_nth_is_the_only_run_that_has_a_file(booked):
    world, chosen = booked
    batch = begin_print(world, chosen, WISH)
    again = print_from(world, batch, 2, AGAIN)
    with pytest.raises(ConflictError, match="补打"):
        take_out(world, batch, "li.na")
    assert len(numbers(take_out(world, again, "li.na"))) == 2


def test_of_an_answered_run_that_was_packed_since_it_is_the_answer_that_is_told(booked):
    world, chosen = booked
    batch = begin_print(world, chosen[:1], WISH)
    all_came_out(world, batch, "li.na")
    do(world, Act.PACK, next(one for one in shipments(world) if one.id == chosen[0]))
    with pytest.raises(ConflictError, match="补打"):
        take_out(world, batch, "li.na")


def test_of_two_who_answer_the_second_is_told_who_was_first_and_prints_nothing(booked):
    world, chosen = booked
    batch = begin_print(world, chosen, WISH)
    all_came_out(world, batch, "li.na")
    with pytest.raises(ConflictError, match=r"li\.na.*3 张"):
        print_from(world, batch, 2, AGAIN)
    with pytest.raises(ConflictError, match=r"li\.na"):
        all_came_out(world, batch, "wang.wu")
    assert {one.prints for one in shipments(world)} == {1}


@pytest.mark.parametrize("nth", [0, 4, -1])
def test_a_run_has_no_sheet_beyond_its_own(booked, nth):
    world, chosen = booked
    batch = begin_print(world, chosen, WISH)
    with pytest.raises(NotAllowedError, match="共 3 张"):
        print_from(world, batch, nth, AGAIN)


def test_from_the_nth_needs_a_reason(booked):
    world, chosen = booked
    batch = begin_print(world, chosen, WISH)
    with pytest.raises(NotAllowedError, match="原因"):
        print_from(world, batch, 1, WISH)


def test_one_bad_sheet_keeps_nobody_back_and_says_what_is_wrong(booked):
    world, chosen = booked
    with world.begin() as session:
        live_waybill(session, chosen[1]).sorting_code = "😀"
    batch = begin_print(world, chosen, WISH)
    with world.reading() as session:
        items = items_of(session, batch)
    assert [(item.of, item.outcome) for item in items] == [
        (chosen[0], Outcome.DONE),
        (chosen[2], Outcome.DONE),
        (chosen[1], Outcome.FAILED),
    ]
    assert "分拣码" in items[-1].words
    assert sorted((one.stage, one.prints) for one in shipments(world)) == [
        ("booked", 0),
        ("printed", 1),
        ("printed", 1),
    ]
    with pytest.raises(Exception, match="分拣码"):
        print_sheets(world, chosen[1:2], SheetSize.TWO_PART, "li.na")


def test_what_was_packed_meanwhile_is_not_drawn_again(booked):
    """Its sheet would lie about once more, without anybody having asked for it."""
    world, chosen = booked
    batch = begin_print(world, chosen, WISH)
    [packed] = [one for one in shipments(world) if one.id == chosen[0]]
    do(world, Act.PACK, packed)
    assert len(numbers(draw_run(world, batch))) == 2
    for one in shipments(world):
        if one.stage == "printed":
            do(world, Act.PACK, one)
    with pytest.raises(ConflictError, match="都已封装"):
        draw_run(world, batch)


def test_a_packed_envelope_is_told_where_it_is(booked):
    world, chosen = booked
    begin_print(world, chosen[:1], WISH)
    do(world, Act.PACK, shipments(world)[0])
    with pytest.raises(NotAllowedError, match="不能"):
        begin_print(world, chosen[:1], AGAIN)


def test_an_envelope_without_a_number_is_named(world, decided):
    lodge(world, decided(), "test")
    run_due(world, "case.gather")
    with pytest.raises(NotFoundError, match="还没有运单号"):
        begin_print(world, [only(world).id], WISH)
