"""What is shipped for operators names only what exists: metrics, commands, settings."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path

import promql_parser
import pytest
import typer
import yaml
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from dispatch.api.app import make_app
from dispatch.approval.lodge import lodge
from dispatch.jobs import beat
from dispatch.settings import Settings
from zhuandi.main import app

DEPLOY = Path("deploy")
ALERTS = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
PANELS = json.loads((DEPLOY / "grafana" / "zhuandi.json").read_text(encoding="utf-8"))["panels"]
EXPRESSIONS = [
    *(rule["expr"] for rule in ALERTS),
    *(target["expr"] for panel in PANELS for target in panel["targets"]),
]
FROM_PROMETHEUS = {"up"}
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text(encoding="utf-8"))
COMMANDS = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
NOT_OURS = {"DATABASE_URL", "ZHUANDI_HOME", "FORWARDED_ALLOW_IPS", "PYTHONUTF8", "POSTGRES_PASSWORD"}


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """The metrics of an expression, each with the labels that it is chosen by."""
    found: list[tuple[str, set[str]]] = []

    def visit(node: object) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append((node.name, {matcher.name for matcher in node.matchers.matchers}))
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    yield from found


@pytest.fixture
def scraped(post, decided, drain) -> dict[str, set[str]]:
    """Names and labels of a real scrape, after a case that was lodged, booked and asked for."""
    lodge(post.world, decided(), "审批系统")
    drain(post.world)
    with post.world.begin() as session:
        beat(session, "clock")
    door = TestClient(make_app(post.world), client=("127.0.0.1", 1))
    door.get("/nothing")
    told: dict[str, set[str]] = {}
    for line in door.get("/metrics").text.splitlines():
        if not line.startswith("#"):
            name = re.match(r"[a-z_]+", line)[0]
            told.setdefault(name, set()).update(re.findall(r'[{,]([a-z_]+)="', line))
    return told


def test_dashboard_and_alerts_ask_only_for_what_a_scrape_tells(scraped) -> None:
    """A panel of a metric that was renamed is empty for ever, and an alert on it never fires."""
    asked = [one for expression in EXPRESSIONS for one in selectors(expression)]
    assert len(asked) > 30
    unknown = {name for name, _ in asked} - set(scraped) - FROM_PROMETHEUS
    assert unknown == set()
    for name, labels in asked:
        assert labels <= scraped.get(name, labels), name


def test_every_metric_that_is_told_is_looked_at_somewhere(scraped) -> None:
    asked = {name for expression in EXPRESSIONS for name, _ in selectors(expression)}
    families = {re.sub(r"_(bucket|count|sum|gcount|gsum|created|total)$", "", name) for name in scraped}
    assert families <= {re.sub(r"_(bucket|total)$", "", name) for name in asked}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_to_do(rule) -> None:
    assert rule["annotations"]["summary"]
    assert len(rule["annotations"]["action"]) > 15
    named = re.findall(r"(?<![-\w'])zhuandi ([a-z-]+)", rule["annotations"]["action"])
    assert set(named) <= COMMANDS


def exists(variable: str) -> bool:
    """Whether the settings know this environment variable."""
    return variable.removeprefix("ZHUANDI_").lower().partition("__")[0] in Settings.model_fields


IN_CONTAINERS = (DEPLOY / "README.md").read_text("utf-8").partition("### In containers")[2].partition("\n## ")[0]
OURS = [name for name, one in COMPOSE["services"].items() if one.get("image") == "zhuandi"]


def filled(text: str, told: Mapping[str, str]) -> str:
    """As compose fills in `${NAME:-otherwise}`, the innermost first."""
    while "${" in text:
        text = re.sub(r"\$\{(\w+):[-?]([^${}]*)\}", lambda found: told.get(found[1]) or found[2], text)
    return text


def composed(name: str, told: Mapping[str, str]) -> dict[str, str]:
    """The environment of this service, where the env file says what is `told`."""
    service = COMPOSE["services"][name]
    of_file = told if "env_file" in service else {}
    return {**of_file, **{one: filled(value, told) for one, value in service["environment"].items()}}


@pytest.mark.parametrize("name", OURS)
def test_every_variable_that_is_named_for_containers_reaches_their_processes(name: str) -> None:
    """`--env-file` alone only fills in `${…}`: what a centre had set was silently a default."""
    told = {variable: f"said of {variable}" for variable in re.findall(r"`([A-Z]+_[A-Z_]+)`", IN_CONTAINERS)}
    assert {"FORWARDED_ALLOW_IPS", "ZHUANDI_METRICS_SOURCES", "ZHUANDI_EMS__SENDER_NO"} <= told.keys()
    reached = composed(name, told)
    assert {variable: reached.get(variable) for variable in told} == told


def test_the_env_file_lies_where_everything_says_that_it_does() -> None:
    path = filled(COMPOSE["services"]["api"]["env_file"], {})
    for text in (IN_CONTAINERS, (DEPLOY / "compose.yml").read_text("utf-8")):
        assert f"--env-file {path} " in text
    assert path in (DEPLOY / "compose.env.example").read_text("utf-8")


@pytest.mark.parametrize("told", [{}, {"BRIDGE_SUBNET": "10.99.0.0/24"}])
def test_a_proxy_on_the_host_is_believed_and_may_scrape_and_nobody_else(told: Mapping[str, str]) -> None:
    """It arrives as the bridge's gateway: not believed, all citizens and clerks were one caller to every limit."""
    [pool] = COMPOSE["networks"]["default"]["ipam"]["config"]
    gateway = str(next(ip_network(filled(pool["subnet"], told)).hosts()))
    environment = composed("api", told)

    async def told_who(scope, receive, send) -> None:
        await PlainTextResponse(scope["client"][0])(scope, receive, send)

    app = ProxyHeadersMiddleware(told_who, trusted_hosts=environment["FORWARDED_ALLOW_IPS"])
    for asking, known_as in ((gateway, "203.0.113.7"), ("203.0.113.9", "203.0.113.9")):
        answer = TestClient(app, client=(asking, 1)).get("/", headers={"X-Forwarded-For": "203.0.113.7"})
        assert answer.text == known_as
    sources = Settings(metrics_sources=json.loads(environment["ZHUANDI_METRICS_SOURCES"])).metrics_sources
    assert [any(ip_address(who) in one for one in sources) for who in (gateway, "127.0.0.1", "203.0.113.7")] == [
        *(True, True, False)
    ]
    assert COMPOSE["services"]["api"]["ports"] == ["127.0.0.1:8080:8080"]


