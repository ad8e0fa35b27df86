"""The practice identity service."""

from typing import Annotated

import typer

from dispatch.identity import CALLBACK
from dispatch.settings import read_settings
from sandbox.identity import IdentitySettings, serve
from zhuandi.context import for_people
from zhuandi.leaving import leave_with_parent

app = typer.Typer()


@app.command("sandbox-identity")
def sandbox_identity(
    *,
    person: Annotated[list[str], typer.Option(help="能登录的人：标识=姓名，可写多次")],
    client_secret: Annotated[str, typer.Option(help="我方的密钥", envvar="ZHUANDI_SANDBOX_SECRET")],
    client_id: Annotated[str, typer.Option(help="我方在它那里登记的名称")] = "zhuandi",
    host: Annotated[str, typer.Option(help="在哪个地址上听")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="在哪个端口上听；0 为任意")] = 0,
) -> None:
    """练习用的统一身份认证：会说 OpenID Connect 的真服务；先打印它的地址（issuer）。"""
    leave_with_parent()
    people = dict(one.partition("=")[::2] for one in person)
    with for_people():
        callback = f"{read_settings().public_url.rstrip('/')}{CALLBACK}"
        serve(
            IdentitySettings(
                host=host,
                port=port,
                client_id=client_id,
                client_secret=client_secret,
                redirect_uri=callback,
                people=people,
            )
        )
