"""What comes in at the counter: counted and timed while it is read, never on a disk, and text that can be kept.

Forms are read before anybody knows who sends them, so nothing here may cost more than a form does.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.types import Message, Receive

from dispatch.api.body import LONGEST_LENGTH, READING_SECONDS
from dispatch.api.shell import RefusedError
from dispatch.console.page import number_in

MOST_OF_A_FORM = 1024 * 1024
"""A page full of ticks, or a signature (`dispatch.picture`), is well below it."""
BYTES_A_SECOND = 50_000
"""What is large may take longer, but not for ever: whoever drips must not hold the door."""


class _TooLargeError(MultiPartException):
    """Of this kind, so that the parser lets go of what it has."""


class _InMemory(MultiPartParser):
    spool_max_size = 0  # nothing is ever rolled over to a file


class Incoming(Request):
    """A request at the counter, of at most so many bytes; its form is kept in memory, where no copy of it stays.

    Raises RefusedError: 413 too large, 408 too slow, 400 for what is no form or holds what is no text.
    """

    def __init__(self, request: Request, most: int) -> None:
        super().__init__(request.scope, counted(request.receive, most))
        self._most = most

    def check(self) -> None:
        """What is declared too large is not read at all; the address must be text. Raises RefusedError."""
        told = self.headers.get("content-length", "")
        if told.isdecimal() and int(told[:LONGEST_LENGTH]) > self._most:
            raise _too_large(self._most)
        if "case_no" in self.path_params:
            self.path_params["case_no"] = number_in(self.path_params["case_no"])
        _check_text(self.path_params.values())
        _check_text(part for pair in self.query_params.multi_items() for part in pair)

    async def _get_form(self, **limits: Any) -> FormData:
        if self._form is None:
            try:
                self._form = await self._parse(limits)
            except _TooLargeError:
                raise _too_large(self._most) from None
            except MultiPartException:
                raise RefusedError(400, "not_a_form", "表单没有传完整，没有收。请再试一次。") from None
            _check_text(part for name, value in self._form.multi_items() for part in (name, _text(value)))
        return self._form

    async def _parse(self, limits: dict[str, Any]) -> FormData:
        kind, _ = parse_options_header(self.headers.get("content-type", ""))
        if kind == b"multipart/form-data":
            return await _InMemory(self.headers, self.stream(), **{**limits, "max_files": 1}).parse()
        if kind == b"application/x-www-form-urlencoded":
            fields = limits.get("max_fields", 1000)
            return await FormParser(self.headers, self.stream(), max_fields=fields, max_part_size=self._most).parse()
        return FormData()


def counted(receive: Receive, most: int, seconds: float = READING_SECONDS) -> Receive:
    """The same messages, as long as they are no more than `most` bytes in all and come quickly enough."""
    read, begun = 0, 0.0

    async def told() -> Message:
        nonlocal read, begun
        begun = begun or asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(begun + seconds + read / BYTES_A_SECOND):
                message = await receive()
        except TimeoutError:
            raise RefusedError(408, "too_slow", "表单传得太慢，没有收。请检查网络后再试。") from None
        read += len(message.get("body", b""))
        if read > most:
            raise _TooLargeError("too large")
        return message

    return told


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(getattr(value, "filename", "") or "")


def _check_text(told: Iterable[object]) -> None:
    """Raises RefusedError for what no database can keep as text."""
    for one in told:
        text = str(one)
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise RefusedError(400, "not_text", "填的内容里有看不见的控制字符，没有办。请删去后再试。")


def _too_large(most: int) -> RefusedError:
    words = f"传来的内容超过 {most // 1024 // 1024} MB，没有收。请降低照片的清晰度，或把清单分成几个文件再传。"
    return RefusedError(413, "too_large", words)
