"""Handing over: counted parcel by parcel, nothing twice, and what the post did not collect shows up by itself."""

import base64
import dataclasses
import io
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta

import pytest
from PIL import Image, ImageDraw
from sqlalchemy import text
from typer.testing import CliRunner
from uuid_utils.compat import uuid7

from dispatch.approval.lodge import lodge
from dispatch.audit import Deed, verify
from dispatch.auditing.look import Sought, look_through
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.hall_time import SHANGHAI
from dispatch.jobs import leave
from dispatch.journey import Act
from dispatch.packing.collection import (
    abandon_collection,
    close_collection,
    next_round,
    open_collection,
    scan_all_out,
    scan_out,
    take_back,
)
from dispatch.packing.counted import count_collection
from dispatch.packing.hand_over import HandOver, _number, hand_over, posting_list
from dispatch.packing.pack import pack, to_pack, unpack
from dispatch.packing.sign_list import SIGNED_WITHIN_DAYS, sign_list
from dispatch.shipment import act, at_stage, lock
from dispatch.staff.role import Role
from dispatch.tracking.collected import CHECK, EVENING, compare
from dispatch.worklist import Reason, open_subjects
from workers.run import run_due
from zhuandi import desk


@pytest.fixture
def packed(post, drain, decided):
    """So many letters, packed; their waybill numbers."""

    def make(count: int = 1, first: int = 0, **fields: object) -> list[str]:
        for number in range(first, first + count):
            slip = {"phone": f"139{number:08}"}
            lodge(post.world, decided(f"33112720261122{number:04}", slip=slip, **fields), "test")
        drain(post.world)
        with post.world.begin() as session:
            for shipment in at_stage(session, ["booked"]):
                act(post.world, session, lock(session, shipment.id), Act.PRINT)
        with post.world.reading() as session:
            pairs = to_pack(session)
        for code, number in pairs:
            pack(post.world, code, number, "li.na")
        return [number for _, number in pairs]

    return make


def signature() -> str:
    image = Image.new("RGBA", (300, 100), (0, 0, 0, 0))
    ImageDraw.Draw(image).line((10, 50, 290, 60), fill=(0, 0, 0, 255), width=6)
    out = io.BytesIO()
    image.save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def stages(world) -> list[str]:
    with world.reading() as session:
        return sorted(session.scalars(text("SELECT stage FROM shipments")))


def test_only_what_was_scanned_goes_and_the_rest_stays(world, packed):
    one, two, three = packed(3)
    assert open_collection(world, "ems", "li.na")
    assert not scan_out(world, "ems", one, "li.na").again
    scan_out(world, "ems", two, "li.na")
    take_back(world, "ems", two, "li.na")
    counted = count_collection(world, "ems")
    assert (counted.scanned, counted.expected) == (1, 3)
    closed = close_collection(world, "ems", "li.na")
    assert (closed.count, closed.stays) == (1, ())
    assert stages(world) == ["handed_over", "packed", "packed"]
    assert posting_list(world, closed.number).startswith(b"%PDF")
    assert open_collection(world, "ems", "li.na")
    assert scan_all_out(world, "ems", "li.na") == 2
    assert close_collection(world, "ems", "li.na").count == 2
    assert three
    assert verify(world).sound


def test_a_list_that_is_printed_again_at_the_command_line_is_written_down_too(world, packed, monkeypatch, tmp_path):
    """Only the page wrote it down: whoever printed at a terminal left no trace."""
    packed()
    monkeypatch.setattr(desk, "open_world", lambda: nullcontext(world))
    sheet = ["--out", str(tmp_path / "list.pdf"), "--by", "li.na"]
    assert CliRunner().invoke(desk.app, ["hand-over", *sheet]).exit_code == 0
    with world.reading() as session:
        number = session.scalar(text("SELECT number FROM hand_overs"))
    assert CliRunner().invoke(desk.app, ["hand-over", *sheet, "--again", number]).exit_code == 0
    printed = look_through(world, Sought(by="li.na", deed=Deed.PRINT)).lines
    assert [line.detail for line in printed] == [f"打印交寄清单 {number}"] * 2


def test_two_clerks_at_one_collection_count_a_parcel_once_and_the_second_is_told_who_was_first(world, packed):
    [number] = packed()
    assert open_collection(world, "ems", "li.na")
    assert not open_collection(world, "ems", "wang.wu")
    scan_out(world, "ems", number, "li.na")
    again = scan_out(world, "ems", number, "wang.wu")
    assert (again.again, again.by) == (True, "li.na")
    close_collection(world, "ems", "li.na")
    with pytest.raises(NotFoundError, match=r"li\.na"):
        close_collection(world, "ems", "wang.wu")


