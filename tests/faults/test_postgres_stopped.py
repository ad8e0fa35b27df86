"""PostgreSQL ends without a goodbye under load: 2xx is there, all else was 503, and nobody needs help (FAULTS 16)."""

import threading

import httpx2
from sqlalchemy import text

from dispatch.client import add_client
from tests.engines.county import County
from tests.engines.servers import stop_at_once, wait_until
from tests.faults.pushing import Pushing
from zhuandi.serve import await_answer

CASES = 20
SOME = 50


def lodging(url, key, bodies, told, over):
    """An approval system that posts each case until it is accepted; what it was told."""
    with httpx2.Client(timeout=60, trust_env=False, headers={"Authorization": f"Bearer {key}"}) as client:
        for body in bodies:
            status = 0
            while status not in {200, 201} and not over.is_set():
                status = client.post(f"{url}/api/v1/cases", content=body).status_code
                told.append(status)


def test_stopped_at_once_under_load_it_loses_nothing_and_everybody_goes_on_unaided(own_postgres, tmp_path, cases):
    """No. 16; and no. 60: whatever connection was kept is made anew."""
    service = County(tmp_path, own_postgres.start(), None)
    with service.open(("api", "worker", "clock")):
        url = service.settings.public_url
        assert await_answer(f"{url}/readyz", 120), "the clock and the doors are there"
        service.lodge(cases(1))
        service.expect_booked(1)
        with service.world() as world:
            key = add_client(world, "approval")
        told, over = [], threading.Event()
        bodies = [case.model_dump_json(exclude_none=True, exclude_defaults=True) for case in cases(CASES, first=1)]
        approval = threading.Thread(target=lodging, args=(url, key, bodies, told, over))
        pushing = Pushing(url, service.settings.ems)
        try:
            with pushing.going_on():
                wait_until(lambda: pushing.counts()[200] > SOME, "pushes to be acknowledged")
                approval.start()
                stop_at_once(own_postgres)
                wait_until(lambda: pushing.counts()[503] > SOME, "pushes to be refused")
                own_postgres.start()
                before = pushing.counts()[200]
                wait_until(lambda: pushing.counts()[200] > before + SOME, "pushes to be acknowledged again")
            approval.join()
        finally:
            over.set()
        assert set(pushing.counts()) <= {200, 503}
        assert set(told) <= {200, 201, 503}
        with service.world() as world:
            assert pushing.missing(world) == 0
        service.expect_booked(1 + CASES)
        assert all(process.poll() is None for process in service.processes), "nobody was started again"


def test_connections_that_were_cut_while_idle_are_made_anew(county, table_of_bells, cases):
    """No. 60: after a long silence whatever stood between has forgotten every connection."""
    with county(table_of_bells).open() as service:
        service.lodge(cases(1))
        service.expect_booked(1)
        with service.world() as world, world.begin() as session:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            session.execute(text(f"{others} AND pid <> pg_backend_pid()"))
        service.lodge(cases(1, first=1))
        service.expect_booked(2)
        assert all(process.poll() is None for process in service.processes), "nobody was started again"
