"""Accounts of the staff: the first one is made here, further ones in the console too."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dispatch.hall_time import hall_time
from dispatch.staff.bind import bind_subject, unbind_subject
from dispatch.staff.failures import prove
from dispatch.staff.member import (
    Made,
    add_member,
    change_member,
    change_password,
    close_member,
    find_member,
    members,
    reopen_member,
    reset_password,
)
from dispatch.staff.role import Role
from dispatch.staff.totp import remove_code
from zhuandi.context import for_people, open_world

app = typer.Typer(help="工作人员账号", no_args_is_help=True)
console = Console()
AT_THE_MACHINE = "命令行"
"""Who acts here: whoever may run commands on the server."""


@app.callback()
def admin() -> None:
    """工作人员账号"""


@app.command("add")
def add(
    login: Annotated[str, typer.Argument(help="登录名：小写字母、数字、点、横线")],
    name: Annotated[str, typer.Option(help="姓名")],
    *,
    role: Annotated[Role, typer.Option(help="角色")] = Role.ADMINISTRATOR,
    department: Annotated[list[str] | None, typer.Option(help="只看这些部门；不写则全部")] = None,
) -> None:
    """新建账号；首次登录的密码只显示这一次。"""
    with for_people(), open_world() as world:
        _show(add_member(world, login, name, role, department or None, AT_THE_MACHINE))


@app.command("change")
def change(
    login: str,
    name: Annotated[str, typer.Option(help="姓名")],
    *,
    role: Annotated[Role, typer.Option(help="角色")],
    department: Annotated[list[str] | None, typer.Option(help="只看这些部门；不写则全部")] = None,
) -> None:
    """改姓名、角色、部门；角色或部门变了的，本人须重新登录。"""
    with for_people(), open_world() as world:
        change_member(world, login, name, role, department or None, AT_THE_MACHINE)
    console.print(f"账号 {login} 已改。")


@app.command("reset")
def reset(login: str) -> None:
    """重置密码，解除锁定；新密码只显示这一次。"""
    with for_people(), open_world() as world:
        _show(reset_password(world, login, AT_THE_MACHINE))


@app.command("password")
def password(login: str) -> None:
    """本人改密码：原密码与新密码都在终端里问，不显示。"""
    old = typer.prompt("原密码", hide_input=True)
    new = typer.prompt("新密码", hide_input=True, confirmation_prompt="再填一次新密码")
    with for_people(), open_world() as world:
        with world.reading() as session:
            member = find_member(session, login)
        prove(world, member, old, "原密码不对。")
        change_password(world, login, new)
    console.print("密码已改。")


@app.command("close")
def close(login: str) -> None:
    """停用账号。"""
    with for_people(), open_world() as world:
        close_member(world, login, AT_THE_MACHINE)
    console.print(f"账号 {login} 已停用。")


@app.command("reopen")
def reopen(login: str) -> None:
    """恢复账号。"""
    with for_people(), open_world() as world:
        reopen_member(world, login, AT_THE_MACHINE)
    console.print(f"账号 {login} 已恢复。")


@app.command("remove-code")
def without_code(login: str) -> None:
    """取消动态验证码（换了手机的）。"""
    with for_people(), open_world() as world:
        remove_code(world, login, AT_THE_MACHINE)
    console.print(f"账号 {login} 的动态验证码已取消。")


@app.command("bind")
def bind(
    login: str,
    subject: Annotated[str, typer.Argument(help="统一身份认证给这个人的标识（sub）")],
    *,
    only: Annotated[bool, typer.Option(help="只用统一身份登录，取消密码")] = False,
) -> None:
    """把统一身份绑定到账号。"""
    with for_people(), open_world() as world:
        bind_subject(world, login, subject, AT_THE_MACHINE, only=only)
    console.print(f"账号 {login} 已绑定。")


@app.command("unbind")
def unbind(login: str) -> None:
    """解除统一身份。"""
    with for_people(), open_world() as world:
        unbind_subject(world, login, AT_THE_MACHINE)
    console.print(f"账号 {login} 已解除绑定。")


@app.command("list")
def list_members() -> None:
    """全部账号。"""
    with for_people(), open_world() as world, world.reading() as session:
        found = members(session)
    table = Table("登录名", "姓名", "角色", "部门", "新建", "停用")
    for one in found:
        departments = "全部" if one.departments is None else "、".join(one.departments)
        closed = hall_time(one.closed_at) if one.closed_at else ""
        table.add_row(one.login, one.name, Role(one.role).chinese, departments, hall_time(one.made_at), closed)
    console.print(table)


def _show(made: Made) -> None:
    console.print(f"账号 {made.login} 的密码（只显示这一次，首次登录后须改）：")
    print(made.password)
