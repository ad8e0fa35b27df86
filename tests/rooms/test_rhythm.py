"""A push is never trusted to be the only news: silence is asked after, and what only asking found is counted."""

from dataclasses import replace
from datetime import timedelta

from road_steps import books, make_due, numbers, on_the_way, push, raw_push, shipments, with_settings
from sqlalchemy import delete, select

from dispatch.carrier import Knock
from dispatch.hall_time import hall_time
from dispatch.journey import View
from dispatch.shipment import WATCH, Move
from dispatch.tracking.orphans import Why, orphans, read_bill
from dispatch.tracking.rhythm import LEARN, Rhythm, shares, silence
from dispatch.tracking.sighting import ASKED, keep_all, sighting
from dispatch.wiring import now
from workers.clock import leave_standing
from workers.run import run_due

HOUR = timedelta(hours=1)


def questions(world):
    with world.begin() as session:
        return (
            session.connection()
            .exec_driver_sql("SELECT count(*) FROM carrier_calls WHERE operation = '040001'")
            .scalar()
        )


def look(world, drain):
    make_due(world, WATCH)
    drain(world)


def test_a_carrier_that_is_silent_for_longer_than_usual_is_asked_and_not_before(post, drain, decided):
    world = with_settings(post.world, rhythm={View.HANDED_OVER: 2 * HOUR}, after_asking=HOUR)
    on_the_way(world, drain, decided())
    look(world, drain)
    assert questions(world) == 0
    later = replace(world, now=lambda: now() + 3 * HOUR)
    look(later, drain)
    assert questions(world) == 1
    look(later, drain)
    assert questions(world) == 1  # it was asked: the next silence begins with that


def test_learned_medians_replace_the_settings_only_where_there_are_enough(post, drain, decided):
    world = post.world
    shipment = on_the_way(world, drain, decided())
    usual = world.settings.rhythm[View.HANDED_OVER]
    with world.begin() as session:
        row = Rhythm(
            carrier="ems", direction="outbound", view="handed_over", median=HOUR, passages=29, learned_at=now()
        )
        session.add(row)
        session.flush()
        assert silence(world, session, shipment) == usual
        row.passages = 30
        session.flush()
        assert silence(world, session, shipment) == 2 * HOUR


def test_medians_are_learned_from_how_long_news_really_took(post, drain, decided):
    world = post.world
    on_the_way(world, drain, decided())
    push(world, raw_push(world, numbers(world)[0], "203", now()))
    drain(world)
    leave_standing(world)
    leave_standing(world)  # a clock that starts anew leaves nothing twice
    run_due(world, LEARN)
    with world.begin() as session:
        learned = session.get(Rhythm, ("ems", "outbound", "handed_over"))
        assert learned.passages == 1
        assert learned.median > timedelta(0)


def test_a_passage_lasts_until_the_next_news_and_what_came_at_the_same_moment_is_not_after_it(post, drain, decided):
    """A desk's move between two news ends no passage, and the last place has no end."""
    world = with_settings(post.world, rhythm={View.HANDED_OVER: HOUR, View.IN_TRANSIT: HOUR, View.TO_PACK: HOUR})
    shipment = on_the_way(world, drain, decided())
    told = [
        ("handed_over", 0, "desk:hand_over"),
        ("to_pack", 0, "news:a"),
        ("in_transit", 2, "desk:note"),
        ("in_transit", 5, "news:b"),
        ("in_transit", 9, "news:c"),
    ]
    begun = now() - timedelta(days=3)
    with world.begin() as session:
        session.execute(delete(Move).where(Move.shipment_id == shipment.id))
        for after, hours, cause in told:
            at = begun + hours * HOUR
            session.add(Move(shipment_id=shipment.id, before="to_print", after=after, at=at, cause=cause, by="x"))
        old = now() - timedelta(days=91)
        session.add(
            Move(shipment_id=shipment.id, before="to_print", after="to_pack", at=old, cause="news:old", by="x")
        )
    leave_standing(world)
    run_due(world, LEARN)
    with world.reading() as session:
        learned = {row.view: (row.median, row.passages) for row in session.scalars(select(Rhythm))}
    assert learned == {"handed_over": (5 * HOUR, 1), "to_pack": (5 * HOUR, 1), "in_transit": (3.5 * HOUR, 2)}


def test_news_that_only_asking_found_is_counted_and_a_push_that_comes_later_takes_it_back(post, drain, decided):
    world = post.world
    on_the_way(world, drain, decided())
    number, at = numbers(world)[0], now().replace(microsecond=0)
    raw = raw_push(world, number, "203", at)
    told = world.carriers["ems"].read_push(world.carriers["ems"].vouch(Knock(raw)).body)[0]
    with world.begin() as session:
        keep_all(session, [sighting(world, "ems", told, ASKED, shipments(world)[0].id)])
    assert [(one.facts, one.only_asked) for one in counted(world)] == [(1, 1)]
    push(world, raw)
    drain(world)
    assert [(one.facts, one.only_asked) for one in counted(world)] == [(1, 0)]


def counted(world):
    with world.reading() as session:
        return shares(session, now() - timedelta(days=1))


def test_what_a_carrier_bills_and_we_do_not_know_is_listed(post, drain, decided):
    world = post.world
    on_the_way(world, drain, decided())
    number = numbers(world)[0]
    push(world, raw_push(world, "1100000099999", "203", now()))
    for _ in range(3):
        make_due(world, "push.read")
        drain(world)
    bill = f"账单 {hall_time(now())}\n序号,邮件号,资费\n1,{number},12.00\n2,1100000088888,12.00\n".encode("gb18030")
    billed = read_bill(bill, "账单.csv")
    assert billed == [number, "1100000088888"]
    with world.reading() as session:
        found = orphans(session, "ems", billed)
    assert [(one.number, one.why) for one in found] == [
        ("1100000088888", Why.UNKNOWN),
        ("1100000099999", Why.NOBODYS_NEWS),
    ]
    assert books(post)["bookings"] == 1
