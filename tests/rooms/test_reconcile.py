"""FAULTS §7 no. 22: a backup is restored that lacks what happened since; nothing is booked twice, nothing is lost.

The drill: backup, more cases, bookings, deliveries and a cancelling at the post, restore, and the approval system
sends the lost cases again. The post's own books are the witness.
"""

import random
import secrets
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from carriers import express, orders, own_people
from road_steps import (
    at_once,
    details,
    entries,
    make_due,
    numbers,
    on_the_way,
    only,
    print_all,
    push,
    raw_push,
    shipments,
    sql,
    with_account,
    with_settings,
)
from sqlalchemy import create_engine, make_url, select, text

from dispatch.approval.carriage import clear
from dispatch.approval.lodge import GATHER, lodge
from dispatch.booking.allot import add_numbers
from dispatch.booking.book import SETTLE_DOUBT
from dispatch.booking.cancel import call_off, reroute
from dispatch.booking.doubt import adopt_by_hand, confirm_never_placed
from dispatch.booking.gather import gather
from dispatch.booking.order import order_number
from dispatch.booking.route import set_route
from dispatch.db import connect, sessions
from dispatch.errors import HeldBackError, NotAllowedError
from dispatch.jobs import JobFailure
from dispatch.journey import Stage
from dispatch.lease import claim
from dispatch.reconcile import left as rest
from dispatch.reconcile.begin import EVERYTHING, LOOK_THROUGH, begin_by_hand
from dispatch.restored import PAUSE
from dispatch.vault import Vault
from dispatch.worklist import Reason
from workers.run import run_due
from zhuandi.dump import back_up
from zhuandi.restore import restore

KEYS = (secrets.token_bytes(32),)
HOUR = timedelta(hours=1)


@contextmanager
def restored(world, path, server_url):
    """The same service on another database, into which the backup was restored."""
    name = f"test_restored_{secrets.token_hex(4)}"
    admin = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine = connect(make_url(server_url).set(database=name).render_as_string(hide_password=False))
    try:
        restore(engine, world.vault, path, "clerk")
        yield replace(world, sessions=sessions(engine))
    finally:
        engine.dispose()
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def calm(world):
    """What fails is not tried again within the test."""
    return with_settings(world, job_retry_first=HOUR, job_retry_cap=HOUR)


def case_of(decided, n, **slip):
    return decided(f"3311272026112200{n:02}", slip={"detail": f"团结西路{n}号", **slip})


def look(world, drain):
    """One round of the clock, and everything that is due."""
    make_due(world, LOOK_THROUGH)
    make_due(world, SETTLE_DOUBT)
    drain(world)
    assert failures(world) == []


def failures(world):
    """What went wrong with any job, in its words."""
    with world.reading() as session:
        return [world.vault.open(row, "words") for row in session.scalars(select(JobFailure))]


def booked_by_order(url):
    return {order["order_no"]: order["waybill_no"] for order in orders(url)}


def ours_by_order(world):
    with world.reading() as session:
        rows = session.execute(
            text(
                "SELECT s.order_no, w.number FROM shipments s JOIN waybills w ON w.shipment_id = s.id"
                " WHERE w.voided_at IS NULL"
            )
        )
        return {row.order_no: row.number for row in rows}


def stages(world):
    return sorted(shipment.stage for shipment in shipments(world))


# --- the mode


def test_in_the_mode_cases_and_pushes_are_taken_and_nothing_is_grouped_booked_or_cancelled(post, drain, decided):
    world = calm(post.world)
    on_the_way(world, drain, case_of(decided, 1))
    lodge(world, case_of(decided, 2), "test")
    drain(world)
    second = shipments(world)[-1]
    before = orders(post.url)
    begin_by_hand(world, "clerk")
    lodge(world, case_of(decided, 3), "test")
    call_off(world, second.id, "clerk")
    push(world, raw_push(world, numbers(world)[0], "704", world.now(), deliverCode="10"))
    drain(world)
    assert orders(post.url) == before  # neither booked nor cancelled
    assert [row.stage for row in shipments(world)] == ["closed", "cancelling"]
    assert shipments(world)[0].tracked == "delivered"
    with world.reading() as session:
        waiting = session.execute(
            text("SELECT name, attempts FROM jobs WHERE done_at IS NULL AND last_error IS NOT NULL ORDER BY name")
        ).all()
    assert waiting == [("case.gather", 0), ("shipment.cancel@ems", 0)]
    rest.finish(world, "clerk", accept="演练")
    drain(world)
    assert sorted(row.stage for row in shipments(world))[:1] == ["cancelled"]


