"""One id from door to door, and nothing of anybody in any line."""

import io
import json
import threading

import dramatiq
import pytest
import structlog
from dramatiq.brokers.stub import StubBroker
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.testclient import TestClient

from dispatch.api.app import make_app
from dispatch.carrier import Knock
from dispatch.client import add_client
from dispatch.jobs import leave
from dispatch.lease import claim
from dispatch.retention import FORGET
from dispatch.tracing import tracing
from dispatch.tracking.push import judge, store, subject_of
from dispatch.wiring import Doorbell
from tests.answering import answering
from tests.rooms.road_steps import hand_over_all, numbers, raw_push
from workers.jobs import JobKind
from workers.run import run_one

PEOPLE = {
    "applicant_name": "闻人问渠",
    "applicant_id_no": "330106199001010018",
    "slip": {
        "recipient_name": "澹台望舒",
        "phone": "13900004321",
        "province": "浙江省",
        "city": "丽水市",
        "county": "景宁畲族自治县",
        "town": "红星街道",
        "detail": "团结西路8号2幢301室",
        "way": "door",
    },
}
SECRETS = ("闻人问渠", "澹台望舒", "330106199001010018", "13900004321", "团结西路", "301室")


@pytest.fixture
def lines():
    """Everything that is logged, as the processes log it."""
    out = io.StringIO()
    before = structlog.get_config()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    yield out
    structlog.configure(**before)


