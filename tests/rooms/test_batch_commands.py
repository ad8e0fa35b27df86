"""Batches by command: what failed is tried again, a print run is answered, as on the page of the batch."""

import re

import pytest
from on_the_road import as_given
from typer.testing import CliRunner

from dispatch.approval.case import find_case
from dispatch.approval.dispatch_many import begin_many, go_on
from dispatch.approval.lodge import lodge
from dispatch.approval.release import hold, lift
from dispatch.batch import Kind, items_of
from dispatch.label import SheetSize
from dispatch.label.print_run import find_run
from dispatch.label.print_sheets import Wish, begin_print, to_print
from dispatch.label.printer import Language, PrinterAsked, add_printer
from zhuandi import batches, printing

CASES = [f"33112720261122{number:04}" for number in range(3)]


@pytest.fixture
def typed(post, monkeypatch):
    monkeypatch.setattr(batches, "open_world", lambda: as_given(post.world))
    monkeypatch.setenv("COLUMNS", "200")
    runner = CliRunner()
    return lambda *words: runner.invoke(batches.app, [str(word) for word in words])


@pytest.fixture
def printed(post, drain, decided):
    """A run of three sheets."""
    for number, case_no in enumerate(CASES):
        lodge(post.world, decided(case_no, slip={"detail": f"团结路{number + 1}号"}), "test")
    drain(post.world)
    with post.world.reading() as session:
        chosen = to_print(session)
    return begin_print(post.world, chosen, Wish(SheetSize.TWO_PART, "li.na"))


def answered(world, batch_id):
    with world.reading() as session:
        run = find_run(session, batch_id)
        return run.came_out, run.answered_by


def test_a_run_is_answered_once_by_who_counted(typed, printed, post):
    assert str(printed) in typed("batches", "--unanswered").output
    assert "全部打印成功" in typed("came-out", printed, "--by", "wang.wu").output
    assert answered(post.world, printed) == (3, "wang.wu")
    assert "没有这样的批次" in typed("batches", "--unanswered").output
    again = typed("came-out", printed)
    assert again.exit_code == 1
    assert "wang.wu" in again.output


def test_a_run_that_was_answered_for_is_not_written_into_a_file_once_more(
    typed, printed, post, monkeypatch, tmp_path
):
    monkeypatch.setattr(printing, "open_world", lambda: as_given(post.world))

    def asked():
        return CliRunner().invoke(printing.app, ["--batch", str(printed), "--out", str(tmp_path / "labels.pdf")])

    assert asked().exit_code == 0
    assert (tmp_path / "labels.pdf").read_bytes().startswith(b"%PDF")
    typed("came-out", printed)
    refused = asked()
    assert (refused.exit_code, "补打" in refused.output) == (1, True)


def test_a_refusal_leaves_the_file_that_was_there(typed, printed, post, monkeypatch, tmp_path):
    """It was emptied before anything was asked: the labels that a clerk had were gone."""
    monkeypatch.setattr(printing, "open_world", lambda: as_given(post.world))
    file = tmp_path / "labels.pdf"
    words = ["--batch", str(printed), "--out", str(file)]
    assert CliRunner().invoke(printing.app, words).exit_code == 0
    before = file.read_bytes()
    assert CliRunner().invoke(printing.app, words).exit_code == 0
    assert len(file.read_bytes()) < 1.5 * len(before)  # written anew, not behind the other
    typed("came-out", printed)
    assert CliRunner().invoke(printing.app, words).exit_code == 1
    assert file.read_bytes().startswith(b"%PDF")


def test_a_run_that_there_is_goes_to_a_printer_from_a_sheet_on_or_not_at_all(printed, post, monkeypatch):
    """It said 已排到打印机, and nothing was queued."""
    monkeypatch.setattr(printing, "open_world", lambda: as_given(post.world))
    add_printer(post.world, PrinterAsked("一楼", "127.0.0.1", 9100, Language.ZPL, "100x150"), "admin")
    told = CliRunner().invoke(printing.app, ["--batch", str(printed), "--printer", "一楼"])
    assert (told.exit_code, "--from" in told.output, "已排到" in told.output) == (2, True, False)


def test_a_run_that_goes_to_a_printer_is_written_into_no_file_until_it_is_stopped(
    typed, printed, post, monkeypatch, tmp_path
):
    """What was said after it told of a command that would print the same sheets twice."""
    monkeypatch.setattr(printing, "open_world", lambda: as_given(post.world))
    add_printer(post.world, PrinterAsked("一楼", "127.0.0.1", 9100, Language.ZPL, "100x150"), "admin")
    out = ("--out", str(tmp_path / "labels.pdf"))
    told = CliRunner().invoke(printing.app, [CASES[0], "--printer", "一楼", "--reason", "污损"]).output
    [stop] = re.findall(r"zhuandi (print-stop) ([0-9a-f-]{36})", told)
    assert "print --batch" not in told
    refused = CliRunner().invoke(printing.app, ["--batch", stop[1], *out])
    assert (refused.exit_code, "不等打印机了" in refused.output) == (1, True)
    typed(*stop)
    assert CliRunner().invoke(printing.app, ["--batch", stop[1], *out]).exit_code == 0


def test_of_a_run_that_came_out_in_part_the_others_are_printed_again_for_a_reason(typed, printed, post):
    assert "重打须写明原因" in typed("came-out", printed, "--sheets", "1").output
    assert typed("came-out", printed, "--sheets", "4", "--reason", "卡纸").exit_code == 1
    assert answered(post.world, printed) == (None, None)
    told = typed("came-out", printed, "--sheets", "1", "--reason", "卡纸", "--by", "wang.wu").output
    assert "第 2 张起重打" in told
    assert answered(post.world, printed) == (1, "wang.wu")
    again = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", told)[0]
    assert "共 2 件，未办成 0 件" in typed("batch", again).output


def test_a_run_is_stopped_on_its_way_to_a_printer_and_another_has_nothing_to_stop(typed, printed, post, drain):
    assert "没有送往打印机" in typed("print-stop", printed).output
    asked = PrinterAsked("一楼", "127.0.0.1", 9100, Language.ZPL, "100x150")
    printer_id = add_printer(post.world, asked, "admin")
    with post.world.reading() as session:
        chosen = [item.of for item in items_of(session, printed)]
    sent = begin_print(post.world, chosen, Wish(SheetSize.TWO_PART, "li.na", "补一份", printer_id))
    assert "已停止往打印机送" in typed("print-stop", sent).output


def test_what_failed_is_tried_again_and_nothing_else(typed, post, decided):
    """A failed batch could be tried again by a button alone."""
    for case_no in CASES[:2]:
        lodge(post.world, decided(case_no), "test")
    hold(post.world, CASES[0], "待签字", "li.na")
    with post.world.reading() as session:
        ids = [find_case(session, case_no).id for case_no in CASES[:2]]
    number = begin_many(post.world, Kind.HOLD, ids, "li.na", "欠费")
    go_on(post.world, number)
    assert "共 2 件，未办成 1 件" in typed("batch", number).output
    assert "未办成 1 件" in typed("retry", number).output, "it is held still"
    lift(post.world, CASES[0], "li.na")
    assert "未办成 0 件" in typed("retry", number, "--by", "wang.wu").output
    assert "没有未办成的" in typed("retry", number).output


def test_a_print_run_is_not_tried_again_here(typed, printed):
    refused = typed("retry", printed)
    assert (refused.exit_code, "从结果里另打" in refused.output) == (1, True)
