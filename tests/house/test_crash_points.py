"""Every place where a process may die is in the matrix, and no job slips past it: looked up in the code, not run."""

import ast
import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatch import crash
from dispatch.crash import CALL_POINTS, DEED_POINTS, JOB_POINTS, LINE_POINTS, OF, Deed, Point
from tests.crash.points import KEEPS_NO_CALLS, listed, speaking
from workers.jobs import JOBS

SOURCES = [path for part in ("dispatch", "workers") for path in sorted(Path(part).rglob("*.py"))]
UNNAMED = {
    ("dispatch/lease.py", "_outcome"): "the outcome of every kind of job: points of its own",
    ("dispatch/lease.py", "claim_next"): "claim.written and claimed",
    ("dispatch/world.py", "begin"): "the seam itself",
    ("dispatch/booking/book.py", "_intend"): "intent.written and intent.committed",
    ("dispatch/booking/doubt.py", "_ask"): "an intent",
    ("dispatch/booking/cancel.py", "_intend"): "an intent",
    ("dispatch/booking/announce.py", "_intend"): "an intent",
    ("dispatch/label/their_label.py", "_intend"): "an intent",
    ("dispatch/tracking/ask.py", "_intend"): "an intent",
    ("dispatch/breaker.py", "gate"): "a turn that is never used ends with its time",
    ("dispatch/breaker.py", "give_back"): "the same turn",
    ("dispatch/label/print_sheets.py", "_ask_for_labels"): "leaves jobs for labels that are missing, before it draws",
    ("dispatch/label/thermal/send.py", "_intend"): "intent.written and intent.committed",
    ("workers/clock.py", "tick"): "clock.read",
    ("workers/clock.py", "leave_standing"): "left again at the next start",
    ("workers/stranded.py", "show_stranded"): "shown again at the next tick",
    ("workers/stranded.py", "show_lane"): "shown again at the next claim",
    ("dispatch/reconcile/look_through.py", "look_through"): "the same jobs are left once more by the next claim",
    ("dispatch/reconcile/left.py", "end_by_itself"): "looked at again after the next look-through",
    ("dispatch/reconcile/cluster.py", "notice_cluster"): "noticed again at the next tick",
    ("dispatch/personal/rotate.py", "_some_of"): "opens whether it was sealed anew or not; run again it goes on",
    ("workers/stuck.py", "look_back"): "looks back after an outcome; looked at again after the next",
}
"""Transactions of jobs and of the queue that no deed names, and why they are covered all the same."""
AT_A_DOOR = {
    f"{folder}/{name}.py"
    for folder, names in {
        "dispatch": ("arrangement", "client", "key_mark", "reveal"),
        "dispatch/approval": ("enter_case", "issue", "issue_register", "paper_back", "published"),
        "dispatch/approval/upload": ("bad_rows", "preview"),
        "dispatch/auditing": ("export",),
        "dispatch/booking": ("allot", "route"),
        "dispatch/label": ("change_printer", "print_run", "printer"),
        "dispatch/measured": ("export",),
        "dispatch/packing": ("collection", "photograph", "put_back", "sign_list"),
        "dispatch/queues": ("saved_view",),
        "dispatch/staff": ("bind", "failures", "member", "session", "sign_in", "totp"),
        "dispatch/zero_visits": ("at_window", "receipt", "settle", "telephone_call", "who_came"),
        "dispatch/zero_visits/put_right": ("again", "owner", "undelivered"),
        "dispatch/zero_visits/trips": ("ruling", "testimony"),
    }.items()
    for name in names
}
"""Files whose transactions are one act of a person each: there is nothing beside them that could be lost."""
ONE_ACT = {
    ("dispatch/booking/doubt.py", name)
    for name in ("adopt_by_hand", "confirm_never_placed", "book_again", "look_up_again")
} | {
    *(("dispatch/booking/cancel.py", name) for name in ("call_off", "confirm_cancelled", "keep_label", "reroute")),
    *(("dispatch/approval/release.py", name) for name in ("hold", "lift", "set_policy")),
    *(("dispatch/approval/dispatch_many.py", name) for name in ("begin_many", "try_failed_again")),
    ("dispatch/approval/import_list.py", "_all_together"),
    ("dispatch/approval/amend_slip.py", "amend_slip"),
    *(("dispatch/approval/upload/take.py", name) for name in ("take", "drop")),
    ("dispatch/packing/pack.py", "unpack"),
    ("dispatch/tracking/ask.py", "ask_by_hand"),
    ("dispatch/tracking/read.py", "read_again"),
    ("dispatch/errands/take.py", "cancel"),
    ("dispatch/reconcile/begin.py", "begin_by_hand"),
    ("dispatch/personal/due.py", "set_retention"),
    ("dispatch/zero_visits/put_right/lapse.py", "let_lapse"),
    ("dispatch/personal/rotate.py", "rotate"),
    *(("dispatch/reconcile/left.py", name) for name in ("all_sent", "tell_numbers", "finish")),
}

