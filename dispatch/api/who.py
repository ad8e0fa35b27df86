"""Who is at the door: the world behind it, the caller's address, the client system's key."""

import ipaddress
from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.types import Scope

from dispatch.api.shell import RefusedError
from dispatch.client import Client, ClientScope, find_client
from dispatch.world import World

log = structlog.get_logger()
V6_SITE = 64


async def the_world(request: Request) -> World:
    """What `make_app` was given. Asynchronous only so that it needs no thread."""
    world: World = request.app.state.world
    return world


TheWorld = Annotated[World, Depends(the_world)]


def caller(request: Request) -> str:
    """The caller's address as the server tells it (behind a proxy: as a trusted proxy tells the server)."""
    return address(request.scope)


def address(scope: Scope) -> str:
    """`caller`, for a door before the framework."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def neighbourhood(address: str) -> str:
    """What guesses are counted for: an IPv4 address, or the /64 that one IPv6 customer has to himself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed.packed, V6_SITE), strict=False))


KEY = HTTPBearer(auto_error=False, description="对接系统的密钥，由政务服务中心发给，只显示一次。")


def client_with(scope: ClientScope) -> Callable[..., Client]:
    """A dependency: the client system whose key this is, and which may do this."""

    def known_client(
        request: Request, world: TheWorld, key: Annotated[HTTPAuthorizationCredentials | None, Depends(KEY)]
    ) -> Client:
        client = _known(request, world, key)
        if not client.may(scope):
            words = f"对接系统“{client.name}”没有开通“{scope.chinese}”。需要的话，请向政务服务中心申请。"
            raise RefusedError(403, "wrong_scope", words)
        return client

    return known_client


def _known(request: Request, world: World, key: HTTPAuthorizationCredentials | None) -> Client:
    """Raises RefusedError (401)."""
    if key is None:
        raise _unknown("请求没有带密钥。请在请求头写 Authorization: Bearer <密钥>。")
    with world.reading() as session:
        client = find_client(session, key.credentials, world.now())
    if client is None:
        log.warning("door.key_refused", source=caller(request))
        raise _unknown("密钥不对，或已经停用。请向政务服务中心核对。")
    return client


def _unknown(words: str) -> RefusedError:
    return RefusedError(401, "unknown_key", words, headers={"WWW-Authenticate": 'Bearer realm="zhuandi"'})


Lodging = Annotated[Client, Depends(client_with(ClientScope.LODGE))]
Following = Annotated[Client, Depends(client_with(ClientScope.FOLLOW))]
Carrying = Annotated[Client, Depends(client_with(ClientScope.ERRANDS))]
