"""Two carriers may give the same number: the paper says which envelope is meant, or the clerk does."""

from dataclasses import replace

import pytest
from road_steps import at_once, numbers, print_all, shipments, sql

from dispatch.accounts import Kuaidi100Account, TrackedCarrier
from dispatch.approval.carriage import clear
from dispatch.approval.lodge import lodge
from dispatch.booking.allot import add_numbers
from dispatch.booking.route import set_route
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.packing.pack import pack, unpack
from dispatch.posts.kuaidi100.account import Kuaidi100
from dispatch.posts.tracked import Tracked
from workers.run import run_due

NUMBER, OTHER = "730000000001", "730000000002"
ZTO, YTO, ELSEWHERE = "331127202611220001", "331127202611220002", "331127202611220003"
PAPERS = {"documents": [{"name": "许可证"}, {"name": "附件"}]}


@pytest.fixture
def twins(world, decided):
    """Two printed letters with one number, of two companies; and a third with a number of its own."""
    account = Kuaidi100Account(query_endpoint="http://127.0.0.1:9/", per_second=10_000)
    tracker = Kuaidi100(account, world.carriers["ems"].line, {})
    companies = {
        name: Tracked(name, TrackedCarrier(title=title, tracker="kuaidi100", code=name), tracker)
        for name, title in (("zto", "中通快递"), ("yto", "圆通速递"))
    }
    world = replace(world, carriers={**world.carriers, **companies})
    for case, carrier, number in ((ZTO, "zto", NUMBER), (YTO, "yto", NUMBER), (ELSEWHERE, "zto", OTHER)):
        item = f"由{carrier}寄的事项"
        add_numbers(world, carrier, [number], "clerk")
        lodge(world, decided(case, item_name=item, slip={"detail": f"团结西路{case}号"}, **PAPERS), "test")
        clear(world, item, "景法审〔2026〕3号", "legal")
        set_route(world, "", item, carrier, "clerk")
        run_due(world, "case.gather")
        run_due(world, f"shipment.book@{carrier}")
    assert sorted(numbers(world)) == [NUMBER, NUMBER, OTHER]
    print_all(world)
    return world


def stage(world, carrier):
    """Of the letter with the number that two have."""
    first, second, _ = shipments(world)
    return {first.carrier: first, second.carrier: second}[carrier].stage


def pack_both(world):
    for case in (ZTO, YTO):
        for paper in (f"{case}-1", f"{case}-2"):
            pack(world, paper, NUMBER, "clerk")


@pytest.mark.parametrize(("mine", "case", "other"), [("zto", ZTO, "yto"), ("yto", YTO, "zto")])
def test_a_paper_goes_into_the_letter_that_holds_it_and_never_into_its_namesake(twins, mine, case, other):
    assert pack(twins, f"{case}-1", NUMBER, "clerk").missing == (f"{case}-2",)
    assert pack(twins, case, NUMBER, "clerk").complete  # by the number of its case, which is on the paper as well
    assert (stage(twins, mine), stage(twins, other)) == ("packed", "printed")


def test_papers_of_both_that_are_scanned_at_once_complete_both(twins):
    scans = [(f"{case}-{n}", NUMBER) for case in (ZTO, YTO) for n in (1, 2)]
    at_once([lambda pair=pair: pack(twins, *pair, "clerk") for pair in scans])
    assert (stage(twins, "zto"), stage(twins, "yto")) == ("packed", "packed")


def test_a_paper_of_neither_is_refused_and_the_clerk_is_told_where_it_belongs(twins):
    with pytest.raises(NotAllowedError, match=f"装错了.*{OTHER}"):
        pack(twins, f"{ELSEWHERE}-1", NUMBER, "clerk")
    with pytest.raises(NotFoundError):
        pack(twins, "331127202611229999", NUMBER, "clerk")
    assert (stage(twins, "zto"), stage(twins, "yto")) == ("printed", "printed")


def test_a_case_that_has_papers_in_both_is_scanned_by_the_papers_own_codes(twins):
    sql(
        twins,
        "UPDATE contents SET shipment_id = (SELECT id FROM shipments WHERE carrier = 'yto')"
        " WHERE document_id = (SELECT id FROM documents WHERE code = :code)",
        code=f"{ZTO}-2",
    )
    with pytest.raises(NotAllowedError, match="自己的编码"):
        pack(twins, ZTO, NUMBER, "clerk")
    assert pack(twins, f"{ZTO}-1", NUMBER, "clerk").complete


def test_which_of_two_is_opened_must_be_said(twins):
    pack_both(twins)
    with pytest.raises(NotAllowedError, match=r"圆通速递（yto）、中通快递（zto）.*请写明寄递企业"):
        unpack(twins, NUMBER, "clerk")
    unpack(twins, NUMBER, "clerk", "yto")
    assert (stage(twins, "zto"), stage(twins, "yto")) == ("packed", "printed")


def test_a_number_that_one_carrier_has_needs_no_name_and_a_wrong_name_opens_nothing(twins):
    for paper in (f"{ELSEWHERE}-1", f"{ELSEWHERE}-2"):
        pack(twins, paper, OTHER, "clerk")
    for wrong in ("yto", "nobody"):
        with pytest.raises(NotFoundError, match=OTHER):
            unpack(twins, OTHER, "clerk", wrong)
    unpack(twins, OTHER, "clerk")
    assert shipments(twins)[-1].stage == "printed"
