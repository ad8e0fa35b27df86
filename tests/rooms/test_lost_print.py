"""A print whose line was lost waits for a person in 待处理, is seen by who may, and goes on from the count."""

import pytest
from road_steps import entries, shipments
from sqlalchemy import select
from test_printers import added, booked, job_of, printing_on

from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.label.print_run import all_came_out, find_run
from dispatch.label.printer import SEND, PrintJob, State, remove_printer
from dispatch.queues.filters import Filters
from dispatch.queues.look import counts
from dispatch.queues.needs import entry_in, needs
from dispatch.queues.queue import Queue, Scope
from dispatch.worklist import Entry, Reason
from dispatch.zero_visits.put_right.remedy import Remedy, about, remedies
from dispatch.zero_visits.put_right.solve import Told, solve
from dispatch.zero_visits.settle import number_of
from sandbox.printer import Fault, running_printer
from workers.run import run_due

__all__ = ["booked"]
CLERK = "li.na"


@pytest.fixture
def lost(booked):
    """Three sheets whose line was cut, and the printer, which works again."""
    world, chosen = booked
    with running_printer(Fault.CUT) as printer:
        batch = printing_on(world, chosen, added(world, printer.port))
        run_due(world, SEND)
        printer.fault = Fault.NONE
        yield world, batch, printer


def number_in(world) -> str:
    with world.reading() as session:
        return number_of(session.scalars(select(Entry.id).where(Entry.reason == Reason.PRINT_UNKNOWN)).one())


def count(world, sheets: str) -> str:
    return solve(world, number_in(world), Remedy.COUNT_SHEETS, CLERK, Told(note="断线", sheets=sheets))


def test_it_is_on_the_worklist_with_its_printer_and_its_acts(lost):
    world, _, _ = lost
    assert entries(world) == [Reason.PRINT_UNKNOWN]
    [row] = needs(world, Scope(), Filters(), CLERK).rows
    assert "一号机" in row.detail
    assert "共 3 张，确知收到 0 张" in row.detail
    with world.reading() as session:
        offered = remedies(world, session, about(session, entry_in(world, Scope(), number_in(world))))
    assert offered == (Remedy.COUNT_SHEETS, Remedy.SETTLE)


def test_what_did_not_come_out_is_printed_again_on_the_same_printer_and_it_is_settled(lost):
    world, batch, printer = lost
    assert "正在补打" in count(world, "1")
    run_due(world, SEND)
    assert [told.count(b"^XZ") for told in printer.jobs] == [2]
    assert sorted(one.prints for one in shipments(world)) == [1, 2, 2]
    assert entries(world) == []
    with world.reading() as session:
        assert find_run(session, batch).came_out == 1


def test_where_all_came_out_nothing_is_printed_and_it_is_settled(lost):
    world, _, printer = lost
    assert "全部打印成功" in count(world, "3")
    run_due(world, SEND)
    assert (printer.jobs, entries(world)) == ([], [])


def test_answered_on_the_page_of_the_batch_it_is_settled_too(lost):
    world, batch, _ = lost
    all_came_out(world, batch, CLERK)
    assert entries(world) == []
    with world.reading() as session:
        [entry] = session.scalars(select(Entry))
    assert (entry.settled_by, world.vault.open(entry, "settlement")) == (CLERK, "清点：出了 3 张")


def test_of_a_printer_that_is_gone_the_rest_is_left_to_the_browser(lost):
    world, batch, _ = lost
    remove_printer(world, job_of(world, batch).printer_id, "admin")
    count(world, "2")
    with world.reading() as session:
        assert [one.state for one in session.scalars(select(PrintJob))] == [State.UNKNOWN]
    assert sorted(one.prints for one in shipments(world)) == [1, 1, 2]


@pytest.mark.parametrize("sheets", ["", "两张", "-1", "1000000", "7"])
def test_a_count_that_cannot_be_is_refused_and_the_entry_stays(lost, sheets):
    world, _, _ = lost
    with pytest.raises(NotAllowedError):
        count(world, sheets)
    assert entries(world) == [Reason.PRINT_UNKNOWN]


def test_whoever_sees_other_departments_neither_sees_nor_counts_it(lost):
    world, _, _ = lost
    mine, others = Scope(frozenset({"县市场监督管理局"})), Scope(frozenset({"县公安局"}))
    assert counts(world, mine, [Queue.NEEDS_A_PERSON]) == {Queue.NEEDS_A_PERSON: 1}
    assert counts(world, others, [Queue.NEEDS_A_PERSON]) == {Queue.NEEDS_A_PERSON: 0}
    assert entry_in(world, mine, number_in(world))
    with pytest.raises(NotFoundError):
        entry_in(world, others, number_in(world))
