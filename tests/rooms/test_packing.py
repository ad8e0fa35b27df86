"""Packing and handing over: the right paper in the right envelope, each envelope on one list."""

import pytest
from road_steps import at_once, do, entries, only, phone, print_all, shipments
from sqlalchemy import select, text

from dispatch.approval.lodge import lodge
from dispatch.errors import NotAllowedError, NotFoundError, ZhuandiError
from dispatch.journey import Act
from dispatch.packing.hand_over import HandOver, HandOverLine, hand_over, not_collected
from dispatch.packing.pack import pack, to_pack, unpack

CASES = [f"33112720261122{number:04}" for number in range(12)]
TWO = {"documents": [{"name": "许可证"}, {"name": "附件"}]}


@pytest.fixture
def booked(post, drain, decided):
    """So many letters, each of one person, booked and not yet printed."""

    def book(count: int, **fields: object):
        for number in range(count):
            lodge(post.world, decided(CASES[number], slip=phone(1, number), **fields), "test")
        drain(post.world)
        assert entries(post.world) == []
        return post.world

    return book


def pairs(world):
    with world.begin() as session:
        return to_pack(session)


def test_the_right_pair_is_packed_and_the_same_pair_again_changes_nothing(booked):
    world = booked(1)
    print_all(world)
    [(code, number)] = pairs(world)
    assert pack(world, code, number, "clerk").complete
    first = moves(world)
    assert pack(world, code, number, "clerk").complete
    assert (only(world).stage, moves(world)) == ("packed", first)


def moves(world):
    with world.begin() as session:
        return session.execute(text("SELECT count(*), max(at) FROM moves")).one()


def test_the_wrong_paper_is_refused_and_the_clerk_is_told_where_it_belongs(booked):
    world = booked(2)
    print_all(world)
    (mine, my_number), (other, right_number) = pairs(world)
    with pytest.raises(NotAllowedError, match=right_number):
        pack(world, other, my_number, "clerk")
    assert [shipment.stage for shipment in shipments(world)] == ["printed", "printed"]
    assert pack(world, mine, my_number, "clerk").complete


def test_a_paper_without_a_waybill_of_its_own_is_refused_too(booked, decided):
    world = booked(1)
    lodge(world, decided(CASES[5]), "test")
    print_all(world)
    [(_, number)] = pairs(world)
    with pytest.raises(NotAllowedError, match="还没有运单"):
        pack(world, f"{CASES[5]}-1", number, "clerk")


@pytest.mark.parametrize("code", ["", "331127202611229999", "331127202611220000-2", "'; DROP TABLE documents; --"])
def test_a_code_that_is_no_documents_is_not_found(booked, code):
    world = booked(1)
    print_all(world)
    [(_, number)] = pairs(world)
    with pytest.raises(NotFoundError):
        pack(world, code, number, "clerk")


def test_a_waybill_that_nobody_has_is_not_found(booked):
    world = booked(1)
    print_all(world)
    [(code, number)] = pairs(world)
    for unknown in ("", "1100000009999", number[:-1], code):
        with pytest.raises(NotFoundError):
            pack(world, code, unknown, "clerk")


def test_nothing_is_packed_before_its_sheet_is_printed(booked):
    world = booked(1)
    with world.begin() as session:
        number = session.scalar(text("SELECT number FROM waybills"))
    with pytest.raises(NotAllowedError, match="打单"):
        pack(world, f"{CASES[0]}-1", number, "clerk")
    assert only(world).stage == "booked"


def test_an_envelope_with_a_paper_missing_is_not_complete_and_is_not_handed_over(booked):
    world = booked(1, **TWO)
    print_all(world)
    (first, number), (second, _) = pairs(world)
    assert pack(world, first, number, "clerk").missing == (second,)
    assert pack(world, first, number, "clerk").missing == (second,)
    with pytest.raises(NotFoundError):
        hand_over(world, "ems", "clerk")
    assert pack(world, second, number, "clerk").complete


def test_an_opened_envelope_must_be_scanned_whole_again(booked):
    world = booked(1, **TWO)
    print_all(world)
    scanned = pairs(world)
    for code, number in scanned:
        pack(world, code, number, "clerk")
    unpack(world, number, "clerk")
    assert (only(world).stage, pairs(world)) == ("printed", scanned)
    with pytest.raises(NotFoundError):
        hand_over(world, "ems", "clerk")
    with pytest.raises(NotAllowedError):
        unpack(world, number, "clerk")


