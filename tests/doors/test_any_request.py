"""Requests that nobody thought of, made up from the description itself: never a server error."""

import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from starlette.testclient import TestClient

from dispatch.api.app import make_app
from dispatch.jobs import beat

FEW = hypothesis_settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_no_request_that_the_description_allows_or_forbids_breaks_a_door(world, key):
    app = make_app(world)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    tried = set()
    for each in schema.get_all_operations():
        operation = each.ok()
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            try:
                cases = operation.as_strategy(generation_mode=mode)
                _try(world, cases, key, tried)
            except Unsatisfiable:  # nothing in it can be wrong: nothing to negate
                continue
    assert {path for _, path in tried} >= {"/api/v1/cases", "/pushes/{carrier}", "/readyz"}


def _try(world, cases, key, tried):
    @FEW
    @given(cases)
    def run(case):
        tried.add((case.method, case.path))
        with world.begin() as session:
            beat(session, "clock")  # as the clock does, however long this test takes
        answer = case.call(headers=key)
        assert answer.status_code < 500, (case.method, case.path, answer.status_code)

    run()


def test_no_bytes_break_a_door(world, key):
    door = TestClient(make_app(world))

    @FEW
    @given(st.binary(max_size=200) | st.text().map(lambda text: ('{"cases":[' + text).encode(errors="replace")))
    def run(raw):
        assert door.post("/api/v1/cases", content=raw, headers=key).status_code in {400, 422}
        assert door.post("/pushes/ems", content=raw).json()["code"] != "00000"

    run()
