"""Client systems and their keys."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from dispatch.client import (
    AT_THE_MACHINE,
    EVERY_SCOPE,
    ClientKey,
    ClientScope,
    add_client,
    change_scopes,
    clients,
    close_client,
    revoke_key,
    rotate_key,
)
from dispatch.hall_time import hall_time
from zhuandi.context import for_people, open_world

app = typer.Typer(help="对接系统与密钥", no_args_is_help=True)
console = Console()
Name = Annotated[str, typer.Argument(help="对接系统的名称")]


@app.callback()
def client() -> None:
    """对接系统与密钥"""


@app.command("add")
def client_add(
    name: Name, *, scope: Annotated[list[ClientScope] | None, typer.Option(help="权限；不写则全部")] = None
) -> None:
    """登记一个对接系统，密钥只显示这一次。"""
    with for_people(), open_world() as world:
        _show(name, add_client(world, name, scope or EVERY_SCOPE, AT_THE_MACHINE))


@app.command("rotate")
def client_rotate(name: Name, *, days: Annotated[int, typer.Option(help="旧密钥再用几天", min=0)] = 7) -> None:
    """换密钥：新的只显示这一次，旧的再用几天。"""
    with for_people(), open_world() as world:
        _show(name, rotate_key(world, name, timedelta(days=days), AT_THE_MACHINE))


@app.command("revoke")
def client_revoke(name: Name, key: Annotated[UUID, typer.Argument(help="密钥的编号，见 list")]) -> None:
    """立即停用一把密钥。"""
    with for_people(), open_world() as world:
        revoke_key(world, name, key, AT_THE_MACHINE)
    console.print("密钥已停用。")


@app.command("scopes")
def client_scopes(name: Name, scope: Annotated[list[ClientScope], typer.Argument(help="权限")]) -> None:
    """改权限。"""
    with for_people(), open_world() as world:
        change_scopes(world, name, scope, AT_THE_MACHINE)
    console.print(f"对接系统“{name}”的权限已改。")


@app.command("close")
def client_close(name: Name) -> None:
    """停用一个对接系统，它的密钥全部作废。"""
    with for_people(), open_world() as world:
        close_client(world, name, AT_THE_MACHINE)
    console.print(f"对接系统“{name}”已停用。")


@app.command("list")
def client_list() -> None:
    """全部对接系统和密钥（只有开头几位）。"""
    with for_people(), open_world() as world, world.reading() as session:
        found, now = clients(session), world.now()
    table = Table("对接系统", "权限", "密钥编号", "开头", "制发", "到期", "状态")
    for one in found:
        scopes = "、".join(scope.chinese for scope in one.scopes)
        for key in one.keys:
            until = hall_time(key.valid_until) if key.valid_until else ""
            state = "可用" if one.client.revoked_at is None and key.opens(now) else "停用"
            table.add_row(one.client.name, scopes, str(key.id), _hint(key), hall_time(key.made_at), until, state)
    console.print(table)


def _hint(key: ClientKey) -> str:
    return f"{key.hint}…" if key.hint else "—"


def _show(name: str, key: str) -> None:
    console.print(f"对接系统“{name}”的密钥（只显示这一次，请妥善保存）：")
    print(key)
