"""Network printers: sent a few sheets at a time, never twice by itself; lost in the middle, a person is asked."""

import pytest
from road_steps import end_leases, make_due, shipments, sql, with_settings
from sqlalchemy import select

from dispatch.approval.lodge import lodge
from dispatch.errors import ConflictError, NotAllowedError
from dispatch.label import SheetSize
from dispatch.label.print_run import all_came_out, stop
from dispatch.label.print_sheets import Wish, begin_print, print_from, to_print
from dispatch.label.printer import (
    SEND,
    Language,
    PrinterAsked,
    PrintJob,
    State,
    add_printer,
    check_address,
    remove_printer,
)
from dispatch.label.thermal import send
from dispatch.lease import claim
from sandbox.printer import Fault, running_printer
from workers.run import run_due


@pytest.fixture
def booked(post, drain, decided):
    """Three envelopes with numbers; a printer is not waited for longer than a moment."""
    world = with_settings(post.world, printer_seconds=0.5, printer_connect_seconds=2)
    for number in range(3):
        lodge(world, decided(f"33112720261122{number:04}", slip={"detail": f"团结路{number + 1}号"}), "test")
    drain(world)
    with world.reading() as session:
        return world, to_print(session)


def added(world, port, **more):
    return add_printer(world, PrinterAsked("一号机", "127.0.0.1", port, size="76x130", **more), "admin")


def printing_on(world, chosen, printer_id, by="li.na"):
    return begin_print(world, chosen, Wish(SheetSize.ONE_PART, by, "", printer_id))


def job_of(world, batch_id):
    with world.reading() as session:
        return session.scalar(select(PrintJob).where(PrintJob.batch_id == batch_id))


@pytest.mark.parametrize("language", list(Language))
def test_a_run_is_sent_in_its_order_a_few_sheets_on_each_line(booked, monkeypatch, language):
    monkeypatch.setattr(send, "AT_ONCE", 2)
    world, chosen = booked
    with running_printer() as printer:
        batch = printing_on(world, chosen, added(world, printer.port, language=language))
        run_due(world, SEND)
    end = {Language.ZPL: b"^XZ", Language.TSPL: b"PRINT 1,1"}[language]
    assert [told.count(end) for told in printer.jobs] == [2, 1]
    assert (job_of(world, batch).state, job_of(world, batch).upto) == (State.SENT, 3)
    all_came_out(world, batch, "li.na")


def test_a_slow_printer_gets_all_of_it(booked):
    world, chosen = booked
    patient = with_settings(world, printer_seconds=30)
    with running_printer(Fault.SLOW) as printer:
        batch = printing_on(patient, chosen, added(world, printer.port))
        run_due(patient, SEND)
        assert [told.count(b"^XZ") for told in printer.jobs] == [3]
    assert job_of(world, batch).state == State.SENT


def test_a_printer_that_refuses_has_taken_nothing_and_is_tried_again_until_it_is_there(booked):
    world, chosen = booked
    with running_printer() as printer:
        port = printer.port
    batch = printing_on(world, chosen, added(world, port))
    run_due(world, SEND)
    waiting = job_of(world, batch)
    assert (waiting.state, waiting.upto) == (State.WAITING, 0)
    assert "一张也没有送出" in waiting.words
    with pytest.raises(ConflictError, match="还在往打印机送"):
        all_came_out(world, batch, "li.na")
    with running_printer(port=port) as printer:
        make_due(world, SEND)
        run_due(world, SEND)
    assert [told.count(b"^XZ") for told in printer.jobs] == [3]
    assert job_of(world, batch).state == State.SENT


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.HANG])
def test_lost_in_the_middle_it_is_unknown_how_many_came_out_and_nothing_is_sent_again_by_itself(booked, fault):
    world, chosen = booked
    with running_printer(fault) as printer:
        batch = printing_on(world, chosen, added(world, printer.port))
        run_due(world, SEND)
        lost = job_of(world, batch)
        assert (lost.state, lost.upto) == (State.UNKNOWN, 0)
        printer.fault = Fault.NONE
        make_due(world, SEND)
        run_due(world, SEND)
        assert printer.jobs == []
        again = print_from(world, batch, 2, Wish(SheetSize.ONE_PART, "li.na", "断线", lost.printer_id))
        run_due(world, SEND)
        assert [told.count(b"^XZ") for told in printer.jobs] == [2]
    assert job_of(world, again).state == State.SENT
    assert sorted(one.prints for one in shipments(world)) == [1, 2, 2]


