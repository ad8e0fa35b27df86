"""Whoever kills at random: a seeded hand that kills, freezes, stops and empties, and starts again what it killed."""

import random
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from tests.engines.county import County
from tests.engines.servers import Server, stop_at_once
from zhuandi.postgres import EmbeddedPostgres

BETWEEN = (1.0, 6.0)
DOWN = (0.0, 3.0)
SERVICE = ("api", "worker", "worker", "clock", "clock")
"""Two clocks on purpose: whatever both ring for must be done once."""


@dataclass
class Killer:
    """`county`'s processes by name; the database and the broker may be ill-treated too."""

    county: County
    postgres: EmbeddedPostgres
    broker: Server | None
    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    running: list[tuple[str, "subprocess.Popen[bytes]"]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        for name in SERVICE:
            self.running.append((name, self.county.start(name)))

    def work(self) -> None:
        """One blow; what was hit is started again after a while."""
        blows = [self._kill, self._kill, self._kill, self._freeze, self._stop_postgres]
        if self.broker is not None:
            blows += [self._kill_broker, self._empty_broker]
        self.kills[self.dice.choice(blows)()] += 1
        time.sleep(self.dice.uniform(*BETWEEN))

    def revive(self) -> None:
        """Whatever ended by itself meanwhile is started again, as a supervisor would."""
        for place, (name, process) in enumerate(self.running):
            if process.poll() is not None:
                self.running[place] = (name, self.county.start(name))

    def _kill(self) -> str:
        place = self.dice.randrange(len(self.running))
        name, process = self.running[place]
        process.kill()
        process.wait()
        time.sleep(self.dice.uniform(*DOWN))
        self.running[place] = (name, self.county.start(name))
        return f"{name} killed"

    def _freeze(self) -> str:
        """A worker stands still beyond its lease and comes back while another has done its work."""
        _, process = self.dice.choice([one for one in self.running if one[0] == "worker"])
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGSTOP)
            time.sleep(self.county.settings.job_lease.total_seconds() + 1)
            process.send_signal(signal.SIGCONT)
        return "worker frozen beyond its lease"

    def _stop_postgres(self) -> str:
        stop_at_once(self.postgres)
        time.sleep(self.dice.uniform(*DOWN))
        self.postgres.start()
        return "postgresql stopped at once"

    def _kill_broker(self) -> str:
        if self.broker is not None:
            self.broker.kill()
            time.sleep(self.dice.uniform(*DOWN))
            self.broker.start()
        return "broker killed"

    def _empty_broker(self) -> str:
        if self.broker is not None:
            self.broker.empty()
        return "broker emptied"
