"""A database that may forget what was answered with success is refused; `zhuandi doctor` says what to do."""

import dataclasses
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import func, make_url, text, update
from starlette.testclient import TestClient
from typer.testing import CliRunner

from dispatch import bells, worklist
from dispatch.api.app import make_app
from dispatch.db import connect, sessions
from dispatch.jobs import Job, beat, leave
from dispatch.key_mark import check_key
from dispatch.safety import Finding, Level, UnsafeDatabaseError, database_findings, refuse_unsafe
from dispatch.settings import Settings
from dispatch.typefaces import Typefaces
from dispatch.vault import Vault
from dispatch.wiring import Lines, broker_url, make_carriers, make_trackers
from dispatch.worklist import Reason
from dispatch.world import World
from tests.leftovers import remove_postgres
from tests.parts import open_service
from zhuandi import examine, migrate, postgres
from zhuandi.check_house import check_house
from zhuandi.main import app
from zhuandi.postgres import EmbeddedPostgres
from zhuandi.serve import prepare

KEY = "ab" * 32
CAREFUL = {
    "ems": {
        "sender_no": "1100000000000",
        "endpoint": "http://127.0.0.1:9/closed",
        "refused_codes": ["B1"],
        "duplicate_codes": ["B2"],
        "unauthorised_codes": ["B3"],
    },
    "centre": {"name": "练习县政务服务中心"},
    "public_url": "https://post.example.gov.cn",
    "vault_keys": [KEY],
}
"""Settings of a live centre that has chosen everything."""


@pytest.fixture
def careless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[str]:
    """A real server on which the named setting is off."""
    monkeypatch.setitem(postgres.SETTINGS, request.param, "off")
    server = EmbeddedPostgres(tmp_path / "careless")
    yield server.start()
    server.stop()
    remove_postgres(tmp_path / "careless")


@pytest.mark.parametrize("careless", ["fsync", "full_page_writes"], indirect=True)
def test_a_database_that_forgets_at_a_power_cut_is_refused_before_a_table_is_made(careless: str) -> None:
    """Faults: fsync switched off «to make it faster» and never on again. Success would be answered for nothing."""
    with pytest.raises(UnsafeDatabaseError, match=r"ALTER SYSTEM SET .* = on"):
        prepare(Settings(database_url=careless))
    engine = connect(careless)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT to_regclass('alembic_version')")) is None
    engine.dispose()


@pytest.mark.parametrize("careless", ["fsync"], indirect=True)
def test_switched_off_under_a_house_that_runs_no_process_starts_on_it_and_no_door_is_ready(
    careless: str, tmp_path: Path, typefaces: Typefaces
) -> None:
    """Only the migration asked: a service that was started again next to it said nothing."""
    engine = connect(careless)
    migrate.run(engine)
    engine.dispose()
    told = {"ZHUANDI_HOME": str(tmp_path / "home"), "DATABASE_URL": careless}
    for name in ("api", "worker", "clock"):
        command = [Path(sys.executable).with_name("zhuandi"), name]
        ended = subprocess.run(command, env=os.environ | told, capture_output=True, text=True, timeout=60)
        assert (ended.returncode, "ALTER SYSTEM SET fsync = on" in ended.stderr) == (1, True), name
    with open_service(careless, Settings(), typefaces) as world:
        answer = TestClient(make_app(world)).get("/readyz")
    assert (answer.status_code, answer.json()["parts"]["database"]) == (503, "unsafe")


@pytest.mark.parametrize(("seconds", "level"), [(-31, "warning"), (31, "warning"), (-121, "error"), (121, "error")])
def test_a_machine_whose_clock_is_apart_is_told_so_when_a_process_starts(
    database_url: str, capsys, monkeypatch: pytest.MonkeyPatch, seconds: int, level: str
) -> None:
    """The worker's machine has no door that anybody asks."""
    monkeypatch.setattr("zhuandi.check_house.now", lambda: datetime.now(UTC) + timedelta(seconds=seconds))
    check_house(Settings(database_url=database_url))
    told = "".join(capsys.readouterr())
    assert ("clock.apart" in told, level in told) == (True, True)


