"""The wire to a carrier, against raw sockets: one limit on a whole call, and what an answer's headers ask for."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest

from dispatch.accounts import Account
from dispatch.carrier import NoAnswer, Request, Unavailable
from dispatch.posts.deadline import PIECE
from dispatch.posts.line import HttpLine, open_line
from dispatch.posts.reading import check_status

SECONDS = 0.6
GRACE = 3  # for a busy machine: whoever waits for the end of a drip waits for ever
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Conversation = Callable[[socket.socket], None]


@contextmanager
def answering(*conversations: Conversation, seconds: float = SECONDS) -> Iterator[tuple[HttpLine, Request]]:
    """A post with one conversation for each connection, and a line to it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve(conversation: Conversation) -> None:
            taken, _ = listening.accept()
            with taken, suppress(OSError):
                conversation(taken)

        threads = [threading.Thread(target=serve, args=[conversation]) for conversation in conversations]
        for thread in threads:
            thread.start()
        line = open_line(Account(answer_seconds=seconds, connect_seconds=seconds))
        try:
            yield line, Request(f"http://127.0.0.1:{listening.getsockname()[1]}/", b"order", "text/plain")
        finally:
            line.client.close()
            for thread in threads:
                thread.join()


def heard(taken: socket.socket) -> None:
    """Read until the order has come."""
    came = b""
    while not came.endswith(b"order"):
        if not (piece := taken.recv(65536)):
            raise ConnectionResetError
        came += piece


def dripping(head: bytes, drop: bytes) -> Conversation:
    """Something every 0.1 s, until the caller hangs up."""

    def talk(taken: socket.socket) -> None:
        heard(taken)
        taken.sendall(head)
        while True:
            time.sleep(0.1)
            taken.sendall(drop)

    return talk


@contextmanager
def in_time(seconds: float = SECONDS) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds + GRACE


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Slow: 1\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["headers", "interim answers", "body", "chunks"],
)
def test_an_answer_that_drips_anywhere_is_no_answer_when_its_time_is_over(head: bytes, drop: bytes) -> None:
    """Each drop resets a limit on single waits: headers alone once held a call for 12 s where 1.5 were allowed."""
    with answering(dripping(head, drop)) as (line, request), in_time(), pytest.raises(NoAnswer):
        line.speak(request)


def test_a_slow_answer_within_its_time_is_a_good_one() -> None:
    def talk(taken: socket.socket) -> None:
        heard(taken)
        for place in range(0, len(GOOD), 16):
            time.sleep(0.02)
            taken.sendall(GOOD[place : place + 16])

    with answering(talk, seconds=5) as (line, request):
        assert line.speak(request).text == "ok"


def test_a_connection_that_is_used_again_has_its_time_anew() -> None:
    """The limit is the call's, not the connection's: on a kept connection the third call would find none left."""

    def talk(taken: socket.socket) -> None:
        for _ in range(3):
            heard(taken)
            time.sleep(0.8)
            taken.sendall(GOOD)

    with answering(talk, seconds=2) as (line, request):
        assert [line.speak(request).text for _ in range(3)] == ["ok"] * 3


def test_calls_at_once_have_each_its_own_time() -> None:
    """A call that begins later must not lengthen the one before it: one line serves all of a carrier's threads."""
    slow = dripping(b"HTTP/1.1 200 OK\r\n", b"X-Slow: 1\r\n")
    with answering(slow, slow) as (line, request), ThreadPoolExecutor(2) as threads:

        def over() -> float:
            with pytest.raises(NoAnswer):
                line.speak(request)
            return time.monotonic()

        first = threads.submit(over)
        time.sleep(SECONDS / 2)
        later = threads.submit(over)
        assert later.result() - first.result() > SECONDS / 4


def test_a_post_that_takes_a_long_order_in_slowly_is_given_up_in_time() -> None:
    given_up = threading.Event()

    def sip(taken: socket.socket) -> None:
        while not given_up.wait(0.1):
            taken.recv(PIECE)

    with answering(sip) as (line, request):
        try:
            with in_time(), pytest.raises(NoAnswer):
                line.speak(Request(request.url, bytes(32_000_000)))
        finally:
            given_up.set()


def named(monkeypatch: pytest.MonkeyPatch, *found: tuple[str, int]) -> None:
    """The name post.test has these addresses."""
    real = socket.getaddrinfo

    def look_up(host: str, *more: object, **named: object) -> object:
        if host != "post.test":
            return real(host, *more, **named)
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@contextmanager
def dead() -> Iterator[tuple[str, int]]:
    """An address at which nobody answers: its queue is full."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()):
            yield full.getsockname()


def test_a_name_whose_addresses_are_all_dead_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each address would have the whole limit for itself; nothing was sent, so it may be tried again."""
    with dead() as address:
        named(monkeypatch, *[address] * 16)
        line = open_line(Account(answer_seconds=SECONDS, connect_seconds=SECONDS / 2))
        with line.client, in_time(), pytest.raises(Unavailable):
            line.speak(Request(f"http://post.test:{address[1]}/", b"order"))


def test_a_name_with_a_refusing_address_before_a_good_one_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def good(taken: socket.socket) -> None:
        heard(taken)
        taken.sendall(GOOD)

    with answering(good) as (line, request):
        port = int(request.url.rsplit(":", 1)[1].strip("/"))
        named(monkeypatch, ("::1", port), ("127.0.0.1", port))
        assert line.speak(Request(f"http://post.test:{port}/", b"order")).text == "ok"


def test_a_name_that_nobody_knows_was_surely_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    line = open_line(Account())
    with line.client, pytest.raises(Unavailable):
        line.speak(Request("http://post.test/", b"order"))


def test_503_tells_when_to_come_again_and_stays_doubt() -> None:
    def busy(taken: socket.socket) -> None:
        heard(taken)
        taken.sendall(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n")

    with answering(busy) as (line, request):
        answer = line.speak(request)
    with pytest.raises(NoAnswer) as raised:  # a proxy's 503 may hide a booking: doubt, with a hint for the breaker
        check_status(answer)
    assert (answer.status, raised.value.retry_after) == (503, timedelta(seconds=120))
