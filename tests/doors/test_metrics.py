"""What an operator sees from outside: true figures, nothing of anybody, and no load."""

import dataclasses
from datetime import timedelta

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, text
from sqlalchemy.dialects import postgresql
from starlette.testclient import TestClient

from dispatch import worklist
from dispatch.api.app import make_app
from dispatch.approval.lodge import lodge
from dispatch.db import connect, sessions
from dispatch.jobs import beat
from dispatch.journey import View
from dispatch.measured import books, collect
from dispatch.worklist import Reason
from tests.doors.conftest import sealed_push

HERE = ("127.0.0.1", 50_000)


def scrape(world, client=HERE):
    """Every sample of one scrape, by name and labels."""
    answer = TestClient(make_app(world), client=client).get("/metrics")
    assert answer.status_code == 200
    return samples(answer.text)


def samples(exposed):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(exposed)
        for sample in family.samples
    }


def value(found, name, **labels):
    return found[name, tuple(sorted(labels.items()))]


def promises(world):
    return {dict(labels)["invariant"]: n for (name, labels), n in scrape(world).items() if "promises" in name}


def test_a_lodged_case_is_seen_as_work_that_is_due_and_then_as_an_envelope(post, decided, drain):
    lodge(post.world, decided(), "审批系统")
    before = scrape(post.world)
    assert value(before, "zhuandi_jobs", job="case.gather", carrier="", state="due") == 1
    assert value(before, "zhuandi_job_oldest_seconds", job="case.gather", carrier="") >= 0
    drain(post.world)
    after = scrape(post.world)
    assert value(after, "zhuandi_shipments", view="to_print") == 1
    assert value(after, "zhuandi_calls", carrier="ems", operation="020003", outcome="Booked") == 1
    assert value(after, "zhuandi_call_seconds_bucket", carrier="ems", le="+Inf") >= 1
    assert value(after, "zhuandi_account_paused", account="ems") == 0
    assert not any(promises(post.world).values())


def test_an_empty_house_tells_noughts_and_not_nothing(world):
    """An alert on a series that is missing until the first fault comes one scrape late, or never."""
    found = scrape(world)
    assert value(found, "zhuandi_shipments", view="in_doubt") == 0
    assert value(found, "zhuandi_worklist", reason="job_stuck") == 0
    assert value(found, "zhuandi_pushes", carrier="ems", outcome="turned_away") == 0
    assert value(found, "zhuandi_unread", part="jobs") == 0
    assert abs(value(found, "zhuandi_clock_skew_seconds")) < 30


def test_pushes_are_counted_by_what_became_of_them(on_the_way, account, drain):
    known = on_the_way()
    genuine = sealed_push(account, number=known.waybill.number)
    for raw in (genuine, genuine, b"{}"):
        known.door.post("/pushes/ems", content=raw, headers={"Content-Type": "application/json"})
    waiting = scrape(known.world)
    assert value(waiting, "zhuandi_pushes", carrier="ems", outcome="waiting") == 1
    assert value(waiting, "zhuandi_pushes", carrier="ems", outcome="turned_away") == 1
    drain(known.world)
    read = scrape(known.world)
    assert value(read, "zhuandi_pushes", carrier="ems", outcome="read") == 1
    assert value(read, "zhuandi_pushes", carrier="ems", outcome="repeated") == 1


def test_requests_are_counted_by_the_pattern_of_their_door_and_never_by_what_was_asked(on_the_way):
    known = on_the_way()
    app = make_app(known.world)
    door = TestClient(app, client=HERE)
    door.get(known.path)
    door.get("/somebody/蓝小雨")
    door.request("蓝".encode().hex(), "/healthz")
    told = door.get("/metrics").text
    found = samples(told)
    assert value(found, "zhuandi_requests_total", method="GET", door="/t/{token}", status="200") == 1
    assert value(found, "zhuandi_requests_total", method="GET", door="?", status="404") == 1
    assert value(found, "zhuandi_requests_total", method="other", door="/healthz", status="405") == 1
    for secret in (known.token, known.waybill.number, str(known.shipment.id), "蓝小雨", "13900000001", "团结西路"):
        assert secret not in told


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("10.1.2.3", 404),
        ("2001:db8::1", 404),
        ("?", 404),
    ],
)
def test_only_a_trusted_network_reads_the_figures(world, address, status):
    """What waits and which account is refused is nobody's business outside."""
    assert TestClient(make_app(world), client=(address, 1)).get("/metrics").status_code == status


def test_many_scrapes_read_the_tables_once(world):
    """Faults: three Prometheus servers and a person with a reload key are a load that nobody ordered."""
    asked: list[str] = []
    event.listen(world.sessions.kw["bind"], "before_cursor_execute", lambda *heard: asked.append(heard[2]))
    door = TestClient(make_app(world), client=HERE)
    door.get("/metrics")
    once = len(asked)
    assert once > 10
    door.get("/metrics")
    assert len(asked) == once


