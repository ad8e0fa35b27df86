"""Styles, scripts and what others made: from memory, under a name that changes with the bytes."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from dispatch.errors import NotFoundError

ASSETS = Path(__file__).parent / "assets"
PREFIX = "/console/assets"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
}
FOR_EVER = "public, max-age=31536000, immutable"
router = APIRouter()


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    digest: str
    kind: str
    body: bytes
    packed: bytes


@cache
def assets() -> Mapping[str, Asset]:
    """Every file that is served, by its path below `assets`."""
    files = [path for path in sorted(ASSETS.rglob("*")) if path.suffix in TYPES]
    return {path.relative_to(ASSETS).as_posix(): _read(path) for path in files}


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    return Asset(hashlib.sha256(body).hexdigest()[:16], TYPES[path.suffix], body, gzip.compress(body, mtime=0))


def asset_url(name: str) -> str:
    """Where a page finds it. Raises KeyError: a page names a file that there is not."""
    return f"{PREFIX}/{assets()[name].digest}/{name}"


@router.get(PREFIX + "/{digest}/{name:path}", include_in_schema=False)
def asset(request: Request, digest: str, name: str) -> Response:
    """A file, for whoever asks: nothing in it is anybody's. An old digest is answered too, and not kept."""
    found = assets().get(name)
    if found is None:
        raise NotFoundError("没有这个文件。")
    kept = FOR_EVER if digest == found.digest else "no-cache"
    headers = {"Cache-Control": kept, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, media_type=found.kind, headers={**headers, "Content-Encoding": "gzip"})
    return Response(found.body, media_type=found.kind, headers=headers)
