"""Network printers: sent a few sheets at a time, never twice by itself; lost in the middle, a person is asked."""

from dataclasses import replace

import pytest
from road_steps import do, end_leases, make_due, shipments, sql, with_settings
from sqlalchemy import select

from dispatch.approval.lodge import lodge
from dispatch.audit import AuditEntry, Deed
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.journey import Act
from dispatch.label import SheetSize
from dispatch.label.change_printer import described, edit_printer, switch_printer
from dispatch.label.print_run import NOTHING_LEFT, PrintRun, all_came_out, stop
from dispatch.label.print_sheets import Wish, begin_print, print_from, to_print
from dispatch.label.printer import (
    SEND,
    Language,
    Printer,
    PrinterAsked,
    PrintJob,
    State,
    add_printer,
    check_address,
    remove_printer,
)
from dispatch.label.printer_health import printer_healths
from dispatch.label.thermal import send
from dispatch.label.thermal.labels import run_in
from dispatch.label.thermal.line import deliver
from dispatch.lease import claim
from sandbox.printer import Fault, running_printer
from tests.rooms.printed_page import read_pages
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


def port_of_one_that_is_off():
    with running_printer() as printer:
        return printer.port


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


def test_sheets_that_were_packed_meanwhile_are_passed_over_and_those_behind_them_are_sent(booked, monkeypatch):
    """The whole run was given up where nothing of its next sheets stood, though later ones did."""
    monkeypatch.setattr(send, "AT_ONCE", 2)
    world, chosen = booked
    with running_printer() as printer:
        batch = printing_on(world, chosen, added(world, printer.port))
        for one in shipments(world):
            if one.id in chosen[:2]:
                do(world, Act.PACK, one)
        run_due(world, SEND)
    assert [told.count(b"^XZ") for told in printer.jobs] == [1]
    assert (job_of(world, batch).state, job_of(world, batch).upto) == (State.SENT, 3)


def test_a_run_of_which_everything_was_packed_meanwhile_sends_nothing_and_says_so(booked):
    world, chosen = booked
    with running_printer() as printer:
        batch = printing_on(world, chosen, added(world, printer.port))
        for one in shipments(world):
            do(world, Act.PACK, one)
        run_due(world, SEND)
    assert printer.jobs == []
    assert (job_of(world, batch).state, job_of(world, batch).words) == (State.FAILED, NOTHING_LEFT)


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
    port = port_of_one_that_is_off()
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


# A run that goes to a printer is no file besides: the same sheets would come out twice, and none bears 补打.


def no_file_of(world, batch, told):
    for language in (None, *Language):
        with pytest.raises(ConflictError, match=told):
            run_in(world, batch, "li.na", language)


def sheets_in_file_of(world, batch):
    return len(read_pages(run_in(world, batch, "li.na"), ink=False))


def test_of_what_waits_for_a_printer_there_is_no_file_nor_after_it_was_sent(booked):
    """The printer was off, so the file was printed; then it was switched on, and all came out once more."""
    world, chosen = booked
    port = port_of_one_that_is_off()
    batch = printing_on(world, chosen, added(world, port))
    run_due(world, SEND)
    no_file_of(world, batch, "先按“不等打印机了”")
    with running_printer(port=port) as printer:
        make_due(world, SEND)
        run_due(world, SEND)
    assert [told.count(b"^XZ") for told in printer.jobs] == [3]
    no_file_of(world, batch, "已全部送到打印机.*补打")
    with world.reading() as session:
        assert session.scalars(select(AuditEntry).where(AuditEntry.deed == Deed.EXPORT)).all() == []


@pytest.mark.parametrize(("state", "told"), [(State.SENDING, "请等它有结果"), (State.UNKNOWN, "不知出了几张.*重打")])
def test_of_what_a_printer_may_have_there_is_no_file(booked, state, told):
    world, chosen = booked
    batch = printing_on(world, chosen, added(world, 9100))
    sql(world, "UPDATE print_jobs SET state = :state", state=state)
    no_file_of(world, batch, told)


@pytest.mark.parametrize("state", [State.STOPPED, State.FAILED])
def test_of_what_a_printer_was_not_sent_to_the_end_the_file_holds_what_it_has_not_taken(booked, monkeypatch, state):
    monkeypatch.setattr(send, "AT_ONCE", 2)
    world, chosen = booked
    with running_printer() as printer:
        printer_id = added(world, printer.port)
        batch = printing_on(world, chosen, printer_id)
        [due] = claim(world, SEND, 1)
        send.send(world, due)
        if state == State.STOPPED:
            stop(world, batch, "li.na")
        switch_printer(world, printer_id, "admin", on=False)
        run_due(world, SEND)
    assert ([told.count(b"^XZ") for told in printer.jobs], job_of(world, batch).state) == ([2], state)
    assert sheets_in_file_of(world, batch) == 1


def test_of_what_no_printer_has_taken_anything_the_file_holds_it_all(booked):
    world, chosen = booked
    batch = printing_on(world, chosen, added(world, 9100))
    stop(world, batch, "li.na")
    assert sheets_in_file_of(world, batch) == 3


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


# Edited, and switched off.


def edited(world, printer_id, **told):
    with world.reading() as session:
        asked = described(session.get(Printer, printer_id))
    return edit_printer(world, printer_id, replace(asked, **told), "admin")