def test_commits_that_are_not_waited_for_are_warned_of(own_database_url: str, capsys) -> None:
    """synchronous_commit may be off for a database alone: the last moments are lost, nothing is damaged."""
    engine = connect(own_database_url)
    name = make_url(own_database_url).database
    with engine.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    engine.dispose()
    engine = connect(own_database_url)
    with engine.connect() as connection:
        [warning] = refuse_unsafe(database_findings(connection))
    engine.dispose()
    assert (warning.level, warning.part) == (Level.WARN, "synchronous_commit")
    prepare(Settings(database_url=own_database_url))
    assert "database.weak" in "".join(capsys.readouterr())


def test_an_error_among_many_findings_refuses_and_a_warning_does_not() -> None:
    fine, warned = Finding(Level.OK, "a", "b"), Finding(Level.WARN, "c", "d", "e")
    assert refuse_unsafe([fine, warned]) == [warned]


@dataclasses.dataclass
class Installation:
    """A home, a database, and the doctor."""

    home: Path
    url: str

    def settle(self, **more: object) -> None:
        (self.home / "zhuandi.json").write_text(json.dumps({**CAREFUL, **more}))
        (self.home / "zhuandi.json").chmod(0o600)

    def fill(self, key: str = KEY) -> None:
        """As a service leaves it that runs: its key's mark, a clock that beats."""
        engine = connect(self.url)
        with sessions(engine).begin() as session:
            beat(session, "clock")
        check_key(self.world(engine, key))
        engine.dispose()

    def world(self, engine, key: str = KEY):
        parts = dict.fromkeys(field.name for field in dataclasses.fields(World))
        made = {"sessions": sessions(engine), "vault": Vault((bytes.fromhex(key),)), "settings": Settings()}
        return World(**{**parts, **made})  # type: ignore[arg-type]

    def doctor(self) -> Result:
        return CliRunner().invoke(app, ["doctor"])