def test_an_intent_waits_for_who_begins_the_mode_and_then_sees_it(post, drain, decided):
    """The intent asks in its own transaction: there is no moment between the question and the writing."""
    world = with_settings(calm(post.world))
    for n in range(1, 9):
        lodge(world, case_of(decided, n), "test")
    run_due(world, "case.gather")
    works = [lambda: run_due(world, "shipment.book@ems")] * 3
    at_once([*works, lambda: begin_by_hand(world, "clerk")])
    with world.reading() as session:
        late = session.scalar(
            text(
                "SELECT count(*) FROM carrier_calls, restores WHERE intended_at > restored_at + interval '5 seconds'"
            )
        )
    assert late == 0
    assert len(orders(post.url)) == sum(row.stage == "booked" for row in shipments(world))
    before = len(orders(post.url))
    run_due(world, "shipment.book@ems")
    assert len(orders(post.url)) == before


def test_what_is_held_back_at_the_moment_in_which_the_mode_ends_does_not_sleep_on(post, decided):
    """It saw the mode, the mode ended and woke all who slept, and only then it lay down: for ten minutes."""
    world = calm(post.world)
    begin_by_hand(world, "clerk")
    lodge(world, case_of(decided, 1), "test")
    [claimed] = claim(world, GATHER, 1)
    with pytest.raises(HeldBackError) as held:
        gather(world, claimed)
    rest.finish(world, "clerk", accept="演练")
    claimed.postpone(PAUSE, str(held.value))
    assert run_due(world, GATHER) == 1
    assert stages(world) == ["to_book"]


def test_it_ends_by_itself_when_the_carriers_have_told_everything_and_a_person_the_rest(post, drain, decided):
    world = calm(post.world)
    on_the_way(world, drain, case_of(decided, 1))
    begin_by_hand(world, "clerk")
    lodge(world, case_of(decided, 2), "test")
    with pytest.raises(NotAllowedError, match=r"1 封邮件的轨迹还没有问到.*全部重发"):
        rest.finish(world, "clerk")
    look(world, drain)
    assert rest.left(world).unasked == 0
    rest.all_sent(world, "clerk")
    look(world, drain)
    assert rest.left(world) is None
    assert stages(world).count("in_doubt") == 1  # its case was decided before: it may have been ordered then


# --- the drill


def test_the_drill_with_an_account_that_is_idempotent(post, drain, decided, tmp_path, server_url):
    dice = random.Random(22)
    world = with_settings(replace(calm(post.world), vault=Vault(KEYS)), job_retry_cap=HOUR)
    on_the_way(world, drain, case_of(decided, 1), case_of(decided, 2))
    for n in (3, 4):
        lodge(world, case_of(decided, n), "test")
    run_due(world, "case.gather")  # sealed, and not booked at the moment of the backup
    path = back_up(world.sessions.kw["bind"], world.vault, tmp_path)
    drain(world)
    lost = list(range(5, 10))
    dice.shuffle(lost)
    for n in lost:
        lodge(world, case_of(decided, n), "test")
    drain(world)
    push(world, raw_push(world, numbers(world)[0], "704", world.now(), deliverCode="10"))
    drain(world)
    witness, delivered = booked_by_order(post.url), numbers(world)[0]
    assert len(witness) == 9
    with restored(world, path, server_url) as again:
        order_no = order_number(again, "outbound", [("331127202611220005", 1)], 1)
        push(again, raw_push(again, witness[order_no], "203", again.now(), orderNo=order_no))
        for n in sorted(lost):
            lodge(again, case_of(decided, n), "test")  # in another order than before
        for _ in range(6):
            look(again, drain)
        assert {n: witness[n] for n in ours_by_order(again)} == ours_by_order(again)
        assert len(ours_by_order(again)) == 4  # the two on the road, and the two that were repeated word for word
        rest.all_sent(again, "clerk")
        for _ in range(6):
            look(again, drain)
        assert rest.left(again) is None
        assert booked_by_order(post.url) == witness
        for shipment in shipments(again):  # made again, not word for word: a person asks the post
            if shipment.stage == Stage.IN_DOUBT:
                adopt_by_hand(again, shipment.id, witness[shipment.order_no], "clerk")
        drain(again)
        assert ours_by_order(again) == booked_by_order(post.url) == witness
        assert len(orders(post.url)) == 9
        assert delivered in numbers(again)


