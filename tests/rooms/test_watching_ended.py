"""A tracker gives a parcel up: it is told of the number again, after a pause and not too often; a person sees why."""

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlencode

import httpx2
import pytest
from carriers import next_answers
from road_steps import details, entries, make_due, only, print_all, settle_all, sql
from sqlalchemy import func, select

from dispatch import jobs
from dispatch.accounts import Kuaidi100Account, TrackedCarrier
from dispatch.approval.carriage import clear
from dispatch.approval.lodge import lodge
from dispatch.booking.allot import add_numbers
from dispatch.booking.route import set_route
from dispatch.call import CarrierCall
from dispatch.carrier import Knock
from dispatch.jobs import Job
from dispatch.journey import News
from dispatch.packing.hand_over import hand_over
from dispatch.packing.pack import pack, to_pack
from dispatch.posts.kuaidi100.account import Kuaidi100
from dispatch.posts.line import open_line
from dispatch.posts.times import wire_time
from dispatch.posts.tracked import Tracked
from dispatch.shipment import ANNOUNCE
from dispatch.tracking.push import READ, Push, receive
from dispatch.tracking.sighting import Sighting
from dispatch.wiring import now
from dispatch.worklist import Reason
from sandbox import Kuaidi100Settings, running
from tests.posts.kuaidi100_samples import node, parcel, pushed, their_sign
from tests.posts.sandbox_steps import push_door, until
from workers.run import run_due

ITEM = "食品经营许可"
NEVER_SEEN, STANDS_STILL = "880000000033", "880000000034"  # the last digits choose the sandbox's story
SPARE = [f"8800000001{n:02}" for n in range(20)]
BOOK, TELL = jobs.on_lane("shipment.book", "yto"), jobs.on_lane(ANNOUNCE, "yto")
DAY = timedelta(days=1)
SALT = "practice-salt"


@dataclass
class Followed:
    """A service whose express company Kuaidi100 follows, over real sockets in both directions."""

    world: object
    url: str

    def post_letter(self, decided, number, *, handed_over=True):
        """A letter with this number that the tracker was told of, and that lies with the company."""
        add_numbers(self.world, "yto", [number, *SPARE], "clerk")
        lodge(self.world, decided(), "test")
        clear(self.world, ITEM, "景法审〔2026〕3号", "legal")
        set_route(self.world, "", ITEM, "yto", "clerk")
        for name in ("case.gather", BOOK, TELL):
            run_due(self.world, name)
        if handed_over:
            print_all(self.world)
            with self.world.reading() as session:
                [(code, _)] = to_pack(session)
            pack(self.world, code, number, "clerk")
            hand_over(self.world, "yto", "clerk")

    def is_given_up(self, number):
        """The company has it, the tracker sees nothing (more) of it, and says so."""
        httpx2.post(f"{self.url}/counter/collect", json={"waybills": [number]}).raise_for_status()
        until(lambda: any("abort" in push for push in self.pushes()))
        run_due(self.world, READ)

    def pushes(self):
        with self.world.reading() as session:
            return [self.world.vault.open(push, "body") for push in session.scalars(select(Push))]

    def subscriptions(self):
        """What the tracker answered to each, oldest first."""
        with self.world.reading() as session:
            said = select(CarrierCall).where(CarrierCall.operation == "poll").order_by(CarrierCall.intended_at)
            return [self.world.vault.open(call, "answer") for call in session.scalars(said)]

    def tell_again(self, *, days=0):
        """The pause is over."""
        make_due(self.world, ANNOUNCE)
        run_due(self.in_days(days), TELL)

    def in_days(self, days):
        return replace(self.world, now=lambda: now() + days * DAY)

    def hear(self, text, *, days=0):
        """A push that no sandbox sends: signed as theirs are."""
        world = self.in_days(days)
        raw = urlencode({"param": text, "sign": their_sign(text, SALT)}).encode()
        receive(world, world.trackers["kuaidi100"], Knock(raw, "application/x-www-form-urlencoded"))
        run_due(world, READ)


@pytest.fixture
def followed(world, tmp_path):
    here = []  # the door is opened before the service that stands behind it is whole

    def answer(push):
        said = receive(here[0], here[0].trackers["kuaidi100"], Knock(push.body))
        return said.status, said.text.encode()

    account = {"customer": "TESTCUSTOMER", "key": secrets.token_hex(8)}
    told = Kuaidi100Settings(
        host="127.0.0.1", port=0, storage=tmp_path / "kuaidi100.sqlite", gap_seconds=1, **account
    )
    with push_door(answer) as door, running(told) as tracker:
        there = Kuaidi100Account(
            query_endpoint=f"{tracker.url}/poll/query.do",
            subscribe_endpoint=f"{tracker.url}/poll",
            salt=SALT,
            callback_url=door.url,
            per_second=10_000,
            subscriptions_a_month=2,
            **account,
        )
        line = open_line(there)
        kuaidi = Kuaidi100(there, line, {"yuantong": "yto"})
        company = TrackedCarrier(title="圆通速递", tracker="kuaidi100", code="yuantong", number_pattern=r"\d{12}")
        carriers = {**world.carriers, "yto": Tracked("yto", company, kuaidi)}
        here.append(replace(world, carriers=carriers, trackers={"kuaidi100": kuaidi}))
        yield Followed(here[0], tracker.url)
        line.client.close()


def gave_up(number):
    """The words of a tracker that never saw it and gives up: the same each time."""
    return pushed(parcel(nu=number, com="yuantong"), status="abort", message="3天查询无记录")


def tells(number, state, finer, words):
    """A push of one node that happens now."""
    told = {**node("", words, finer), "time": wire_time(now()), "ftime": wire_time(now())}
    return pushed(parcel(told, nu=number, com="yuantong", state=state))


