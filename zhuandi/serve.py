"""A house is prepared, and awaited."""

import time
from pathlib import Path

import httpx2
import typer

from dispatch import bells
from dispatch.db import connect
from dispatch.settings import Settings, read_settings
from dispatch.wiring import broker_url, database_url
from zhuandi import migrate as migrations
from zhuandi.check_house import check_house
from zhuandi.context import for_people, with_database

app = typer.Typer()


@app.command()
def migrate() -> None:
    """建表，或把表结构升到最新。"""
    with for_people(), with_database(read_settings()) as settings:
        prepare(settings)


def prepare(settings: Settings) -> None:
    """The newest schema, and what the broker needs. Raises UnsafeDatabaseError before anything is written."""
    check_house(settings)
    engine = connect(database_url(settings))
    try:
        migrations.run(engine)
    finally:
        engine.dispose()
    bells.prepare(broker_url(settings))


def await_answer(url: str, seconds: float) -> bool:
    """Whether something answers 200 at `url` within this time."""
    deadline = time.monotonic() + seconds
    with httpx2.Client(timeout=2, trust_env=False) as client:
        while time.monotonic() < deadline:
            try:
                if client.get(url).status_code == httpx2.codes.OK:
                    return True
            except httpx2.HTTPError:
                pass
            time.sleep(0.1)
    return False


PAPERS = "papers"
"""Folder in the home folder for labels and posting lists that the demo leaves."""


def papers_folder(home: Path) -> Path:
    """Where the demo leaves its papers."""
    folder = home / PAPERS
    folder.mkdir(parents=True, exist_ok=True)
    return folder
