"""Chance drives the whole service, a bystander knows what it must come to: FAULTS §3.2.

Approvals come, come again, come changed, are held back and called off; the post's answers are lost, doubled and
spoilt; news comes in any order, twice or never; workers die at any named point or stand still beyond their lease;
clocks move. After each step the promises hold, and at the end every case is where it must be.
`ZHUANDI_CHANCES=200` plays longer, with other dice each time (`--hypothesis-seed=…` repeats them).
"""

import itertools
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from dispatch.approval.decided_case import DecidedCase
from dispatch.approval.lodge import Outcome, lodge
from dispatch.approval.release import hold, lift
from dispatch.booking.cancel import call_off, void_label
from dispatch.booking.take_off import Then
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.measured.invariants import broken
from dispatch.packing.put_back import put_back_envelope
from dispatch.tracking.push import Push
from tests.emptied import empty
from tests.races.bystander import STORIES, Bystander, Known
from tests.races.house_of_chance import CLERK, MOMENT, House, open_house
from tests.races.mortal import perhaps_dying
from tests.races.told_post import told_post
from tests.rooms.road_steps import BOOK, code_in, phone, push, raw_push
from tests.storm.books import Witnesses, moment
from workers.clock import tick

CHANCES = int(os.environ.get("ZHUANDI_CHANCES", "0"))
PROFILE = hypothesis.settings(
    max_examples=CHANCES or 3,
    stateful_step_count=60 if CHANCES else 40,
    derandomize=not CHANCES,
    deadline=None,
    database=None,
    print_blob=True,
    phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink) if CHANCES else (hypothesis.Phase.generate,),
    suppress_health_check=list(hypothesis.HealthCheck),
)
EARLIEST, LATEST = timedelta(minutes=-40), timedelta(hours=10)
"""So far our clock may be from the post's: news an hour ahead, or a day older than its envelope, is not believed."""
ROUNDS, STILL = 40, 3
FAULTS = ("lost_after", "error_after", "garbage", "wrong_type", "twice", "lost_before", "unavailable")
DELIVERED = {"704", "748"}
PASSING = {"closed_with_order_to_book"}  # a letter may be closed before whoever settles its doubt has looked again
PICK = st.integers(0, 99)
PASSAGES = st.one_of(st.just(0), st.integers(1, 16))
"""Mostly nobody dies; else at one of the next points that are passed."""
Thing = TypeVar("Thing")


def _one(things: Sequence[Thing], pick: int) -> Thing:
    return things[pick % len(things)]