def told(lines: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def case(**more: object) -> dict[str, object]:
    filled = {
        "case_no": "331127202611220001",
        "item_name": "食品经营许可",
        "department": "县市场监督管理局",
        "decided_at": "2026-11-20",
        "applicant_kind": "person",
    }
    return {**filled, **PEOPLE, **more}


def test_a_case_is_followed_from_its_request_through_all_its_jobs(post, drain, lines):
    key = {"Authorization": f"Bearer {add_client(post.world, '审批系统')}"}
    door = TestClient(make_app(post.world))
    answer = door.post("/api/v1/cases", json=case(), headers={**key, "X-Request-ID": "approval-7f3a9c21"})
    assert answer.status_code == 201
    assert answer.headers["X-Request-ID"] == "approval-7f3a9c21"
    drain(post.world)
    said = told(lines)
    ours = [line for line in said if line.get("request_id") == "approval-7f3a9c21"]
    left = {one["job"]: one for line in ours if line["event"] == "job.left" for one in line["left"]}
    ran = [line for line in said if line["event"] == "job.ran"]
    assert left["case.gather"]["job_id"] in {line["job_id"] for line in ran}
    assert all({"job_id", "job", "subject", "attempt"} <= line.keys() for line in ran)
    answered = next(line for line in said if line["event"] == "door.answered")
    assert (answered["door"], answered["request_id"]) == ("/api/v1/cases", "approval-7f3a9c21")


def done(said: list[dict]) -> dict[str, str]:
    """The jobs that ran, alone or together with others: the subject of each by its id."""
    singly = {line["job_id"]: line["subject"] for line in said if line["event"] == "job.ran"}
    together = [line["jobs"] for line in said if line["event"] == "jobs.ran_together"]
    return singly | {one["job_id"]: one["subject"] for jobs in together for one in jobs}


def road_of(said: list[dict], request_id: str) -> dict[str, str]:
    """Every job that came of a request, step by step, as whoever reads the logs finds it: its name by its id."""
    left = [(line, one) for line in said if line["event"] == "job.left" for one in line["left"]]
    found: dict[str, str] = {}
    while True:
        of_these = {request_id, *found}
        more = {
            one["job_id"]: one["job"]
            for line, one in left
            if of_these & {line.get("request_id"), line.get("job_id"), *one.get("by_jobs", ())}
            or request_id in one.get("request_ids", ())
        }
        if more.keys() <= found.keys():
            return found
        found |= more


def of_another(number: int) -> dict[str, object]:
    """A case of somebody else, whose letter lies in an envelope of its own."""
    slip = PEOPLE["slip"] | {"phone": f"1390000{number:04}", "detail": f"团结西路{number}号"}
    return case(case_no=f"33112720261122{number:04}", slip=slip)


def test_cases_and_pushes_that_are_done_together_are_followed_each_to_its_end(post, drain, lines):
    """What is worked on in one transaction is told of one by one: nobody else's jobs are on the road of a request."""
    world = post.world
    key = {"Authorization": f"Bearer {add_client(world, '审批系统')}"}
    requests = ["approval-00000001", "approval-00000002"]
    with TestClient(make_app(world)) as door:
        for number, request_id in enumerate(requests, 1):
            named = {**key, "X-Request-ID": request_id}
            assert door.post("/api/v1/cases", json=of_another(number), headers=named).status_code == 201
        drain(world)
        hand_over_all(world)
        drain(world)
        pushed = {f"ems-push-0000000{at}": number for at, number in enumerate(numbers(world), 1)}
        for request_id, number in pushed.items():
            raw = raw_push(world, number, "704", world.now(), deliverCode="10")
            named = {"Content-Type": "application/json", "X-Request-ID": request_id}
            assert door.post("/pushes/ems", content=raw, headers=named).status_code == 200
        again = {"Content-Type": "application/json", "X-Request-ID": "ems-push-repeated"}
        assert door.post("/pushes/ems", content=raw, headers=again).status_code == 200
    drain(world)
    said = told(lines)
    assert any(line["event"] == "jobs.ran_together" and line["job"] == "case.gather" for line in said)
    ended, of_case = done(said), [road_of(said, one) for one in requests]
    for road in of_case:
        assert {"case.gather", "shipment.book@ems"} <= set(road.values())
        assert {one for one, name in road.items() if name in {"case.gather", "shipment.book@ems"}} <= ended.keys()
    shared = of_case[0].keys() & of_case[1].keys()
    assert not shared, "each has its own road"
    of_push = [road_of(said, one) for one in pushed]
    for road in of_push:
        assert {"push.read", "shipment.weigh"} <= set(road.values())
    booked, weighed = (
        [{ended[one] for one, job in road.items() if job == name} for road in roads]
        for roads, name in ((of_case, "shipment.book@ems"), (of_push, "shipment.weigh"))
    )
    assert sorted(map(sorted, weighed)) == sorted(map(sorted, booked)), "each push leads to one of the envelopes"
    [kept] = [line for line in said if line["event"] == "push.only_kept"]
    assert kept["pushes"][0]["request_ids"] == ["ems-push-repeated"]
    assert [secret for secret in SECRETS if secret in lines.getvalue()] == []


def test_of_pushes_that_are_committed_together_each_keeps_the_id_of_its_request(world, lines):
    """The thread that commits them has no request of its own."""
    door, arrivals = world.carriers["ems"], []
    for at, request_id in enumerate(["ems-push-00000001", "ems-push-00000002"]):
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            raw = raw_push(world, f"112345678900{at}", "203", world.now())
            arrivals.append(judge(world, door, Knock(raw, "application/json")))
    store(world, arrivals)
    [left] = [line["left"] for line in told(lines) if line["event"] == "job.left"]
    asked = {one["subject"]: one["request_ids"] for one in left}
    assert asked == {subject_of(one.id): [one.request_id] for one in arrivals}


def test_what_was_left_in_a_transaction_that_failed_is_not_told(world, lines):
    with structlog.contextvars.bound_contextvars(request_id="approval-00000001"):
        with pytest.raises(ZeroDivisionError), world.begin() as session:
            leave(session, FORGET, "all")
            raise ZeroDivisionError
        assert told(lines) == []
        with world.begin() as session:
            leave(session, FORGET, "all")
    assert [line["event"] for line in told(lines)] == ["job.left"]


@pytest.mark.parametrize("bad", ["short", "a" * 65, "蓝小雨", 'x"y"zzzzzz', "two words here", "line\x0bbreak-12345"])
def test_an_id_that_could_carry_anything_is_not_taken_over(world, lines, bad):
    """Log injection, or a name in a header: an id is short and plain, or it is ours."""
    given = (
        TestClient(make_app(world)).get("/nothing", headers={"X-Request-ID": bad.encode()}).headers["X-Request-ID"]
    )
    assert given != bad
    assert len(given) == 36
    assert bad not in lines.getvalue()


def test_the_lines_of_one_request_do_not_carry_the_id_of_another(world, lines):
    door = TestClient(make_app(world))
    ids = [door.get("/nothing").headers["X-Request-ID"] for _ in range(3)]
    assert [line["request_id"] for line in told(lines) if line["event"] == "door.answered"] == ids
    assert structlog.contextvars.get_contextvars() == {}


def test_nothing_of_anybody_is_in_any_line_of_a_whole_run(post, drain, lines, capfd, caplog):
    """Good and bad cases, a page, a refused push, a post that is away, jobs that fail: promise 8 in every line."""
    caplog.set_level("WARNING")  # as main.py sets it: below that, libraries name whole addresses
    key = {"Authorization": f"Bearer {add_client(post.world, '审批系统')}"}
    door = TestClient(make_app(post.world), raise_server_exceptions=False)
    too_long, no_date = case(applicant_name="闻人问渠" * 200), case(case_no="2026-2", decided_at="团结西路")
    for body in (case(), too_long, no_date):
        door.post("/api/v1/cases", json=body, headers=key)
    door.post("/api/v1/cases", content="{闻人问渠".encode(), headers=key)
    door.get("/t/澹台望舒-13900004321")
    door.post("/pushes/ems", content="澹台望舒 13900004321".encode())
    door.post("/pushes/ems/330106199001010018", content=b"{}")
    drain(post.world)
    heard = capfd.readouterr()
    everything = lines.getvalue() + heard.out + heard.err + caplog.text
    assert "job.ran" in everything
    assert "door.answered" in everything
    assert [secret for secret in SECRETS if secret in everything] == []


def test_a_job_that_dies_of_somebodys_data_names_only_its_kind(world, lines):
    def die(*_):
        raise ValueError("闻人问渠 13900004321")

    with world.begin() as session:
        leave(session, FORGET, "all")
    [claimed] = claim(world, FORGET, 1)
    run_one(world, JobKind(FORGET, die), claimed)
    [failed] = [line for line in told(lines) if line["event"] == "job.failed"]
    assert failed["error"] == "ValueError"
    assert {"job_id", "subject", "attempt"} <= failed.keys()
    assert [secret for secret in SECRETS if secret in lines.getvalue()] == []


def test_spans_reach_a_collector_and_carry_the_doors_pattern_and_no_address(post, drain):
    """A real OTLP/HTTP exchange over a socket: request, job and call are there, a tracking token is not."""
    came: list[tuple[str, bytes]] = []

    def collector(path: str, body: bytes) -> tuple[int, bytes]:
        came.append((path, body))
        return 200, b""

    with answering(collector) as url, tracing(url, "api"):
        key = {"Authorization": f"Bearer {add_client(post.world, '审批系统')}"}
        door = TestClient(make_app(post.world))
        door.post("/api/v1/cases", json=case(), headers=key)
        door.get("/t/secret-token-of-a-page")
        drain(post.world)
    assert {path for path, _ in came} == {"/v1/traces"}
    batches = [ExportTraceServiceRequest.FromString(body) for _, body in came]
    spans = [
        span for batch in batches for r in batch.resource_spans for scope in r.scope_spans for span in scope.spans
    ]
    assert {span.name for span in spans} == {"request", "job", "call"}
    doors = {one.value.string_value for span in spans for one in span.attributes if one.key == "door"}
    assert "/t/{token}" in doors
    whole = b"".join(body for _, body in came).decode("utf-8", "replace")
    assert [secret for secret in (*SECRETS, "secret-token") if secret in whole] == []


class Sick(StubBroker):
    """A broker that refuses, or holds whoever rings until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = False
        self.let_go = threading.Event()
        self.let_go.set()
        self.entered = threading.Event()

    def enqueue(self, message: dramatiq.Message, *, delay: int | None = None) -> dramatiq.Message:
        self.entered.set()
        self.let_go.wait(30)
        if self.refuses:
            raise ConnectionError
        return message


def test_a_bell_that_nobody_rings_asks_for_its_broker(monkeypatch):
    """A door that has rung nothing yet called a broker well that was never there."""
    monkeypatch.setattr("dispatch.wiring.FIRST_ASKED_SECONDS", 0.001)
    asked = threading.Event()
    bell = Doorbell(Sick(), lambda name: "road", lambda: asked.set() or False)
    assert asked.wait(30)
    bell.close(30)
    bell._thread.join(30)
    assert not bell.answers()


def test_the_bell_remembers_whether_its_broker_took_the_last_ring(monkeypatch):
    """/readyz must learn it without asking a broker that may hold it for minutes."""
    broker = Sick()
    bell = Doorbell(broker, lambda name: "road", lambda: True)
    assert bell.answers()
    broker.refuses = True
    bell.ring({"a"})
    bell._changed.acquire()
    bell._changed.wait_for(lambda: not bell._waiting and not bell._ringing, 30)
    bell._changed.release()
    assert not bell.answers()
    broker.refuses = False
    broker.let_go.clear()
    broker.entered.clear()
    bell.ring({"a"})
    assert broker.entered.wait(30)
    monkeypatch.setattr("dispatch.wiring.HELD_SECONDS", -1)
    bell._taken = True
    assert not bell.answers()
    broker.let_go.set()
    bell.close(30)
    assert bell.answers()
