"""The sandbox post as a server: its doors, its opening and its closing."""

import contextlib
import signal
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.ems import counter
from sandbox.ems.books import Books
from sandbox.ems.desk import Desk
from sandbox.ems.line import Line, Withheld
from sandbox.ems.push import Pusher
from sandbox.ems.scenarios import FirstCall
from sandbox.ems.settings import SandboxSettings

OPEN_PATH = "/amp-prod-api/f/amp/api/open"
TEST_PATH = "/amp-prod-api/f/amp/api/test"
LARGEST_BODY = 1 << 20
CLOSING_SECONDS = 5


@dataclass(frozen=True)
class Running:
    """A post that is open: its settings with the port it really has, and its address."""

    settings: SandboxSettings
    url: str


class Post:
    """One post: books, desk and pusher behind HTTP doors."""

    def __init__(self, settings: SandboxSettings) -> None:
        """Open the books; the pusher starts with the application."""
        self._settings = settings
        self._books = Books(settings.storage)
        self._desk = Desk(self._books, settings)
        self._pusher = Pusher(self._books, settings)

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route(OPEN_PATH, self._open, methods=["POST"]),
                Route(TEST_PATH, self._open, methods=["POST"]),
                Route("/counter/collect", self._collect, methods=["POST"]),
                Route("/books", self._show, methods=["GET"]),
                Route("/health", self._health, methods=["GET"]),
            ],
            lifespan=self._lifespan,
            max_body_size=LARGEST_BODY,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        self._pusher.start()
        try:
            yield
        finally:
            await run_in_threadpool(self._pusher.stop)
            self._books.close()

    async def _open(self, request: Request) -> Response:
        raw = await request.body()
        content_type = request.headers.get("content-type", "")
        how, envelope = await run_in_threadpool(self._desk.answer, content_type, raw)
        if how is FirstCall.LOST:
            return Withheld(self._settings.lost_answer_seconds)
        if how is FirstCall.UNAVAILABLE:
            return PlainTextResponse("Service Unavailable", 503)
        return JSONResponse(envelope)

    async def _collect(self, request: Request) -> Response:
        try:
            waybills = counter.waybills_in(await request.body())
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        answer = await run_in_threadpool(counter.collect, self._books, self._settings, waybills)
        self._pusher.wake()
        return JSONResponse(answer)

    def _show(self, _request: Request) -> Response:
        return JSONResponse(counter.show(self._books))

    def _health(self, _request: Request) -> Response:
        self._books.rows("SELECT 1")
        return JSONResponse({"status": "ok"})


def serve(settings: SandboxSettings) -> None:
    """Run a sandbox post until SIGTERM or SIGINT, then close it and return."""
    with _ended_by_signal():
        _server(settings).run()


@contextlib.contextmanager
def running(settings: SandboxSettings) -> Iterator[Running]:
    """A sandbox post in a thread of this process; port 0 picks a free one."""
    sock = _listening(settings.host, settings.port)
    port = int(sock.getsockname()[1])
    server = _server(replace(settings, port=port))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, name="sandbox-post")
    thread.start()
    try:
        # Connections queue at the socket until the server takes them, so there is nothing to wait for.
        yield Running(replace(settings, port=port), f"http://{settings.host}:{port}")
    finally:
        server.should_exit = True
        thread.join()
        sock.close()


def _listening(host: str, port: int) -> socket.socket:
    """A listening socket that says TCP: asyncio leaves Nagle's delay (40 ms an answer) on where it does not."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(128)
    except OSError:
        sock.close()
        raise
    return sock


def _server(settings: SandboxSettings) -> uvicorn.Server:
    config = uvicorn.Config(
        Post(settings).application(),
        host=settings.host,
        port=settings.port,
        http=Line,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=CLOSING_SECONDS,
    )
    return uvicorn.Server(config)


@contextlib.contextmanager
def _ended_by_signal() -> Iterator[None]:
    """uvicorn raises a signal again once it has closed; here that must not kill the process."""

    def closed(_number: int, _frame: FrameType | None) -> None:
        return

    before = {number: signal.signal(number, closed) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