SPEAKING = {"converse", "speak", "deliver"}
"""Whoever calls one of these speaks to the outside."""
LINES = {"dispatch/posts/line.py": "speak", "dispatch/label/thermal/line.py": "deliver"}
"""The only ways out, and what their callers call."""
TOLD_BY_THE_WIRE = {"SENT"}  # of HTTP, where the client says when the whole request has left (`crash.sending`)
NETWORK = {"httpx2", "httpx", "requests", "urllib3", "urllib.request", "http.client", "aiohttp", "socket"}


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    every = ast.walk(_tree(path))
    yield from (node for node in every if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _imported(path: Path) -> set[str]:
    """The modules that it imports, and for `from a import b` both `a` and `a.b`."""
    found = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{one.name}" for one in node.names)}
    return found


def _called(node: ast.AST) -> Iterator[ast.Call]:
    yield from (one for one in ast.walk(node) if isinstance(one, ast.Call))


def _reached() -> set[str]:
    """The names of the points in every `reach(Point.X)`, also of those that are chosen between."""
    calls = (call for path in SOURCES for call in _called(_tree(path)))
    inside = (call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "reach")
    return {one.attr for argument in inside for one in ast.walk(argument) if isinstance(one, ast.Attribute)}


def test_every_point_is_somewhere_in_the_code_and_every_deed_is_done() -> None:
    assert {point.name for point in Point} == _reached()
    named = {
        one.attr
        for path in SOURCES
        for call in _called(_tree(path))
        for one in call.args
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == "Deed"
    }
    assert {deed.name for deed in Deed} == named


def test_every_point_of_every_job_has_a_process_that_dies_there() -> None:
    expected = {f"{name}{OF}{point}" for name in JOBS for point in JOB_POINTS}
    expected |= {f"{name}{OF}{point}" for name in speaking() for point in LINE_POINTS}
    expected |= {f"{name}{OF}{point}" for name in speaking() if name not in KEEPS_NO_CALLS for point in CALL_POINTS}
    expected |= {f"{deed}{OF}{point}" for deed in Deed for point in DEED_POINTS}
    grouped = {*JOB_POINTS, *LINE_POINTS, *CALL_POINTS, *DEED_POINTS}
    assert listed().keys() == expected | {str(point) for point in Point if point not in grouped}
    assert len(Point) >= 24


def test_no_transaction_of_a_job_is_without_points_on_both_sides() -> None:
    """A new `world.begin()` must say which deed it is, or stand in the table above with a reason."""
    bare = set()
    for path in SOURCES:
        for function in _functions(path):
            for call in _called(function):
                begins = isinstance(call.func, ast.Attribute) and call.func.attr == "begin" and not call.args
                if begins and path.as_posix() not in AT_A_DOOR:
                    bare.add((path.as_posix(), function.name))
    assert bare == UNNAMED.keys() | ONE_ACT
    assert {path for path in AT_A_DOOR if not Path(path).exists()} == set()


def test_nobody_commits_by_hand() -> None:
    """Every commit is the end of a `begin()`, which the test above has seen."""
    calls = ((path.as_posix(), call) for path in SOURCES for call in _called(_tree(path)))
    assert [(path, call.lineno) for path, call in calls if _name_of(call) == "commit"] == []


def test_a_job_that_speaks_says_so_in_the_table_of_jobs() -> None:
    """Only then the points of its calls are in the matrix, and a process dies at each."""
    files = {path for path in SOURCES if any(_name_of(call) in SPEAKING for call in _called(_tree(path)))}
    works = {name: Path(inspect.getfile(kind.work)).relative_to(Path.cwd()) for name, kind in JOBS.items()}
    assert speaking() == {name for name, path in works.items() if path in files}


def test_every_line_to_the_outside_has_all_of_its_points_and_a_name_by_which_its_callers_are_found() -> None:
    """A third way out needs points of its own, or the jobs that take it slip past the matrix."""
    lines = {path: next(one for one in _functions(Path(path)) if one.name == name) for path, name in LINES.items()}
    wanted = {point.name for point in LINE_POINTS}
    for path, function in lines.items():
        assert function.name in SPEAKING, path
        inside = {one.attr for one in ast.walk(_tree(Path(path))) if isinstance(one, ast.Attribute)}
        assert wanted - inside <= TOLD_BY_THE_WIRE, path


def test_only_the_line_knows_the_network() -> None:
    knowing = {path.as_posix() for path in SOURCES if _imported(path) & NETWORK}
    assert knowing == {*LINES, "dispatch/posts/deadline.py"}


def test_whoever_speaks_does_so_on_the_line_that_has_the_points() -> None:
    """Every word to the outside goes through `HttpLine.speak`: no client of its own, no second way out."""
    sending = {"request", "stream", "send", "post", "get", "put"}
    outside = [
        (path.as_posix(), function.name)
        for path in SOURCES
        if path.parts[:2] != ("dispatch", "api")
        for function in _functions(path)
        for call in _called(function)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in sending
        and isinstance(call.func.value, ast.Attribute)
        and call.func.value.attr == "client"
    ]
    assert outside == [("dispatch/posts/line.py", "speak")]


def test_a_process_that_is_armed_without_a_test_does_not_start() -> None:
    command = [sys.executable, "-c", "import dispatch.crash"]
    armed = {**os.environ, crash.ARMED_BY: "clock.read"}
    refused = subprocess.run(command, env=armed, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "只能在测试里用" in refused.stderr


def test_it_dies_at_the_passage_that_was_named_and_leaves_its_mark(tmp_path: Path) -> None:
    said = (
        "from dispatch.crash import *\nwork_on('push.read', 'push:1')\n"
        "for n in range(9): print(n, flush=True); reach(Point.CLAIMED)"
    )
    armed = {**os.environ, crash.ARMED_BY: "push.read/claimed:3", crash.TEST: str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", said], env=armed, stdout=subprocess.PIPE, text=True) as dying:
        told = dying.communicate()[0].split()
    assert (dying.returncode, told) == (-9, ["0", "1", "2"])
    assert crash.mark_of(tmp_path, "push.read/claimed").read_text() == f"{dying.pid}\tpush:1"
    after = subprocess.run([sys.executable, "-c", said], env=armed, capture_output=True, text=True)
    assert (after.returncode, len(after.stdout.split())) == (0, 9), "where one has died, no other dies"


def test_unarmed_a_point_is_passed_and_nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crash, "_armed", None)
    crash.work_on("push.read", "push:1")
    crash.reach(Point.CLAIMED)
    assert crash.sending() == {}
