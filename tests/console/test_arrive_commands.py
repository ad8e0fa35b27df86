"""What arrives at the counter, by command: the same functions as behind the pages."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from dispatch import bells
from dispatch.approval.enter_case import fields
from dispatch.settings import Settings
from dispatch.wiring import broker_url
from tests.rooms.approval_files import CELLS, HEAD, row_of
from tests.rooms.approval_files import text as csv_text
from zhuandi.main import app

STRANGE = ["联系手机" if name == "收件人电话" else name for name in HEAD]


@pytest.fixture
def zhuandi(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("ZHUANDI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "140")
    bells.prepare(broker_url(Settings()))
    runner = CliRunner()
    return lambda *words, **told: runner.invoke(app, [str(word) for word in words], **told)


def test_a_list_a_slip_and_a_paper_by_command(zhuandi, tmp_path):
    file, bad = tmp_path / "清单.csv", tmp_path / "未收.csv"
    rows = [[*STRANGE, "证照已出"], [*row_of(case_no="A-1"), "否"], [*row_of(case_no="A-2", slip__phone="1"), "否"]]
    file.write_bytes(csv_text(rows, ",", "gb18030"))
    lacking = zhuandi("import", file)
    assert lacking.exit_code == 1
    told = zhuandi("import", file, "--column", "联系手机=收件人电话", "--bad", bad)
    assert "新收 1 件，原已收 0 件，有问题 1 行" in told.output
    [head, row] = csv.reader(bad.read_text("gb18030").splitlines())
    assert (head[-1], row[0]) == ("未收原因", "A-2")
    assert "申请单已改：收件人电话" in zhuandi("slip", "A-1", "--phone", "13900000778").output
    assert "已登记出证" in zhuandi("paper", "A-1", "--given-by", "李科员").output
    assert zhuandi("paper", "A-1", "--given-by", "李科员").exit_code == 1
    assert "共 1 件" in zhuandi("papers").output
    out = tmp_path / "register.csv"
    assert zhuandi("papers", "--out", out).exit_code == 0
    assert "李科员" in out.read_text("utf-8-sig")


def test_a_field_that_is_none_is_told(zhuandi, tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes(b"x")
    assert zhuandi("import", file, "--column", "联系手机=没有这一栏").exit_code == 2


def test_one_case_is_entered_from_a_file_by_headings_or_by_paths_and_nothing_twice(zhuandi, tmp_path):
    """A case that no list has brought could be entered on a page alone."""
    by_path, by_heading = tmp_path / "path.json", tmp_path / "heading.json"
    by_path.write_text(json.dumps(CELLS))
    by_heading.write_text(json.dumps(dict(zip(HEAD, CELLS.values(), strict=True))))
    assert f"办件 {CELLS['case_no']} 已登记" in zhuandi("enter", by_path).output
    assert "原已收到，内容相同" in zhuandi("enter", by_heading).output
    by_path.write_text(json.dumps(CELLS | {"slip.phone": "13900000999"}))
    refused = zhuandi("enter", by_path)
    assert refused.exit_code == 1
    assert "内容不同" in refused.output


def test_without_a_file_one_is_asked_for_each_field(zhuandi):
    typed = "\n".join(str(CELLS.get(one.field, "")) for one in fields()) + "\n"
    told = zhuandi("enter", input=typed).output
    assert "收件人电话" in told
    assert f"办件 {CELLS['case_no']} 已登记" in told


@pytest.mark.parametrize("content", ["不是 JSON", "[]", '{"办件编号": 1}', '{"没有这一栏": "x"}'])
def test_a_file_that_is_no_row_is_told(zhuandi, tmp_path, content):
    file = tmp_path / "case.json"
    file.write_text(content)
    assert zhuandi("enter", file).exit_code == 2


def test_papers_of_one_hand_are_registered_together_and_each_by_itself(zhuandi, tmp_path):
    file = tmp_path / "清单.csv"
    rows = [[*HEAD, "证照已出"], *([*row_of(case_no=f"B-{number}"), "否"] for number in range(3))]
    file.write_bytes(csv_text(rows, ",", "gb18030"))
    assert "新收 3 件" in zhuandi("import", file).output
    assert zhuandi("paper", "B-1", "--given-by", "李科员").exit_code == 0
    assert zhuandi("paper", "B-0", "B-2", "--given-by", "李科员", "--licence", "L-1").exit_code == 2
    told = zhuandi("paper", "B-0", "B-1", "B-2", "--given-by", "李科员")
    assert told.exit_code == 1, "one of them was registered before"
    assert told.output.count("已登记出证。") == 2
    assert "共 3 件" in zhuandi("papers").output