def test_a_parcel_that_four_clerks_scan_at_the_same_moment_counts_once(world, packed):
    [number] = packed()
    open_collection(world, "ems", "li.na")
    with ThreadPoolExecutor(4) as pool:
        scans = list(pool.map(lambda clerk: scan_out(world, "ems", number, f"clerk.{clerk}"), range(4)))
    assert sorted(scan.again for scan in scans) == [False, True, True, True]
    assert len({scan.by for scan in scans}) == 1
    assert count_collection(world, "ems").scanned == 1


def test_what_was_opened_after_its_scan_does_not_go_unless_it_is_scanned_again(world, packed):
    [number] = packed()
    open_collection(world, "ems", "li.na")
    scan_out(world, "ems", number, "li.na")
    unpack(world, number, "li.na")
    with pytest.raises(NotAllowedError, match="还没有封装"):
        scan_out(world, "ems", number, "li.na")
    with world.reading() as session:
        [(code, _)] = to_pack(session)
    pack(world, code, number, "li.na")
    assert count_collection(world, "ems").scanned == 0
    with pytest.raises(ConflictError, match="还没有扫出一件"):
        close_collection(world, "ems", "li.na")
    scan_out(world, "ems", number, "li.na")
    assert close_collection(world, "ems", "li.na").count == 1


def test_what_the_command_handed_over_meanwhile_is_on_one_list_only(world, packed):
    one, _ = packed(2)
    open_collection(world, "ems", "li.na")
    scan_out(world, "ems", one, "li.na")
    hand_over(world, "ems", "wang.wu")
    with pytest.raises(ConflictError):
        close_collection(world, "ems", "li.na")
    abandon_collection(world, "ems", "li.na")
    with world.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM hand_overs")) == 1
        assert session.scalar(text("SELECT count(*) FROM hand_over_lines")) == 2


def test_a_collection_belongs_to_the_round_that_is_nearest(world):
    def at(hour: int, minute: int):
        moment = world.now().replace(hour=hour, minute=minute)
        return next_round(dataclasses.replace(world, now=lambda: moment)).strftime("%H:%M")

    assert (at(1, 0), at(2, 20), at(6, 0), at(7, 30)) == ("10:30", "10:30", "10:30", "16:00")  # UTC, eight hours back


def test_the_postmans_name_and_hand_are_kept_once_and_stand_on_the_list(world, packed):
    packed()
    number = hand_over(world, "ems", "li.na")
    without = posting_list(world, number)
    with pytest.raises(NotAllowedError, match="空的"):
        sign_list(world, number, "雷师傅", _blank(), "li.na")
    sign_list(world, number, "雷师傅", signature(), "li.na")
    assert len(posting_list(world, number)) > len(without)
    with pytest.raises(ConflictError, match="不能再签"):
        sign_list(world, number, "别人", signature(), "li.na")
    with world.reading() as session:
        kept = bytes(session.scalar(text("SELECT postman FROM hand_overs")))
    assert "雷师傅".encode() not in kept


def _blank() -> str:
    out = io.BytesIO()
    Image.new("RGBA", (300, 100), (0, 0, 0, 0)).save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def _evening(world):
    """The evening after today's, when today's lists are compared."""
    moment = world.now() + timedelta(days=1)
    return dataclasses.replace(world, now=lambda: moment)


def _check(world) -> set[str]:
    with world.begin() as session:
        leave(session, CHECK, EVENING)
    run_due(world, CHECK)
    with world.reading() as session:
        return open_subjects(session, Reason.NOT_COLLECTED, "shipment:")


def test_what_the_post_did_not_collect_by_the_evening_is_before_a_person_and_the_first_news_settles_it(world, packed):
    one, two = packed(2)
    hand_over(world, "ems", "li.na")
    with world.begin() as session:
        [first, _] = at_stage(session, ["handed_over"])
        session.execute(text("UPDATE shipments SET tracked = 'collected' WHERE id = :id"), {"id": first.id})
    told = _check(_evening(world))
    assert len(told) == 1
    assert _check(_evening(world)) == told  # nobody is told twice
    rows = compare(world, world.now().astimezone(next_round(world).tzinfo).date())
    assert [row.missing for row in rows] == [True, False]
    assert {row.waybill_no for row in rows} == {one, two}
    with world.reading() as session:
        asked = text("SELECT count(*) FROM jobs WHERE name = 'shipment.ask@ems' AND done_at IS NULL")
        assert session.scalar(asked) == 1