def test_what_was_begun_goes_on_where_it_began_and_what_was_not_goes_by_the_edit(booked, monkeypatch):
    """Half of a run at one window and half at another: nobody could tell from which sheet to print again."""
    monkeypatch.setattr(send, "AT_ONCE", 2)
    world, chosen = booked
    with running_printer() as old, running_printer() as new:
        printer_id = added(world, old.port)
        begun = printing_on(world, chosen, printer_id)
        with monkeypatch.context() as first:
            first.setattr(send, "deliver", editing_after(lambda: edited(world, printer_id, port=new.port)))
            run_due(world, SEND)
        assert ([told.count(b"^XZ") for told in old.jobs], new.jobs) == ([2, 1], [])
        assert (job_of(world, begun).state, job_of(world, begun).upto) == (State.SENT, 3)
        print_from(world, begun, 1, Wish(SheetSize.ONE_PART, "li.na", "换机", printer_id))
        run_due(world, SEND)
        assert [told.count(b"^XZ") for told in new.jobs] == [2, 1]


def editing_after(edit):
    """The first sheets are out, and at that moment somebody edits the printer."""

    def deliver_and_edit(*where, **limits):
        deliver(*where, **limits)
        edit()

    return deliver_and_edit


def test_what_no_printer_has_taken_yet_goes_where_it_stands_by_now(booked):
    """It was edited because it has another address: a run that waits for the old one would wait for ever."""
    world, chosen = booked
    port = port_of_one_that_is_off()
    printer_id = added(world, port)
    batch = printing_on(world, chosen, printer_id)
    run_due(world, SEND)
    assert job_of(world, batch).state == State.WAITING
    with running_printer() as printer:
        assert edited(world, printer_id, port=printer.port) == ("端口",)
        make_due(world, SEND)
        run_due(world, SEND)
        assert [told.count(b"^XZ") for told in printer.jobs] == [3]


def test_a_run_is_never_printed_on_the_paper_of_another_size(booked):
    world, chosen = booked
    with running_printer() as printer:
        printer_id = added(world, printer.port)
        batch = printing_on(world, chosen, printer_id)
        edited(world, printer_id, size="100x150")
        run_due(world, SEND)
        assert printer.jobs == []
    assert job_of(world, batch).state == State.FAILED
    assert "100x150" in job_of(world, batch).words


def test_switched_off_it_is_sent_nothing_and_on_again_it_is(booked):
    world, chosen = booked
    with running_printer() as printer:
        printer_id = added(world, printer.port)
        batch = printing_on(world, chosen, printer_id)
        switch_printer(world, printer_id, "admin", on=False)
        run_due(world, SEND)
        assert printer.jobs == []
        assert (job_of(world, batch).state, job_of(world, batch).words) == (State.FAILED, send.REMOVED)
        with pytest.raises(NotFoundError, match="停用"):
            print_from(world, batch, 1, Wish(SheetSize.ONE_PART, "li.na", "停用过", printer_id))
        switch_printer(world, printer_id, "admin", on=True)
        switch_printer(world, printer_id, "admin", on=True)
        print_from(world, batch, 1, Wish(SheetSize.ONE_PART, "li.na", "停用过", printer_id))
        run_due(world, SEND)
        assert [told.count(b"^XZ") for told in printer.jobs] == [3]


def test_an_edit_that_cannot_be_changes_nothing_and_whoever_comes_second_is_told_who_was_first(booked):
    world, _ = booked
    printer_id = added(world, 9100)
    with world.reading() as session:
        seen = session.get(Printer, printer_id)
    with pytest.raises(NotAllowedError, match="浓度"):
        edited(world, printer_id, darkness=99)
    add_printer(world, PrinterAsked("二号机", "127.0.0.1"), "admin")
    with pytest.raises(ConflictError, match="已有名为"):
        edited(world, printer_id, name="二号机")
    assert edited(world, printer_id) == ()
    assert edited(world, printer_id, darkness=9) == ("浓度",)
    with pytest.raises(ConflictError, match="admin"):
        edit_printer(world, printer_id, described(seen), "wang.wu", seen.version)


# How they do, as the overview shows it.


def health_of(world):
    with world.reading() as session:
        [one] = printer_healths(world, session)
    return one


def test_how_a_printer_does_is_seen_from_what_it_took_and_what_it_did_not(booked):
    world, chosen = booked
    with running_printer() as printer:
        printer_id = added(world, printer.port)
        never = health_of(world)
        assert (never.seen_at, never.last, never.ails) == (None, None, False)
        batch = printing_on(world, chosen, printer_id)
        assert (health_of(world).waiting, health_of(world).last) == (3, State.WAITING)
        run_due(world, SEND)
        well = health_of(world)
        assert (well.last, well.waiting, well.refused, well.unknown, well.ails) == (State.SENT, 0, 0, 0, False)
        assert well.seen_at == job_of(world, batch).changed_at
        printer.fault = Fault.CUT
        lost = print_from(world, batch, 1, Wish(SheetSize.ONE_PART, "li.na", "卡纸", printer_id))
        run_due(world, SEND)
    cut = health_of(world)
    assert (cut.last, cut.unknown, cut.ails, cut.seen_at) == (State.UNKNOWN, 1, True, well.seen_at)
    print_from(world, lost, 1, Wish(SheetSize.ONE_PART, "li.na", "断线"))  # in the browser: it is answered
    assert health_of(world).unknown == 0
    silent = print_from(world, newest(world), 1, Wish(SheetSize.ONE_PART, "li.na", "再试", printer_id))
    run_due(world, SEND)
    waits = health_of(world)
    assert (waits.last, waits.waiting, waits.ails) == (State.WAITING, 3, True)
    assert "一张也没有送出" in waits.words
    switch_printer(world, printer_id, "admin", on=False)
    make_due(world, SEND)
    run_due(world, SEND)
    assert job_of(world, silent).state == State.FAILED
    off = health_of(world)
    assert (off.on, off.refused, off.waiting, off.ails) == (False, 1, 0, False)


def newest(world):
    with world.reading() as session:
        return session.scalars(select(PrintRun.batch_id).order_by(PrintRun.id.desc())).first()
