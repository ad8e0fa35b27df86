"""What was scanned out and never left the desk goes back to 待交寄: list, evening and the post's word stay true."""

import io
import re
from datetime import timedelta

import pypdfium2
import pytest
from sqlalchemy import select, text

from dispatch import worklist
from dispatch.api.track_lines import OUR_ACTS, UNDONE
from dispatch.api.track_record import records
from dispatch.api.track_view import read_record
from dispatch.audit import verify
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.hall_time import SHANGHAI
from dispatch.jobs import leave
from dispatch.packing.collection import close_collection, open_collection, scan_all_out, scan_out
from dispatch.packing.hand_over import hand_over, posting_list
from dispatch.packing.put_back import put_back
from dispatch.packing.sign_list import lists_of, sign_list
from dispatch.staff.role import Role
from dispatch.tracking.collected import CHECK, EVENING, compare
from dispatch.waybill import live_waybill
from dispatch.worklist import Entry, Reason
from dispatch.zero_visits.at_window import pull
from dispatch.zero_visits.put_right.remedy import Remedy
from dispatch.zero_visits.put_right.solve import Told, solve
from dispatch.zero_visits.settle import number_of
from dispatch.zero_visits.story import Kind, story
from tests.console.test_hand_over_page import signature
from tests.rooms.on_the_road import CLERK, Road
from workers.run import run_due


@pytest.fixture
def road(post, drain, decided):
    """Two letters on one posting list, of which the post has told nothing."""
    road = Road(post.world, drain)
    road.hand_over(decided("A"), decided("B", slip={"detail": "鹤溪路2号"}))
    return road


def today(world):
    return world.now().astimezone(SHANGHAI).date()


def the_list(world):
    """The only list of today."""
    [made] = lists_of(world, today(world))
    return made


def printed(world, number: str) -> str:
    document = pypdfium2.PdfDocument(io.BytesIO(posting_list(world, number)))
    return "\n".join(document[page].get_textpage().get_text_range() for page in range(len(document)))


def counted(world, number: str) -> set[str]:
    """What its totals say, of both copies."""
    return set(re.findall(r"合计\s*(\d+)", printed(world, number)))


def by_hand(world, case_no: str, road: Road) -> str:
    return put_back(world, road.number(case_no), CLERK)


def test_put_back_it_is_off_the_list_and_the_comparison_and_goes_out_again_on_the_next_list(road):
    """It was stuck: scanned again "已经交寄", and nothing led back from 已交寄."""
    world, number = road.world, the_list(road.world).number
    open_collection(world, "ems", CLERK)
    with pytest.raises(NotAllowedError, match="放回待交寄"):
        scan_out(world, "ems", road.number("A"), CLERK)
    assert by_hand(world, "A", road) == number
    assert (road.shipment("A").stage, road.shipment("B").stage) == ("packed", "handed_over")
    made = the_list(world)
    assert (made.count, made.put_back, made.to_sign) == (1, 1, True)
    assert counted(world, number) == {"1"}
    assert printed(world, number).count("未交出，已放回") == 2  # once in each copy
    assert [row.waybill_no for row in compare(world, today(world))] == [road.number("B")]
    assert not scan_out(world, "ems", road.number("A"), CLERK).again
    again = close_collection(world, "ems", CLERK)
    assert (again.count, again.number != number) == (1, True)
    assert road.shipment("A").stage == "handed_over"
    assert counted(world, number) == {"1"}
    assert verify(world).sound


def test_what_was_signed_for_stays_what_was_signed_for(road):
    world, number = road.world, the_list(road.world).number
    sign_list(world, number, "雷师傅", signature(), CLERK)
    by_hand(world, "A", road)
    made = the_list(world)
    assert (made.count, made.put_back, made.signed_for) == (1, 1, 2)
    assert counted(world, number) == {"2"}
    assert "未交出，已放回" in printed(world, number)


def test_of_a_list_that_is_empty_by_now_nothing_is_signed_for(road):
    world, number = road.world, the_list(road.world).number
    for case_no in ("A", "B"):
        by_hand(world, case_no, road)
    assert (the_list(world).count, the_list(world).to_sign) == (0, False)
    assert counted(world, number) == {"0"}
    with pytest.raises(NotAllowedError, match="都已放回"):
        sign_list(world, number, "雷师傅", signature(), CLERK)


def test_what_the_post_has_told_of_is_not_put_back(road):
    road.tell("A", "203")
    with pytest.raises(NotAllowedError, match="在途"):
        by_hand(road.world, "A", road)
    by_hand(road.world, "B", road)
    with pytest.raises(NotAllowedError, match="待交寄"):  # who comes second
        by_hand(road.world, "B", road)
    assert the_list(road.world).count == 1


def test_news_from_before_it_was_put_back_say_that_it_was_with_the_postman_and_its_line_stands_again(road):
    """In whatever order news and clerk come, it comes to the same; and what is delivered is closed."""
    world, before = road.world, road.world.now()
    by_hand(world, "A", road)
    road.tell("A", "203", at=before - timedelta(minutes=1))
    assert (road.shipment("A").stage, road.shipment("A").tracked) == ("handed_over", "collected")
    assert (the_list(world).count, the_list(world).put_back) == (2, 0)
    road.tell("A", "704", "10")
    assert road.shipment("A").stage == "closed"


