"""The connection is lost during COMMIT: nobody knows what became of it, and a repetition converges (FAULTS 17)."""

import dataclasses
import itertools
from contextlib import suppress

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from dispatch.api.app import make_app
from dispatch.approval.case import Case, Document
from dispatch.approval.lodge import GATHER, lodge
from dispatch.client import add_client
from dispatch.db import connect, sessions
from dispatch.jobs import Job
from dispatch.journey import Stage
from dispatch.shipment import Shipment
from dispatch.tracking.push import READ, Push
from tests.doors.conftest import sealed_push
from tests.engines.county import plain_cases
from tests.faults.wire import Cut, wire_to
from tests.rooms.road_steps import books, end_leases

LEAST = 8
"""So many commits the road from a case to its number has at least: one for each job's claim and outcome, and more."""


@pytest.fixture
def wired(world, database_url):
    """A wire, and a service that reaches its database over it alone."""
    with wire_to(database_url) as (wire, url):
        engine = connect(url)
        yield wire, dataclasses.replace(world, sessions=sessions(engine))
        engine.dispose()


def count(world, table, *where):
    with world.reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(*where))


@pytest.mark.parametrize(("cut", "again"), [(Cut.UNHEARD, 201), (Cut.UNTOLD, 200)])
def test_a_case_whose_commit_was_cut_is_answered_503_and_sent_again_it_is_one_row(wired, world, decided, cut, again):
    """No. 17; and no. 2: not committed, it is not there, and nobody was told that it is."""
    wire, far = wired
    key = {"Authorization": f"Bearer {add_client(world, 'approval')}", "Content-Type": "application/json"}
    body = decided().model_dump_json(exclude_none=True, exclude_defaults=True)
    door = TestClient(make_app(far))
    wire.cut_at(1, cut)
    first = door.post("/api/v1/cases", content=body, headers=key)
    assert (wire.broken, first.status_code, int(first.headers["Retry-After"]) > 0) == (True, 503, True)
    assert count(world, Case) == (cut is Cut.UNTOLD)
    assert door.post("/api/v1/cases", content=body, headers=key).status_code == again
    assert (count(world, Case), count(world, Document)) == (1, 1)
    assert count(world, Job, Job.name == GATHER) == 1


@pytest.mark.parametrize("cut", Cut)
def test_a_push_whose_commit_was_cut_is_not_acknowledged_and_told_again_it_is_one_row(wired, world, account, cut):
    wire, far = wired
    raw = sealed_push(account)
    door = TestClient(make_app(far))
    wire.cut_at(1, cut)
    first = door.post("/pushes/ems", content=raw)
    assert (wire.broken, first.status_code) == (True, 503)
    assert door.post("/pushes/ems", content=raw).json()["code"] == "00000"
    with world.reading() as session:
        [push] = session.scalars(select(Push))
    assert push.times == (2 if cut is Cut.UNTOLD else 1)
    assert count(world, Job, Job.name == READ) == 1


@pytest.mark.parametrize("cut", Cut)
def test_at_whichever_commit_of_a_booking_the_connection_is_cut_it_is_booked_once(wired, post, drain, decided, cut):
    """Each case loses its connection one COMMIT further on the road, from its gathering to its number."""
    wire, far = wired
    far = dataclasses.replace(post.world, sessions=far.sessions)
    for number in itertools.count(1):
        [case] = plain_cases(decided, 1, first=number)
        lodge(post.world, case, "test")
        wire.cut_at(number, cut)
        with suppress(OperationalError):  # a worker goes on with the next bell
            drain(far)
        end_leases(post.world)
        drain(post.world)
        if not wire.broken:
            break
    assert number > LEAST
    booked = books(post)
    assert (booked["bookings"], booked["live"]) == (number, number)
    assert count(post.world, Shipment, Shipment.stage == Stage.BOOKED) == number
