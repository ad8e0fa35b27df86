"""What lies in which queue, how it is counted, and who sees it."""

import pytest

from dispatch.approval.case import Release
from dispatch.approval.issue import Paper, register_paper
from dispatch.approval.lodge import lodge
from dispatch.approval.release import hold, lift, release, set_policy
from dispatch.queues.filters import Filters
from dispatch.queues.look import counts, look
from dispatch.queues.queue import Queue, Scope

LISTS = [queue for queue in Queue if queue is not Queue.NEEDS_A_PERSON]


@pytest.fixture
def lie(post, drain):
    """The 办件编号 in a queue, once all is done that workers do."""

    def now(queue: Queue, **asked: str) -> list[str]:
        drain(post.world)
        rows = look(post.world, Scope(), queue, Filters(**asked)).rows
        return [one for row in rows for one in ([row.case_no] if hasattr(row, "case_no") else row.case_nos)]

    return now


def test_a_case_goes_from_queue_to_queue(post, decided, lie):
    lodge(post.world, decided("A-1", item_code="X", paper_ready=False), "test")
    set_policy(post.world, "X", Release.WHEN_RELEASED, 0)
    assert lie(Queue.TO_ISSUE) == ["A-1"]
    register_paper(post.world, "A-1", Paper("李科员"), "test")
    assert (lie(Queue.TO_ISSUE), lie(Queue.TO_RELEASE)) == ([], ["A-1"])
    release(post.world, "A-1", "clerk")
    assert (lie(Queue.TO_RELEASE), lie(Queue.TO_PRINT)) == ([], ["A-1"])


def test_a_case_on_hold_waits_for_its_release_though_its_item_asks_nobody(post, decided, lie):
    lodge(post.world, decided("A-1", hold="欠费"), "test")
    [row] = look(post.world, Scope(), Queue.TO_RELEASE, Filters()).rows
    assert row.hold == "欠费"
    lift(post.world, "A-1", "clerk")
    assert (lie(Queue.TO_RELEASE), lie(Queue.TO_PRINT)) == ([], ["A-1"])


def test_a_case_that_is_asked_for_twice_stands_there_once(post, decided, lie):
    """To be released, and on hold besides."""
    lodge(post.world, decided("A-1", item_code="X", paper_ready=False), "test")
    set_policy(post.world, "X", Release.WHEN_RELEASED, 0)
    register_paper(post.world, "A-1", Paper("李科员"), "test")
    hold(post.world, "A-1", "欠费", "clerk")
    assert lie(Queue.TO_RELEASE) == ["A-1"]
    assert counts(post.world, Scope())[Queue.TO_RELEASE] == 1


def test_the_counts_are_those_of_the_lists_and_each_sees_their_own(post, decided, drain):
    for number, department in enumerate(["公安局", "公安局", "林业局"]):
        lodge(post.world, decided(f"A-{number}", department=department, paper_ready=number > 0), "test")
    drain(post.world)
    for scope in (Scope(), Scope(frozenset({"公安局"})), Scope(frozenset({"林业局"})), Scope(frozenset())):
        counted = counts(post.world, scope)
        lists = {queue: look(post.world, scope, queue, Filters()).total for queue in LISTS}
        assert {queue: counted[queue] for queue in LISTS} == lists
    assert counts(post.world, Scope(frozenset({"公安局"})), [Queue.TO_ISSUE, Queue.TO_PRINT]) == {
        Queue.TO_ISSUE: 1,
        Queue.TO_PRINT: 1,
    }
    assert counts(post.world, Scope(), []) == {}


def test_a_queue_is_narrowed_by_what_stands_in_its_address(post, decided, lie):
    lodge(post.world, decided("A-1", slip={"town": "渤海镇", "recipient_name": "甲乙"}), "test")
    lodge(post.world, decided("B-1", slip={"phone": "13900000002"}), "test")
    assert lie(Queue.TO_PRINT, town="渤海镇") == ["A-1"]
    assert lie(Queue.TO_PRINT, q="B-") == ["B-1"]
    assert sorted(lie(Queue.TO_PRINT, carrier="ems", since="2026-11-20", until="2026-11-20")) == ["A-1", "B-1"]
    assert lie(Queue.TO_PRINT, since="2026-11-21") == []
