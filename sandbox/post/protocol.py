"""What a protocol is to the engine: derive from `PostProtocol`, and the rest is given."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, NoReturn, TypeVar
from urllib.parse import parse_qsl

import httpx2

from sandbox.post.faults import PUSH_FAULTS
from sandbox.post.ledger.orders import Orders
from sandbox.post.ledger.parcel import Event, Parcel
from sandbox.post.settings import PostSettings
from sandbox.post.story import Play

SettingsT = TypeVar("SettingsT", bound=PostSettings)

Seal = Literal["right", "wrong", "old"]
"""How a push is to be signed or sealed: rightly, wrongly, or rightly with the previous key."""


@dataclass(frozen=True)
class Call:
    """One HTTP request at a door. ``base_url`` is the address the caller used, without a slash at its end."""

    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    base_url: str

    @property
    def content_type(self) -> str:
        """The media type in small letters, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def form(self) -> dict[str, str]:
        """The fields of an urlencoded UTF-8 form, each at most once; ValueError says what is wrong."""
        if self.content_type != "application/x-www-form-urlencoded":
            raise ValueError("Content-Type")
        try:
            pairs = parse_qsl(self.body.decode(), keep_blank_values=True, errors="strict", max_num_fields=64)
        except ValueError as error:
            raise ValueError("表单") from error
        if len(fields := dict(pairs)) != len(pairs):
            raise ValueError("字段重复")
        return fields

    def json(self) -> Any:
        """The body as JSON; ValueError for anything else."""
        return read_json(self.body)


@dataclass(frozen=True)
class Answer:
    """One HTTP response."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, body: Any, status: int = 200) -> "Answer":
        """Compact UTF-8 JSON."""
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        return cls(text.encode(), status=status)

    @classmethod
    def of_text(cls, text: str, status: int = 200, content_type: str = "text/plain; charset=utf-8") -> "Answer":
        """UTF-8 text: plain, XML or HTML."""
        return cls(text.encode(), content_type, status)


@dataclass(frozen=True)
class Door:
    """A path of the protocol and who answers there, in a thread of its own.

    ``path`` is a Starlette path. ``key`` names what a call is about, so that a storm's draws repeat. It
    may fail on a call that cannot be read; then, and where it is not given, the path is the key.
    """

    path: str
    answer: Callable[[Call], Answer]
    methods: tuple[str, ...] = ("POST",)
    key: Callable[[Call], str] | None = None


@dataclass(frozen=True)
class News:
    """One event that is to be told now. Tell ``number`` and ``order_no``, not those of ``parcel``.

    They differ for a wrong number, and where an event happened under a second one. ``history`` is the story up
    to and with this event, for protocols that tell all of it; ``is_last``: nothing comes after it.
    """

    parcel: Parcel
    event: Event
    history: tuple[Event, ...]
    number: str
    order_no: str
    serial_no: str
    is_last: bool


@dataclass(frozen=True)
class Message:
    """One push call: one piece of news, or up to ``pushes_at_once``; sealed as ``seal`` says."""

    news: tuple[News, ...]
    seal: Seal = "right"


@dataclass(frozen=True)
class PushRequest:
    """The HTTP request of a message; always POST."""

    url: str
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


class PostProtocol(ABC, Generic[SettingsT]):
    """One carrier's protocol. ``self.settings`` and ``self.orders`` are there from the beginning."""

    play: ClassVar[Play]
    pushes_at_once: ClassVar[int] = 1
    """Events (or, where the whole history is told, parcels) in one push call."""
    tells_history: ClassVar[bool] = False
    """Every push holds the parcel's whole story; what is due together is told together."""
    push_faults: ClassVar[tuple[str, ...]] = tuple(name for name in PUSH_FAULTS if not name.endswith("_signature"))
    """Those that this protocol can play. Where a push is signed, add ``bad_signature`` and ``old_signature``."""

    def __init__(self, settings: SettingsT, orders: Orders) -> None:
        """Called by the engine when the post opens."""
        self.settings = settings
        self.orders = orders

    @abstractmethod
    def doors(self) -> Sequence[Door]:
        """The protocol's own paths."""

    def push(self, message: Message) -> PushRequest:
        """The HTTP request that tells a message."""
        raise NotImplementedError

    def acknowledges(self, message: Message, response: httpx2.Response) -> bool:
        """Whether the customer's response acknowledges the message, in the carrier's own words."""
        raise NotImplementedError

    def throttled(self, call: Call) -> Answer:  # noqa: ARG002 - for protocols with words of their own
        """The answer to a call that comes too often."""
        return Answer(b"Too Many Requests", "text/plain", 429, {"Retry-After": "1"})


def read_json(raw: bytes | str) -> Any:
    """Strict JSON: no NaN, no lone surrogate (which could be neither stored nor sent); ValueError otherwise."""
    try:
        body = json.loads(raw, parse_constant=_no_constant)
        json.dumps(body, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    return body


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