def test_the_drill_with_an_account_whose_repeats_are_not_known(post, drain, decided, tmp_path, server_url):
    world = with_account(replace(calm(post.world), vault=Vault(KEYS)), repeats_are_idempotent=False)
    world = with_settings(world, job_retry_cap=HOUR)
    lodge(world, case_of(decided, 1), "test")
    run_due(world, "case.gather")
    path = back_up(world.sessions.kw["bind"], world.vault, tmp_path)
    lodge(world, case_of(decided, 2), "test")
    drain(world)
    witness = booked_by_order(post.url)
    with restored(world, path, server_url) as again:
        for n in (2, 3):  # the third was never sent before
            lodge(again, case_of(decided, n), "test")
        look(again, drain)
        assert (stages(again), booked_by_order(post.url)) == (["in_doubt"], witness)
        assert "可能已下过" in details(again, Reason.BOOKING_IN_DOUBT)[0]
        adopt_by_hand(again, only(again).id, witness[only(again).order_no], "clerk")
        rest.all_sent(again, "clerk")
        for _ in range(3):
            look(again, drain)
        assert (stages(again), booked_by_order(post.url)) == (["booked", "in_doubt", "in_doubt"], witness)
        for shipment in shipments(again):
            if shipment.stage == Stage.IN_DOUBT and shipment.order_no in witness:
                adopt_by_hand(again, shipment.id, witness[shipment.order_no], "clerk")
            elif shipment.stage == Stage.IN_DOUBT:
                confirm_never_placed(again, shipment.id, "clerk")
        drain(again)
        assert ours_by_order(again) == booked_by_order(post.url)
        assert (len(orders(post.url)), entries(again)) == (3, [])


def test_the_drill_with_a_carrier_that_looks_up_needs_nobody(post, drain, decided, tmp_path, server_url):
    with own_people(tmp_path) as (url, carrier):
        there = {**post.world.carriers, "by_hand": carrier}
        world = with_settings(replace(calm(post.world), vault=Vault(KEYS), carriers=there), job_retry_cap=HOUR)
        set_route(world, "", "", "by_hand", "clerk")
        lodge(world, case_of(decided, 1), "test")
        run_due(world, "case.gather")
        path = back_up(world.sessions.kw["bind"], world.vault, tmp_path)
        for n in (2, 3):
            lodge(world, case_of(decided, n), "test")
        drain(world)
        witness = booked_by_order(url)
        assert len(witness) == 3
        with restored(world, path, server_url) as again:
            for n in (4, 3, 2):  # the fourth was never sent before
                lodge(again, case_of(decided, n), "test")
            look(again, drain)
            assert ours_by_order(again).items() <= witness.items()
            rest.all_sent(again, "clerk")
            for _ in range(8):
                look(again, drain)
            assert rest.left(again) is None
            assert (stages(again), entries(again)) == (["booked"] * 4, [])
            assert ours_by_order(again) == booked_by_order(url)
            assert len(orders(url)) == 4


def test_what_was_in_one_envelope_with_other_papers_is_not_booked_again_alone(
    post, drain, decided, tmp_path, server_url
):
    """An order number names its papers: in other company they have another, and a look-up of that finds nothing."""
    with own_people(tmp_path) as (url, carrier):
        there = {**post.world.carriers, "by_hand": carrier}
        world = with_settings(replace(calm(post.world), vault=Vault(KEYS), carriers=there), job_retry_cap=HOUR)
        world = with_settings(world, item_grouping=HOUR)
        set_route(world, "", "", "by_hand", "clerk")
        path = back_up(world.sessions.kw["bind"], world.vault, tmp_path)
        first, second = (decided(f"33112720261122000{n}") for n in (1, 2))
        for case in (first, second):
            lodge(world, case, "test")
            drain(world)
            make_due(world, "shipment.seal")
            drain(world)
        assert len(orders(url)) == 2
        with restored(world, path, server_url) as again:
            for case in (second, first):
                lodge(again, case, "test")
            look(again, drain)
            rest.all_sent(again, "clerk")
            look(again, drain)
            make_due(again, "shipment.seal")
            for _ in range(8):
                look(again, drain)
            assert (only(again).stage, entries(again)) == ("in_doubt", [Reason.BOOKING_IN_DOUBT])
            assert "合封内容未必相同" in details(again, Reason.BOOKING_IN_DOUBT)[0]
            assert len(orders(url)) == 2