def has_compose() -> bool:
    """Whether `docker compose` can be asked."""
    asked = shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True)
    return bool(asked) and asked.returncode == 0


@pytest.mark.skipif(not has_compose(), reason="docker compose is not on this machine")
def test_compose_reads_its_file(tmp_path: Path) -> None:
    file = tmp_path / "compose.env"
    told = {"POSTGRES_PASSWORD": "abc", "ZHUANDI_PUBLIC_URL": "https://x", "ZHUANDI_VAULT_KEYS": '["ab"]'}
    told |= {"ZHUANDI_EMS__SENDER_NO": "1100", "ZHUANDI_ENV_FILE": str(file)}
    file.write_text("".join(f"{name}={value}\n" for name, value in told.items()))
    command = ["docker", "compose", "-f", DEPLOY / "compose.yml", "--env-file", file, "config", "--format", "json"]
    read = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for name in OURS:
        assert read["services"][name]["environment"] == composed(name, told)
    file.unlink()
    refused = subprocess.run(command, capture_output=True, text=True)
    assert (refused.returncode != 0, "compose.env" in refused.stderr) == (True, True)


def test_environment_variables_of_units_and_compose_are_settings() -> None:
    """A variable that is misspelt is silently a default: the wrong port, or no key."""
    lines = [line for unit in UNITS for line in unit.read_text(encoding="utf-8").splitlines()]
    named = {word.split("=")[0] for line in lines if line.startswith("Environment=") for word in line[12:].split()}
    named |= set(re.findall(r"^([A-Z_]+)=", (DEPLOY / "systemd/zhuandi.env.example").read_text(), re.MULTILINE))
    named |= set(re.findall(r"^([A-Z_]+)=", (DEPLOY / "compose.env.example").read_text(), re.MULTILINE))
    named |= {variable for name in OURS for variable in COMPOSE["services"][name]["environment"]}
    assert {"ZHUANDI_LISTEN_PORT", "ZHUANDI_VAULT_KEYS"} <= named
    assert [variable for variable in sorted(named - NOT_OURS) if not exists(variable)] == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_no_process_falls_with_the_migration_and_whatever_starts_too_early_is_tried_again(unit: Path) -> None:
    """`Requires=` stops all of them while an update migrates, and for good where the database is late at a boot."""
    lines = unit.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith(("Requires=", "BindsTo=", "Requisite="))] == []
    assert "StartLimitIntervalSec=0" in lines
    assert {"Restart=always", "Restart=on-failure"} & set(lines)


def test_commands_of_units_and_compose_exist_and_all_processes_are_started() -> None:
    started = {
        re.search(r"^ExecStart=\S+/zhuandi (\S+)$", unit.read_text("utf-8"), re.MULTILINE)[1] for unit in UNITS
    }
    in_containers = {COMPOSE["services"][name]["command"][0] for name in OURS}
    assert started == in_containers == {"api", "worker", "clock", "migrate"}
    assert started <= COMMANDS


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_reads_every_unit(unit: Path, tmp_path: Path) -> None:
    """An unknown directive is only a warning in the journal, and the hardening is not there."""
    for other in UNITS:
        text = other.read_text(encoding="utf-8").replace("/opt/zhuandi/.venv/bin/zhuandi", "/bin/true")
        (tmp_path / other.name).write_text(text, encoding="utf-8")
    name = unit.name.replace("@.", "@8080.")
    if name != unit.name:
        (tmp_path / name).symlink_to(tmp_path / unit.name)
    told = subprocess.run(["systemd-analyze", "verify", tmp_path / name], capture_output=True, text=True)
    complaints = [line for line in told.stderr.splitlines() if "zhuandi" in line]
    assert complaints == []


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not on this machine")
def test_nginx_reads_its_example(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "fullchain.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x"]
    subprocess.run([*make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    text = (DEPLOY / "nginx/zhuandi.conf").read_text(encoding="utf-8")
    text = text.replace("/etc/ssl/zhuandi", str(tmp_path)).replace("/var/log/nginx", str(tmp_path))
    (tmp_path / "zhuandi.conf").write_text(text, encoding="utf-8")
    whole = f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ include {tmp_path}/zhuandi.conf; }}"
    (tmp_path / "nginx.conf").write_text(whole, encoding="utf-8")
    told = subprocess.run(["nginx", "-t", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert "location = /metrics { return 404; }" in text
