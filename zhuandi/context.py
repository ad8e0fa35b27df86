"""What every command needs: the settings with a database behind them, the world, errors in people's words."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from psycopg.errors import LockNotAvailable, QueryCanceled
from sqlalchemy.exc import OperationalError, ProgrammingError

from dispatch.errors import ZhuandiError
from dispatch.settings import Settings, read_settings
from dispatch.wiring import make_broker, make_world
from dispatch.world import World
from workers.jobs import queue_of
from zhuandi.check_house import check_house
from zhuandi.postgres import EmbeddedPostgres, PostgresError

CHILD = "ZHUANDI_CHILD"
"""Set by `zhuandi up` for its children: the database is the house's, and they leave when the house is gone."""


def make_home(home: Path) -> Path:
    """The home folder, for its owner alone: keys, papers and links lie in it. One that exists stays as it is."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home


@contextmanager
def with_database(settings: Settings) -> Iterator[Settings]:
    """Settings that lead to a database: the one they name, or the embedded one, started for as long as needed."""
    if settings.database_url:
        yield settings
        return
    embedded = EmbeddedPostgres(make_home(settings.home))
    was_running = embedded.running()
    url = embedded.start()
    try:
        yield settings.model_copy(update={"database_url": url})
    finally:
        if not was_running and not os.environ.get(CHILD):
            embedded.stop()


@contextmanager
def open_world(*, serving: bool = False) -> Iterator[World]:
    """The world that the settings describe. `serving`: for a process that stays; it asks first what it relies on."""
    with with_database(read_settings()) as settings:
        if serving:
            check_house(settings)
        with make_world(settings, make_broker(settings), queue_of) as world:
            yield world


@contextmanager
def for_people() -> Iterator[None]:
    """An error that a person can act on is one line, and exit code 1; anything else keeps its traceback."""
    try:
        yield
    except (ZhuandiError, PostgresError) as error:
        _stop(str(error))
    except FileNotFoundError as error:
        _stop(f"找不到 {error.filename}。请核对文件名与文件夹。")
    except IsADirectoryError as error:
        _stop(f"{error.filename} 是文件夹，不是文件。")
    except PermissionError as error:
        _stop(f"没有权限读写 {error.filename}。")
    except ProgrammingError as error:
        if "UndefinedTable" not in type(error.orig).__name__:
            raise
        _stop("数据库里还没有本系统的表。请先运行 `zhuandi migrate`（或 `make up`）。")
    except OperationalError as error:
        _stop(_why(error.orig))


def _why(error: BaseException | None) -> str:
    match error:
        case LockNotAvailable():
            return "要用的表被别的程序占着，没有等到，什么也没有改。请稍后再试；总是这样，请查谁开着长事务。"
        case QueryCanceled():
            return "数据库太慢，一条语句超过了时限，没有做完，什么也没有改。请稍后再试，并检查数据库的负载与磁盘。"
        case _:
            return "连不上数据库。请检查 DATABASE_URL，或用 `zhuandi up` 启动内嵌数据库。"


def _stop(words: str) -> None:
    print(f"错误：{words}", file=sys.stderr)
    raise typer.Exit(1) from None
