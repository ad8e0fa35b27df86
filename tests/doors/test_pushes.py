"""The door for posts: nothing is acknowledged that is not stored."""

import base64
import dataclasses
import json
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from dispatch.api.app import make_app
from dispatch.jobs import Job
from dispatch.tracking.push import RAW_MOST, READ, REFUSED_MOST, Push
from tests.doors.conftest import sealed_push

HERE = "/pushes/ems"


def test_a_genuine_push_is_acknowledged_in_the_posts_own_words(door, world, account):
    answer = door.post(HERE, content=sealed_push(account))
    assert answer.status_code == 200
    assert answer.json() == {
        "serialNo": "0123456789abcdef0123456789abcdef",
        "code": "00000",
        "codeMessage": "",
        "senderNo": account.sender_no,
    }
    [push] = _pushes(world)
    assert push.turned_away is None
    with world.reading() as session:
        [job] = session.scalars(select(Job).where(Job.subject == push.subject))
    assert (job.name, job.done_at) == (READ, None)


def bad_pushes(account):
    good = json.loads(sealed_push(account))
    return {
        "forged": sealed_push(account, sk=base64.b64encode(secrets.token_bytes(16)).decode()),
        "another's number": sealed_push(account, senderNo="1100000000099"),
        "another method": sealed_push(account, method="020003"),
        "garbled": json.dumps({**good, "logitcsInterface": "|$4|不是Base64"}).encode(),
        "half a surrogate pair": json.dumps({**good, "logitcsInterface": "|$4|\ud800"}).encode(),
        "no mark": json.dumps({**good, "logitcsInterface": "abcd"}).encode(),
        "numbers for words": json.dumps({**good, "logitcsInterface": 7, "method": ["040002"]}).encode(),
        "a list": b"[]",
        "no JSON": b"hello",
        "nothing": b"",
        "GBK": '{"senderNo": "景宁"}'.encode("gbk"),
        "NUL": b'{"senderNo": "\x00"}',
        "a thousand brackets": b"[" * 60_000,
        "too long": b" " * (RAW_MOST + 1),
        "far too long": b"x" * 500_000,
    }


KINDS = [
    "forged",
    "another's number",
    "another method",
    "garbled",
    "half a surrogate pair",
    "no mark",
    "numbers for words",
    "a list",
    "no JSON",
    "nothing",
    "GBK",
    "NUL",
    "a thousand brackets",
    "too long",
    "far too long",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_push_that_cannot_be_genuine_is_turned_away_and_kept(door, world, account, kind):
    raw = bad_pushes(account)[kind]
    assert set(KINDS) == set(bad_pushes(account))
    answer = door.post(HERE, content=raw)
    assert answer.status_code == 200
    assert answer.json()["code"] != "00000"
    assert answer.json()["codeMessage"]
    [push] = _pushes(world)
    assert push.turned_away
    assert (world.vault.open(push, "raw") or "").encode("latin-1") == raw[:REFUSED_MOST]


def test_a_serial_number_of_half_a_surrogate_pair_is_echoed_not_stumbled_over(door, account):
    answer = door.post(HERE, content=sealed_push(account, serialNo="\ud800"))
    assert answer.status_code == 200
    assert answer.json()["code"] == "00000"


def test_the_same_push_two_hundred_times_at_once_is_one_row_and_always_acknowledged(door, world, account):
    raw = sealed_push(account)
    with ThreadPoolExecutor(15) as pool:
        codes = list(pool.map(lambda _: door.post(HERE, content=raw).json()["code"], range(200)))
    assert set(codes) == {"00000"}
    [push] = _pushes(world)
    assert push.times == 200


@pytest.mark.parametrize("kind", ["genuine", "forged"])
def test_with_the_database_away_nothing_is_acknowledged(closed_door, account, kind):
    raw = sealed_push(account) if kind == "genuine" else b"{}"
    answer = closed_door.post(HERE, content=raw)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "00000" not in answer.text


def test_a_carrier_that_nobody_knows_has_no_door(door, account):
    assert door.post("/pushes/sf", content=sealed_push(account)).status_code == 404


def _pushes(world):
    with world.reading() as session:
        return list(session.scalars(select(Push)))


def test_a_flood_of_forged_pushes_is_refused_without_filling_the_disk(world):
    """Anyone may call this door; nobody may store without end there."""
    few = dataclasses.replace(world, settings=world.settings.model_copy(update={"refused_pushes_per_hour": 3}))
    door = TestClient(make_app(few))
    answers = [door.post("/pushes/ems", content=f"forged {number}".encode()).json() for number in range(6)]
    assert all(answer["code"] != "00000" for answer in answers)
    with few.reading() as session:
        assert session.scalar(select(func.count()).select_from(Push)) == 3
