"""The only place where real things are chosen."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import Protocol
from uuid import uuid4

import dramatiq
import structlog
from sqlalchemy import make_url

from dispatch import bells
from dispatch.accounts import Account, Limits
from dispatch.address import reading
from dispatch.carrier import Carrier, Line
from dispatch.crash import Point, reach
from dispatch.db import connect, sessions
from dispatch.errors import ZhuandiError
from dispatch.identity import CALLBACK, IdentityService
from dispatch.key_mark import check_key
from dispatch.posts.by_hand.account import ByHand
from dispatch.posts.ems.account import Ems
from dispatch.posts.gov_ems.account import GovEms
from dispatch.posts.kdniao.account import Kdniao
from dispatch.posts.kuaidi100.account import Kuaidi100
from dispatch.posts.line import HttpLine, open_line
from dispatch.posts.sf.account import Sf
from dispatch.posts.tracked import Tracked, Tracker
from dispatch.reconcile.cluster import notice_cluster
from dispatch.settings import Settings
from dispatch.typefaces import Typefaces
from dispatch.vault import Keys, Vault, read_keys, read_or_make_keys
from dispatch.world import World

KEY_FILE = "vault.key"
REST_SECONDS = 0.01
FIRST_ASKED_SECONDS, ASKED_SECONDS = 1.0, 30.0
"""An idle bell asks whether its broker is there: a command is over before, a door learns it before its first case."""
HELD_SECONDS = 5  # a broker that takes longer with one round of bells is as good as away
log = structlog.get_logger()


class Doorbell:
    """Rings through a dramatiq broker, whichever it is: one message with the job's name, and nothing else.

    A thread of its own rings, because a broker that is away may hold its caller for minutes; names that come while
    it rings are rung once. `ask`: whether the broker is there, for when nothing is to be rung.
    """

    def __init__(self, broker: dramatiq.Broker, queues: "Queues", ask: Callable[[], bool]) -> None:
        self._broker = broker
        self._queues = queues
        self._ask = ask
        self._waiting: set[str] = set()
        self._changed = threading.Condition()
        self._ringing = False
        self._leaving = False
        self._taken = True
        self._began = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True, name="doorbell")
        self._thread.start()

    def ring(self, names: Collection[str]) -> None:
        """Ring soon; never waits, never raises. A bell that cannot be rung is rung by the clock."""
        with self._changed:
            self._waiting.update(names)
            self._changed.notify_all()

    def answers(self) -> bool:
        """Whether the broker took the last ring, or was there since, and does not hold the one that is on its way."""
        with self._changed:
            held = self._ringing and time.monotonic() - self._began > HELD_SECONDS
            return self._taken and not held

    def close(self, seconds: float = 2) -> None:
        """Ring what still waits, for so long at the most."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._waiting or self._ringing), seconds)
            self._leaving = True
            self._changed.notify_all()

    def _run(self) -> None:
        patience = FIRST_ASKED_SECONDS
        while True:
            with self._changed:
                self._ringing = False
                self._changed.notify_all()
                called = self._changed.wait_for(lambda: self._waiting or self._leaving, patience)
                if self._leaving:
                    return
                names, self._waiting, self._ringing = sorted(self._waiting), set(), bool(called)
                self._began = time.monotonic()
            patience = ASKED_SECONDS
            if not called:
                self._taken = self._ask()
                continue
            for place, name in enumerate(names):
                reach(Point.MID_BATCH if place else Point.RINGING)
                self._taken = self._ring_one(name)
            reach(Point.RUNG)
            with self._changed:  # under load a bell for many commits together is as good
                self._changed.wait_for(lambda: self._leaving, REST_SECONDS)

    def _ring_one(self, name: str) -> bool:
        # The name too may be unknown (a job of another version): it must not end the thread, and with it every bell.
        try:
            message: dramatiq.Message[None] = dramatiq.Message(
                queue_name=self._queues(name), actor_name=name, args=(), kwargs={}, options={}
            )
            self._broker.enqueue(message)
            return True
        except Exception as error:  # noqa: BLE001 - whatever the broker's own library raises
            log.warning("bell.not_rung", job=name, error=type(error).__name__)
            return False


class Queues(Protocol):
    """The queue of a job, by its name."""

    def __call__(self, name: str) -> str: ...


def now() -> datetime:
    """The wall clock, aware UTC."""
    return datetime.now(UTC)


def make_vault(settings: Settings) -> Vault:
    """Keys from the settings; without any, one of its own in the home folder."""
    key_file = None if settings.vault_keys else settings.home / KEY_FILE
    reread = None if key_file is None else partial(read_keys, key_file)
    return Vault(vault_keys(settings), settings.vault_cipher, reread=reread)


def vault_keys(settings: Settings) -> Keys:
    """The keys themselves, the one that seals first."""
    if settings.vault_keys:
        return tuple(bytes.fromhex(key.get_secret_value()) for key in settings.vault_keys)
    key_file = settings.home / KEY_FILE
    if not key_file.exists():
        log.warning("vault.key_made", file=str(key_file), advice="没有它，已存的个人信息就打不开：请另行备份")
    return read_or_make_keys(key_file)


