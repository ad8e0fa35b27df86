"""Bodies are read with a limit that holds while reading, whatever was declared; JSON is read strictly."""

import asyncio
import json
from typing import Any, Never

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from dispatch.api.shell import RefusedError

READING_SECONDS = 30
"""A caller who drips must not hold the door."""
LONGEST_LENGTH = 19  # digits


async def read_most(receive: Receive, most: int) -> bytes:
    """The body, or its first `most + 1` bytes: who gets more than `most` knows that it was too long.

    Raises RefusedError (408) if it does not come in time, ClientDisconnect if the caller hangs up.
    """
    try:
        async with asyncio.timeout(READING_SECONDS):
            first = _chunk(message := await receive())
            if not message.get("more_body", False):
                return first[: most + 1]
            body = bytearray(first[: most + 1])
            while message.get("more_body", False) and len(body) <= most:
                body += _chunk(message := await receive())[: most + 1 - len(body)]
    except TimeoutError:
        raise RefusedError(408, "too_slow", f"请求内容没有在 {READING_SECONDS} 秒内发完。请重发。") from None
    return bytes(body)


def _chunk(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    chunk: bytes = message.get("body", b"")
    return chunk


async def read_whole(request: Request, most: int) -> bytes:
    """The whole body. Raises RefusedError (413) if it is longer than `most`; one declared so is not read at all."""
    too_long = _declared(request) > most
    body = b"" if too_long else await read_most(request.receive, most)
    if too_long or len(body) > most:
        raise RefusedError(413, "too_large", f"请求内容超过 {most // 1_048_576} MB。请分批发送。")
    return body


def _declared(request: Request) -> int:
    """The length that the caller claims; nought where nothing sensible is claimed (reading will tell)."""
    claimed = request.headers.get("content-length", "")
    return int(claimed) if claimed.isdecimal() and len(claimed) <= LONGEST_LENGTH else 0


class _RepeatedKeyError(ValueError):
    """An object names a key twice: which value is meant, nobody knows."""


def parse_json(raw: bytes) -> object:
    """The JSON value of a body: UTF-8, no key twice, no NaN. Raises RefusedError (400)."""
    try:
        return json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_each_once, parse_constant=_no_constant)
    except UnicodeDecodeError:
        words = "请求内容不是 UTF-8 编码。请转为 UTF-8 后再发。"
    except _RepeatedKeyError:
        words = "JSON 对象里有重复的字段名，无法判断以哪个为准。请只留一个。"
    except (ValueError, RecursionError):  # JSONDecodeError, NaN, a number of thousands of digits, endless nesting
        words = "请求内容不是合法的 JSON。请按接口说明发送。"
    raise RefusedError(400, "not_json", words)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RepeatedKeyError
    return found


def _no_constant(name: str) -> Never:
    raise ValueError(name)
