"""Backup and restore on the command line."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy import Engine

from dispatch import bells
from dispatch.db import connect
from dispatch.errors import NotAllowedError
from dispatch.hall_time import hall_time
from dispatch.settings import Settings, read_settings
from dispatch.vault import Vault
from dispatch.wiring import KEY_FILE, broker_url, database_url, vault_keys
from zhuandi import dump
from zhuandi.backup_file import open_keys
from zhuandi.context import for_people, with_database
from zhuandi.restore import restore as restore_into

app = typer.Typer()
console = Console(highlight=False)
REPLACED = "replaced"
"""Folder in the home folder for backups of what was replaced."""
PASSPHRASE = "ZHUANDI_BACKUP_PASSPHRASE"  # noqa: S105 - the name of the variable
SHORTEST = 12
WITHOUT_KEY = "备份里没有密钥。没有密钥，备份里的个人信息打不开：请把密钥文件另存在别处。"
WITH_KEY = "备份里有密钥，只用您的口令加密：口令请与备份分开保管，忘了就打不开。"
NEXT = "数据已恢复，现处于核对状态：暂不并封、下单、撤单。启动服务后看 zhuandi reconcile，按它说的做。"
File = Annotated[Path, typer.Argument(help="备份文件", exists=True, dir_okay=False)]


@contextmanager
def _with_engine() -> Iterator[tuple[Settings, Engine, tuple[bytes, ...]]]:
    told = read_settings()
    if not told.vault_keys and not (told.home / KEY_FILE).exists():
        raise NotAllowedError(
            f"{told.home} 里没有密钥文件 {KEY_FILE}。请先放回当时的密钥（或取自备份：backup-key）。"
        )
    with with_database(told) as settings:
        engine = connect(database_url(settings))
        try:
            yield settings, engine, vault_keys(settings)
        finally:
            engine.dispose()


def _passphrase(*, confirm: bool) -> str:
    told = os.environ.get(PASSPHRASE) or typer.prompt("口令", hide_input=True, confirmation_prompt=confirm)
    if confirm and len(told) < SHORTEST:
        raise NotAllowedError(f"口令太短：至少 {SHORTEST} 个字符。")
    return str(told)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="放备份的文件夹，或备份文件名")],
    *,
    keep: Annotated[int | None, typer.Option(min=1, help="这个文件夹里只留最近几份")] = None,
    with_key: Annotated[bool, typer.Option(help="连同密钥一起备份，用口令加密")] = False,
) -> None:
    """备份数据库：服务不用停；写全、核对无误才改成正式文件名。"""
    if keep is not None and not target.is_dir():
        raise typer.BadParameter("--keep 只用于文件夹")
    with for_people(), _with_engine() as (_, engine, keys):
        phrase = _passphrase(confirm=True) if with_key else ""
        made = dump.back_up(engine, Vault(keys), target, keys if with_key else (), phrase)
        gone = dump.rotate(target, keep) if keep else []
    console.print(f"已备份并核对：{made}{f'；删去较早的 {len(gone)} 份' if gone else ''}", soft_wrap=True)
    console.print(WITH_KEY if with_key else WITHOUT_KEY)


@app.command()
def restore(
    file: File,
    *,
    replace: Annotated[bool, typer.Option(help="数据库里有数据也替换（先自动另存一份）")] = False,
    by: Annotated[str | None, typer.Option(help="经办人，默认为登录名")] = None,
) -> None:
    """从备份恢复数据库（须先停服务）；恢复后先核对，再下单。"""
    with for_people(), _with_engine() as (settings, engine, keys):
        keep_in = settings.home / REPLACED if replace else None
        manifest = restore_into(engine, Vault(keys), file, by or getpass.getuser(), keep_in)
        bells.prepare(broker_url(settings))
    if keep_in is not None:
        console.print(f"替换前的数据另存在 {keep_in}", soft_wrap=True)
    rows = sum(part.rows for part in manifest.parts)
    console.print(f"备份时间 {hall_time(manifest.taken_at)}，共 {rows} 行。{NEXT}")


@app.command("backup-key")
def backup_key(file: File, out: Annotated[Path, typer.Argument(help="密钥写到哪个文件（不能已存在）")]) -> None:
    """从备份里取出密钥（备份时用了 --with-key）：一行一把，第一行的用来加密。"""
    with for_people():
        keys = open_keys(file, _passphrase(confirm=False))
        try:
            descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise NotAllowedError(f"{out} 已存在，没有写。请换一个文件名。") from None
        with os.fdopen(descriptor, "w") as made:
            made.write(keys)
    console.print(f"密钥已写入 {out}。把它放作 vault.key（可以不止一行），或逐行列入 ZHUANDI_VAULT_KEYS。")
