"""Group commit at the door for posts: nobody is answered before the commit, and nobody for another's fault."""

import asyncio
import dataclasses
import threading
from functools import partial

import pytest
from sqlalchemy import func, select, text
from starlette.testclient import TestClient

from dispatch.api import batch as batches
from dispatch.api.app import make_app
from dispatch.api.batch import Batch, DoorBusyError
from dispatch.carrier import Knock
from dispatch.jobs import Job
from dispatch.tracking.push import READ, Push, judge, store
from tests.doors.conftest import sealed_push

POISON = 77


def _arrival(world, account, number=0, **knock):
    raw = sealed_push(account, serialNo=f"{number:032x}")
    return judge(world, world.carriers["ems"], Knock(raw, "application/json", **knock))


def _keep_all(batch, arrivals):
    """What went wrong with each: None where it was answered."""

    async def keep():
        return await asyncio.gather(*(batch.do(one) for one in arrivals), return_exceptions=True)

    return [_error(told) for told in asyncio.run(keep())]


def _error(told):
    return told if isinstance(told, Exception) else None


def _batch(world):
    return Batch(partial(store, world), weigh=lambda arrival: arrival.size)


def _count(world, *where):
    with world.reading() as session:
        return session.scalar(select(func.count()).select_from(Push).where(*where))


def test_the_same_push_a_thousand_times_at_once_is_one_row_and_a_thousand_answers(world, account):
    batch = _batch(world)
    told = _keep_all(batch, [_arrival(world, account) for _ in range(1_000)])
    assert told == [None] * 1_000
    with world.reading() as session:
        [push] = session.scalars(select(Push))
        assert session.scalar(select(func.count()).where(Job.name == READ)) == 1
    assert push.times == 1_000


def test_what_waits_is_committed_together_and_the_bell_is_rung_once_for_each_commit(world, account):
    batch = _batch(world)
    assert _keep_all(batch, [_arrival(world, account, number) for number in range(300)]) == [None] * 300
    assert _count(world) == 300
    assert set(world.bell.rung) == {READ}
    assert len(world.bell.rung) < 100


def test_one_poisonous_row_among_two_hundred_fails_alone(world, account):
    """FAULTS 47: 199 are stored, one is isolated, and nobody is answered wrongly."""
    arrivals = [_arrival(world, account, number) for number in range(200)]
    arrivals[POISON].source = "NUL\0"  # no text column holds it
    told = _keep_all(_batch(world), arrivals)
    assert [number for number, error in enumerate(told) if error is not None] == [POISON]
    with world.reading() as session:
        stored = set(session.scalars(select(Push.digest)))
        assert session.scalar(select(func.count()).where(Job.name == READ)) == 199
    assert stored == {one.digest for number, one in enumerate(arrivals) if number != POISON}


def test_a_row_that_the_server_refuses_fails_alone_too(world, account):
    """An index entry that is too long is told as the server's limit, and still lies with the row alone."""
    with world.begin() as session:
        session.execute(text("CREATE INDEX test_poison ON pushes (source)"))
    try:
        arrivals = [_arrival(world, account, number) for number in range(20)]
        arrivals[3].source = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(9_000))
        told = _keep_all(_batch(world), arrivals)
    finally:
        with world.begin() as session:
            session.execute(text("DROP INDEX test_poison"))
    assert [number for number, error in enumerate(told) if error is not None] == [3]
    assert _count(world) == 19


def test_a_full_queue_turns_away_at_once_and_holds_no_more_than_it_may(world, account, monkeypatch):
    """FAULTS 48: the database stalls, memory stays bounded, and what was not stored was not acknowledged."""
    monkeypatch.setattr(batches, "WAITING_MOST", 10)
    goes_on, stored = threading.Event(), []

    def stalled(arrivals):
        goes_on.wait()
        stored.extend(arrivals)
        return store(world, arrivals)

    async def crowd():
        batch = Batch(stalled)
        tasks = [asyncio.create_task(batch.do(_arrival(world, account, number))) for number in range(40)]
        refused, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        goes_on.set()
        told = await asyncio.gather(*tasks, return_exceptions=True)
        return refused, [_error(one) for one in told]

    refused, told = asyncio.run(crowd())
    assert refused
    assert told.count(None) == len(stored) == _count(world) == 10
    assert {type(error) for error in told if error is not None} == {DoorBusyError}


def test_too_many_bytes_are_as_full_as_too_many_pushes(world, account, monkeypatch):
    one = _arrival(world, account)
    monkeypatch.setattr(batches, "BYTES_MOST", len(one.raw))
    [told] = _keep_all(_batch(world), [one])
    assert isinstance(told, DoorBusyError)
    assert _count(world) == 0


def test_a_push_that_is_not_stored_in_time_is_not_acknowledged(world, account, monkeypatch):
    monkeypatch.setattr(batches, "ANSWER_SECONDS", 0.01)
    goes_on = threading.Event()

    def stalled(arrivals):
        goes_on.wait()
        return store(world, arrivals)

    batch = Batch(stalled)
    [told] = _keep_all(batch, [_arrival(world, account)])
    goes_on.set()
    batch.close()
    assert isinstance(told, DoorBusyError)
    assert _count(world) == 1  # kept all the same: its repetition will be the same row


def test_a_busy_door_answers_like_one_whose_database_is_away(world, account, monkeypatch):
    monkeypatch.setattr(batches, "WAITING_MOST", 0)
    answer = TestClient(make_app(world)).post("/pushes/ems", content=sealed_push(account))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_pushes_turned_away_and_told_again_rightly_in_one_batch_are_one_row_that_is_read(world, account):
    right = _arrival(world, account)
    wrong = dataclasses.replace(right, body=None, turned_away="协议客户号不是本中心的")
    store(world, [wrong, right, wrong])
    with world.reading() as session:
        [push] = session.scalars(select(Push))
    assert (push.turned_away, push.times) == (None, 3)
    assert world.vault.open(push, "body")


@pytest.mark.parametrize("room", [0, 2])
def test_in_one_batch_too_no_more_of_the_forged_are_kept_than_there_is_room_for(world, room):
    few = dataclasses.replace(world, settings=world.settings.model_copy(update={"refused_pushes_per_hour": room}))
    forged = [judge(few, few.carriers["ems"], Knock(b"forged %d" % number)) for number in range(9)]
    store(few, forged[:5])
    store(few, forged[5:])
    assert _count(few, Push.turned_away.is_not(None)) == room