def test_what_was_handed_over_after_the_check_is_not_told_of_before_the_next(world, packed):
    packed()
    hand_over(world, "ems", "li.na")
    assert _check(world) == set()


def test_the_day_at_the_page(world, packed, person):
    one, two = packed(2)
    clerk = person(Role.DISPATCH)
    assert "开始交寄" in clerk.get("/console/hand-over").text
    assert clerk.post("/console/hand-over/ems/open").status_code == 303
    assert "还没有扫" in clerk.get("/console/hand-over/ems").text
    done = clerk.post("/console/hand-over/ems/scan", {"scan": one})
    assert (done.status_code, "已计入" in done.text) == (200, True)
    wrong = clerk.post("/console/hand-over/ems/scan", {"scan": "9999999999999"})
    assert (wrong.status_code, 'data-result="wrong"' in wrong.text) == (404, True)
    assert clerk.post("/console/hand-over/ems/back", {"waybill": one}).status_code == 303
    assert clerk.post("/console/hand-over/ems/all").status_code == 303
    assert clerk.post("/console/hand-over/ems/close", {"shown": "2"}).status_code == 303
    page = clerk.get("/console/hand-over").text
    number = re.findall(r"/console/hand-over/list/([\w-]+)", page)[0]
    assert clerk.get(f"/console/hand-over/list/{number}.pdf").content.startswith(b"%PDF")
    assert clerk.get(f"/console/hand-over/list/{number}/sign").status_code == 200
    signed = {"postman": "雷师傅", "signature": signature()}
    assert clerk.post(f"/console/hand-over/list/{number}/sign", signed).status_code == 303
    assert "雷**" in clerk.get("/console/hand-over").text
    assert two in clerk.get("/console/hand-over/compare").text
    stranger = person(Role.DISPATCH, "stranger", ["县公安局"])
    assert stranger.get(f"/console/hand-over/list/{number}.pdf").status_code == 404
    assert one not in stranger.get("/console/hand-over/compare").text


def made_ago(world, days: float) -> str:
    """The last posting list, made so many days before now; its number."""
    with world.begin() as session:
        session.execute(text("UPDATE hand_overs SET made_at = now() - :ago"), {"ago": timedelta(days=days)})
        return session.scalar(text("SELECT number FROM hand_overs"))


def test_yesterdays_list_is_found_printed_and_signed_and_one_of_last_week_no_longer(world, packed, person):
    """A list of 23:50 could not be signed at 00:05, and its number led nowhere."""
    packed()
    hand_over(world, "ems", "li.na")
    number = made_ago(world, 1)
    clerk, supervisor = person(Role.DISPATCH), person(Role.SUPERVISOR)
    page = clerk.get("/console/hand-over").text
    below = page[page.index("今天还没有交寄") :]
    assert [f"/console/hand-over/list/{number}{end}" in below for end in (".pdf", "/sign")] == [True, True]
    assert "未签" in below
    yesterday = (world.now() - timedelta(days=1)).astimezone(SHANGHAI).date()
    for page in ("compare", "lists"):
        assert (
            f'href="/console/hand-over/list/{number}.pdf"'
            in clerk.get(f"/console/hand-over/{page}?day={yesterday}").text
        )
        assert number not in clerk.get(f"/console/hand-over/{page}").text
    looked = supervisor.get(f"/console/hand-over/lists?day={yesterday}").text
    assert (f"{number}.pdf" in looked, f"{number}/sign" in looked) == (True, False)  # who looks signs nothing
    assert supervisor.get(f"/console/hand-over/list/{number}.pdf").content.startswith(b"%PDF")
    assert supervisor.get("/console/hand-over").status_code == 403
    sign = f"/console/hand-over/list/{number}/sign"
    assert 'name="postman"' in clerk.get(sign).text
    made_ago(world, SIGNED_WITHIN_DAYS + 1.1)
    assert number not in clerk.get("/console/hand-over").text
    assert 'name="postman"' not in clerk.get(sign).text
    late = clerk.post(sign, {"postman": "雷师傅", "signature": signature()})
    assert (late.status_code, "屏上不能再签" in late.text) == (409, True)
    made_ago(world, SIGNED_WITHIN_DAYS - 0.1)
    assert clerk.post(sign, {"postman": "雷师傅", "signature": signature()}).status_code == 303
    assert number not in clerk.get("/console/hand-over").text  # signed, it waits no longer


