"""撤销寄递、作废换单、放行 from the page of a case: whatever pages tell a clerk to do first can be done there."""

import re

import pytest
from sqlalchemy import select

from dispatch.approval.amend_slip import Wanted, amend_slip
from dispatch.approval.case import CaseSlip
from dispatch.approval.lodge import lodge
from dispatch.approval.release import hold, set_policy
from dispatch.booking.order import recipient
from dispatch.errors import ConflictError, NotFoundError
from dispatch.journey import Act, Stage
from dispatch.label.pages import tracking_url
from dispatch.packing.collection import open_collection, scan_out
from dispatch.packing.pack import pack, to_pack
from dispatch.packing.scan import scan
from dispatch.shipment import Shipment, act, at_stage, lock
from dispatch.staff.role import Role
from dispatch.waybill import live_waybill
from tests.rooms.road_steps import books

CASE, SECOND = "331127202611220001", "331127202611220002"
OTHER = "县人力资源和社会保障局"
AT = f"/console/case/{CASE}"


def envelopes(world) -> list[Shipment]:
    with world.reading() as session:
        return list(session.scalars(select(Shipment).order_by(Shipment.created_at)))


def label(world, shipment: Shipment) -> tuple[str, str]:
    """The number on its sheet, and what its QR code says."""
    with world.reading() as session:
        waybill = live_waybill(session, shipment.id)
        return waybill.number, tracking_url(world, waybill)


def to(world, *deeds: Act) -> None:
    with world.begin() as session:
        for deed in deeds:
            for shipment in at_stage(session, ["booked", "printed", "packed"]):
                act(world, session, lock(session, shipment.id), deed)


def acts_at(page: str) -> set[str]:
    """What the page offers to do to its envelopes."""
    return set(re.findall(r'<form method="post" action="[^"]+/envelope/[0-9a-f-]+/([a-z-]+)"', page))


def url_of(page: str, deed: str) -> str:
    return re.search(rf'<form method="post" action="([^"]+/envelope/[0-9a-f-]+/{deed})"', page)[1]


def mark_in(page: str) -> str:
    return re.search(r'name="shown" value="([^"]+)"', page)[1]


@pytest.fixture
def printed(post, decided, drain):
    """A label lies on the desk, the paper beside it."""
    lodge(post.world, decided(CASE), "test")
    drain(post.world)
    to(post.world, Act.PRINT)
    return post


def test_another_address_told_by_telephone_before_the_postman_comes(printed, drain, person):
    """Call off, correct the slip, let go again; the old sheet is accepted nowhere."""
    world, clerk = printed.world, person(Role.DISPATCH)
    [first] = envelopes(world)
    number, code = label(world, first)
    new = {"detail": "鹤溪街道人民中路9号", "phone": "13900000777"}
    with pytest.raises(ConflictError, match="请先撤销寄递（办件页“邮件”一栏）"):
        amend_slip(world, CASE, Wanted(**new), "li.na")
    page = clerk.get(AT).text
    assert acts_at(page) == {"call-off", "relabel"}
    assert clerk.post(url_of(page, "call-off"), {"shown": mark_in(page)}).status_code == 303
    page = clerk.get(AT).text
    assert ("正在撤销寄递" in page, acts_at(page)) == (True, set())
    with pytest.raises(ConflictError, match="请等撤成"):
        amend_slip(world, CASE, Wanted(**new), "li.na")
    drain(world)
    assert (envelopes(world)[0].stage, books(printed)["live"]) == ("cancelled", 0)
    page = clerk.get(AT).text
    assert ("正在撤销寄递" in page, acts_at(page)) == (False, set())
    amend_slip(world, CASE, Wanted(**new), "li.na")
    assert clerk.post(f"{AT}/lift", {"shown": mark_in(clerk.get(AT).text)}).status_code == 303
    drain(world)
    second = envelopes(world)[1]
    assert (second.stage, books(printed)["live"]) == ("booked", 1)
    with world.reading() as session:
        told = recipient(world, session.get_one(CaseSlip, second.slip_id))
    assert (told.phone, told.address.endswith(new["detail"])) == (new["phone"], True)
    to(world, Act.PRINT)
    for old in (number, code):
        with pytest.raises(NotFoundError):
            scan(world, old, "li.na", paper=f"{CASE}-1")
    with pytest.raises(NotFoundError):
        pack(world, f"{CASE}-1", number, "li.na")
    assert pack(world, f"{CASE}-1", label(world, second)[0], "li.na").complete
    open_collection(world, "ems", "li.na")
    with pytest.raises(NotFoundError):
        scan_out(world, "ems", number, "li.na")
    assert not scan_out(world, "ems", label(world, second)[0], "li.na").again