def test_a_worker_that_died_while_it_sent_leaves_it_unknown(booked):
    """The intent was committed; whether a byte went out nobody can say."""
    world, chosen = booked
    with running_printer() as printer:
        batch = printing_on(world, chosen, added(world, printer.port))
        assert claim(world, SEND, 1)
        sql(world, "UPDATE print_jobs SET state = 'sending'")
        end_leases(world)
        run_due(world, SEND)
        assert printer.jobs == []
    assert job_of(world, batch).state == State.UNKNOWN
    assert "中断" in job_of(world, batch).words


def test_what_waits_for_a_printer_can_be_stopped_and_printed_otherwise(booked):
    world, chosen = booked
    with running_printer() as printer:
        batch = printing_on(world, chosen, added(world, printer.port))
        stop(world, batch, "li.na")
        run_due(world, SEND)
        assert printer.jobs == []
    assert job_of(world, batch).state == State.STOPPED
    with pytest.raises(ConflictError, match="停不了"):
        stop(world, batch, "wang.wu")
    all_came_out(world, batch, "li.na")  # from the file


def test_a_printer_that_was_removed_gets_nothing_and_the_run_says_so(booked):
    world, chosen = booked
    with running_printer() as printer:
        printer_id = added(world, printer.port)
        batch = printing_on(world, chosen, printer_id)
        remove_printer(world, printer_id, "admin")
        run_due(world, SEND)
        assert printer.jobs == []
    assert (job_of(world, batch).state, job_of(world, batch).words) == (State.FAILED, send.REMOVED)


def test_an_address_that_the_settings_no_longer_allow_is_not_spoken_to(booked):
    """Allowed when it was entered; what counts is what is allowed when it is spoken to."""
    world, chosen = booked
    with running_printer() as printer:
        batch = printing_on(world, chosen, added(world, printer.port))
        run_due(with_settings(world, profile="live"), SEND)
        assert printer.jobs == []
    assert job_of(world, batch).state == State.FAILED
    assert "网段" in job_of(world, batch).words


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("127.0.0.1", 9100),
        ("::1", 9100),
        ("::ffff:127.0.0.1", 9100),
        ("::ffff:8.8.8.8", 9100),
        ("0.0.0.0", 9100),  # noqa: S104 - refused
        ("169.254.169.254", 9100),
        ("8.8.8.8", 9100),
        ("192.168.1.60", 22),
        ("192.168.1.60", 5432),
        ("localhost", 9100),
        ("printer.example", 9100),
        ("2130706433", 9100),
        ("192.168.1.60/..", 9100),
        ("", 9100),
    ],
)
def test_whoever_enters_a_printer_cannot_make_the_server_speak_to_anything_else(settings, host, port):
    live = settings.model_copy(update={"profile": "live"})
    with pytest.raises(NotAllowedError):
        check_address(live, host, port)


def test_private_networks_and_printer_ports_are_allowed_and_settings_say_otherwise(settings):
    live = settings.model_copy(update={"profile": "live"})
    assert check_address(live, " 192.168.1.60 ", 9100) == "192.168.1.60"
    assert check_address(live, "::ffff:10.0.0.9", 9101) == "10.0.0.9"
    assert check_address(live, "fd00::9", 9100) == "fd00::9"
    narrow = type(live)(printer_networks=("10.9.0.0/16",))
    with pytest.raises(NotAllowedError, match=r"10\.9\.0\.0/16"):
        check_address(narrow, "192.168.1.60", 9100)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"name": " "}, "名称"),
        ({"size": "10x10"}, "尺寸"),
        ({"darkness": 31}, "浓度"),
        ({"darkness": 16, "language": Language.TSPL}, "浓度"),
        ({"shift_right": 81}, "偏移"),
    ],
)
def test_a_printer_that_cannot_be_is_refused_in_words(world, asked, told):
    with pytest.raises(NotAllowedError, match=told):
        add_printer(world, PrinterAsked(**{"name": "一号机", "host": "127.0.0.1", **asked}), "admin")


def test_a_name_is_given_once_and_may_be_given_again_after_it_is_removed(world):
    one = added(world, 9100)
    with pytest.raises(ConflictError, match="已有名为"):
        added(world, 9101)
    remove_printer(world, one, "admin")
    added(world, 9101)
