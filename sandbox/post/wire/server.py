"""A sandbox post as a server: its doors, its opening and its closing."""

import contextlib
import signal
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any, Generic

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.post.faults import NOT_PROCESSED, Switches
from sandbox.post.ledger.books import Books
from sandbox.post.ledger.draft import CutShortError
from sandbox.post.ledger.orders import Orders
from sandbox.post.protocol import Answer, Call, Door, PostProtocol, SettingsT
from sandbox.post.push import Pusher
from sandbox.post.settings import PostSettings
from sandbox.post.wire import counter
from sandbox.post.wire.line import Line
from sandbox.post.wire.spoil import spoiled

LARGEST_BODY = 1 << 20
CLOSING_SECONDS = 5


@dataclass(frozen=True)
class Running(Generic[SettingsT]):
    """A post that is open: its settings with the port it really has, and its address."""

    settings: SettingsT
    url: str


class Post:
    """One post: books, protocol and pusher behind HTTP doors."""

    def __init__(self, settings: PostSettings, protocol: type[PostProtocol[Any]]) -> None:
        """Open the books; the pusher starts with the application."""
        self._settings = settings
        self._books = Books(settings.storage)
        self._orders = Orders(self._books, settings, protocol.play)
        self._protocol = protocol(settings, self._orders)
        self._switches = Switches(settings.faults, settings.seed, protocol.push_faults)
        self._pusher = Pusher(self._books, self._protocol, self._switches)

    def application(self) -> Starlette:
        """The ASGI application."""
        own = [Route(door.path, self._at(door), methods=list(door.methods)) for door in self._protocol.doors()]
        return Starlette(
            routes=[
                *own,
                Route("/counter/collect", self._collect, methods=["POST"]),
                Route("/faults", self._switch, methods=["POST"]),
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

    def _at(self, door: Door) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            call = Call(
                path=request.url.path,
                headers=request.headers,
                query=request.query_params,
                body=await request.body(),
                base_url=str(request.base_url).rstrip("/"),
            )
            answered, fault = await run_in_threadpool(self._answer, door, call)
            self._pusher.wake()  # a call may have made news: a subscription, a cancelled order
            return spoiled(answered, fault, self._settings.lost_answer_seconds)

        return answer

    def _answer(self, door: Door, call: Call) -> tuple[Answer, str]:
        """The protocol's answer, and the fault that strikes it."""
        fault = self._switches.of_answer(_key(door, call))
        if fault == "throttled":
            return self._protocol.throttled(call), ""
        if fault in NOT_PROCESSED:
            return Answer(b""), fault
        try:
            return door.answer(call), fault
        except CutShortError as scenario:
            if scenario.fault == "throttled":
                return self._protocol.throttled(call), ""
            return Answer(b""), scenario.fault

    async def _collect(self, request: Request) -> Response:
        try:
            waybills = counter.waybills_in(await request.body())
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        answer = await run_in_threadpool(self._orders.collect, waybills)
        self._pusher.wake()
        return JSONResponse(answer)

    async def _switch(self, request: Request) -> Response:
        try:
            return JSONResponse(counter.switch(self._switches, await request.body()))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)

    def _show(self, _request: Request) -> Response:
        return JSONResponse(counter.show(self._books))

    def _health(self, _request: Request) -> Response:
        self._books.rows("SELECT 1")
        return JSONResponse({"status": "ok"})


def _key(door: Door, call: Call) -> str:
    if door.key is None:
        return door.path
    try:
        return door.key(call)
    except (ValueError, LookupError, TypeError, AttributeError):  # whatever an unreadable call brings
        return door.path


def serve(settings: PostSettings, protocol: type[PostProtocol[Any]]) -> None:
    """Run a sandbox post until SIGTERM or SIGINT, then close it and return."""
    with _ended_by_signal():
        _server(settings, protocol).run()


@contextlib.contextmanager
def running(settings: SettingsT, protocol: type[PostProtocol[Any]]) -> Iterator[Running[SettingsT]]:
    """A sandbox post in a thread of this process; port 0 picks a free one."""
    with contextlib.closing(_listening(settings.host, settings.port)) as sock:
        there = replace(settings, port=int(sock.getsockname()[1]))
        server = _server(there, protocol)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, name="sandbox-post")
        thread.start()
        try:
            # Connections queue at the socket until the server takes them, so there is nothing to wait for.
            yield Running(there, f"http://{there.host}:{there.port}")
        finally:
            server.should_exit = True
            thread.join()


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


def _server(settings: PostSettings, protocol: type[PostProtocol[Any]]) -> uvicorn.Server:
    config = uvicorn.Config(
        Post(settings, protocol).application(),
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
