"""Packing at the counter: what was scanned is recognised, the wrong pair stops everything, nothing is bound twice."""

import pytest
from sqlalchemy import text

from dispatch.approval.lodge import lodge
from dispatch.audit import verify
from dispatch.errors import NotFoundError
from dispatch.journey import Act
from dispatch.label.pages import tracking_url
from dispatch.packing.pack import WrongPairError, pack, to_pack, unpack
from dispatch.packing.scan import clean_scan, scan
from dispatch.queues.queue import Scope
from dispatch.shipment import act, at_stage, lock
from dispatch.staff.role import Role
from dispatch.waybill import live_waybill, void_waybill
from tests.rooms.on_the_road import Road
from tests.rooms.road_steps import with_settings

TWO = {"documents": [{"name": "许可证"}, {"name": "附件"}]}
OTHERS = "县公安局"


@pytest.fixture
def printed(post, drain, decided):
    """So many letters, printed; pairs of document and waybill."""

    def make(count: int = 1, first: int = 0, **fields: object):
        for number in range(first, first + count):
            slip = {"phone": f"139{number:08}"}
            lodge(post.world, decided(f"33112720261122{number:04}", slip=slip, **fields), "test")
        drain(post.world)
        with post.world.begin() as session:
            for shipment in at_stage(session, ["booked"]):
                act(post.world, session, lock(session, shipment.id), Act.PRINT)
        with post.world.reading() as session:
            return to_pack(session)

    return make


def stages(world) -> list[str]:
    with world.reading() as session:
        return list(session.scalars(text("SELECT stage FROM shipments ORDER BY created_at, id")))


def test_paper_first_or_waybill_first_both_are_recognised(world, printed):
    (one, first), (two, second) = printed(2)
    step = scan(world, one, "li.na")
    assert (step.paper, step.waybill, step.envelope.waybill_no) == (one, "", first)
    assert scan(world, first, "li.na", paper=step.paper).envelope.packed
    step = scan(world, second, "li.na")
    assert (step.paper, step.waybill) == ("", second)
    assert scan(world, two, "li.na", waybill=step.waybill).envelope.packed
    assert stages(world) == ["packed", "packed"]
    assert verify(world).sound


def test_an_envelope_of_two_papers_stays_open_until_both_lie_in_it(world, printed):
    (one, number), (two, _) = printed(1, **TWO)
    step = scan(world, number, "li.na", paper=one)
    assert (step.waybill, step.envelope.packed) == (number, False)
    again = scan(world, one, "li.na", waybill=step.waybill)
    assert (again.again, again.waybill) == (True, number)
    last = scan(world, two, "li.na", waybill=step.waybill)
    assert (last.waybill, last.envelope.packed) == ("", True)


def test_a_paper_that_lies_in_another_envelope_is_not_bound_a_second_time(world, printed):
    (one, first), (_, second) = printed(2)
    pack(world, one, first, "li.na")
    with pytest.raises(WrongPairError, match=f"已经装入运单 {first}"):
        pack(world, one, second, "li.na")
    assert sorted(stages(world)) == ["packed", "printed"]


@pytest.mark.parametrize(
    "typed", ["３３１１２７２０２６１１２２００００", " 331127202611220000\r\n", "~331127202611220000"]
)
def test_full_width_digits_spaces_and_the_scanners_prefix_are_no_other_number(world, typed):
    prefixed = world.settings.model_copy(update={"scan_prefix": "~"})
    object.__setattr__(world, "settings", prefixed)
    assert clean_scan(world, typed) == "331127202611220000"


def test_the_qr_code_of_a_sheet_is_as_good_as_its_barcode_until_the_sheet_is_void(world, printed):
    [(code, number)] = printed(1)
    with world.begin() as session:
        [shipment] = at_stage(session, ["printed"])
        link = tracking_url(world, live_waybill(session, shipment.id))
    assert scan(world, link, "li.na", paper=code).envelope.packed
    unpack(world, number, "li.na")
    with world.begin() as session:
        void_waybill(world, session, lock(session, shipment.id))
    with pytest.raises(NotFoundError, match="已作废"):
        scan(world, link, "li.na")


def test_a_qr_code_of_somebody_elses_is_no_waybill(world):
    for link in ("https://ems.example/t/", "http://127.0.0.1/t/AAAA", f"https://x.example/t/{'A' * 26}"):
        with pytest.raises(NotFoundError, match="二维码"):
            scan(world, link, "li.na")


@pytest.fixture
def shared(post, decided, drain):
    """One envelope with a paper of each of two departments; its number, and both codes."""
    waiting = with_settings(post.world, item_grouping=post.world.settings.case_patience)
    lodge(waiting, decided("331127202611220000", department=OTHERS), "test")
    lodge(waiting, decided("331127202611220001", department="县民政局"), "test")
    drain(waiting)
    Road(waiting, drain).seal_envelopes()
    with waiting.begin() as session:
        [shipment] = at_stage(session, ["booked"])
        act(waiting, session, lock(session, shipment.id), Act.PRINT)
    with waiting.reading() as session:
        [(ours, number), (theirs, _)] = to_pack(session)
    return number, ours, theirs


