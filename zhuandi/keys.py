"""The vault's keys on the command line: what lies under which, a new one, and everything sealed anew under it."""

import getpass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dispatch.errors import NotAllowedError
from dispatch.personal.rotate import Use, left_under_old_keys, usage
from dispatch.personal.rotate import rotate as rotate_keys
from dispatch.settings import Settings, read_settings
from dispatch.vault import key_id, put_new_key_first
from dispatch.wiring import KEY_FILE
from zhuandi.context import for_people, make_home, open_world

app = typer.Typer(help="个人信息的密钥", invoke_without_command=True)
console = Console(highlight=False, soft_wrap=True)
MAY_GO = "旧密钥之下已没有内容，可以从 {where} 中取出（留第一把）；旧备份仍要用它打开，请与旧备份一同保管。"
STAYS = "仍有 {left} 处由旧密钥加密，旧密钥还不能取出。"


@app.callback()
def keys(context: typer.Context) -> None:
    """列出在用的密钥：哪一列有多少内容由哪一把加密。"""
    if context.invoked_subcommand is not None:
        return
    with for_people(), open_world() as world:
        found = usage(world)
        where = _where(world.settings)
    console.print(_table(found))
    _say_what_may_go(left_under_old_keys(found), where)
    if any(not use.known for use in found):
        raise typer.Exit(1)


def _table(found: list[Use]) -> Table:
    table = Table("列", "密钥与算法", "数量", "")
    for use in found:
        state = "当前" if use.current else "旧" if use.known else "手头没有这把密钥"
        table.add_row(use.column, use.key, str(use.values), state)
    return table


def _where(settings: Settings) -> str:
    return "ZHUANDI_VAULT_KEYS" if settings.vault_keys else str(settings.home / KEY_FILE)


def _say_what_may_go(left: int, where: str) -> None:
    console.print(STAYS.format(left=left) if left else MAY_GO.format(where=where))


@app.command("new")
def new() -> None:
    """新建一把密钥，放在密钥文件最前：从此用它加密，旧的仍能打开。正在运行的服务几秒内自行换用。"""
    with for_people():
        settings = read_settings()
        if settings.vault_keys:
            raise NotAllowedError(
                "密钥写在设置 vault_keys 里：请自行生成（openssl rand -hex 32），先放在最后一位并重启全部服务，"
                "再移到第一位并重启，然后运行 zhuandi keys rotate。"
            )
        file = make_home(settings.home) / KEY_FILE
        made = put_new_key_first(file)
    console.print(f"新密钥 {key_id(made).hex()} 已放在 {file} 最前。请立即另行备份，再运行 zhuandi keys rotate。")


@app.command("rotate")
def rotate(by: Annotated[str | None, typer.Option(help="经办人，默认为登录名")] = None) -> None:
    """把全部个人信息改由当前密钥加密；服务不用停，中断了再运行一次就接着做。"""
    with for_people(), open_world() as world:
        done = rotate_keys(world, by or getpass.getuser(), _tell)
        where = _where(world.settings)
    for place in done.unopened:
        console.print(f"打不开，未动：{place}")
    console.print(f"重新加密 {done.resealed} 行。")
    _say_what_may_go(done.left, where)
    if done.left:
        raise typer.Exit(1)


def _tell(table: str, rows: int) -> None:
    if rows:
        console.print(f"{table}：{rows} 行")
