"""Promise 8, all at once: people are planted everywhere, all is done with them, and then everything is searched.

What is searched: a dump of every table, every line of every log, every address that was called or is linked, the
metrics, and whatever was answered with an error. In plain, and in the guises in which bytes like to travel.
"""

import base64
import io
import json
import re
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest
import structlog
from on_the_road import CLERK, Road, as_given
from PIL import Image
from road_steps import phone, push, raw_push
from sqlalchemy import select
from starlette.testclient import TestClient
from typer.testing import CliRunner

from dispatch import jobs
from dispatch.approval.decided_case import DecidedCase
from dispatch.approval.files.sheets import ListError
from dispatch.approval.issue import Paper, register_paper
from dispatch.approval.release import hold, lift
from dispatch.approval.upload.preview import upload
from dispatch.client import add_client
from dispatch.console.site import make_site
from dispatch.db import Base
from dispatch.lease import claim
from dispatch.packing.hand_over import HandOver
from dispatch.packing.sign_list import sign_list
from dispatch.personal.rotate import rotate
from dispatch.staff.member import add_member, change_password
from dispatch.staff.role import Role
from dispatch.tracking.push import READ
from dispatch.visits import Asked
from dispatch.wiring import now
from dispatch.zero_visits.at_window import Given, give, pull
from dispatch.zero_visits.settle import number_of, settle_entry
from dispatch.zero_visits.telephone_call import note_call
from dispatch.zero_visits.trips.ruling import RECORD, rule
from dispatch.zero_visits.trips.testimony import Said, take_testimony
from tests.planted import PEOPLE, body, dump, found_in
from workers.jobs import JobKind
from workers.run import run_one
from zhuandi import look

REFUSED_PHONE = phone(23)["phone"]  # the post answers 503
PASSWORD = "evergreen-harbour-42"
ORIGIN = {"Origin": "http://testserver"}


@pytest.fixture
def lines():
    """Everything that is logged, as the processes log it."""
    out, before = io.StringIO(), structlog.get_config()
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


@dataclass
class Browser:
    """Whoever calls the doors, and what must not name anybody: addresses, links, errors."""

    door: TestClient
    addresses: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __call__(self, method: str, url: str, *, repeats: bool = False, **more: object):
        """`repeats`: the answer tells the caller what is wrong with what the caller has just written."""
        answer = self.door.request(method, url, **more)
        self.addresses.append(str(answer.headers.get("location", "")))
        self.addresses += re.findall(r'(?:href|action|src|hx-get|hx-post)="([^"]*)"', answer.text)
        if answer.status_code >= 400 and not repeats:
            self.errors.append(f"{answer.headers}{answer.text}")
        return answer


def at_the_doors(world, browser: Browser) -> None:
    """Good cases and bad ones, from a system that is known and from one that is not."""
    key = {"Authorization": f"Bearer {add_client(world, '审批系统')}"}
    for told in (body("A"), body("H", hold=f"{PEOPLE['caller']}来电 {PEOPLE['callers phone']}")):
        assert browser("POST", "/api/v1/cases", json=told, headers=key).status_code == 201
    locker = {"way": "locker", "point": PEOPLE["locker"], "detail": PEOPLE["home"]}
    assert browser("POST", "/api/v1/cases", json=body("L", slip=locker), headers=key).status_code == 201
    refused = body("R", slip={"phone": REFUSED_PHONE})
    assert browser("POST", "/api/v1/cases", json=refused, headers=key).status_code == 201
    long, short = {"recipient_name": PEOPLE["recipient"] * 99}, {"phone": PEOPLE["phone"][:-1] + "x"}
    wrong = [body("X", slip=slip) for slip in (long, short, {"detail": PEOPLE["home"] * 99})]
    wrong += [body("X") | {"applicant_id_no": PEOPLE["id"] + "7"}, body("X", decided_at=PEOPLE["home"])]
    for bad in (*wrong, {PEOPLE["id"]: PEOPLE["home"]}):
        assert browser("POST", "/api/v1/cases", json=bad, headers=key, repeats=True).status_code == 422
    known = body("A", department="县人社局", applicant_name=PEOPLE["postman"])  # not who it was before, either
    assert browser("POST", "/api/v1/cases", json=known, headers=key).status_code == 409
    assert browser("POST", "/api/v1/cases", json=body("N")).status_code == 401
    assert (
        browser("POST", "/api/v1/cases", content=f"{{{PEOPLE['applicant']}".encode(), headers=key).status_code >= 400
    )
    assert browser("GET", f"/t/{quote(PEOPLE['recipient'])}").status_code == 404
    nobodys = f"/api/v1/cases/{quote(PEOPLE['applicant'])}"
    assert browser("GET", nobodys, headers=key, repeats=True).status_code == 404


