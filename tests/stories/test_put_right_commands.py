"""The counter's acts on what went wrong, from the command line: the same functions."""

import pytest
from typer.testing import CliRunner

from dispatch.journey import View
from dispatch.worklist import Reason
from dispatch.zero_visits.settle import number_of
from tests.rooms.on_the_road import Road, as_given
from zhuandi import desk, put_right


@pytest.fixture
def road(post, drain, decided):
    road = Road(post.world, drain)
    road.hand_over(decided("A"))
    road.tell("A", "203")
    road.tell("A", "711")
    return road


@pytest.fixture
def run(road, monkeypatch):
    for module in (put_right, desk):
        monkeypatch.setattr(module, "open_world", lambda: as_given(road.world))
    monkeypatch.setattr(put_right.console, "_width", 140)

    def invoke(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(put_right.app, [*words])
        assert done.exit_code == code, done.output
        return done.output

    return invoke


def test_an_entry_is_taken_looked_at_given_back_and_solved(road, run):
    [entry] = road.entries()
    number = number_of(entry.id)[:8]
    assert "已由 li.na 接手" in run("take", number, "--by", "li.na")
    assert "已由 li.na 于" in run("take", number, "--by", "wang", code=1)
    offered = run("solve", number)
    assert "send_again 二次寄递" in offered
    assert "lost 报失补证" in offered
    assert "已放回" in run("give-back", number, "--by", "li.na")
    assert "处理完毕" in run("solve", number, "settle", "--note", "退科室", "--by", "wang")
    assert "已重新打开" in run("reopen", number, "--note", "点错了", "--by", "wang")
    assert [one.reason for one in road.entries()] == [Reason.RETURNED]


def test_a_letter_that_came_back_is_sent_again(road, run):
    assert "将用新订单寄出" in run("send-again", "A", "--by", "wang")
    assert road.shipment("A").view is View.UNDELIVERED
    assert "没有退回的邮件" in run("send-again", "A", code=1)


def test_or_kept_or_given_up(road, run):
    assert "已过" in run("keep", "A", "--until", "2020-01-01", code=1)
    assert "新出件编码：A-2" in run("declare-lost", "A", "--note", "破损", "--by", "wang")


def test_the_overview_is_written_to_a_file(run, tmp_path):
    file = tmp_path / "overview.csv"
    assert str(file) in run("overview", "--out", str(file)).replace("\n", "")
    assert "合计" in file.read_text("utf-8-sig")
