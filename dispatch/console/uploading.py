"""Files come in: no more of a body is read than the largest file may have, and none of it lies on a disk unsealed."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import Response
from starlette.types import Message, Receive

from dispatch.api.body import LONGEST_LENGTH
from dispatch.api.shell import RefusedError
from dispatch.approval.read_list import MOST_BYTES
from dispatch.console.guard import ConsoleRoute
from dispatch.errors import NotAllowedError

AROUND = 64 * 1024
"""The other fields of the form, and what the browser writes around them."""
MOST = MOST_BYTES + AROUND


class _TooLargeError(MultiPartException):
    """Of this kind, so that the parser lets go of what it has."""


class _InMemory(MultiPartParser):
    spool_max_size = MOST


class Uploading(Request):
    """A request whose form holds a file: kept in memory, where no copy of it stays."""

    async def _get_form(self, **limits: Any) -> FormData:
        if self._form is None and self.headers.get("content-type", "").startswith("multipart/form-data"):
            parser = _InMemory(self.headers, self.stream(), max_files=1, max_fields=20, max_part_size=AROUND)
            try:
                self._form = await parser.parse()
            except _TooLargeError:
                raise _too_large() from None
            except MultiPartException:
                raise RefusedError(400, "not_a_form", "文件没有传完整，没有收。请重新选择文件再试。") from None
        return await super()._get_form(**limits)


class _Limited(APIRoute):
    """What comes is counted while it is read; what is declared too large is not read at all."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def limited(request: Request) -> Response:
            told = request.headers.get("content-length", "")
            if told.isdecimal() and int(told[:LONGEST_LENGTH]) > MOST:
                raise _too_large()
            uploading = Uploading(request.scope, _counted(request.receive))
            try:
                return await answer(uploading)
            finally:
                await uploading.close()

        return limited


class UploadRoute(ConsoleRoute, _Limited):
    """A route of the console that takes files."""


def _counted(receive: Receive) -> Receive:
    left = MOST

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise _TooLargeError("too large")
        return message

    return counted


def _too_large() -> RefusedError:
    words = f"文件超过 {MOST_BYTES // 1024 // 1024} MB，没有收。请删去图片，或分成几个文件再传。"
    return RefusedError(413, "too_large", words)


async def read_file(request: Request, field: str) -> tuple[str, bytes]:
    """The name and the bytes of an uploaded file. Raises NotAllowedError where none was chosen."""
    given = (await request.form()).get(field)
    if not isinstance(given, UploadFile) or not given.filename:
        raise NotAllowedError("没有选择文件。请选一个 .xlsx 或 CSV 文件。")
    return given.filename, await given.read()
