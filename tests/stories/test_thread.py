"""The thinnest thread through the whole road."""

import httpx2

from dispatch.approval.lodge import lodge
from dispatch.journey import Stage
from dispatch.label.print_sheets import print_sheets, to_print
from dispatch.label.sheet import SheetSize
from dispatch.packing.hand_over import hand_over, not_collected, posting_list
from dispatch.packing.pack import pack, to_pack
from dispatch.shipment import at_stage


def test_a_decided_case_is_booked_printed_packed_and_handed_over(post, drain, decided):
    world = post.world
    lodge(world, decided(), "test")
    drain(world)
    with world.reading() as session:
        assert len(at_stage(session, [Stage.BOOKED])) == 1
        chosen = to_print(session)
    assert print_sheets(world, chosen, SheetSize.TWO_PART, "clerk").startswith(b"%PDF")
    with world.reading() as session:
        [(code, number)] = to_pack(session)
    assert pack(world, code, number, "clerk").complete
    number = hand_over(world, "ems", "clerk")
    assert posting_list(world, number).startswith(b"%PDF")
    with world.reading() as session:
        waiting = not_collected(session, "ems")
    books = httpx2.get(f"{post.url}/books").json()
    assert [order["waybill_no"] for order in books["orders"]] == waiting