def test_news_from_after_it_was_put_back_is_kept_for_its_next_hand_over(road):
    """The next postman may scan it before the clerk has closed the list: it belongs on that list."""
    world = road.world
    by_hand(world, "A", road)
    open_collection(world, "ems", CLERK)
    scan_all_out(world, "ems", CLERK)
    road.tell("A", "203", at=world.now() + timedelta(seconds=1))
    assert (road.shipment("A").stage, road.shipment("A").tracked) == ("packed", "collected")
    assert close_collection(world, "ems", CLERK).count == 1
    assert road.shipment("A").view == "in_transit"


def test_who_opened_it_since_has_had_it_in_hand_whatever_the_post_tells(road):
    world, before = road.world, road.world.now()
    by_hand(world, "A", road)
    pull(world, "A", "wu.min")  # and now the window can have it
    road.tell("A", "203", at=before - timedelta(minutes=1))
    assert road.shipment("A").stage not in {"packed", "handed_over"}


def test_the_window_is_told_how_it_gets_what_lies_on_the_desk(road):
    with pytest.raises(NotAllowedError, match="放回待交寄"):
        pull(road.world, "A", "wu.min")
    road.tell("A", "203")
    with pytest.raises(NotAllowedError, match="联系寄递企业退回"):
        pull(road.world, "A", "wu.min")


def uncollected(road: Road) -> Entry:
    """What the evening's comparison finds, the post having collected B."""
    road.tell("B", "203")
    evening = road.at(road.world.now() + timedelta(days=1)).world
    with evening.begin() as session:
        leave(session, CHECK, EVENING)
    run_due(evening, CHECK)
    with road.world.reading() as session:
        return session.scalars(select(Entry).where(Entry.reason == Reason.NOT_COLLECTED)).one()


def test_what_the_evening_finds_uncollected_has_acts_that_solve_it(road, person):
    """Only 处理完毕 was offered, which moved nothing."""
    found = uncollected(road)
    page = person(Role.DISPATCH).get(f"/console/entry/{number_of(found.id)}").text
    offered = re.findall(r'name="remedy" value="(\w+)"', page)
    assert offered == [Remedy.ASK, Remedy.PUT_BACK, Remedy.LOST, Remedy.SETTLE]
    said = solve(road.world, number_of(found.id), Remedy.PUT_BACK, CLERK, Told())
    assert "放回待交寄" in said
    assert road.shipment("A").stage == "packed"
    with road.world.reading() as session:
        assert session.get_one(Entry, found.id).settled_by == CLERK
        assert worklist.standing(session, road.shipment("A").subject) == []
    told = [line.words for line in story(road.world, "A").lines if line.kind is Kind.POSTING_LIST]
    assert [("列入交寄清单" in one, "放回待交寄" in one) for one in told] == [(True, False), (False, True)]


def test_a_second_hand_over_that_is_not_collected_either_is_shown_again(road):
    found = uncollected(road)
    solve(road.world, number_of(found.id), Remedy.PUT_BACK, CLERK, Told())
    hand_over(road.world, "ems", CLERK)
    evening = road.at(road.world.now() + timedelta(days=1)).world
    with evening.begin() as session:
        leave(session, CHECK, EVENING)
        session.execute(
            text("UPDATE jobs SET next_at = now() WHERE name = :name AND done_at IS NULL"), {"name": CHECK}
        )
    run_due(evening, CHECK)
    with road.world.reading() as session:
        [again] = worklist.standing(session, road.shipment("A").subject)
    assert (again.reason, again.id != found.id) == (Reason.NOT_COLLECTED, True)


def test_at_the_page_it_goes_back_from_the_comparison_or_by_its_number(road, person):
    clerk = person(Role.DISPATCH)
    for case_no, day in (("A", today(road.world).isoformat()), ("B", "")):
        assert "放回待交寄" in clerk.get("/console/hand-over/compare").text
        form = {"waybill": road.number(case_no), "carrier": "ems" if day else "", "day": day}
        assert clerk.post("/console/hand-over/put-back", form).status_code == 303
    assert road.shipment("B").stage == "packed"
    assert clerk.post("/console/hand-over/put-back", form).status_code == 409
    assert "放回 2 件" in clerk.get("/console/hand-over").text
    stranger = person(Role.DISPATCH, "stranger", ["县公安局"])
    assert stranger.post("/console/hand-over/put-back", form).status_code == 404


def test_the_posts_own_clerk_mends_todays_list_alone(road, person):
    clerk = person(Role.POST)
    assert clerk.post("/console/hand-over/put-back", {"waybill": road.number("A")}).status_code == 303
    with road.world.begin() as session:
        session.execute(text("UPDATE hand_overs SET made_at = made_at - interval '1 day'"))
    assert clerk.post("/console/hand-over/put-back", {"waybill": road.number("B")}).status_code == 404
    assert road.shipment("B").stage == "handed_over"
    with pytest.raises(NotFoundError):
        put_back(road.world, "9999999999999", CLERK)


def test_the_applicant_is_not_told_that_the_post_has_it(road):
    world, given = road.world, OUR_ACTS[UNDONE]

    def lines():
        with world.reading() as session:
            token = world.vault.open(live_waybill(session, road.shipment("A").id), "token")
            [record] = records(world, session, [token])
        return [line.words for line in read_record(world, record).lines]

    assert lines().count(given) == 1
    by_hand(world, "A", road)
    assert given not in lines()
    hand_over(world, "ems", CLERK)
    assert lines().count(given) == 1
