"""Files come in: a list or a photograph, no larger than the largest may be."""

from fastapi import Request
from starlette.datastructures import UploadFile

from dispatch.approval.read_list import MOST_BYTES
from dispatch.console.guard import ConsoleRoute
from dispatch.errors import NotAllowedError
from dispatch.picture import MOST_BYTES as MOST_OF_A_PICTURE

AROUND = 64 * 1024
"""The other fields of the form, and what the browser writes around them."""


class ListRoute(ConsoleRoute):
    """A route that takes lists of cases."""

    most = MOST_BYTES + AROUND


class PictureRoute(ConsoleRoute):
    """A route that takes photographs."""

    most = MOST_OF_A_PICTURE + AROUND


async def read_file(request: Request, field: str) -> tuple[str, bytes]:
    """The name and the bytes of an uploaded file. Raises NotAllowedError where none was chosen."""
    given = (await request.form()).get(field)
    if not isinstance(given, UploadFile) or not given.filename:
        raise NotAllowedError("没有选择文件。请选一个 .xlsx 或 CSV 文件。")
    return given.filename, await given.read()
