"""The primary is gone, and a standby that lacks its last transactions is promoted under its address."""

from contextlib import contextmanager

import pytest
from sqlalchemy import func, select, text

from dispatch.approval.lodge import GATHER, lodge
from dispatch.jobs import Job
from dispatch.reconcile.left import left
from tests.engines.county import County
from tests.engines.servers import stop_at_once, wait_until


class Standby:
    """What a standby had at the moment when it heard the last of its primary."""

    def __init__(self, postgres):
        self.postgres, self.data = postgres, postgres.log.parent / "data"
        self.copy = self.data.with_name("standby")
        where = ("-h", postgres._socket_folder(), "-U", "zhuandi", "--checkpoint=fast")
        self._run(postgres._tools() / "pg_basebackup", "-D", self.copy, *where)
        with postgres._connection() as connection:
            # So much that the first checkpoint after the promotion takes minutes, as on a primary at work.
            connection.execute("CREATE TABLE heard AS SELECT generate_series(1, 500000) AS n")
            connection.execute("SELECT pg_switch_wal()")
            [(last,)] = connection.execute("SELECT pg_walfile_name(pg_current_wal_lsn())")
        heard = [file for file in (self.data / "pg_wal").iterdir() if len(file.name) == 24 and file.name < last]
        self._run("cp", *heard, self.copy / "pg_wal")

    def promote(self):
        """The primary ends without a goodbye; where it answered, this answers now."""
        stop_at_once(self.postgres)
        self.data.rename(self.data.with_name("lost"))
        self.copy.rename(self.data)
        (self.data / "standby.signal").touch()
        self.postgres.start()
        with self.postgres._connection() as connection:
            assert connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
            assert connection.execute("SELECT pg_promote()").fetchone() == (True,)
            told = "SELECT timeline_id FROM pg_control_checkpoint()"
            assert connection.execute(told).fetchone() == (1,), "it has had no checkpoint yet"

    def _run(self, *command):
        code, said = self.postgres._place.run(*command)
        assert code == 0, said


@pytest.fixture
def promotable(own_postgres, tmp_path, cases):
    """A house at work with a letter that is booked, and what a standby had then."""

    @contextmanager
    def open_house(*names):
        service = County(tmp_path, own_postgres.start(), None)
        with service.open(names):
            service.lodge(cases(1))
            service.expect_booked(1)
            yield service, Standby(own_postgres)

    return open_house


def held_back(world):
    """So many jobs that would put a case into an envelope were told to wait."""
    waiting = (Job.name == GATHER, Job.done_at.is_(None), Job.last_error.is_not(None))
    with world.reading() as session:
        return session.scalar(select(func.count()).where(*waiting))


def test_a_promotion_is_noticed_at_once_and_what_was_ordered_in_the_lost_time_is_not_ordered_again(promotable, cases):
    """The last checkpoint keeps the old timeline for minutes after a promotion: it is no witness."""
    with promotable("worker", "worker", "clock") as (service, standby):
        service.lodge(cases(1, first=1))
        service.expect_booked(2)
        ordered = service.books()
        standby.promote()
        with service.world() as world:
            wait_until(lambda: left(world) is not None, "the mode to begin", 60)
            assert left(world).how == "detected"
            service.lodge(cases(1, first=1))  # its approval system was told nothing, and sends it again
            wait_until(lambda: held_back(world) == 1, "the case to be held back", 60)
        assert (service.books(), service.booked()) == (ordered, 1)
        assert all(process.poll() is None for process in service.processes), "nobody was started again"


def test_before_the_clock_has_noticed_it_nobody_orders_anything_either(promotable, cases):
    """Workers connect anew and go on, and may be quicker than the clock: here there is none."""
    with promotable("worker") as (service, standby), service.world() as world:
        standby.promote()
        world.sessions.kw["bind"].dispose()
        with world.begin() as session:
            known = session.scalar(text("SELECT convert_from(mark, 'UTF8') FROM key_marks WHERE name = 'cluster'"))
        assert known.endswith(":1")
        for case in cases(1, first=1):  # over a door that was open before: whoever starts notices it
            lodge(world, case, "county")
        wait_until(lambda: held_back(world) == 1, "the case to be held back", 60)
        assert (sum(service.books().values()), left(world)) == (1, None)
