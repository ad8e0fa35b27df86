"""One of the servers that `bench.push_door` compares: `python -m bench.push_servers ours|peer|no_op PORT HOME`."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Request
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.types import ASGIApp, Receive, Scope, Send
from uuid_utils.compat import uuid7

from dispatch.api.app import make_app
from dispatch.settings import Settings
from dispatch.wiring import database_url, make_broker, make_world
from workers.jobs import queue_of


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
    app = FastAPI()

    @app.post("/pushes/ems")
    def post_push(raw: Annotated[bytes, Depends(_body)]) -> dict[str, str]:
        with Session(engine) as session:
            session.add(PeerPush(id=str(uuid7()), raw=raw, received_at=datetime.now(UTC).isoformat()))
            session.commit()
        return {"code": "00000"}

    return app


def _serve(app: ASGIApp, port: int) -> None:
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")


def main() -> None:
    """Serve until SIGTERM."""
    kind, port, home = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    settings = Settings(home=home)
    if kind == "ours":
        with make_world(settings, make_broker(settings), queue_of) as world:
            _serve(make_app(world), port)
    else:
        _serve(no_op if kind == "no_op" else peer(database_url(settings)), port)


if __name__ == "__main__":
    main()
