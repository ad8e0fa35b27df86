"""How the door for posts is described to partners: it stands before the framework, which cannot describe it."""

from typing import Any

from dispatch.tracking.push import RAW_MOST

OPERATION: dict[str, Any] = {
    "tags": ["寄递企业"],
    "description": "先存下，再答复；重复推送无妨。不签名的寄递企业，凭地址最后一段或来源地址认。",
    "requestBody": {
        "required": True,
        "description": f"寄递企业推送的原文，不超过 {RAW_MOST} 字节。",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
        },
    },
    "responses": {
        "200": {"description": "按寄递企业自己的格式答复：收到（已存下），或不予接收"},
        "404": {"description": "没有这个寄递企业"},
        "408": {"description": "没有及时发完"},
        "503": {"description": "没有存下：请再次推送"},
    },
}


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


PUSH_PATHS: dict[str, Any] = {
    "/pushes/{carrier}": {
        "post": {
            "summary": "轨迹推送",
            "operationId": "post_push",
            "parameters": [_parameter("carrier")],
            **OPERATION,
        }
    },
    "/pushes/{carrier}/{secret}": {
        "post": {
            "summary": "轨迹推送（不签名的寄递企业）",
            "operationId": "post_push_by_secret",
            "parameters": [_parameter("carrier"), _parameter("secret")],
            **OPERATION,
        }
    },
}