def waits(world):
    """How long the open announcement waits yet; None where none is open."""
    with world.reading() as session:
        wait = select(Job.next_at - func.now()).where(Job.name == TELL, Job.done_at.is_(None))
        return session.scalar(wait)


def test_a_parcel_that_the_tracker_gave_up_is_subscribed_to_again_and_no_sooner_than_it_permits(followed, decided):
    followed.post_letter(decided, NEVER_SEEN)
    followed.is_given_up(NEVER_SEEN)
    assert timedelta(minutes=29) < waits(followed.world) <= timedelta(minutes=30)
    run_due(followed.world, TELL)
    assert len(followed.subscriptions()) == 1
    followed.tell_again()
    assert [answer[:40] for answer in followed.subscriptions()] == ['{"result":true,"returnCode":"200","messa'] * 2
    assert waits(followed.world) is None


def test_never_seen_the_number_may_be_wrong_so_a_person_sees_it_until_something_moves(followed, decided):
    followed.post_letter(decided, NEVER_SEEN)
    followed.is_given_up(NEVER_SEEN)
    followed.tell_again()
    assert entries(followed.world) == [Reason.STALLED]  # followed again, and still not seen; no code to be read
    assert "3天查询无记录" in details(followed.world, Reason.STALLED)[0]
    followed.hear(tells(NEVER_SEEN, "1", "103", "已揽收"))
    assert (only(followed.world).tracked, entries(followed.world)) == ("collected", [])


def test_a_parcel_that_stands_still_is_subscribed_to_again_and_seen_as_stalled(followed, decided):
    followed.post_letter(decided, STANDS_STILL)
    followed.is_given_up(STANDS_STILL)
    followed.tell_again()
    assert (only(followed.world).tracked, entries(followed.world)) == ("in_transit", [Reason.STALLED])
    assert "60天无变化" in details(followed.world, Reason.STALLED)[0]
    assert len(followed.subscriptions()) == 2


def test_that_it_gave_up_is_kept_in_the_parcels_story_and_is_no_unread_code(followed, decided):
    followed.post_letter(decided, NEVER_SEEN)
    followed.is_given_up(NEVER_SEEN)
    run_due(followed.world, "shipment.weigh")
    with followed.world.reading() as session:
        [kept] = session.scalars(select(Sighting))
    assert (kept.code, kept.news, kept.shipment_id) == ("abort", News.NOTE, only(followed.world).id)
    assert Reason.UNKNOWN_CODE not in entries(followed.world)


def test_a_letter_that_still_lies_on_the_desk_is_followed_again_and_troubles_nobody(followed, decided):
    followed.post_letter(decided, NEVER_SEEN, handed_over=False)
    followed.hear(gave_up(NEVER_SEEN))
    assert (entries(followed.world), waits(followed.world) is not None) == ([], True)


def test_given_up_a_second_time_in_the_very_same_words_it_is_not_taken_for_a_repetition(followed, decided):
    followed.post_letter(decided, NEVER_SEEN)
    followed.hear(gave_up(NEVER_SEEN))
    followed.tell_again()
    followed.hear(gave_up(NEVER_SEEN))  # repeated, because it had not heard that we heard
    assert (len(followed.subscriptions()), waits(followed.world)) == (2, None)
    followed.hear(gave_up(NEVER_SEEN), days=4)
    assert waits(followed.world) is not None


def test_so_often_a_month_and_no_oftener_then_a_person_is_told_and_the_next_month_it_goes_on(followed, decided):
    followed.post_letter(decided, NEVER_SEEN)
    for days in (4, 8):
        followed.hear(gave_up(NEVER_SEEN), days=days)
        followed.tell_again(days=days)
    assert len(followed.subscriptions()) == 2  # the account's own limit in this test
    assert Reason.NOT_FOLLOWED in entries(followed.world)
    assert "2 次" in details(followed.world, Reason.NOT_FOLLOWED)[0]
    followed.hear(gave_up(NEVER_SEEN), days=40)
    followed.tell_again(days=40)
    assert len(followed.subscriptions()) == 3
    assert Reason.NOT_FOLLOWED not in entries(followed.world)


def test_what_was_refused_or_not_answered_uses_up_none_of_the_subscriptions(followed, decided):
    next_answers(followed.url, "unavailable", "garbage", "throttled")
    followed.post_letter(decided, NEVER_SEEN)
    for _ in range(3):
        sql(followed.world, "UPDATE breakers SET open_until = now()")
        followed.tell_again()
    assert len(followed.subscriptions()) == 4
    assert waits(followed.world) is None
    assert Reason.NOT_FOLLOWED not in entries(followed.world)


@pytest.mark.parametrize("settled", [False, True])
def test_a_letter_whose_way_is_over_is_not_subscribed_to_again_and_its_want_of_a_watcher_is_over_too(
    followed, decided, settled
):
    followed.post_letter(decided, NEVER_SEEN)
    for days in (4, 8):
        followed.hear(gave_up(NEVER_SEEN), days=days)
        followed.tell_again(days=days)
    assert entries(followed.world) == [Reason.NOT_FOLLOWED, Reason.STALLED]
    if settled:
        settle_all(followed.world, Reason.NOT_FOLLOWED)
    followed.hear(tells(NEVER_SEEN, "3", "301", "本人签收"))
    for name in ("shipment.weigh", jobs.on_lane("shipment.ask", "yto"), "shipment.weigh"):
        run_due(followed.world, name)
    assert only(followed.world).stage == "closed"
    followed.hear(gave_up(NEVER_SEEN), days=12)
    followed.tell_again(days=12)
    assert (entries(followed.world), len(followed.subscriptions())) == ([], 2)
