"""The door for approval systems."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from dispatch.api.app import make_app
from dispatch.api.cases import BODY_MOST
from dispatch.approval.case import Case
from dispatch.client import add_client

HERE = "/api/v1/cases"


def test_a_case_is_accepted_and_the_same_case_again_gets_the_first_answer(door, key, case):
    first = door.post(HERE, json=case(), headers=key)
    again = door.post(HERE, json=case(), headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["outcome"] == "accepted"
    assert again.json() == {**first.json(), "outcome": "repeated"}
    assert first.json()["case_no"] == case()["case_no"]


def test_other_content_under_the_same_number_is_a_conflict_that_names_what_differs(door, key, case):
    door.post(HERE, json=case(), headers=key)
    other = door.post(HERE, json=case(slip={"phone": "13900000002"}), headers=key)
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "conflict"
    assert other.json()["error"]["differs"] == [{"field": "收件人电话", "path": "slip.phone"}]
    assert "13900000002" not in other.text


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer zd_wrong"}, {"Authorization": "Bearer"}, {"Authorization": "Basic eDp5"}],
    ids=["none", "wrong", "empty", "another scheme"],
)
def test_without_a_key_that_is_known_nothing_is_taken(door, case, headers, world):
    answer = door.post(HERE, json=case(), headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "密钥" in answer.json()["error"]["words"]
    assert _cases(world) == 0


NOT_JSON = {
    "empty": b"",
    "words": b"hello",
    "cut off": b'{"case_no": "1"',
    "GBK": '{"case_no": "蓝"}'.encode("gbk"),
    "UTF-16": '{"case_no": "1"}'.encode("utf-16"),
    "a key twice": b'{"case_no": "1", "case_no": "2"}',
    "NaN": b'{"case_no": NaN}',
    "minus infinity": b'{"case_no": -Infinity}',
    "a million brackets": b"[" * 1_000_000,
    "a million objects": b'{"a":' * 600_000,
    "a number of ten thousand digits": b'{"case_no": ' + b"9" * 10_000 + b"}",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_no_json_is_refused_in_words(door, key, body):
    answer = door.post(HERE, content=body, headers=key)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "not_json"


ODD = {
    "null": b"null",
    "a list": b"[]",
    "a number": b"18446744073709551616",
    "infinity by exponent": b'{"case_no": 1e999}',
    "brackets inside": b'{"case_no":' + b"[" * 900 + b"]" * 900 + b"}",
    "half a surrogate pair": b'{"case_no": "\\ud83d"}',
    "half a surrogate pair as key": b'{"\\ud83d": 1}',
    "a NUL": b'{"case_no": "1\\u00002"}',
    "cases is no list": b'{"cases": {}}',
    "no cases": b'{"cases": []}',
    "cases and more": b'{"cases": [{}], "more": 1}',
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD.keys())
def test_json_that_is_no_case_is_refused_in_words(door, key, body):
    answer = door.post(HERE, content=body, headers=key)
    assert answer.status_code == 422
    assert answer.json()["error"]["words"]


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "0001-01-01", "9999-12-31T23:59:59-12:00"])
def test_a_moment_at_the_edge_of_the_calendar_is_no_server_error(door, key, case, at):
    assert door.post(HERE, json=case(decided_at=at), headers=key).status_code in {201, 422}


def test_nul_and_surrogates_inside_a_valid_case_are_problems_of_their_field(door, key, case):
    text = json.dumps(case(slip={"recipient_name": "蓝\0雨"}))
    answer = door.post(HERE, content=text, headers=key)
    assert [problem["path"] for problem in answer.json()["error"]["problems"]] == ["slip.recipient_name"]
    assert door.post(HERE, content=text.replace("\\u0000", "\\ud800"), headers=key).status_code == 422


def test_two_faults_are_told_as_two_problems_at_once(door, key, case):
    answer = door.post(HERE, json=case(slip={"phone": "12"}, department=""), headers=key)
    assert answer.status_code == 422
    problems = {problem["path"]: problem for problem in answer.json()["error"]["problems"]}
    assert set(problems) == {"slip.phone", "department"}
    assert problems["slip.phone"]["field"] == "收件人电话"
    assert problems["slip.phone"]["value"] == "12"
    assert all(problem["wrong"] and problem["right"] for problem in problems.values())


def test_a_body_declared_too_long_is_refused_unread(door, key):
    answer = door.post(HERE, content=b"x", headers={**key, "Content-Length": str(5_000_000)})
    assert answer.status_code == 413


def test_a_body_that_hides_its_length_is_cut_off_while_it_is_read(world, key):
    taken = []

    async def receive():
        taken.append(65_536)
        return {"type": "http.request", "body": b" " * 65_536, "more_body": True}  # and so on, for ever

    sent = []

    async def send(message):
        sent.append(message)

    headers = [(b"authorization", key["Authorization"].encode()), (b"content-length", b"2")]
    scope = {"type": "http", "method": "POST", "path": HERE, "raw_path": HERE.encode(), "headers": headers}
    scope |= {"query_string": b"", "scheme": "http", "server": ("t", 80), "client": ("192.0.2.1", 1), "root_path": ""}
    asyncio.run(make_app(world)(scope, receive, send))
    assert sent[0]["status"] == 413
    assert sum(taken) <= BODY_MOST + 65_536


def test_in_a_batch_the_good_go_in_without_the_bad(door, key, case, world):
    door.post(HERE, json=case("known"), headers=key)
    rows = [case("new"), case("known"), case("known", department="别的局"), case("bad", slip={"phone": "1"}), 7]
    answer = door.post(HERE, json={"cases": rows}, headers=key)
    assert answer.status_code == 200
    told = answer.json()
    assert told["counts"] == {"accepted": 1, "repeated": 1, "conflict": 1, "refused": 2}
    assert [row["row"] for row in told["results"]] == [1, 2, 3, 4, 5]
    outcomes = [row["outcome"] for row in told["results"]]
    assert outcomes == ["accepted", "repeated", "conflict", "refused", "refused"]
    assert told["results"][2]["differs"] == [{"field": "审批部门", "path": "department"}]
    assert [problem["path"] for problem in told["results"][3]["problems"]] == ["slip.phone"]
    assert _cases(world) == 2


def test_five_hundred_and_one_cases_are_too_many(door, key, world):
    answer = door.post(HERE, json={"cases": [{}] * 501}, headers=key)
    assert answer.status_code == 422
    assert "501" in answer.json()["error"]["words"]
    assert _cases(world) == 0


def test_the_same_case_thirty_times_at_once_is_one_row_and_one_answer(door, key, case, world):
    with ThreadPoolExecutor(15) as pool:
        answers = list(pool.map(lambda _: door.post(HERE, json=case(), headers=key), range(30)))
    assert sorted(answer.status_code for answer in answers) == [200] * 29 + [201]
    assert len({answer.json()["case_id"] for answer in answers}) == 1
    assert _cases(world) == 1


def test_with_the_database_away_the_caller_is_told_to_come_back(closed_door, case):
    answer = closed_door.post(HERE, json=case(), headers={"Authorization": "Bearer zd_any"})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "psycopg" not in answer.text


def test_a_client_sees_where_its_case_stands(door, key, case, drain, post):
    lodged = door.post(HERE, json=case("甲/1号"), headers=key).json()
    told = door.get(f"{HERE}/甲/1号", headers=key)
    assert told.status_code == 200
    assert told.json() == {
        "case_no": "甲/1号",
        "case_id": lodged["case_id"],
        "stage": "waiting",
        "words": "尚未装封",
        "closed_at": None,
        "zero_visits": {"verdict": "unverified", "office_trips": 0, "trips": 0},
        "shipments": [],
    }
    drain(post.world)
    moved = door.get(f"{HERE}/甲/1号", headers=key).json()
    assert moved["stage"] == moved["shipments"][0]["stage"] == "to_print"
    assert moved["words"] == "待打单"
    assert moved["shipments"][0]["waybill_no"]


def test_another_client_sees_nothing_of_it(door, key, case, world):
    door.post(HERE, json=case("a1"), headers=key)
    other = {"Authorization": f"Bearer {add_client(world, '另一系统')}"}
    theirs, nobodys = (door.get(f"{HERE}/{number}", headers=other) for number in ("a1", "a2"))
    assert (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content)
    assert theirs.status_code == 404


@pytest.mark.parametrize("number", ["%00", "a%00b", "%ff", "%ed%a0%80"])
def test_a_case_number_that_no_database_can_hold_is_not_found(door, key, number):
    assert door.get(f"{HERE}/{number}", headers=key).status_code == 404


def test_the_description_tells_the_body_and_comes_from_nowhere_else(door):
    schema = door.get("/openapi.json").json()
    body = schema["paths"][HERE]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"$ref": "#/components/schemas/DecidedCase"} in body["anyOf"]
    assert "slip" in schema["components"]["schemas"]["DecidedCase"]["properties"]
    assert "Slip" in schema["components"]["schemas"]
    assert {door.get(path).status_code for path in ("/docs", "/redoc")} == {404}


def _cases(world):
    with world.reading() as session:
        return session.scalar(select(func.count()).select_from(Case))
