"""Our door for pushes as the conformance suite opens it: vouch, read, acknowledge; it keeps what it heard."""

import threading
from dataclasses import dataclass, field

from dispatch.carrier import Door, Knock, NotVouched, Reply, Seen
from tests.posts.sandbox_steps import Arrived


@dataclass(frozen=True)
class Heard:
    """One push as our door took it: the news in it, or why it was not vouched for."""

    knock: Knock
    news: tuple[Seen, ...] = ()
    refusal: str = ""


@dataclass
class PushBook:
    """Our door as the product has it: vouch, read, acknowledge. It keeps what it heard."""

    door: Door | None = None  # set once the carrier has its address
    heard: list[Heard] = field(default_factory=list)
    turn_away: set[str] = field(default_factory=set)  # numbers whose next push is not taken
    broken: list[Exception] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, arrived: Arrived) -> tuple[int, bytes]:
        headers = {name.lower(): value for name, value in arrived.headers.items()}
        secret = arrived.path.rpartition("/")[2]
        signature = headers.get("x-signature", "")
        knock = Knock(arrived.body, headers.get("content-type", ""), "127.0.0.1", secret, signature)
        try:
            reply = self._take(knock)
        except Exception as error:  # noqa: BLE001 - whatever it is, no adapter may raise it
            self.broken.append(error)
            reply = Reply(500, "")
        return reply.status, reply.text.encode()

    def _take(self, knock: Knock) -> Reply:
        assert self.door is not None
        try:
            vouched = self.door.vouch(knock)
        except NotVouched as error:
            self._keep(Heard(knock, refusal=str(error)))
            return self.door.turn_away(knock, str(error))
        news = self.door.read_push(vouched.body)
        with self._lock:
            unwanted = self.turn_away & {seen.waybill_no for seen in news}
            self.turn_away -= unwanted
        if unwanted:
            return self.door.turn_away(knock, "没有存下")
        self._keep(Heard(knock, news))
        return self.door.acknowledge(vouched.reference)

    def _keep(self, heard: Heard) -> None:
        with self._lock:
            self.heard.append(heard)

    def all(self) -> list[Heard]:
        with self._lock:
            return list(self.heard)

    def news_about(self, order_no: str) -> list[Seen]:
        """What was taken of an order, in the order it came."""
        return [seen for heard in self.all() for seen in heard.news if seen.order_no == order_no]

    def news_of(self, *numbers: str) -> list[tuple[Seen, ...]]:
        """What was taken of a parcel, in the order it came: a tuple for each push, without what it told of others."""
        told = (tuple(seen for seen in heard.news if seen.waybill_no in numbers) for heard in self.all())
        return [news for news in told if news]
