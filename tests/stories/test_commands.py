"""The clerk's commands, as a clerk types them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from dispatch import bells
from dispatch.settings import Settings
from dispatch.wiring import broker_url
from zhuandi.main import app

SAMPLE = Path("samples/issued-cases.xlsx")
Zhuandi = Callable[..., Result]


@pytest.fixture
def zhuandi(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Zhuandi:
    monkeypatch.setenv("ZHUANDI_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "140")
    bells.prepare(broker_url(Settings()))
    runner = CliRunner()
    return lambda *words: runner.invoke(app, [str(word) for word in words])


def test_a_list_is_imported_once_however_often_it_is_imported(zhuandi: Zhuandi) -> None:
    first = zhuandi("import", SAMPLE)
    again = zhuandi("import", SAMPLE)
    assert first.exit_code == again.exit_code == 0
    assert "新收 69 件，原已收 0 件" in first.output
    assert "新收 0 件，原已收 69 件" in again.output


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("empty.xlsx", b"", "空文件"),
        ("letter.pdf", b"%PDF-1.7 nothing", "PDF"),
        ("huge.csv", b"a" * 50_000_000, "超过 20 MB"),
        ("headings.csv", "姓名,地址\n张三,某处\n".encode(), "缺"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_words(
    zhuandi: Zhuandi, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    refused = zhuandi("import", file)
    assert refused.exit_code == 1
    assert told in refused.output
    assert "Traceback" not in refused.output


def test_a_file_that_does_not_exist_is_told_so(zhuandi: Zhuandi) -> None:
    refused = zhuandi("import", "nowhere.xlsx")
    assert refused.exit_code == 1
    assert "nowhere.xlsx" in refused.output


def test_the_empty_list_that_the_template_writes_is_told_to_be_empty(zhuandi: Zhuandi, tmp_path: Path) -> None:
    template = tmp_path / "template.xlsx"
    assert zhuandi("import", "--template", template).exit_code == 0
    assert zhuandi("import", template).exit_code == 1


def test_a_key_is_shown_once_and_a_name_is_given_once(zhuandi: Zhuandi) -> None:
    made = zhuandi("client", "add", "审批系统")
    assert made.output.strip().splitlines()[-1].startswith("zd_")
    again = zhuandi("client", "add", "审批系统")
    assert again.exit_code == 1
    assert "已有名为" in again.output


def test_a_held_case_is_not_released_by_its_hold_and_an_unknown_case_is_named(zhuandi: Zhuandi) -> None:
    zhuandi("import", SAMPLE)
    assert zhuandi("hold", "331127-2026-000061", "--reason", "欠费").exit_code == 0
    assert "已在暂缓" in zhuandi("hold", "331127-2026-000061", "--reason", "欠费").output
    assert zhuandi("unhold", "331127-2026-000061").exit_code == 0
    unknown = zhuandi("release", "nobody-knows")
    assert unknown.exit_code == 1
    assert "nobody-knows" in unknown.output


def test_nothing_packed_is_no_posting_list(zhuandi: Zhuandi) -> None:
    refused = zhuandi("hand-over")
    assert refused.exit_code == 1
    assert "没有待交寄" in refused.output


def test_whose_number_is_opened_can_be_said_where_two_carriers_have_it(zhuandi: Zhuandi) -> None:
    refused = zhuandi("unpack", "730000000001", "--carrier", "ems")
    assert refused.exit_code == 1
    assert "730000000001" in refused.output


def test_an_empty_desk_says_so(zhuandi: Zhuandi) -> None:
    assert "没有待打单" in zhuandi("print").output
    assert zhuandi("worklist").exit_code == 0
    assert zhuandi("report", "--month", "2026-11").exit_code == 0


def test_a_database_without_tables_is_told_what_to_do(
    server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHUANDI_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", server_url)
    told = CliRunner().invoke(app, ["client", "add", "审批系统"])
    assert told.exit_code == 1
    assert "zhuandi migrate" in told.output


def test_a_release_is_tried_out_and_then_told_row_by_row(zhuandi: Zhuandi) -> None:
    zhuandi("import", SAMPLE)
    case = "331127-2026-000061"
    assert "将寄出" in zhuandi("release", case, "--dry-run").output
    assert "放行 1 件" in zhuandi("release", case).output
    again = zhuandi("release", case).output
    assert f"{case}：窗口 " in again
    assert "放行 0 件" in again


def test_a_network_printer_is_entered_listed_and_taken_out_of_use(zhuandi: Zhuandi) -> None:
    refused = zhuandi("printers", "add", "一号机", "8.8.8.8")
    assert refused.exit_code == 1
    assert "网段" in refused.output
    assert zhuandi("printers", "add", "一号机", "192.168.1.60", "--language", "tspl").exit_code == 0
    assert "192.168.1.60:9100" in zhuandi("printers", "list").output
    assert zhuandi("print", "--printer", "二号机").exit_code == 1
    assert zhuandi("printers", "remove", "一号机").exit_code == 0
    assert "还没有网络打印机" in zhuandi("printers", "list").output


def test_what_was_printed_is_written_again_in_any_language_and_reprinted_with_a_reason_only(
    zhuandi: Zhuandi, tmp_path: Path
) -> None:
    assert zhuandi("print", "--zpl", "--tspl").exit_code == 2
    assert zhuandi("print", "--from", "2").exit_code == 2
    unknown = zhuandi("print", "--batch", "00000000-0000-0000-0000-000000000000", "--out", tmp_path / "l.pdf")
    assert unknown.exit_code == 1
    assert "不是打单的批次" in unknown.output
