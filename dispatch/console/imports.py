"""A list is uploaded, its headings are settled, its faults looked at, its good rows taken (导入)."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dispatch.approval.template import write_template
from dispatch.approval.upload.bad_rows import XLSX, Written, bad_rows
from dispatch.approval.upload.kept import Import, State
from dispatch.approval.upload.masked import masked
from dispatch.approval.upload.mine import uploads_of
from dispatch.approval.upload.preview import choices, headings_of, preview, say_headings, upload
from dispatch.approval.upload.take import drop, take
from dispatch.console.guard import Desk, needs
from dispatch.console.language import gettext_in
from dispatch.console.page import HEADERS
from dispatch.console.uploading import ListRoute, read_file
from dispatch.errors import NotFoundError
from dispatch.staff.role import Right

router = APIRouter(route_class=ListRoute, include_in_schema=False)
Importing = Annotated[Desk, needs(Right.IMPORT)]
HERE = "/console/import"
FAULTS_ON_A_PAGE = 100


@router.get(HERE)
def choose(desk: Importing) -> Response:
    """Choose a file; what one has uploaded lately stands below."""
    return desk.page("import.html", uploads=uploads_of(desk.world, desk.by), State=State)


@router.get(f"{HERE}/template")
def template(desk: Importing) -> Response:  # noqa: ARG001 - who asks must be let in
    """An empty list."""
    return _saved(Written("出证清单.xlsx", XLSX, write_template()))


@router.post(HERE)
async def receive(desk: Importing, request: Request) -> Response:
    """Keep the file and look through it; nothing is taken yet."""
    name, content = await read_file(request, "file")
    row = await run_in_threadpool(upload, desk.world, name, content, desk.by, desk.scope.departments)
    return await run_in_threadpool(desk.to, _at(row))


@router.get(f"{HERE}/{{import_id}}")
def look(desk: Importing, import_id: str, page: int = 1) -> Response:
    """What taking the list would do, or did."""
    shown = preview(desk.world, _id(import_id), desk.by)
    if shown.row.state == State.COLUMNS:
        return desk.to(_at(shown.row))
    pages = max(1, -(-len(shown.faults) // FAULTS_ON_A_PAGE))
    number = min(max(1, page), pages)
    faults = shown.faults[(number - 1) * FAULTS_ON_A_PAGE :][:FAULTS_ON_A_PAGE]
    return desk.page(
        "import_preview.html",
        shown=shown,
        row=shown.row,
        faults=[(fault, masked(fault)) for fault in faults],
        number=number,
        pages=pages,
        State=State,
    )


@router.get(f"{HERE}/{{import_id}}/columns")
def columns(desk: Importing, import_id: str) -> Response:
    """What each heading means."""
    asked = headings_of(desk.world, _id(import_id), desk.by)
    return desk.page("import_columns.html", asked=asked, import_id=import_id, choices=choices())


@router.post(f"{HERE}/{{import_id}}/columns")
def settle_columns(desk: Importing, import_id: str, field: Annotated[list[str] | None, Form()] = None) -> Response:
    """Settled, and remembered for the next list with these headings."""
    row = say_headings(desk.world, _id(import_id), field or [], desk.by, desk.scope.departments)
    return desk.to(_at(row), gettext_in(desk.language)("列名的对应已记住，下次同样的表不再问。"))


@router.post(f"{HERE}/{{import_id}}/take")
def take_good(desk: Importing, import_id: str) -> Response:
    """Take the good rows."""
    row = take(desk.world, _id(import_id), desk.by, desk.scope.departments)
    told = gettext_in(desk.language)("已导入：新收 {new} 件，原已收 {there} 件，未收 {bad} 行。")
    return desk.to(_at(row), told.format(new=row.accepted, there=row.repeated, bad=row.bad))


@router.post(f"{HERE}/{{import_id}}/bad")
def save_bad(desk: Importing, import_id: str) -> Response:
    """The bad rows as a file of the same kind."""
    return _saved(bad_rows(desk.world, _id(import_id), desk.by))


@router.post(f"{HERE}/{{import_id}}/drop")
def forget(desk: Importing, import_id: str) -> Response:
    """The file is erased."""
    drop(desk.world, _id(import_id), desk.by)
    return desk.to(HERE, gettext_in(desk.language)("清单文件已清除。"))


def _at(row: Import) -> str:
    return f"{HERE}/{row.id}/columns" if row.state == State.COLUMNS else f"{HERE}/{row.id}"


def _id(told: str) -> UUID:
    try:
        return UUID(told)
    except ValueError:
        raise NotFoundError("没有这份清单，或不是您上传的。") from None


def _saved(file: Written) -> Response:
    named = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
    headers = {**HEADERS, "Content-Disposition": named, "X-Content-Type-Options": "nosniff"}
    return Response(file.content, media_type=file.kind, headers=headers)
