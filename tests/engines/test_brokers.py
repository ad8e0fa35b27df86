"""Whatever befalls the broker costs seconds and loses nothing: the row is the job (FAULTS §1, §7 nos. 9 to 13)."""

import signal
from collections.abc import Callable

import dramatiq
import pytest
from pika import BlockingConnection

from dispatch import bells
from dispatch.approval.decided_case import DecidedCase
from dispatch.approval.lodge import GATHER
from dispatch.bells.redis import MOST_BELLS
from dispatch.errors import ZhuandiError
from dispatch.jobs import on_lane
from dispatch.settings import Settings
from dispatch.shipment import BOOK
from dispatch.wiring import broker_url
from tests.engines.county import County, plain_cases
from tests.engines.servers import RabbitServer, RedisServer, Server, free_port, wait_until
from workers.jobs import ROAD, queue_of
from zhuandi.check_house import check_house

CASES = 30
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def cases(decided: Callable[..., DecidedCase]) -> list[DecidedCase]:
    return plain_cases(decided, CASES)


def test_every_broker_rings_and_all_is_booked_once(broker, county, cases):
    with county(broker).open() as service:
        service.lodge(cases)
        service.expect_booked(CASES)


def test_a_broker_that_is_emptied_in_the_middle_loses_nothing(broker, county, cases):
    """No. 9: FLUSHALL, purged queues, a truncated table."""
    with county(broker).open() as service:
        service.lodge(cases[: CASES // 2])
        wait_until(lambda: service.booked() > 0, "the first booking")
        service.lodge(cases[CASES // 2 :])
        broker.empty()
        service.expect_booked(CASES)


@pytest.mark.parametrize("kind", ["redis_server", "rabbit_server"])
def test_cases_are_taken_while_the_broker_is_away_and_booked_when_it_is_back(kind, request, county, cases):
    """No. 10: nobody who lodges a case sees that the broker is down."""
    server: Server = request.getfixturevalue(kind)
    with county(server).open() as service:
        server.kill()
        try:
            service.lodge(cases)
            assert service.open_jobs()
        finally:
            server.start()
        service.expect_booked(CASES)


@pytest.mark.parametrize("kind", ["redis_server", "rabbit_server"])
def test_a_broker_killed_in_the_middle_of_the_work_and_started_again(kind, request, county, cases):
    server: Server = request.getfixturevalue(kind)
    with county(server).open() as service:
        service.lodge(cases[: CASES // 2])
        wait_until(lambda: service.booked() > 0, "the first booking")
        server.kill()
        server.start()
        service.lodge(cases[CASES // 2 :])
        service.expect_booked(CASES)
        assert all(process.poll() is None for process in service.processes), "nobody had to be started again"


@pytest.mark.parametrize("kind", ["redis_server", "rabbit_server"])
def test_a_broker_that_hangs_for_a_while_and_comes_back(kind, request, county, cases):
    """F3: Redis away for twelve seconds left waiting messages in a living worker for ever. Ours wait in rows."""
    server: Server = request.getfixturevalue(kind)
    with county(server).open() as service:
        service.lodge(cases[: CASES // 2])
        wait_until(lambda: service.booked() > 0, "the first booking")
        server.signal(signal.SIGSTOP)
        try:
            service.lodge(cases[CASES // 2 :])
        finally:
            server.signal(signal.SIGCONT)
        service.expect_booked(CASES)
        assert all(process.poll() is None for process in service.processes), "nobody had to be started again"


def test_publishers_blocked_by_an_alarm_and_a_clean_restart_lose_nothing(rabbit_server, county, cases):
    """F1: five of five were lost under an alarm, with failing actors and a restart."""
    assert isinstance(rabbit_server, RabbitServer)
    with county(rabbit_server).open() as service:
        service.lodge(cases[: CASES // 2])
        rabbit_server.alarm()
        service.lodge(cases[CASES // 2 :])
        rabbit_server.control("stop_app")
        rabbit_server.control("start_app")
        rabbit_server.calm()
        service.expect_booked(CASES)


LANES = [f"ems{number}" for number in range(20)]


def test_twenty_lanes_are_all_heard_and_every_answered_bell_is_put_away(table_of_bells, own_database_url, tmp_path):
    """The library lends 16 connections: from 14 lanes on, threads waited for one for ever after their first bell."""
    county = County(tmp_path, own_database_url, None, further_ems={lane: {} for lane in LANES}, job_lease=60)
    with county.open(["worker"]):
        ringing = bells.make(own_database_url)
        for _ in range(2):
            for name in (GATHER, *(on_lane(BOOK, lane) for lane in LANES)):
                bell = dramatiq.Message(queue_name=queue_of(name), actor_name=name, args=(), kwargs={}, options={})
                ringing.enqueue(bell)
            wait_until(lambda: table_of_bells.hanging() == 0, "every bell to be put away", seconds=60)
        ringing.close()


def test_bells_do_not_pile_up_where_nobody_hears_them(broker, county):
    """Workers may be away for a night: their broker must not fill up, and the newest bell must hang."""
    url = broker_url(county(broker).settings)
    bells.prepare(url)
    ringing = bells.make(url)
    for _ in range(MOST_BELLS + 150):
        ringing.enqueue(dramatiq.Message(queue_name=ROAD, actor_name="case.gather", args=(), kwargs={}, options={}))
    ringing.close()
    assert 1 <= broker.waiting(ROAD) <= MOST_BELLS


def test_what_is_unsafe_in_a_broker_is_told_in_words(tmp_path, redis_server):
    (tmp_path / "unsafe").mkdir()
    unsafe = RedisServer(tmp_path / "unsafe")
    unsafe.options = ("--appendonly", "no", "--maxmemory-policy", "allkeys-lru")
    unsafe.start()
    try:
        told = " ".join(bells.weaknesses(unsafe.url))
    finally:
        unsafe.kill()
    assert "appendonly" in told
    assert "noeviction" in told
    assert bells.weaknesses(redis_server.url) == []


def test_a_broker_without_publisher_confirms_is_refused_before_anything_is_rung(
    rabbit_server, database_url, monkeypatch
):
    """What it says it took may be lost: an older broker, or another product behind the same protocol."""
    settings = Settings(database_url=database_url, broker_url=rabbit_server.url)
    check_house(settings)
    assert bells.answers(rabbit_server.url)
    monkeypatch.setattr(BlockingConnection, "publisher_confirms_supported", property(lambda _: False))
    with pytest.raises(ZhuandiError, match="发布确认"):
        check_house(settings)
    assert not bells.answers(rabbit_server.url)


@pytest.mark.parametrize("scheme", ["amqp", "redis", "postgresql"])
def test_a_broker_that_is_away_is_told_and_hinders_nobody(scheme):
    [words] = bells.weaknesses(f"{scheme}://127.0.0.1:{free_port()}/0")
    assert "连不上" in words
    assert not bells.answers(f"{scheme}://127.0.0.1:{free_port()}/0")


@pytest.mark.parametrize(
    "url",
    [
        "amqp://u:GEHEIM#x@127.0.0.1:9/",
        "amqp://127.0.0.1:9/;amqp://u:GEHEIM/x@127.0.0.1:9/",
        "amqp://u:GEHEIM@127.0.0.1:9/?heartbeat=abc",
        "amqp://u:GEHEIM@[::1/",
        "redis://u:GEHEIM#x@127.0.0.1:9/0",
        "redis://u:GEHEIM/x@127.0.0.1:9/0",
        "postgresql://u:x@GEHEIM:y@127.0.0.1/z",
        "postgresql://u:GEHEIM@127.0.0.1:9/z?heartbeat=30",
    ],
)
def test_an_address_that_cannot_be_read_is_told_without_quoting_the_password(url):
    """The libraries' own words do («Port could not be cast to integer value as 'GEHEIM'»), in a traceback."""
    for ask in (bells.make, bells.weaknesses):
        with pytest.raises(ZhuandiError, match=r"消息队列的地址读不懂.*%40 %23 %2F %3A") as told:
            ask(url)
        assert "GEHEIM" not in str(told.value)
        assert told.value.__suppress_context__
    assert not bells.answers(url)


def test_an_unknown_broker_is_refused_with_those_that_can_be_used():
    with pytest.raises(ZhuandiError, match="amqp"):
        bells.make("kafka://127.0.0.1:9092")