@pytest.fixture
def installed(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setenv("ZHUANDI_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database_url)
    tmp_path.chmod(0o700)
    bells.prepare(broker_url(Settings()))
    made = Installation(tmp_path, database_url)
    made.settle()
    return made


def line_of(told: str, part: str) -> str:
    """The line of this part, and its remedy."""
    lines = told.splitlines()
    at = next(number for number, line in enumerate(lines) if f"{part}：" in line)
    return "\n".join(lines[at : at + 2])


def test_a_sound_installation_has_no_error_and_exit_code_nought(installed: Installation) -> None:
    installed.fill()
    answer = installed.doctor()
    assert answer.exit_code == 0, answer.output
    assert "0 项错误" in answer.output
    assert line_of(answer.output, "表结构").startswith("OK")
    assert "另行备份" in line_of(answer.output, "密钥")


def test_a_carrier_that_cannot_be_reached_is_a_warning_and_no_call_is_made(installed: Installation) -> None:
    """The post may be down for the night: that is no fault of this installation."""
    installed.fill()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        installed.settle(ems={**CAREFUL["ems"], "endpoint": f"http://127.0.0.1:{port}/x"})
        assert line_of(installed.doctor().output, "寄递企业 ems").startswith("OK")
        line, _ = server.accept()
        assert line.recv(100) == b""
        line.close()
    installed.settle()
    shut = installed.doctor()
    assert line_of(shut.output, "寄递企业 ems").startswith("注意")
    assert shut.exit_code == 0


Break = Callable[[Installation], None]


def other_key(installed: Installation) -> None:
    installed.fill("cd" * 32)


def silent_clock(installed: Installation) -> None:
    check_key(installed.world(engine := connect(installed.url)))
    engine.dispose()


def open_settings(installed: Installation) -> None:
    installed.fill()
    (installed.home / "zhuandi.json").chmod(0o644)


def practice_codes(installed: Installation) -> None:
    installed.fill()
    installed.settle(ems={**CAREFUL["ems"], "refused_codes": ["SBX201"]})


def nobody_there(installed: Installation) -> None:
    os.environ["DATABASE_URL"] = "postgresql://nobody@127.0.0.1:9/nowhere"  # the fixture's monkeypatch puts it back


def no_key(installed: Installation) -> None:
    installed.fill()
    installed.settle(vault_keys=[])


@pytest.mark.parametrize(
    ("broken", "part", "said"),
    [
        (other_key, "密钥", "另一把密钥"),
        (no_key, "密钥", "不要另建"),
        (silent_clock, "时钟进程", "zhuandi clock"),
        (open_settings, "权限", "chmod 0600"),
        (practice_codes, "设置", "SBX"),
        (nobody_there, "数据库", "DATABASE_URL"),
    ],
)
def test_what_is_broken_is_named_with_its_remedy_and_exit_code_one(
    installed: Installation, broken: Break, part: str, said: str
) -> None:
    broken(installed)
    answer = installed.doctor()
    assert answer.exit_code == 1
    wrong = [block for block in answer.output.split("\n错误 ")[1:] if f"{part}：" in block]
    assert any(said in block for block in wrong), answer.output


def test_defaults_that_would_be_printed_on_every_label_are_pointed_out(installed: Installation) -> None:
    installed.fill()
    (installed.home / "zhuandi.json").write_text(json.dumps({"vault_keys": [KEY]}))
    told = installed.doctor().output
    for words in ("名称与地址还是缺省值", "public_url", "没有 EMS 协议客户号", "未经寄递企业确认"):
        assert words in told


def test_a_lane_that_is_stuck_is_shown(installed: Installation, world) -> None:
    installed.fill()
    with world.begin() as session:
        worklist.put(world, session, Reason.POST_SICK, "account:ems")
    assert "寄递企业接口不通 1 项" in installed.doctor().output


def test_a_database_that_lets_in_too_few_for_the_lanes_is_pointed_out(installed: Installation) -> None:
    """Each worker keeps one connection for each carrier: they are refused where nobody reckoned with them."""
    installed.fill()
    assert line_of(installed.doctor().output, "连接数").startswith("OK")
    engine = connect(installed.url)
    with engine.connect() as connection:
        most = int(connection.scalar(text("SHOW max_connections")))
    engine.dispose()
    many = {f"ems{number}": {"endpoint": CAREFUL["ems"]["endpoint"]} for number in range(most // 2)}
    installed.settle(further_ems=many)
    told = line_of(installed.doctor().output, "连接数")
    assert told.startswith("注意")
    assert f"max_connections 为 {most}" in told


def test_every_carrier_has_a_lane_and_no_tracker_has() -> None:
    code = {"tracker": "kdniao", "code": "ZTO", "title": "中通"}
    many = Settings(further_ems={"ems2": {}}, kdniao={"business_id": "1", "app_key": "x"}, tracked={"zto": code})
    lines = Lines()
    carriers = make_carriers(many, lines.open, make_trackers(many, lines.open))
    lines.close()
    assert examine.lanes(many) == len(carriers) == 3


def test_a_full_disk_is_an_error_before_it_loses_anything(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(examine, "DISK_FAILS", 10**18)
    found = list(examine.files(Settings(home=tmp_path)))
    assert found[-1].level is Level.ERROR


def test_jobs_that_nobody_works_at_are_pointed_out(installed: Installation, world) -> None:
    """The clock beats, the doors take cases in, and no worker runs: nothing else would say so."""
    installed.fill()
    assert line_of(installed.doctor().output, "工作进程").startswith("OK")
    with world.begin() as session:
        leave(session, "case.gather", "case:1")
        session.execute(update(Job).values(next_at=func.now() - timedelta(minutes=6)))
    told = line_of(installed.doctor().output, "工作进程")
    assert told.startswith("注意")
    assert "1 项任务" in told
    assert "zhuandi-worker@" in told


def not_json(installed: Installation) -> str:
    (installed.home / "zhuandi.json").write_text('{"public_url": "x",\n nonsense}')
    return "第 2 行"


def contradicting(installed: Installation) -> str:
    installed.settle(job_lease="PT1S")
    return "job_lease"


def of_another_type(installed: Installation) -> str:
    installed.settle(listen_port="secret-words")
    return "listen_port"


def no_list(installed: Installation) -> str:
    os.environ["ZHUANDI_METRICS_SOURCES"] = "secret-words"
    return "metrics_sources"


@pytest.fixture
def environment_as_it_was() -> Iterator[None]:
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize("command", ["doctor", "worker"])
@pytest.mark.parametrize("wrong", [not_json, contradicting, of_another_type, no_list])
@pytest.mark.usefixtures("environment_as_it_was")
def test_settings_that_cannot_be_read_are_told_by_their_place_and_without_their_value(
    installed: Installation, wrong: Callable[[Installation], str], command: str
) -> None:
    """A traceback quotes what was set, which may be a key, and says nothing to whoever must mend it."""
    place = wrong(installed)
    answer = CliRunner().invoke(app, [command])
    assert (answer.exit_code, place in answer.output, "Traceback" in answer.output) == (1, True, False), answer.output
    assert "secret-words" not in answer.output


def test_a_setting_whose_name_is_misspelt_is_told_with_the_one_it_resembles(
    installed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It left the default standing for years, and nobody was told. No value is shown: it may be a key."""
    installed.fill()
    for name in [one for one in os.environ if one.startswith("ZHUANDI_TEST_")]:
        monkeypatch.delenv(name)  # what this run of the tests was told
    assert "没有人读" not in installed.doctor().output
    installed.settle(hall_open_dialy=True, ems=CAREFUL["ems"] | {"sendr_no": "secret-words"}, practice_posts={})
    monkeypatch.setenv("ZHUANDI_PUBLC_URL", "https://secret-words")
    monkeypatch.setenv("ZHUANDI_CENTRE__NAM", "secret-words")
    told = [line for line in installed.doctor().output.splitlines() if "没有人读" in line]
    assert [line.partition("里的 ")[2].partition(" 没有人读")[0] for line in told] == [
        "ZHUANDI_PUBLC_URL（是不是 ZHUANDI_PUBLIC_URL？）",
        "centre.nam",
        "ems.sendr_no",
        "hall_open_dialy（是不是 hall_open_daily？）",
    ]
    assert all(line.startswith("注意") for line in told)
    assert "secret-words" not in "".join(told)


def test_a_broker_that_we_do_not_know_is_an_error_among_the_others(installed: Installation) -> None:
    installed.fill()
    installed.settle(broker_url="kafka://127.0.0.1:9")
    answer = installed.doctor()
    assert answer.exit_code == 1
    assert line_of(answer.output, "消息队列").startswith("错误")
    assert line_of(answer.output, "寄递企业 ems")


UNREADABLE = [
    ("ZHUANDI_BROKER_URL", "amqp://u:GEHEIM#x@127.0.0.1:5672/", "消息队列"),
    ("ZHUANDI_BROKER_URL", "redis://u:GEHEIM/x@127.0.0.1:6379/0", "消息队列"),
    ("DATABASE_URL", "postgresql://u:x@GEHEIM:y@127.0.0.1/z", "数据库"),
]
"""A password with a sign in it that means something in an address."""


@pytest.mark.parametrize(("variable", "url", "part"), UNREADABLE)
def test_an_address_that_cannot_be_read_is_an_error_among_the_others(
    installed: Installation, monkeypatch: pytest.MonkeyPatch, variable: str, url: str, part: str
) -> None:
    """Doctor ended there with a traceback that quoted the password, and said nothing of all the rest."""
    installed.fill()
    monkeypatch.setenv(variable, url)
    answer = installed.doctor()
    assert (answer.exit_code, "GEHEIM" in answer.output) == (1, False), answer.output
    assert line_of(answer.output, part).startswith("错误")
    assert "%40 %23 %2F %3A" in line_of(answer.output, part)
    assert line_of(answer.output, "寄递企业 ems")


@pytest.mark.parametrize(("variable", "url", "part"), UNREADABLE)
@pytest.mark.parametrize("command", ["api", "worker", "clock"])
@pytest.mark.usefixtures("installed")
def test_a_process_ends_in_one_line_where_an_address_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, command: str, variable: str, url: str, part: str
) -> None:
    monkeypatch.setenv(variable, url)
    answer = CliRunner().invoke(app, [command])
    assert (answer.exit_code, "读不懂" in answer.output, "GEHEIM" in answer.output) == (1, True, False), answer.output
    assert part in answer.output or variable in answer.output


def test_a_broker_of_its_own_is_asked_for_too(tmp_path: Path) -> None:
    [found] = examine.broker(Settings(home=tmp_path, broker_url="redis://127.0.0.1:9/0"))
    assert (found.level, found.part) == (Level.WARN, "消息队列")