@pytest.mark.parametrize("paper", ["331127202611220001-1", "331127202611220001"])
def test_papers_of_two_departments_in_one_envelope_are_packed_by_whoever_has_one_of_them(
    world, shared, person, paper
):
    """Recipients share envelopes, and no other clerk would come for the rest of it."""
    number, ours, _ = shared
    clerk = person(Role.DISPATCH, "police", [OTHERS])
    page = clerk.post("/console/pack/scan", {"scan": number}).text
    assert "另一部门的 1 份" in page
    assert "331127202611220001" not in page
    assert clerk.post("/console/pack/scan", {"scan": ours, "waybill": number}).status_code == 200
    done = clerk.post("/console/pack/scan", {"scan": paper, "waybill": number})
    assert (done.status_code, "内件齐全" in done.text) == (200, True)
    assert stages(world) == ["packed"]


def test_the_queue_says_that_something_of_another_department_lies_there_and_leads_nowhere(shared, person):
    clerk = person(Role.DISPATCH, "police", [OTHERS])
    page = clerk.get("/console/queue/to_pack").text
    assert "另一部门的 1 份" in page
    assert "331127202611220001" not in page
    assert "另一部门" not in person(Role.DISPATCH).get("/console/queue/to_pack").text


@pytest.mark.parametrize("by_hand", [True, False])
def test_another_departments_paper_stops_whoever_packs_it_and_nothing_of_it_is_told(world, printed, person, by_hand):
    [(_, first)] = printed(1, department=OTHERS)
    (theirs, second) = printed(1, first=1, department="县民政局")[-1]
    clerk = person(Role.DISPATCH, "police", [OTHERS])
    if by_hand:
        stopped = clerk.post("/console/pack/pair", {"paper": theirs, "waybill": first})
    else:
        stopped = clerk.post("/console/pack/scan", {"scan": theirs, "waybill": first})
    assert (stopped.status_code, "data-stop" in stopped.text, "是其他部门的" in stopped.text) == (409, True, True)
    assert second not in stopped.text
    assert stages(world) == ["printed", "printed"]
    assert clerk.post("/console/pack/scan", {"scan": "no-such", "waybill": first}).status_code == 404


def test_the_wrong_pair_stops_the_page_and_the_open_envelope_stays_open(world, printed, person):
    (_, first), (two, _) = printed(2)
    clerk = person(Role.DISPATCH)
    answer = clerk.post("/console/pack/scan", {"scan": two, "waybill": first})
    assert answer.status_code == 409
    assert "data-stop" in answer.text
    assert f'name="waybill" value="{first}"' in answer.text
    assert stages(world) == ["printed", "printed"]


def test_a_part_is_answered_where_the_script_asks_and_a_page_where_a_form_does(printed, person):
    [(one, number)] = printed()
    clerk = person(Role.DISPATCH)
    page = clerk.post("/console/pack/pair", {"paper": number, "waybill": one})  # the other way round
    assert (page.status_code, "可以封口" in page.text, "<html" in page.text) == (200, True, True)
    headers = {"Origin": "http://testserver", "HX-Request": "true"}
    part = clerk.browser.post("/console/pack/scan", data={"csrf": clerk.csrf, "scan": one}, headers=headers)
    assert (part.status_code, "<html" in part.text) == (200, False)


def test_what_was_sealed_can_be_opened_and_scanned_anew(world, printed, person):
    [(one, number)] = printed()
    clerk = person(Role.DISPATCH)
    clerk.post("/console/pack/pair", {"paper": one, "waybill": number})
    assert clerk.post("/console/pack/unpack", {"waybill": number}).status_code == 200
    assert stages(world) == ["printed"]


def test_another_departments_envelope_is_not_there(world, printed, person):
    [(one, number)] = printed()
    stranger = person(Role.DISPATCH, "stranger", [OTHERS])
    for scanned in (one, number):
        assert stranger.post("/console/pack/scan", {"scan": scanned}).status_code == 404
    assert stranger.post("/console/pack/unpack", {"waybill": number}).status_code == 404
    assert stranger.post("/console/pack/scan", {"scan": one, "waybill": number}).status_code == 404
    assert stages(world) == ["printed"]


def test_the_posts_clerk_packs_what_lies_on_the_desk_and_reaches_nothing_that_has_left(world, printed):
    [(one, number)] = printed()
    here = Scope(today_only=True).within()
    assert scan(world, number, "post", within=here, paper=one).envelope.packed
    with world.begin() as session:
        [shipment] = at_stage(session, ["packed"])
        act(world, session, lock(session, shipment.id), Act.HAND_OVER)
    with pytest.raises(NotFoundError):
        scan(world, number, "post", within=here)


def test_who_may_not_pack_does_not(person):
    assert person(Role.WINDOW).get("/console/pack").status_code == 403