def test_a_waybill_is_exchanged_for_another(printed, drain, person):
    world, clerk = printed.world, person(Role.DISPATCH)
    [shipment] = envelopes(world)
    number, _ = label(world, shipment)
    page = clerk.get(AT).text
    assert clerk.post(url_of(page, "relabel"), {"shown": mark_in(page)}).status_code == 303
    drain(world)
    [shipment] = envelopes(world)
    assert (shipment.stage, label(world, shipment)[0] == number, books(printed)["live"]) == ("booked", False, 1)


def test_what_is_packed_is_opened_first_and_the_page_says_so(printed, person):
    world, clerk = printed.world, person(Role.DISPATCH)
    with world.reading() as session:
        [(code, number)] = to_pack(session)
    pack(world, code, number, "li.na")
    page = clerk.get(AT).text
    assert (acts_at(page), f'href="/console/pack?waybill={number}"' in page) == (set(), True)
    [shipment] = envelopes(world)
    refused = clerk.post(f"{AT}/envelope/{shipment.id}/call-off")
    assert (refused.status_code, "待交寄" in refused.text) == (409, True)
    with pytest.raises(ConflictError, match="拆封"):
        amend_slip(world, CASE, Wanted(phone="13900000777"), "li.na")
    with pytest.raises(ConflictError, match="拆封"):
        hold(world, CASE, "欠费", "li.na")


def test_what_the_postman_has_offers_nothing_and_is_refused(printed, person):
    world, clerk = printed.world, person(Role.DISPATCH)
    to(world, Act.PACK, Act.HAND_OVER)
    assert acts_at(clerk.get(AT).text) == set()
    [shipment] = envelopes(world)
    for deed in ("call-off", "relabel"):
        assert clerk.post(f"{AT}/envelope/{shipment.id}/{deed}").status_code == 409
    assert envelopes(world)[0].stage == Stage.HANDED_OVER


def test_who_comes_second_is_told_and_nothing_is_called_off(printed, person):
    clerk = person(Role.DISPATCH)
    page = clerk.get(AT).text
    to(printed.world, Act.PACK)
    refused = clerk.post(url_of(page, "call-off"), {"shown": mark_in(page)})
    assert (refused.status_code, "有了变化" in refused.text) == (409, True)


def test_only_an_envelope_of_ones_own_case_is_reached(printed, decided, drain, person):
    """Forced browsing: another department's case, and another case's envelope."""
    world = printed.world
    lodge(world, decided(SECOND, department=OTHER, slip={"detail": "鹤溪路2号"}), "test")
    drain(world)
    [mine, theirs] = envelopes(world)
    clerk = person(Role.DISPATCH, departments=["县市场监督管理局"])
    assert clerk.get(AT).status_code == 200
    for deed in ("call-off", "relabel"):
        for case_no, shipment in ((SECOND, theirs), (CASE, theirs), (SECOND, mine)):
            assert clerk.post(f"/console/case/{case_no}/envelope/{shipment.id}/{deed}").status_code == 404
    assert [one.stage for one in envelopes(world)] == ["printed", "booked"]


def test_a_window_clerk_calls_off_and_leaves_releasing_to_the_dispatch_clerk(printed, person):
    clerk = person(Role.WINDOW)
    page = clerk.get(AT).text
    assert acts_at(page) == {"call-off"}
    [shipment] = envelopes(printed.world)
    assert clerk.post(f"{AT}/envelope/{shipment.id}/relabel").status_code == 403
    assert clerk.post(f"{AT}/release").status_code == 403
    assert acts_at(person(Role.SUPERVISOR).get(AT).text) == set()


def test_a_case_that_waits_for_its_release_is_let_go_on_its_page(post, decided, drain, person):
    world, clerk = post.world, person(Role.DISPATCH)
    lodge(world, decided(CASE), "test")
    set_policy(world, "食品经营许可", "when_released", None)
    drain(world)
    assert envelopes(world) == []
    page = clerk.get(AT).text
    assert f'action="{AT}/release"' in page
    assert clerk.post(f"{AT}/release", {"shown": mark_in(page)}).status_code == 303
    drain(world)
    assert len(envelopes(world)) == 1
    assert f'action="{AT}/release"' not in clerk.get(AT).text