class Chance(RuleBasedStateMachine):
    """One day in the life of the service. `ended`: so many of them were followed to their end.

    `stumbled`: what went wrong. What does not go wrong again when it is played again would else stay unsaid.
    """

    ended = 0
    stumbled: ClassVar[list[str]] = []

    def __init__(self, opened: Callable[[], AbstractContextManager[House]], decided: Callable[..., DecidedCase]):
        super().__init__()
        self._stack = ExitStack()
        self.house: House = self._stack.enter_context(opened())
        self.decided, self.count, self.seen = decided, itertools.count(1), Bystander()

    # The approval system.

    @initialize(stories=st.lists(st.sampled_from(sorted(STORIES)), min_size=2, max_size=5))
    def cases_are_decided(self, stories: list[str]) -> None:
        for story in stories:
            self.a_case_is_decided(story, 0)

    @rule(story=st.sampled_from(sorted(STORIES)), dies=PASSAGES)
    def a_case_is_decided(self, story: str, dies: int) -> None:
        number = next(self.count)
        slip = {**phone(int(story), number), "detail": f"团结西路{number}号"}
        case = self.decided(f"33112720261122{number:04}", slip=slip)
        self.seen.cases[case.case_no] = Known(case, story)
        self._post(self.seen.cases[case.case_no], dies)

    @precondition(lambda self: self.seen.cases)
    @rule(pick=PICK, dies=PASSAGES)
    def it_is_posted_again(self, pick: int, dies: int) -> None:
        self._post(_one(list(self.seen.cases.values()), pick), dies)

    def _post(self, known: Known, dies: int) -> None:
        """Whoever got no answer does not know whether it was taken; whoever got one gets the same again."""
        answers: list[Any] = []
        perhaps_dying(dies, lambda: answers.append(lodge(self.house.world, known.decided, "审批系统")))
        for answer in answers:
            assert known.case_id in {None, answer.case_id}
            assert known.case_id is None or answer.outcome is Outcome.REPEATED
            known.case_id = answer.case_id

    @precondition(lambda self: self.seen.taken())
    @rule(pick=PICK)
    def it_is_posted_with_other_words(self, pick: int) -> None:
        changed = _one(self.seen.taken(), pick).decided.model_copy(update={"department": "另一个部门"})
        with pytest.raises(ConflictError):
            lodge(self.house.world, changed, "审批系统")

    # The desk.

    @precondition(lambda self: self.seen.taken())
    @rule(pick=PICK)
    def it_is_held_back(self, pick: int) -> None:
        known = _one(self.seen.taken(), pick)
        try:
            hold(self.house.world, known.decided.case_no, "待补正", CLERK)
        except ConflictError:  # too late, or it is held already
            return
        known.wanted = False

    @precondition(lambda self: self.seen.taken())
    @rule(pick=PICK)
    def it_is_let_go(self, pick: int) -> None:
        known = _one(self.seen.taken(), pick)
        try:
            lift(self.house.world, known.decided.case_no, CLERK)
        except NotFoundError:
            return
        known.wanted = True

    @precondition(lambda self: self.house.envelopes())
    @rule(pick=PICK)
    def it_is_called_off(self, pick: int) -> None:
        case_no, shipment = self._envelope(pick)
        try:
            call_off(self.house.world, shipment.id, CLERK)
        except NotAllowedError:  # it is with the postman, or as good as
            return
        self.seen.cases[case_no].wanted = False

    @precondition(lambda self: self.house.envelopes())
    @rule(pick=PICK)
    def a_label_is_spoilt(self, pick: int) -> None:
        _, shipment = self._envelope(pick)
        try:
            void_label(self.house.world, shipment.id, Then.BOOK_AGAIN, CLERK)
        except NotAllowedError:
            return

    def _envelope(self, pick: int) -> tuple[str, Any]:
        return _one(sorted(self.house.envelopes().items(), key=lambda pair: pair[0]), pick)

    @rule()
    def the_desk_is_cleared(self) -> None:
        self.house.clear_the_desk()

    @precondition(lambda self: self.house.envelopes())
    @rule(pick=PICK)
    def it_lies_on_the_desk_still(self, pick: int) -> None:
        """Whether it is so or the clerk is mistaken: the post may have it, and tell of it later."""
        _, shipment = self._envelope(pick)
        try:
            put_back_envelope(self.house.world, shipment.id, CLERK)
        except NotAllowedError:  # it is not handed over, or the post has told of it
            return

    @rule()
    def a_person_asks_the_post_about_every_doubt(self) -> None:
        self.house.settle_doubts()

    # The post.

    @rule(faults=st.lists(st.sampled_from(FAULTS), min_size=1, max_size=4))
    def the_post_is_ill(self, faults: list[str]) -> None:
        self.house.post.suffer(*faults)

    @rule()
    def the_postman_comes(self) -> None:
        self.house.post.collect(self.house.with_the_post())

    @precondition(lambda self: self.house.with_the_post())
    @rule(pick=PICK, events=st.integers(1, 6))
    def a_letter_goes_on(self, pick: int, events: int) -> None:
        number = _one(self.house.with_the_post(), pick)
        for _ in range(events):
            self.house.post.carry(number)

    @precondition(lambda self: self.house.with_the_post())
    @rule(pick=PICK, which=PICK, dies=PASSAGES)
    def the_post_tells_of_it(self, pick: int, which: int, dies: int) -> None:
        """Any event of any letter, in any order, as often as chance will; what is never chosen is lost."""
        if news := self._news(_one(self.house.with_the_post(), pick)):
            self._tell(_one(news, which), dies)

    def _news(self, number: str) -> list[bytes]:
        [order] = [one for one in self.house.post.orders() if number in one["numbers"]]
        told = order["event_list"]
        return [raw_push(self.house.world, one["number"], one["code"], moment(one["at"])) for one in told]

    def _tell(self, raw: bytes, dies: int = 0) -> None:
        answers: list[Any] = []
        perhaps_dying(dies, lambda: answers.append(push(self.house.world, raw)))
        for answer in answers:
            assert code_in(answer) == "00000"
            self.seen.acknowledged.add(raw)

    # The workers, and the clocks.

    @precondition(lambda self: self.house.due())
    @rule(pick=PICK, dies=PASSAGES)
    def a_worker_works(self, pick: int, dies: int) -> None:
        name = _one(self.house.due(), pick)
        perhaps_dying(dies, lambda: self.house.work(name))

    @precondition(lambda self: BOOK in self.house.due())
    @rule(dies=st.integers(1, 14))
    def whoever_places_an_order_dies(self, dies: int) -> None:
        perhaps_dying(dies, lambda: self.house.work(BOOK))

    @rule(dies=PASSAGES)
    def the_workers_work(self, dies: int) -> None:
        perhaps_dying(dies * 5, self.house.work_off)

    @precondition(lambda self: self.house.due())
    @rule(pick=PICK)
    def a_worker_stands_still(self, pick: int) -> None:
        self.house.freeze(_one(self.house.due(), pick))

    @precondition(lambda self: self.house.frozen)
    @rule(pick=PICK, dies=PASSAGES)
    def it_goes_on(self, pick: int, dies: int) -> None:
        claimed = _one(self.house.frozen, pick)
        perhaps_dying(dies, lambda: self.house.thaw(claimed))

    @rule()
    def the_clock_ticks(self) -> None:
        due = self.house.due()
        self.house.world.bell.rung.clear()
        tick(self.house.world)
        assert bool(self.house.world.bell.rung) == bool(due)

    @precondition(lambda self: self.house.clock.ahead < LATEST)
    @rule(moments=st.sampled_from((1, 3, 12)))
    def time_passes(self, moments: int) -> None:
        self.house.pass_time(moments * MOMENT)

    @precondition(lambda self: EARLIEST < self.house.clock.ahead < LATEST)
    @rule(moments=st.sampled_from((-3, -1, 2, 15)))
    def our_own_clock_is_set(self, moments: int) -> None:
        """The database's is not."""
        self.house.clock.ahead += moments * MOMENT

    # What holds after every step.

    @invariant()
    def no_promise_is_broken(self) -> None:
        with self.house.world.reading() as session:
            assert {name for name, count in broken(session) if count} <= PASSING

    @invariant()
    def the_posts_own_books_bear_it_out(self) -> None:
        """One live order for an envelope and none that is nobody's; what is closed was delivered, and closed once."""
        orders, closed, envelopes = self.house.post.orders(), self.house.closed(), self.house.envelopes()
        with self.house.world.reading() as session:
            assert Witnesses(self.house.world, {"ems": {"orders": orders}}).booked(session).double == []
        assert max(Counter(closed).values(), default=1) == 1
        delivered = {one["order_no"] for one in orders if DELIVERED & set(one["events"])}
        assert {envelopes[case_no].order_no for case_no in closed} <= delivered

    @invariant()
    def what_a_repetition_might_double_is_said_once(self) -> None:
        """But where a person has asked the post."""
        if not self.house.world.carriers["ems"].account.repeats_are_idempotent:
            said = self.house.said()
            assert said <= self.house.told_absent + Counter(said.keys())

    @invariant()
    def no_case_vanishes(self) -> None:
        assert self.house.nowhere() == []

    @invariant()
    def what_was_acknowledged_is_kept(self) -> None:
        with self.house.world.reading() as session:
            kept = session.scalar(select(func.count()).where(Push.turned_away.is_(None)))
        assert kept >= len(self.seen.acknowledged)

    # The end: whoever stood still is gone, the post is well, time passes, and everybody does their work.

    def teardown(self) -> None:
        with self._stack:
            try:
                if sys.exc_info()[0] is None:
                    self._come_to_an_end()
            finally:
                if isinstance(sys.exc_info()[1], Exception):
                    type(self).stumbled.append(traceback.format_exc())

    def _come_to_an_end(self) -> None:
        self.house.frozen.clear()
        self.house.post.suffer()
        for known in self.seen.cases.values():
            self._post(known, 0)
        still = 0
        for _ in range(ROUNDS):
            self._one_more_round()
            still = 0 if self._wrong_ends() else still + 1
            if still == STILL:
                break
        assert self._wrong_ends() == {}
        with self.house.world.reading() as session:
            booked = Witnesses(self.house.world, {"ems": {"orders": self.house.post.orders()}}).booked(session)
            assert {name: count for name, count in broken(session) if count} == {}
        assert (booked.double, booked.missing) == ([], [])
        type(self).ended += 1

    def _one_more_round(self) -> None:
        self.house.pass_time(3 * MOMENT)
        self.house.work_off()
        self.house.settle_doubts()
        self.house.clear_the_desk()
        numbers = self.house.with_the_post()
        self.house.post.collect(numbers)
        for number in numbers:
            while self.house.post.carry(number):
                continue
            self._tell(self._news(number)[-1])  # the post repeats its last word until it is acknowledged
        self.house.work_off()

    def _wrong_ends(self) -> dict[str, Any]:
        """Cases that are not where their stories must lead, and where they are instead."""
        envelopes, closed = self.house.envelopes(), set(self.house.closed())
        wrong = {}
        for case_no, known in self.seen.cases.items():
            envelope = envelopes.get(case_no)
            reasons = self.house.reasons(envelope.subject) if envelope is not None else frozenset()
            if not known.end.allows(closed=case_no in closed, reasons=reasons):
                wrong[case_no] = (known.story, known.wanted, envelope and envelope.view, reasons)
        return wrong


@pytest.mark.parametrize("idempotent", [True, False], ids=["repeats are one order", "repeats are unknown"])
def test_whatever_chance_does_every_case_comes_to_its_end_and_no_promise_is_broken(
    idempotent, database_url, settings, account, typefaces, decided, tmp_path_factory
):
    there = account.model_copy(update={"repeats_are_idempotent": idempotent})

    @contextmanager
    def opened() -> Iterator[House]:
        folder = tmp_path_factory.mktemp("post")
        try:
            with (
                told_post(folder / "post.sqlite", there) as post,
                open_house(database_url, settings, there, typefaces, post) as house,
            ):
                yield house
        finally:
            empty(database_url)

    Chance.ended = 0
    Chance.stumbled.clear()
    try:
        run_state_machine_as_test(lambda: Chance(opened, decided), settings=PROFILE)
    except hypothesis.errors.Flaky as flaky:
        raise AssertionError("\n".join(Chance.stumbled)) from flaky
    assert Chance.ended > PROFILE.max_examples / 2
