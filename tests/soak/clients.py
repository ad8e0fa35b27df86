"""Those who use the service while it is ill-treated: an approval system, a clerk, a citizen, a stranger."""

import itertools
import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from dispatch.api.track_words import CHECKING, VIEWS
from dispatch.errors import ZhuandiError
from dispatch.journey import View
from dispatch.waybill import Waybill
from dispatch.world import World
from tests.engines.county import County
from tests.soak.history import History, Outcome
from tests.storm.run import Clerk, Done

LODGE, CHANGED, PUSH, PAGE = "lodge", "lodge_changed", "garbage_push", "page"
DELIVERED, DISPUTED = VIEWS[View.CLOSED].headline, CHECKING.headline
SURNAMES, GIVEN = "蓝雷钟吴陈林叶周徐梅", ("小雨", "志远", "秋月", "一鸣", "文静", "建国")
SCENARIOS = 24  # the last two digits of a phone tell the post which story to play
PAUSE = 0.2
log = structlog.get_logger()


class ApprovalSystem:
    """Posts decided cases; what it got no answer to it posts again, word for word, until it has one."""

    def __init__(self, county: County, history: History, key: str, seed: int) -> None:
        self.url = county.settings.public_url
        self.history, self.key, self.dice = history, key, random.Random(seed)
        self.numbers = itertools.count(1)
        self.sent: list[dict[str, Any]] = []
        self.open: dict[str, dict[str, Any]] = {}

    def work(self) -> None:
        """A new case, or an old one again; now and then an old one with other words, which must be refused."""
        roll = self.dice.random()
        if self.open and roll < 0.5:
            self._post(LODGE, self.dice.choice(list(self.open.values())))
        elif self.sent and roll < 0.6:
            self._post(LODGE, self.dice.choice(self.sent))
        elif self.sent and roll < 0.65:
            self._post(CHANGED, self.dice.choice(self.sent) | {"department": "另一个部门"})
        else:
            self._post(LODGE, self._new_case())

    def settle(self) -> None:
        """Post again whatever has had no answer yet."""
        for case in list(self.open.values()):
            self._post(LODGE, case)

    def _post(self, kind: str, case: dict[str, Any]) -> None:
        number = case["case_no"]
        with self.history.of(kind, number) as operation:
            if kind == LODGE:
                self.open[number] = case
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            raw = json.dumps(case, ensure_ascii=False).encode()
            try:
                answer = httpx2.post(
                    f"{self.url}/api/v1/cases", content=raw, headers=headers, timeout=10, trust_env=False
                )
            except httpx2.HTTPError:
                return
            if answer.status_code in {200, 201}:
                operation.outcome = Outcome.OK
            elif answer.status_code < 500:
                operation.outcome = Outcome.FAILED
        if kind == LODGE and operation.outcome is Outcome.OK:
            self.open.pop(number, None)
            self.sent.append(case)

    def _new_case(self) -> dict[str, Any]:
        number = next(self.numbers)
        name = self.dice.choice(SURNAMES) + self.dice.choice(GIVEN)
        return {
            "case_no": f"3311272026112{number:07}",
            "item_name": "食品经营许可",
            "department": "县市场监督管理局",
            "decided_at": "2026-11-20T09:00:00+08:00",
            "applicant_name": name,
            "applicant_kind": "person",
            "slip": {
                "recipient_name": name,
                "phone": f"139{number:06}{self.dice.randrange(1, SCENARIOS + 1):02}",
                "province": "浙江省",
                "city": "丽水市",
                "county": "景宁畲族自治县",
                "town": "红星街道",
                "detail": f"团结西路{number}号2幢301室",
                "way": "door",
            },
        }


class RecordedClerk(Clerk):
    """Whose every act is in the history: refused is not done, and a database that went away may have committed."""

    def __init__(self, world: World, seed: int, history: History) -> None:
        super().__init__(world, seed)
        self.history = history

    @contextmanager
    def doing(self, kind: str, key: str) -> Iterator[Done]:
        done = Done(key)
        with self.history.of(kind, key) as operation:
            try:
                yield done
            except ZhuandiError:
                operation.outcome = Outcome.FAILED
                raise
            operation.key, operation.outcome = done.key, Outcome.OK


class Citizen:
    """Looks at one tracking page after the other, again and again."""

    def __init__(self, county: County, world: World, history: History, seed: int) -> None:
        self.url, self.world, self.history = county.settings.public_url, world, history
        self.dice, self.tokens = random.Random(seed), dict[str, str]()

    def work(self) -> None:
        """One page; those that were seen as delivered are looked at as often as any other."""
        if not self.tokens or self.dice.random() < 0.2:
            self._learn()
        if not self.tokens:
            return
        number = self.dice.choice(list(self.tokens))
        with self.history.of(PAGE, number) as operation:
            try:
                answer = httpx2.get(f"{self.url}/t/{self.tokens[number]}", timeout=10, trust_env=False)
            except httpx2.HTTPError:
                return
            if answer.status_code == 200:
                operation.outcome, operation.said = Outcome.OK, _headline(answer.text)
            elif answer.status_code < 500 and answer.status_code != 429:
                operation.outcome = Outcome.FAILED

    def _learn(self) -> None:
        """The code on each sheet that is stuck on by now."""
        try:
            with self.world.reading() as session:
                for waybill in session.scalars(select(Waybill).where(Waybill.voided_at.is_(None))):
                    if waybill.number not in self.tokens:
                        self.tokens[waybill.number] = self.world.vault.open(waybill, "token") or ""
        except SQLAlchemyError:
            return


def _headline(html: str) -> str:
    return next((one for one in (DELIVERED, DISPUTED) if one in html), "on its way")


def at_the_desk(clerk: Clerk) -> Callable[[], None]:
    """One round of the clerk; where the database is away the clerk tries again later."""

    def work() -> None:
        try:
            clerk.work()
        except (SQLAlchemyError, OSError) as error:
            log.info("clerk.interrupted", error=type(error).__name__)

    return work


def garbage(county: County, history: History) -> Callable[[], None]:
    """Somebody who knocks at the posts' door without being one: kept, never believed."""

    def work() -> None:
        with history.of(PUSH, "") as operation:
            try:
                url = f"{county.settings.public_url}/pushes/ems"
                answer = httpx2.post(url, content=b"logitcsInterface=%7B%7D", timeout=10, trust_env=False)
            except httpx2.HTTPError:
                return
            operation.outcome = Outcome.OK if answer.status_code < 500 else Outcome.UNKNOWN

    return work


def run_until(told: threading.Event, work: Callable[[], object], pause: float = PAUSE) -> None:
    """Work, rest a little and work again until told to end."""
    while not told.wait(pause):
        work()