def test_a_part_that_takes_too_long_is_missing_and_said_to_be_and_the_others_are_told(world, monkeypatch):
    def slow(_, session):
        session.execute(text("SELECT pg_sleep(10)"))
        yield from ()

    slow.__name__ = "slow"
    monkeypatch.setattr(collect, "PARTS", (slow, books.worklist))
    monkeypatch.setattr(collect, "LIMIT", text("SET LOCAL statement_timeout = '50ms'"))
    found = scrape(world)
    assert value(found, "zhuandi_unread", part="slow") == 1
    assert value(found, "zhuandi_worklist", reason="lost") == 0


def test_with_the_database_away_a_scrape_says_so(closed_door):
    answer = TestClient(closed_door.app, client=HERE).get("/metrics")
    assert value(samples(answer.text), "zhuandi_unread", part="jobs") == 1


def test_a_database_that_does_not_answer_is_waited_for_once_and_not_by_every_part(world):
    """Nine parts waited five seconds each: Prometheus gives up after ten and takes the API for dead."""
    engine, tried = connect("postgresql+psycopg://nobody@127.0.0.1:9/nowhere"), []
    event.listen(engine, "do_connect", lambda *_: tried.append(1))
    found = samples(
        generate_latest(collect.registry_for(dataclasses.replace(world, sessions=sessions(engine)))).decode()
    )
    engine.dispose()
    assert len(tried) == 1
    assert {value(found, "zhuandi_unread", part=part.__name__) for part in collect.PARTS} == {1}


def test_what_has_ended_is_not_read_for_what_is_under_way(world):
    """All closed envelopes of all years were counted off at each scrape: no index serves what is not in a list."""
    words = str(books.standing().compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))
    with world.begin() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(session.scalars(text(f"EXPLAIN {words}")))
    assert "Index" in plan
    assert "Seq Scan" not in plan


BREAKS = {
    "booked_without_waybill": "DELETE FROM waybills",
    "waiting_without_watch": "UPDATE jobs SET done_at = now() WHERE name = 'shipment.watch'",
    "to_book_without_job": "UPDATE shipments SET stage = 'to_book'",
    "closed_with_order_to_book": "INSERT INTO jobs (id, name, subject, attempts, asked) SELECT gen_random_uuid(),"
    " 'shipment.book@ems', 'shipment:' || id, 0, 1 FROM shipments; UPDATE shipments SET stage = 'closed'",
    "closed_without_evidence": "INSERT INTO closures SELECT gen_random_uuid(), id, now() FROM cases",
    "push_without_job": "INSERT INTO pushes (id, carrier, digest, raw, source, received_at, times) VALUES"
    " (gen_random_uuid(), 'ems', '\\x00', '\\x00', '', now(), 1)",
}


@pytest.mark.parametrize("invariant", BREAKS)
def test_rows_that_break_a_promise_are_counted(on_the_way, invariant):
    """A check that cannot fail watches nothing: each is broken once, by hand."""
    known = on_the_way()
    assert promises(known.world)[invariant] == 0
    with known.world.begin() as session:
        for statement in BREAKS[invariant].split("; "):
            session.execute(text(statement))
    assert promises(known.world)[invariant] == 1


def test_a_guard_that_is_gone_is_counted_and_so_is_what_it_let_through(own_database_url, world):
    """A restore without its indexes looks sound until the first thing is done twice."""
    engine = connect(own_database_url)
    there = dataclasses.replace(world, sessions=sessions(engine))
    with there.begin() as session:
        session.execute(text("DROP INDEX uq_jobs_open"))
        for _ in range(2):
            session.execute(
                text(
                    "INSERT INTO jobs (id, name, subject, attempts, asked) VALUES (gen_random_uuid(), 'a', 'b', 0, 1)"
                )
            )
    broken = promises(there)
    engine.dispose()
    assert (broken["guards_missing"], broken["two_open_jobs"]) == (1, 1)


def test_an_entry_for_a_person_and_a_beat_are_told(world):
    with world.begin() as session:
        worklist.put(world, session, Reason.POST_SICK, "account:ems")
        beat(session, "clock")
    found = scrape(world)
    assert value(found, "zhuandi_worklist", reason="post_sick") == 1
    assert 0 <= value(found, "zhuandi_beat_age_seconds", part="clock") < timedelta(minutes=5).total_seconds()
    assert {dict(labels)["view"] for name, labels in found if name == "zhuandi_shipments"} == {
        view for view in View if view not in {View.CLOSED, View.CANCELLED, View.UNDELIVERED}
    }
