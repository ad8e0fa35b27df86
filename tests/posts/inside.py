"""A sandbox post without its server: the post's own code hears, answers and tells, at once and without a socket."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from dispatch.carrier import Answer, Call, Carrier, Knock, Numbering, Reply, Request
from sandbox import POSTS
from sandbox.post import Message, News, Orders, PostProtocol, PushRequest
from sandbox.post.ledger.books import Books
from tests.posts.adapter import Adapter, heard_by

DOOR = "http://127.0.0.1:9/push/the-secret-part-of-our-address"
SERIALS = itertools.count(1)


@dataclass(frozen=True)
class NobodyListens:
    """A line for adapters that only build and read."""

    def speak(self, request: Request) -> Answer:
        raise AssertionError("nothing is said here")


@dataclass(frozen=True)
class Inside:
    """One adapter, and its sandbox post behind the doors."""

    carrier: Carrier
    post: PostProtocol[Any]
    orders: Orders

    @property
    def takes_orders(self) -> bool:
        """Or else numbers come from our own segment, and are announced."""
        return self.carrier.numbering is Numbering.ANSWERED

    def number_of(self, order_no: str) -> str:
        """In the post's own books."""
        parcel = self.orders.find(order_no)
        assert parcel is not None
        return parcel.number

    def answer(self, call: Call | None) -> Answer:
        """What the post answers to a call, once it has opened it."""
        assert call is not None
        heard = heard_by(call.request)
        (door,) = [door for door in self.post.doors() if door.path == heard.path]
        said = door.answer(heard)
        return Answer(said.status, said.body, said.content_type)

    def collect(self, number: str) -> None:
        assert self.orders.collect([number])["collected"] == [number]

    def told(self, number: str) -> tuple[Message, Knock]:
        """The push of everything that has happened under a number, and how it knocks at our door."""
        parcel = self.orders.by_number(number)
        assert parcel is not None
        history = self.orders.history(parcel)
        serial = f"{next(SERIALS):032x}"
        news = News(parcel, history[-1], history, history[-1].number, parcel.order_no, serial, is_last=False)
        message = Message((news,))
        return message, knock_of(self.post.push(message))

    def is_satisfied(self, message: Message, reply: Reply) -> bool:
        """Whether this reply acknowledges the message, in the post's own eyes."""
        content = httpx2.Response(reply.status, text=reply.text)
        return self.post.acknowledges(message, content)


def knock_of(push: PushRequest) -> Knock:
    return Knock(
        push.body,
        push.content_type,
        "127.0.0.1",
        push.url.rpartition("/")[2],
        push.headers.get("X-Signature", ""),
    )


@contextlib.contextmanager
def inside(adapter: Adapter, folder: Path) -> Iterator[Inside]:
    settings = adapter.settings(folder / "post.sqlite3", DOOR)
    protocol = POSTS[type(settings)]
    books = Books(settings.storage)
    orders = Orders(books, settings, protocol.play)
    account = adapter.account("http://post", DOOR)
    with contextlib.closing(books):
        yield Inside(adapter.carrier(account, NobodyListens()), protocol(settings, orders), orders)