def on_the_road(world, drain, browser: Browser) -> Road:
    """Booked, printed, packed, handed over, told of by pushes that name everybody, disputed, settled."""
    road = Road(world, drain)
    drain(world)
    road.hand_over()
    number = road.number("A")
    words = f"收件人{PEOPLE['recipient']} {PEOPLE['phone']}，投递员{PEOPLE['postman']}"
    more = {"opDesc": words, "opOrgName": PEOPLE["home"]}
    for code in ("203", "704"):
        push(world, raw_push(world, number, code, now(), **more))
    push(world, raw_push(world, "", "704", now(), **more))
    push(world, words.encode())
    browser("POST", "/pushes/ems", content=words.encode())
    browser("POST", f"/pushes/{quote(PEOPLE['postman'])}", content=words.encode())
    drain(world)
    road.tell(
        "A", "704", "10", text=f"{PEOPLE['recipient']} 本人签收，寄件人{PEOPLE['sender']}", place=PEOPLE["home"]
    )
    road.revoke("A")
    for entry in road.entries():
        settle_entry(world, number_of(entry.id), CLERK, f"问过{PEOPLE['caller']}，{PEOPLE['callers phone']}")
    drain(world)
    return road


def at_the_desk(world, browser: Browser) -> None:
    """Every page of the console that can be reached, and what a hurried clerk types where."""
    add_member(world, "li.na", "李娜", Role.SUPERVISOR, None, "test")
    change_password(world, "li.na", PASSWORD)
    for login in (PEOPLE["applicant"], "li.na"):
        told = {"login": login, "password": PEOPLE["phone"] if login != "li.na" else PASSWORD}
        browser("POST", "/console/sign-in", data=told, headers=ORIGIN, repeats=True)
    seen, waiting = set(), ["/console"]
    while waiting:
        path = waiting.pop()
        seen.add(path.partition("?")[0])
        shown = browser("GET", path)  # what fails is searched for names like everything else
        found = [*re.findall(r'href="(/console[^"]*)"', shown.text), shown.headers.get("location", path)]
        links = [link.partition("#")[0] for link in found]
        waiting += sorted({link for link in links if link.partition("?")[0] not in seen} - set(waiting))
    assert len(seen) > 5, seen
    browser("GET", "/console/queue/nowhere")
    csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', browser("GET", "/console/password").text)[1]
    views = "/console/queue/to_print/views"
    view = {"csrf": csrf, "title": f"{PEOPLE['caller']}的件", "shared": "true", "query": "town=鹤溪街道"}
    assert browser("POST", views, data=view, headers=ORIGIN).status_code == 303
    looked_for = view | {"title": PEOPLE["phone"], "query": f"q={PEOPLE['phone']}"}
    assert browser("POST", views, data=looked_for, headers=ORIGIN).status_code == 409
    for who in ("phone", "id", "caller"):
        assert browser("GET", "/console/find", params={"q": PEOPLE[who]}).headers["location"] == "/console/find"


def at_the_counter(world, road: Road) -> None:
    """What clerks write and keep of whoever calls, comes, brings and fetches."""
    told = f"{PEOPLE['caller']}说 {PEOPLE['callers phone']} 换成 {PEOPLE['phone']}"
    upload(world, f"{PEOPLE['applicant']}.csv", f"办件编号,申请人\nU,{PEOPLE['applicant']}\n".encode(), CLERK, None)
    headless = f"{PEOPLE['applicant']},{PEOPLE['phone']},{PEOPLE['home']}\n{PEOPLE['recipient']},1,2\n"
    with pytest.raises(ListError) as refused:
        upload(world, "清单.csv", headless.encode(), CLERK, None)
    assert found_in(str(refused.value)) == []
    road.lodge(DecidedCase.model_validate(body("W", paper_ready=False), strict=False))
    paper = Paper(PEOPLE["sender"], PEOPLE["recipient"], 1, 0, f"{PEOPLE['applicant']}的原证")
    register_paper(world, "W", paper, CLERK)
    road.drain(world)
    note_call(world, "W", CLERK, reached=True, result=told, number=PEOPLE["callers phone"])
    take_testimony(world, "W", Said(Asked.TELEPHONE, 1, 2, told), CLERK)
    rule(world, "W", RECORD, CLERK, told)
    pull(world, "W", CLERK)
    road.drain(world)
    signature = "data:image/png;base64," + base64.b64encode(drawn()).decode()
    came = Given("", PEOPLE["caller"], PEOPLE["id"], f"{PEOPLE['applicant']}的委托书", signature=signature)
    give(world, "W", came, CLERK)
    with world.reading() as session:
        number = session.scalars(select(HandOver.number)).first()
    sign_list(world, number, PEOPLE["postman"], signature, CLERK)