def test_the_posts_own_clerk_sees_the_lists_of_today_alone(world, packed, person):
    packed()
    hand_over(world, "ems", "li.na")
    clerk = person(Role.POST)
    number = made_ago(world, 0)
    assert number in clerk.get("/console/hand-over/lists").text
    made_ago(world, 1)
    yesterday = (world.now() - timedelta(days=1)).astimezone(SHANGHAI).date()
    assert number not in clerk.get("/console/hand-over").text
    assert number not in clerk.get(f"/console/hand-over/lists?day={yesterday}").text
    assert clerk.get(f"/console/hand-over/list/{number}.pdf").status_code == 404
    assert clerk.get(f"/console/hand-over/list/{number}/sign").status_code == 404
    signed = {"postman": "雷师傅", "signature": signature()}
    assert clerk.post(f"/console/hand-over/list/{number}/sign", signed).status_code == 404


def test_another_departments_parcel_is_not_scanned_out(world, packed, person):
    [number] = packed()
    stranger = person(Role.DISPATCH, "stranger", ["县公安局"])
    stranger.post("/console/hand-over/ems/open")
    assert stranger.post("/console/hand-over/ems/scan", {"scan": number}).status_code == 404
    stranger.post("/console/hand-over/ems/all")
    assert count_collection(world, "ems").scanned == 0


@pytest.fixture
def two_departments(world, packed, person):
    """Three parcels of one department and one of another, all counted out, and a clerk of the second one."""
    mine = packed(department="县公安局")
    others = packed(3, first=1, department="县民政局")
    open_collection(world, "ems", "zhang.san")
    for number in others:
        scan_out(world, "ems", number, "zhang.san")
    clerk = person(Role.DISPATCH, "police", ["县公安局"])
    assert clerk.post("/console/hand-over/ems/scan", {"scan": mine[0]}).status_code == 200
    return clerk, mine, others


def test_who_hands_over_other_departments_parcels_too_is_told_so_and_confirms_how_many(world, two_departments):
    """One postman and one list: but nobody hands over more than they have seen."""
    clerk, _, [first, *_] = two_departments
    page = clerk.get("/console/hand-over/ems").text
    assert "全中心共计入 4 件，其中您部门 1 件" in page
    assert "交给揽投员（全中心 4 件）" in page
    take_back(world, "ems", first, "zhang.san")
    stale = clerk.post("/console/hand-over/ems/close", {"shown": "4"})
    assert (stale.status_code, "全中心现在计入 3 件，您看到的是 4 件" in stale.text) == (409, True)
    assert set(stages(world)) == {"packed"}
    assert clerk.post("/console/hand-over/ems/close", {"shown": "3"}).status_code == 303
    assert stages(world) == ["handed_over"] * 3 + ["packed"]


def test_who_takes_their_parcels_back_takes_no_other_departments(world, two_departments):
    clerk, _, others = two_departments
    told = clerk.post("/console/hand-over/ems/abandon")
    assert told.status_code == 303
    assert "其他部门计入的 3 件照交" in clerk.get("/console/hand-over").text
    counted = count_collection(world, "ems")
    assert (counted.scanned, counted.opened_by) == (len(others), "zhang.san")
    assert close_collection(world, "ems", "zhang.san").count == 3
    assert stages(world) == ["handed_over"] * 3 + ["packed"]


def test_the_last_to_take_theirs_back_ends_the_collection(world, two_departments):
    clerk, _, others = two_departments
    for number in others:
        take_back(world, "ems", number, "zhang.san")
    clerk.post("/console/hand-over/ems/abandon")
    assert count_collection(world, "ems").opened_by == ""


def test_lists_that_are_made_at_the_same_moment_have_numbers_of_their_own(world):
    """Of two carriers: nothing else keeps those who close them apart."""

    def make(carrier: str) -> str:
        with world.begin() as session:
            number = _number(session, world.now())
            session.add(HandOver(id=uuid7(), number=number, carrier=carrier, made_at=world.now(), made_by="li.na"))
        return number

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(make, ["ems", "sf", "zto", "yto"]))
    assert len(set(numbers)) == 4
