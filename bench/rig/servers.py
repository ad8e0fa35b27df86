"""The servers that ours is compared with: `python -m bench.rig.servers peer|no_op|page PORT [DATABASE_URL|BYTES]`."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.types import ASGIApp, Receive, Scope, Send
from uuid_utils.compat import uuid7

from tests.engines.servers import free_port
from zhuandi.serve import await_answer


class PeerBase(DeclarativeBase):
    """The peer's own tables."""


class PeerPush(PeerBase):
    """What a push is for the peer: one row, unsealed, unchecked."""

    __tablename__ = "bench_peer_pushes"

    id: Mapped[str] = mapped_column(primary_key=True)
    raw: Mapped[bytes]
    received_at: Mapped[str]


async def no_op(scope: Scope, receive: Receive, send: Send) -> None:
    """The limit: a body is read, and a constant is answered."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body", False):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


async def _body(request: Request) -> bytes:
    return await request.body()


def peer(url: str) -> ASGIApp:
    """What a framework's tutorial shows: an endpoint, a session, a commit."""
    engine = create_engine(url, pool_size=40)
    PeerBase.metadata.create_all(engine)
    app = _answering()

    @app.post("/pushes/ems")
    def post_push(raw: Annotated[bytes, Depends(_body)]) -> dict[str, str]:
        with Session(engine) as session:
            session.add(PeerPush(id=str(uuid7()), raw=raw, received_at=datetime.now(UTC).isoformat()))
            session.commit()
        return {"code": "00000"}

    return app


def page(size: int) -> ASGIApp:
    """A framework's page of a constant of so many bytes."""
    app, constant = _answering(), "=" * size

    @app.get("/t/{token}")
    def show(token: str) -> HTMLResponse:  # noqa: ARG001 - it is read from the path, and nothing is done with it
        return HTMLResponse(constant)

    return app


def _answering() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    def answer() -> dict[str, str]:
        return {}

    return app


@contextmanager
def served(kind: str, *told: str) -> Iterator[int]:
    """One of them in a process of its own; its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.rig.servers", kind, str(port), *told])
    try:
        if not await_answer(f"http://127.0.0.1:{port}/", 60):
            raise SystemExit(f"bench.rig.servers {kind} did not start")
        yield port
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Serve until SIGTERM."""
    kind, port, told = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    app: ASGIApp = no_op
    if kind == "peer":
        app = peer(told[0])
    elif kind == "page":
        app = page(int(told[0]))
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