def make_broker(settings: Settings) -> dramatiq.Broker:
    """The broker of this URL. Retries and delays stay with the job's row, so no middleware is needed."""
    return bells.make(broker_url(settings))


def broker_url(settings: Settings) -> str:
    """Where the bells hang: in a broker of their own, or in the database."""
    return settings.broker_url or database_url(settings)


LINE = {"tcp_user_timeout": "30000", "keepalives_idle": "15", "keepalives_interval": "5", "keepalives_count": "3"}
"""Milliseconds, seconds, seconds, times; unless the URL names others. A host that vanished, or a firewall that forgot
the line, answers nothing, and the system's own patience with it is a quarter of an hour.
"""


def database_url(settings: Settings) -> str:
    """The database's address with our driver. Raises ZhuandiError where none is set, or none that can be read.

    The embedded one sets it itself.
    """
    if not settings.database_url:
        raise ZhuandiError("没有设置 DATABASE_URL，内嵌数据库也没有启动。请用 `zhuandi up`，或设置 DATABASE_URL。")
    with reading("DATABASE_URL "):
        url = make_url(settings.database_url).set(drivername="postgresql+psycopg")
    return url.set(query=LINE | dict(url.query)).render_as_string(hide_password=False)


class Lines:
    """Opens a line for each account, and closes them all."""

    def __init__(self) -> None:
        self._open: list[HttpLine] = []

    def open(self, limits: Limits) -> HttpLine:
        """A line of its own for this account."""
        line = open_line(limits)
        self._open.append(line)
        return line

    def close(self) -> None:
        """No call is made on them any more."""
        for line in self._open:
            line.client.close()


Opener = Callable[[Account], Line]


def make_trackers(settings: Settings, opened: Opener) -> Mapping[str, Tracker]:
    """The trackers that the settings name, each with its words for the carriers that it follows."""

    def followed(tracker: str) -> Mapping[str, str]:
        return {one.code: name for name, one in settings.tracked.items() if one.tracker == tracker}

    made: dict[str, Tracker] = {}
    if (account := settings.kdniao) is not None:
        made["kdniao"] = Kdniao(account, opened(account), now, followed("kdniao"))
    if (at_100 := settings.kuaidi100) is not None:
        made["kuaidi100"] = Kuaidi100(at_100, opened(at_100), followed("kuaidi100"))
    return made


def make_carriers(settings: Settings, opened: Opener, trackers: Mapping[str, Tracker]) -> Mapping[str, Carrier]:
    """The carriers that the settings name; China Post/EMS is always among them. Raises ZhuandiError."""
    made: dict[str, Carrier] = {"ems": Ems(settings.ems, opened(settings.ems), now)}
    for name, further in settings.further_ems.items():
        made[name] = Ems(further, opened(further), now, name=name)
    if (sf := settings.sf) is not None:
        made["sf"] = Sf(sf, opened(sf), now, new_id=lambda: str(uuid4()))
    if (desk := settings.by_hand) is not None:
        made["by_hand"] = ByHand(desk, opened(desk), now)
    if (province := settings.gov_ems) is not None:
        made["gov_ems"] = GovEms(province, opened(province))
    for name, one in settings.tracked.items():
        if one.tracker not in trackers:
            raise ZhuandiError(f"{one.title}（{name}）要由 {one.tracker} 跟踪，但没有设置 {one.tracker} 的账号。")
        made[name] = Tracked(name, one, trackers[one.tracker])
    if clash := made.keys() & trackers.keys():
        raise ZhuandiError(f"寄递企业与轨迹平台重名：{'、'.join(sorted(clash))}。请改名。")
    return made


def make_identity(settings: Settings, lines: Lines) -> IdentityService | None:
    """The identity service that the settings name; its library is loaded only where one is named (4 MB)."""
    if (client := settings.oidc) is None:
        return None
    callback = f"{settings.public_url.rstrip('/')}{CALLBACK}"
    made: IdentityService = import_module("dispatch.oidc.provider").Oidc(client, callback, lines.open(client), now)
    return made


@contextmanager
def make_world(settings: Settings, broker: dramatiq.Broker, queues: Queues) -> Iterator[World]:
    """The whole service, ready for a door, a worker or a command; everything it opened is closed at the end."""
    engine, lines = connect(database_url(settings)), Lines()
    bell = Doorbell(broker, queues, partial(bells.answers, broker_url(settings)))
    try:
        trackers = make_trackers(settings, lines.open)
        world = World(
            settings=settings,
            sessions=sessions(engine),
            vault=make_vault(settings),
            carriers=make_carriers(settings, lines.open, trackers),
            trackers=trackers,
            typefaces=Typefaces(settings.home / "typefaces"),
            bell=bell,
            now=now,
            identity=make_identity(settings, lines),
        )
        world = check_key(world)
        if notice_cluster(world):
            log.warning("database.restored", advice="另一个数据库集群：先核对（zhuandi reconcile），再下单")
        yield world
    finally:
        bell.close()
        broker.close()
        lines.close()
        engine.dispose()
