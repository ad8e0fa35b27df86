"""The door for posts: a push is vouched for, stored and acknowledged in the carrier's own words, or not at all."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from dispatch.api.body import read_most
from dispatch.api.who import TheWorld, caller
from dispatch.carrier import Knock
from dispatch.errors import NotFoundError
from dispatch.tracking.push import RAW_MOST, receive

router = APIRouter(prefix="/pushes", tags=["寄递企业"])
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"寄递企业推送的原文，不超过 {RAW_MOST} 字节。",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
        },
    }
}

RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "按寄递企业自己的格式答复：收到（已存下），或不予接收"},
    404: {"description": "没有这个寄递企业"},
    408: {"description": "没有及时发完"},
    503: {"description": "没有存下：请再次推送"},
}


async def _raw(request: Request) -> bytes:
    """A push that is too long is cut, not refused here: it is kept, and turned away in the carrier's own words."""
    return await read_most(request, RAW_MOST)


@router.post("/{carrier}", summary="轨迹推送", responses=RESPONSES, openapi_extra=BODY)
@router.post("/{carrier}/{secret}", summary="轨迹推送（不签名的寄递企业）", responses=RESPONSES, openapi_extra=BODY)
def post_push(
    world: TheWorld, carrier: str, request: Request, raw: Annotated[bytes, Depends(_raw)], secret: str = ""
) -> Response:
    """先存下，再答复；重复推送无妨。不签名的寄递企业，凭地址最后一段或来源地址认。"""
    door = world.door(carrier)
    if door is None:
        raise NotFoundError("没有对接这个寄递企业。请核对推送地址。")
    headers = request.headers
    knock = Knock(raw, headers.get("content-type", ""), caller(request), secret, headers.get("x-signature", ""))
    reply = receive(world, door, knock)
    return Response(reply.text, reply.status, media_type=reply.content_type)