def test_what_was_handed_over_is_not_opened_packed_or_handed_over_again(booked):
    world = booked(1)
    print_all(world)
    [(code, number)] = pairs(world)
    pack(world, code, number, "clerk")
    hand_over(world, "ems", "clerk")
    with pytest.raises(NotFoundError):
        hand_over(world, "ems", "clerk")
    with pytest.raises(NotAllowedError):
        pack(world, code, number, "clerk")
    with pytest.raises(NotAllowedError):
        unpack(world, number, "clerk")
    with world.begin() as session:
        assert not_collected(session, "ems") == [number]


def packed(world):
    print_all(world)
    for code, number in pairs(world):
        pack(world, code, number, "clerk")


def lists(world):
    """Posting list number → its envelopes."""
    query = select(HandOver.number, HandOverLine.shipment_id).join(HandOverLine)
    with world.begin() as session:
        found: dict[str, list] = {}
        for number, shipment_id in session.execute(query):
            found.setdefault(number, []).append(shipment_id)
        return found


def test_lists_of_one_day_are_numbered_one_after_the_other(booked):
    world = booked(3)
    numbers = []
    for shipment in shipments(world):
        do(world, Act.PRINT, shipment)
        [(code, number)] = pairs(world)
        pack(world, code, number, "clerk")
        numbers.append(hand_over(world, "ems", "clerk"))
    assert [number[-4:] for number in numbers] == ["-001", "-002", "-003"]
    assert sorted(lists(world)) == numbers


def test_two_clerks_who_press_at_once_put_each_envelope_on_one_list_and_one_of_them_finds_nothing(booked):
    world = booked(4)
    packed(world)

    def press() -> str | None:
        try:
            return hand_over(world, "ems", "clerk")
        except NotFoundError:
            return None

    answers = at_once([press] * 6)
    made = [number for number in answers if number]
    assert len(made) == len(set(made)) == len(lists(world)) == 1
    assert len(lists(world)[made[0]]) == 4


def test_clerks_who_pack_and_hand_over_at_once_lose_no_envelope_and_list_none_twice(booked):
    world = booked(8)
    print_all(world)
    waiting = pairs(world)

    def pack_and_press(pair) -> object:
        pack(world, *pair, "clerk")
        try:
            return hand_over(world, "ems", "clerk")
        except NotFoundError:
            return None  # another clerk's press took it along

    answers = [number for number in at_once([lambda pair=pair: pack_and_press(pair) for pair in waiting]) if number]
    found = lists(world)
    assert len(answers) == len(set(answers)) == len(found)
    listed = [shipment_id for lines in found.values() for shipment_id in lines]
    assert sorted(listed) == sorted(shipment.id for shipment in shipments(world))
    assert {shipment.stage for shipment in shipments(world)} == {"handed_over"}


def test_two_scans_of_the_last_two_papers_at_once_complete_the_envelope_once(booked):
    world = booked(1, **TWO)
    print_all(world)
    answers = at_once([lambda pair=pair: pack(world, *pair, "clerk").complete for pair in pairs(world)])
    assert sorted(answers) == [False, True]
    assert only(world).stage == "packed"


def test_an_envelope_is_either_opened_or_handed_over_never_both(booked):
    world = booked(1)
    packed(world)
    with world.begin() as session:
        number = session.scalar(text("SELECT number FROM waybills"))

    def attempt(work) -> bool:
        try:
            work()
        except ZhuandiError:
            return False
        return True

    done = at_once(
        [lambda: attempt(lambda: unpack(world, number, "a")), lambda: attempt(lambda: hand_over(world, "ems", "b"))]
    )
    assert sorted(done) == [False, True]
    assert only(world).stage == ("printed" if done[0] else "handed_over")
    assert len(lists(world)) == int(done[1])


def test_papers_that_carry_only_the_case_number_are_scanned_one_after_another(booked):
    world = booked(1)
    print_all(world)
    [(_, number)] = pairs(world)
    assert pack(world, CASES[0], number, "clerk").complete
    assert pack(world, CASES[0], number, "clerk").complete