def drawn() -> bytes:
    """A line, as a hand draws it."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "black").save(out, "PNG")
    return out.getvalue()


def with_errors(world) -> None:
    """A case held for a person's sake, a job that dies of somebody's data, a reveal for a reason with a name."""

    def die(*_: object) -> None:
        raise ValueError(f"{PEOPLE['applicant']} {PEOPLE['phone']}")

    lift(world, "H", CLERK)
    hold(world, "H", f"{PEOPLE['caller']}要求改址", CLERK)
    with world.begin() as session:
        jobs.leave(session, READ, "push:00000000-0000-0000-0000-000000000001")
    [claimed] = claim(world, READ, 1)
    run_one(world, JobKind(READ, die), claimed)
    reason = f"{PEOPLE['caller']}来电核对 {PEOPLE['callers phone']}"
    shown = CliRunner().invoke(look.app, ["trace", "A", "--reveal", "--reason", reason, "--by", CLERK])
    assert PEOPLE["recipient"] in shown.output


def test_nobody_is_named_at_rest_in_logs_addresses_metrics_or_errors(
    post, drain, lines, capfd, caplog, monkeypatch
) -> None:
    caplog.set_level("WARNING")  # as main.py sets it: below that, libraries name whole addresses
    world = post.world
    monkeypatch.setattr(look, "open_world", lambda: as_given(world))
    browser = Browser(TestClient(make_site(world), raise_server_exceptions=False, follow_redirects=False))
    with browser.door:
        at_the_doors(world, browser)
        at_the_counter(world, on_the_road(world, drain, browser))
        with_errors(world)
        at_the_desk(world, browser)
        metrics = browser.door.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).text
    rotate(world, CLERK)
    tables = dump(world)
    filled = {name for name, rows in tables.items() if rows}
    assert filled >= {"cases", "slips", "holds", "carrier_calls", "pushes", "sightings", "worklist", "job_failures"}
    assert filled >= {"reveals", "audit_log", "waybills", "moves", "closures", "staff", "jobs"}
    assert filled >= {"telephone_calls", "pickups", "paper_issues", "imports", "pictures", "hand_overs"}
    assert filled >= {"testimonies", "trip_rulings", "saved_views"}
    with world.reading() as session:
        assert session.scalars(select(HandOver.postman)).first() is not None
    assert set(tables) >= Base.metadata.tables.keys()
    heard = capfd.readouterr()
    logged = lines.getvalue() + heard.out + heard.err + caplog.text
    assert "job.failed" in logged
    assert "door.answered" in logged
    assert {name: found_in(rows) for name, rows in tables.items() if found_in(rows)} == {}
    assert found_in(logged) == []
    assert found_in("\n".join(browser.addresses)) == []
    assert [found for error in browser.errors for found in found_in(error)] == []
    assert found_in(metrics) == []
    assert REFUSED_PHONE not in "\n".join([*tables.values(), logged, metrics, *browser.errors])


def test_what_searches_would_find_each_of_them_in_every_guise() -> None:
    """A search that finds nothing anywhere proves nothing."""
    for who, value in PEOPLE.items():
        shapes = [f"x{value}y", value.encode().hex(), value.encode("gb18030").hex(), value.encode("utf-16-le").hex()]
        shapes += [base64.b64encode(bytes(n) + value.encode() + b"tail").decode() for n in range(7)]
        shapes += [
            json.dumps({"a": value}),
            quote(f"/t/{value}"),
            base64.b64encode(value.encode("utf-16-be")).decode(),
        ]
        for shape in shapes:
            assert any(found.startswith(f"{who}:") for found in found_in(shape)), (who, shape)


def test_the_consoles_lines_hold_no_query_and_no_path_that_was_typed(world, lines) -> None:
    """Filters stand in addresses: a log of those would be a log of what was looked for."""
    with TestClient(make_site(world), follow_redirects=False) as door:
        for path in ("/console", "/console/queue/to_print", f"/console/{PEOPLE['caller']}", "/console/sign-in"):
            door.get(path, params={"department": PEOPLE["caller"], "town": "大均乡"})
        door.post("/console/sign-in", data={"login": PEOPLE["caller"], "password": "x"}, headers=ORIGIN)
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert {line["door"] for line in told if line["event"] == "door.answered"} >= {"/console/queue/{name}"}
    assert [line for line in told if re.search(r"\?\w", json.dumps(line))] == []
    assert [secret for secret in (PEOPLE["caller"], "大均乡", "department=") if secret in lines.getvalue()] == []
