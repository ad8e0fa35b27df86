"""Is this database one that keeps its word: what is answered with success must survive a power cut.

The same questions are asked when a process starts, by /readyz, and by `zhuandi doctor`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from dispatch.errors import ZhuandiError

OLDEST = 150_000  # server_version_num of PostgreSQL 15
SKEW_WARNS, SKEW_FAILS = timedelta(seconds=30), timedelta(seconds=120)
ASKED = text("""
    SELECT current_setting('server_version_num')::int AS version, current_setting('fsync') AS fsync,
           current_setting('full_page_writes') AS full_page_writes,
           current_setting('synchronous_commit') AS synchronous_commit,
           current_setting('server_encoding') AS encoding
""")


class Level(StrEnum):
    """How bad it is, as it is shown."""

    OK = "OK"
    WARN = "注意"
    ERROR = "错误"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was found, what to do about it."""

    level: Level
    part: str
    words: str
    remedy: str = ""


class UnsafeDatabaseError(ZhuandiError):
    """A database on which an answer of success would be a lie."""


def database_findings(connection: Connection | Session) -> Iterator[Finding]:
    """Version, durability, character set of the server behind this connection."""
    told = connection.execute(ASKED).one()
    yield from _judged(
        ("数据库版本", told.version >= OLDEST, str(told.version), Level.ERROR, "请升级到 PostgreSQL 15 或更新。"),
        ("fsync", told.fsync == "on", told.fsync, Level.ERROR, _switch_on("fsync", "断电会丢失已经受理的办件")),
        (
            *("full_page_writes", told.full_page_writes == "on", told.full_page_writes, Level.ERROR),
            _switch_on("full_page_writes", "断电会损坏数据库"),
        ),
        (
            *("synchronous_commit", told.synchronous_commit != "off", told.synchronous_commit, Level.WARN),
            _switch_on("synchronous_commit", "断电会丢失最后几百毫秒里已经答复成功的内容"),
        ),
        ("字符集", told.encoding == "UTF8", told.encoding, Level.ERROR, "请用 UTF8 重新建库（initdb -E UTF8）。"),
    )


def _switch_on(name: str, danger: str) -> str:
    return f"{danger}。请执行 ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();"


def _judged(*rows: tuple[str, bool, str, Level, str]) -> Iterator[Finding]:
    for part, good, found, level, remedy in rows:
        yield Finding(Level.OK, part, found) if good else Finding(level, part, f"现为 {found}", remedy)


def refuse_unsafe(found: Iterable[Finding]) -> list[Finding]:
    """The warnings among these. Raises UnsafeDatabaseError where one of them is an error."""
    bad = [one for one in found if one.level is not Level.OK]
    if errors := [f"{one.part}{one.words}：{one.remedy}" for one in bad if one.level is Level.ERROR]:
        raise UnsafeDatabaseError(f"这个数据库不可靠，服务不启动。{' '.join(errors)}")
    return bad


def clock_skew(connection: Connection | Session, now: Callable[[], datetime]) -> timedelta:
    """How far this machine's clock is ahead of the database's (negative: behind), but for half a round trip."""
    before = now()
    theirs: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return before + (now() - before) / 2 - theirs


def skew_finding(connection: Connection | Session, now: Callable[[], datetime]) -> Finding:
    """This machine's clock beside the database's, in words."""
    off = clock_skew(connection, now)
    level = Level.ERROR if abs(off) >= SKEW_FAILS else Level.WARN if abs(off) >= SKEW_WARNS else Level.OK
    remedy = "" if level is Level.OK else "请在两台机器上开启对时（chrony 或 systemd-timesyncd）。"
    return Finding(level, "时钟", f"本机与数据库相差 {off.total_seconds():+.1f} 秒", remedy)


def revision_of(connection: Connection | Session) -> str | None:
    """The migration that this database is at; nothing where none was ever run."""
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar_one() is None:
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found
