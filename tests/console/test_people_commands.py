"""The administrator's and the auditor's buttons, as commands."""

import re

import pytest
from typer.testing import CliRunner

from dispatch import bells
from dispatch.settings import Settings
from dispatch.wiring import broker_url
from zhuandi.main import app


@pytest.fixture
def zhuandi(database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("ZHUANDI_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "200")
    bells.prepare(broker_url(Settings()))
    runner = CliRunner()

    def run(*words, typed="", code=0):
        told = runner.invoke(app, [str(word) for word in words], input=typed)
        assert told.exit_code == code, told.output
        return told.output

    return run


def test_keys_are_changed_listed_and_taken_away(zhuandi):
    zhuandi("client", "add", "大屏", "--scope", "cases.read")
    assert "zd_" in zhuandi("client", "rotate", "大屏", "--days", "3")
    zhuandi("client", "scopes", "大屏", "cases.read", "errands")
    listed = zhuandi("client", "list")
    assert listed.count("可用") == 2
    assert "查办件进展、干部代送" in listed
    key = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", listed)[0]
    zhuandi("client", "revoke", "大屏", key)
    assert zhuandi("client", "list").count("可用") == 1
    zhuandi("client", "close", "大屏")
    assert zhuandi("client", "list").count("可用") == 0


def test_an_account_is_changed_bound_and_freed_and_all_of_it_is_taken_out_of_the_log(zhuandi, tmp_path):
    zhuandi("admin", "add", "li.na", "--name", "李娜", "--role", "window")
    zhuandi("admin", "change", "li.na", "--name", "李娜", "--role", "dispatch", "--department", "民政局")
    zhuandi("admin", "bind", "li.na", "zj-1001", "--only")
    zhuandi("admin", "unbind", "li.na")
    zhuandi("admin", "remove-code", "li.na")
    assert "民政局" in zhuandi("admin", "list")
    file = tmp_path / "log.csv"
    zhuandi("audit", "export", file, "--deed", "staff", "--subject", "staff:li.na")
    lines = file.read_text("utf-8-sig").splitlines()
    assert len(lines) == 6
    assert "取消动态验证码" in lines[1]
    assert "完整" in zhuandi("audit", "verify")
    zhuandi("audit", "export", file, "--day", "2020-01-01")
    assert len(file.read_text("utf-8-sig").splitlines()) == 1


def test_ones_own_password_is_changed_by_who_knows_the_old_one_and_none_is_shown(zhuandi):
    """It could be changed in a browser alone; on a command line it would stand in the shell's history."""
    first = zhuandi("admin", "add", "li.na", "--name", "李娜").splitlines()[-1]
    new = "kao-shan-9-tun"
    wrong = zhuandi("admin", "password", "li.na", typed=f"not-{first}\n{new}\n{new}\n", code=1)
    assert "原密码不对" in wrong
    assert "不能含登录名" in zhuandi(
        "admin", "password", "li.na", typed=f"{first}\nli.na-li.na\nli.na-li.na\n", code=1
    )
    told = zhuandi("admin", "password", "li.na", typed=f"{first}\n{new}\n{new}\n")
    assert "密码已改" in told
    assert not {word for word in (first, new) if word in wrong + told}
    zhuandi("admin", "password", "li.na", typed=f"{first}\n{new}\n{new}\n", code=1)