def test_numbers_of_a_segment_wait_until_a_person_has_read_the_last_label(post, drain, decided, tmp_path, server_url):
    segment = [f"7300000000{n:02}" for n in range(1, 7)]
    world = with_settings(replace(express(calm(post.world)), vault=Vault(KEYS)), job_retry_cap=HOUR)
    lodge(world, decided("331127202611229999", hold="先不寄"), "test")
    clear(world, "食品经营许可", "景法审〔2026〕3号", "legal")
    set_route(world, "", "食品经营许可", "zto", "clerk")
    add_numbers(world, "zto", segment, "clerk")
    path = back_up(world.sessions.kw["bind"], world.vault, tmp_path)
    for n in (1, 2):
        lodge(world, case_of(decided, n), "test")
    run_due(world, "case.gather")
    run_due(world, "shipment.book@zto")
    before = ours_by_order(world)
    assert sorted(before.values()) == segment[:2]
    with restored(world, path, server_url) as again:
        for n in (1, 2, 3):
            lodge(again, case_of(decided, n), "test")
        look(again, drain)
        assert rest.left(again).numbers == {"zto": 6}
        assert rest.tell_numbers(again, "zto", segment[1], "clerk") == (2, 4)
        rest.all_sent(again, "clerk")
        look(again, drain)
        run_due(again, "case.gather")
        run_due(again, "shipment.book@zto")
        run_due(again, "shipment.settle_doubt@zto")
        assert (stages(again), entries(again)) == (["in_doubt"] * 3, [Reason.BOOKING_IN_DOUBT] * 3)
        for shipment in shipments(again):
            if shipment.order_no in before:
                adopt_by_hand(again, shipment.id, before[shipment.order_no], "clerk")
            else:
                confirm_never_placed(again, shipment.id, "clerk")
        run_due(again, "shipment.book@zto")
        assert ours_by_order(again).items() >= before.items()
        assert sorted(numbers(again)) == segment[:3]


def test_who_calls_off_what_may_be_ordered_is_answered_when_that_is_known(post, drain, decided):
    world = with_settings(calm(post.world), job_retry_cap=HOUR)
    lodge(world, case_of(decided, 1), "test")
    run_due(world, "case.gather")
    begin_by_hand(world, "clerk")
    assert call_off(world, only(world).id, "clerk") is Stage.IN_DOUBT
    with pytest.raises(NotAllowedError, match="结果不明"):
        reroute(world, only(world).id, "ems", "clerk")
    drain(world)
    assert only(world).stage == "cancelling"
    assert httpx2.get(f"{post.url}/books").json()["live"] == 1
    rest.finish(world, "clerk", accept="演练")
    drain(world)
    assert (only(world).stage, httpx2.get(f"{post.url}/books").json()["live"]) == ("cancelled", 0)


def test_the_look_through_goes_on_where_it_was_killed(post, drain, decided):
    world = with_settings(calm(post.world), job_retry_cap=HOUR)
    for n in (1, 2):
        lodge(world, case_of(decided, n), "test")
    run_due(world, "case.gather")
    begin_by_hand(world, "clerk")
    with world.begin() as session:
        assert (
            session.scalar(text("SELECT subject FROM jobs WHERE name = :name"), {"name": LOOK_THROUGH}) == EVERYTHING
        )
    sql(world, "UPDATE restores SET looked_through_at = NULL")
    look(world, drain)
    assert (stages(world), len(orders(post.url))) == (["booked"] * 2, 2)
    print_all(world)
    assert stages(world) == ["printed"] * 2  # what has its number goes on
