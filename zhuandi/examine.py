"""What `zhuandi doctor` looks at outside the database: files, disk, settings, and whether others can be reached."""

import os
import shutil
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from dispatch import bells
from dispatch.accounts import Account
from dispatch.errors import ZhuandiError
from dispatch.safety import Finding, Level
from dispatch.settings import SETTINGS_FILE, Centre, Settings
from dispatch.wiring import KEY_FILE

OTHERS = 0o077
DISK_WARNS, DISK_FAILS = 5_000_000_000, 1_000_000_000  # bytes
REACH_SECONDS = 5
PORTS = {"http": 80, "https": 443, "amqp": 5672, "amqps": 5671, "redis": 6379, "rediss": 6379, "postgresql": 5432}
HERE = ("127.0.0.1", "localhost", "::1")
PRACTICE = "SBX"
"""How the codes of the sandbox posts begin: no real post uses them."""
TRACKERS = ("kdniao", "kuaidi100")
"""Accounts that carry nothing: whoever they follow has a lane of its own."""
EACH, SPARE, WORKERS = 20, 20, 2
"""Connections of each process, and for the clock and commands; workers of a small house, beside one API process."""
ASK_THE_POST = ("refused_codes", "duplicate_codes", "unauthorised_codes")


def files(settings: Settings) -> Iterator[Finding]:
    """Who can read the home folder, the key and the settings; whether there is room."""
    home = settings.home
    if not home.exists():
        yield Finding(Level.WARN, "数据文件夹", f"{home} 不存在", "首次启动时会建立；已在用的请核对 ZHUANDI_HOME。")
        return
    for file, level in ((home, Level.WARN), (home / KEY_FILE, Level.ERROR), (home / SETTINGS_FILE, Level.ERROR)):
        if file.exists():
            yield _private(file, level)
    yield _room(home)


def _private(file: Path, level: Level) -> Finding:
    mode, mine = file.stat().st_mode & 0o777, file.stat().st_uid == os.geteuid()
    if mode & OTHERS:
        better = mode & ~OTHERS
        return Finding(level, "权限", f"{file} 为 {mode:04o}，别的账号能读写", f"请执行 chmod {better:04o} {file}")
    if not mine:
        return Finding(Level.WARN, "权限", f"{file} 属于另一个账号", "请用服务的账号运行，或 chown 给它。")
    return Finding(Level.OK, "权限", f"{file} 为 {mode:04o}")


def _room(home: Path) -> Finding:
    free = shutil.disk_usage(home).free
    level = Level.ERROR if free < DISK_FAILS else Level.WARN if free < DISK_WARNS else Level.OK
    remedy = "" if level is Level.OK else "请清理或扩容：磁盘满了，办件就收不进来。"
    return Finding(level, "磁盘", f"{home} 所在的盘还剩 {free / 1e9:.1f} GB", remedy)


def chosen(settings: Settings) -> Iterator[Finding]:
    """What was left as it came, where a live centre must have chosen."""
    if settings.profile == "sandbox":
        yield Finding(Level.WARN, "设置", "这是练习环境", "正式使用请另设 ZHUANDI_HOME，并填正式账号。")
        return
    if settings.centre == Centre():
        yield Finding(Level.WARN, "设置", "中心的名称与地址还是缺省值", "面单上印的就是它：请设置 centre。")
    if urlsplit(settings.public_url).hostname in HERE:
        yield Finding(Level.WARN, "设置", "public_url 还是本机地址", "二维码里印的就是它：请设为群众打得开的地址。")
    if not settings.ems.sender_no:
        yield Finding(Level.ERROR, "设置", "没有 EMS 协议客户号", "请向邮政要 sender_no、authorization、sk 并设置。")
    for name, account in accounts(settings).items():
        yield from _account(name, account)


def _account(name: str, account: Account) -> Iterator[Finding]:
    said = [str(one) for field in account for one in (field[1] if isinstance(field[1], tuple) else ())]
    if any(one.startswith(PRACTICE) for one in said):
        yield Finding(Level.ERROR, "设置", f"{name} 用着练习邮政的代码", f"请从设置里去掉 {PRACTICE}… 各代码。")
    known = type(account).model_fields.keys()
    if open_ones := [one for one in ASK_THE_POST if one in known - account.model_fields_set]:
        words = f"{name} 的 {'、'.join(open_ones)} 未经寄递企业确认"
        yield Finding(Level.WARN, "设置", words, "请向寄递企业核对（docs/posts.md），再写进设置。")


def accounts(settings: Settings) -> dict[str, Account]:
    """All accounts that the settings name."""
    named = {name: getattr(settings, name) for name in ("ems", "sf", "gov_ems", "kdniao", "kuaidi100", "by_hand")}
    named |= settings.further_ems
    return {name: account for name, account in named.items() if account is not None}


def lanes(settings: Settings) -> int:
    """So many carriers have a lane of their own in each worker."""
    return len(accounts(settings).keys() - TRACKERS | settings.tracked.keys())


def connections(settings: Settings, most: int) -> Finding:
    """Whether PostgreSQL lets in what a small house opens, as deploy/README.md reckons it."""
    bells_here = (settings.broker_url or "postgresql").startswith("postgresql")
    heard = WORKERS * (lanes(settings) + 2) if bells_here else 0  # kept for ever: lanes, the road, the ear
    wanted = EACH * (1 + WORKERS) + heard + SPARE
    if most >= wanted:
        return Finding(Level.OK, "连接数", f"max_connections 为 {most}")
    words = f"max_connections 为 {most}，一个 api、{WORKERS} 个 worker 就要 {wanted}"
    return Finding(Level.WARN, "连接数", words, "请在 PostgreSQL 里调大（见 deploy/README.md），重启数据库后生效。")


def reachable(settings: Settings) -> Iterator[Finding]:
    """Whether each carrier's endpoint takes a connection. No call is made."""
    for name, account in accounts(settings).items():
        urls = {value for field, value in account if field.endswith("endpoint") and value}
        for url in sorted(urls):
            yield _reached(f"寄递企业 {name}", url, Level.WARN, "请核对网络、防火墙与设置里的地址。")


def broker(settings: Settings) -> Iterator[Finding]:
    """Whether a broker of its own answers, and is safe. Without one everything moves too, by the clock."""
    if settings.broker_url is None:
        yield Finding(Level.OK, "消息队列", "用数据库")
        return
    try:
        weak = bells.weaknesses(settings.broker_url)
    except ZhuandiError as error:
        yield Finding(Level.ERROR, "消息队列", str(error), "请改 ZHUANDI_BROKER_URL。")
        return
    yield from (Finding(Level.WARN, "消息队列", words, "") for words in weak)
    if not weak:
        yield Finding(Level.OK, "消息队列", "可以连接，设置稳妥")


def _reached(part: str, url: str, level: Level, remedy: str) -> Finding:
    asked = urlsplit(url)
    host, port = asked.hostname or "", asked.port or PORTS.get(asked.scheme, 0)
    try:
        with socket.create_connection((host, port), REACH_SECONDS) as line:
            if asked.scheme == "https":
                ssl.create_default_context().wrap_socket(line, server_hostname=host).close()
    except ssl.SSLError as error:
        return Finding(level, part, f"{host}:{port} 的证书不被认可（{error.reason}）", remedy)
    except OSError as error:
        return Finding(level, part, f"连不上 {host}:{port}（{type(error).__name__}）", remedy)
    return Finding(Level.OK, part, f"{host}:{port} 可以连接")
