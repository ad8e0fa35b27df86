"""At the window and on the telephone: pulled from the road, who came is checked, signed, counted, closed."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from PIL import Image
from sqlalchemy import select, text

from dispatch.approval.issue import Paper, register_paper
from dispatch.approval.issue_register import day_of, register_of
from dispatch.approval.lodge import lodge
from dispatch.approval.paper_back import take_paper_back
from dispatch.approval.release import hold, lift, release
from dispatch.audit import verify
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.journey import Act
from dispatch.packing.hand_over import hand_over
from dispatch.packing.pack import pack, to_pack
from dispatch.packing.photograph import photograph
from dispatch.picture import pictures_of, read_photo, show_picture
from dispatch.queues.look import counts
from dispatch.queues.queue import Scope
from dispatch.reveal import Reveal, reason_of
from dispatch.shipment import act, at_stage, lock
from dispatch.staff.role import Role
from dispatch.zero_visits.at_window import Given, give, pull
from dispatch.zero_visits.outcomes import count_outcomes, where_they_are
from dispatch.zero_visits.pickup import Step, at_window
from dispatch.zero_visits.put_right.undelivered import declare_lost, keep_here
from dispatch.zero_visits.receipt import receipt
from dispatch.zero_visits.story import story
from dispatch.zero_visits.telephone_call import note_call, number_to_call
from dispatch.zero_visits.told.by_telephone import calls_of
from tests.console.test_hand_over_page import signature
from tests.rooms.on_the_road import Road

CASE = "331127202611220001"
ID_NO = "33112719900307123X"  # nobody's: 丽水景宁, checked below
SELF = Given(id_no="123X", on_paper=True)


@pytest.fixture
def case(decided):
    def make(**fields: object):
        return decided(CASE, applicant_id_no=_id_no(), **fields)

    return make


def _id_no() -> str:
    from stdnum.cn import ric  # noqa: PLC0415 - only here

    body = ID_NO[:17]
    return body + ric.calc_check_digit(body + "0")


def me(**more: object) -> Given:
    return Given(id_no=_id_no()[-4:], **{"on_paper": True, **more})


def to(world, *deeds: Act) -> None:
    with world.begin() as session:
        for deed in deeds:
            for shipment in at_stage(session, ["booked", "printed", "packed"]):
                act(world, session, lock(session, shipment.id), deed)


def visits(world) -> list[tuple[str, str]]:
    with world.reading() as session:
        return [tuple(row) for row in session.execute(text("SELECT kind, trip FROM visits WHERE kind <> 'online'"))]


def test_a_case_without_an_envelope_is_given_out_counted_and_closed_and_never_sent(post, case, drain):
    world = post.world
    lodge(world, case(paper_ready=False), "test")
    drain(world)
    pull(world, CASE, "wu.min")
    register_paper(world, CASE, Paper("李科员"), "wu.min")
    drain(world)
    assert at_window(world, CASE).step is Step.GIVE
    given = give(world, CASE, me(), "wu.min")
    assert (given.step, given.receipt.taker, given.receipt.originals) == (Step.GIVEN, "蓝**", 1)
    [(kind, _)] = visits(world)
    assert kind == "collected_at_hall"
    with world.begin() as session:
        session.execute(text("UPDATE jobs SET next_at = now() WHERE name = 'case.watch'"))
    drain(world)
    with world.reading() as session:
        outcomes = count_outcomes(session)
        where = where_they_are(session)
        assert session.scalar(text("SELECT count(*) FROM shipments")) == 0
        assert session.scalar(text("SELECT count(*) FROM jobs WHERE name = 'case.watch' AND done_at IS NULL")) == 0
    assert (outcomes.closed, outcomes.after_visits, outcomes.open_ends) == (1, 1, 0)
    assert where["送达闭环"] == 1
    assert not any(counts(world, Scope()).values())
    words = " ".join(line.words for line in story(world, CASE).lines)
    assert "本人签领" in words
    assert "窗口领取签收" in words
    assert receipt(world, CASE, "wu.min").startswith(b"%PDF")
    assert verify(world).sound


def test_a_paper_that_is_not_here_is_not_given_out_and_is_registered_from_the_page(world, case, person):
    """In 待出证 the page said that it could be given out; no line ever stood in the register."""
    lodge(world, case(paper_ready=False), "test")
    clerk, page = person(Role.WINDOW), f"/console/case/{CASE}/window"
    shown = clerk.get(page).text
    assert ("待出证" in shown, "可以直接办领取" in shown, "查验身份" in shown) == (True, False, False)
    refused = clerk.post(f"{page}/give", {"id_no": _id_no()[-4:], "originals": 1, "on_paper": "true"})
    assert (refused.status_code, "请先登记出证" in refused.text) == (409, True)
    link = f"/console/issue?number={CASE}"
    assert f'href="{link}"' in shown
    assert f'value="{CASE}"' in clerk.get(link).text
    assert clerk.post("/console/issue", {"number": CASE, "given_by": "李科员"}).status_code == 303
    give(world, CASE, me(), "wu.min")
    [line] = register_of(world, day_of(world, ""))
    assert (line.case_no, line.given_by) == (CASE, "李科员")


def test_a_lost_paper_is_not_given_out_until_its_substitute_is_registered(with_the_post):
    """After 报失补证 the lost licence could be "given out", and the case was closed."""
    world = with_the_post
    with world.reading() as session:
        [shipment] = at_stage(session, ["handed_over"])
    declare_lost(world, shipment.id, "li.na", "揽投部查无此件")
    assert at_window(world, CASE).step is Step.PAPER
    with pytest.raises(NotAllowedError, match="待出证"):
        give(world, CASE, me(fault="post"), "wu.min")
    pull(world, CASE, "wu.min")
    register_paper(world, CASE, Paper("李科员"), "wu.min")
    assert give(world, CASE, me(fault="post"), "wu.min").step is Step.GIVEN


def test_over_somebody_elses_hold_nothing_is_given_out_and_the_page_says_which(world, case, person):
    """欠费 was lifted without a word by giving the paper out."""
    lodge(world, case(), "test")
    hold(world, CASE, "欠费：蓝小雨还没有缴 13900000001", "li.na")
    clerk, page = person(Role.WINDOW), f"/console/case/{CASE}/window"
    shown = clerk.get(page).text
    for told in ("欠费：蓝**还没有缴", "li.na", "寄件员", "先留着"):
        assert told in shown, told
    for hidden in ("查验身份", "可以直接办领取", "蓝小雨", "13900000001"):
        assert hidden not in shown, hidden
    with pytest.raises(NotAllowedError, match=r"欠费：蓝\*\*.*li\.na.*解除暂缓"):
        give(world, CASE, me(), "wu.min")
    assert visits(world) == []
    lift(world, CASE, "li.na")
    assert give(world, CASE, me(), "wu.min").step is Step.GIVEN


def test_a_hold_that_is_lifted_for_who_waits_at_the_window_sends_nothing(post, case, drain):
    """Or the paper would be put into an envelope while the applicant stands there."""
    world = post.world
    lodge(world, case(), "test")
    hold(world, CASE, "原证未收回", "li.na")
    pull(world, CASE, "wu.min")
    assert at_window(world, CASE).step is Step.HELD
    assert "窗口领取" in lift(world, CASE, "li.na")
    drain(world)
    assert (at_window(world, CASE).step, at_window(world, CASE).envelopes) == (Step.GIVE, ())
    assert lift(world, CASE, "li.na") == ""  # it is sent after all
    drain(world)
    assert at_window(world, CASE).step is Step.PULL


def test_asked_for_again_under_a_later_hold_it_stays_for_the_window_too(post, case, drain, person):
    world, clerk, page = post.world, person(Role.WINDOW), f"/console/case/{CASE}/window"
    lodge(world, case(), "test")
    assert "先留着，不再寄出" in clerk.get(page).text
    pull(world, CASE, "wu.min")
    assert "先留着，不再寄出" not in clerk.get(page).text
    lift(world, CASE, "li.na")
    hold(world, CASE, "欠费", "li.na")
    assert "先留着，不再寄出" in clerk.get(page).text
    assert clerk.post(f"{page}/pull").status_code == 303
    assert "先留着，不再寄出" not in clerk.get(page).text
    assert lift(world, CASE, "li.na")
    drain(world)
    assert at_window(world, CASE).step is Step.GIVE


@pytest.mark.parametrize("reason", ["改窗口领取", "改窗口领取：本人电话说的"])
def test_a_hold_for_the_window_keeps_nothing_from_the_window(world, case, reason):
    lodge(world, case(), "test")
    hold(world, CASE, reason, "li.na")
    assert give(world, CASE, me(), "wu.min").step is Step.GIVEN


def test_what_was_given_out_is_neither_held_nor_released_any_more(world, case, person):
    """It was held again, and stayed so for ever."""
    lodge(world, case(), "test")
    clerk, page = person(Role.DISPATCH), f"/console/case/{CASE}"
    assert f'action="{page}/hold"' in clerk.get(page).text
    give(world, CASE, me(), "wu.min")
    assert f'action="{page}/hold"' not in clerk.get(page).text
    for act_of in (lambda: hold(world, CASE, "欠费", "li.na"), lambda: release(world, CASE, "li.na")):
        with pytest.raises(NotAllowedError, match="由窗口发出"):
            act_of()
    assert clerk.post(f"{page}/hold", {"reason": "欠费"}).status_code == 409


def test_the_window_proposes_what_the_register_has(world, case, person):
    """Three copies of one document are one original and two copies, here as there."""
    papers = [{"name": "食品经营许可证", "copies": 3}]
    lodge(world, case(documents=papers, paper_ready=False), "test")
    assert (at_window(world, CASE).originals, at_window(world, CASE).copies) == (1, 2)
    register_paper(world, CASE, Paper("李科员"), "wu.min")
    [line] = register_of(world, day_of(world, ""))
    assert (line.originals, line.copies) == (1, 2)
    shown = person(Role.WINDOW).get(f"/console/case/{CASE}/window").text
    assert re.findall(r'name="(?:originals|copies)" min="0" max="999" value="(\d+)"', shown) == ["1", "2"]
    taken = give(world, CASE, me(), "wu.min").receipt
    assert (taken.originals, taken.copies) == (1, 2)


def test_numbers_that_were_registered_otherwise_are_what_the_window_proposes(world, case):
    lodge(world, case(paper_ready=False), "test")
    register_paper(world, CASE, Paper("李科员", originals=2, copies=5), "wu.min")
    assert (at_window(world, CASE).originals, at_window(world, CASE).copies) == (2, 5)
    take_paper_back(world, CASE, "wu.min", "点错了")
    assert (at_window(world, CASE).originals, at_window(world, CASE).copies) == (1, 0)


@pytest.mark.parametrize("deeds", [(), (Act.PRINT,), (Act.PRINT, Act.PACK)])
def test_an_envelope_on_the_desk_is_pulled_and_its_waybill_voided_before_anything_is_given(post, case, drain, deeds):
    world = post.world
    lodge(world, case(), "test")
    drain(world)
    to(world, *deeds)
    with pytest.raises(NotAllowedError, match="先抽回"):
        give(world, CASE, me(), "wu.min")
    assert pull(world, CASE, "wu.min").step is Step.WAIT
    with pytest.raises(NotAllowedError, match="撤单"):
        give(world, CASE, me(), "wu.min")
    drain(world)
    assert at_window(world, CASE).step is Step.GIVE
    with world.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM waybills WHERE voided_at IS NULL")) == 0
    give(world, CASE, me(), "wu.min")
    drain(world)
    with world.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM shipments WHERE stage <> 'cancelled'")) == 0


@pytest.fixture
def with_the_post(post, case, drain):
    lodge(post.world, case(), "test")
    drain(post.world)
    to(post.world, Act.PRINT)
    with post.world.reading() as session:
        [(code, number)] = to_pack(session)
    pack(post.world, code, number, "li.na")
    hand_over(post.world, "ems", "li.na")
    return post.world


def test_what_the_postman_has_is_not_given_out_until_it_came_back_and_then_with_its_fault(with_the_post, drain):
    world = with_the_post
    for act_of in (lambda: pull(world, CASE, "wu.min"), lambda: give(world, CASE, me(), "wu.min")):
        with pytest.raises(NotAllowedError, match="退回"):
            act_of()
    with world.begin() as session:
        session.execute(text("UPDATE shipments SET tracked = 'returned'"))
    assert at_window(world, CASE).step is Step.GIVE
    with pytest.raises(NotAllowedError, match="责任方"):
        give(world, CASE, me(), "wu.min")
    assert give(world, CASE, me(fault="post"), "wu.min").receipt.fault == "邮政"
    assert [kind for kind, _ in visits(world)] == ["hall_after_failure"]
    with world.reading() as session:
        assert session.scalar(text("SELECT stage FROM shipments")) == "undelivered"  # as every letter that came back
        assert count_outcomes(session).closed == 1


def test_the_wrong_number_gives_nothing_out_and_stands_in_the_audit_log(post, case):
    world = post.world
    lodge(world, case(), "test")
    before = verify(world).entries
    for wrong in ("0000", "", _id_no()[:-1] + "0"):
        with pytest.raises(NotAllowedError, match="证件"):
            give(world, CASE, Given(id_no=wrong, on_paper=True), "wu.min")
    assert verify(world).entries == before + 2  # the empty one is no number
    assert visits(world) == []


def test_a_delegate_shows_an_authority_and_a_card_of_their_own(world, case):
    lodge(world, case(), "test")
    with pytest.raises(NotAllowedError, match="委托书"):
        give(world, CASE, Given(delegate_name="雷建国", delegate_id_no="332529196001011234", on_paper=True), "wu.min")
    whole = Given(delegate_name="雷建国", delegate_id_no="332529196001011234", authority="委托书 3 号", on_paper=True)
    taken = give(world, CASE, whole, "wu.min").receipt
    assert (taken.taker, taken.delegate) == ("雷**", True)


def test_nothing_is_given_out_unsigned_and_nothing_twice(world, case):
    lodge(world, case(), "test")
    with pytest.raises(NotAllowedError, match="签名"):
        give(world, CASE, me(on_paper=False), "wu.min")
    give(world, CASE, me(on_paper=False, signature=signature()), "wu.min")
    with pytest.raises(ConflictError, match=r"wu\.min"):
        give(world, CASE, me(), "zhao.liu")
    assert len(visits(world)) == 1


def test_two_cases_fetched_by_one_person_on_one_day_were_one_trip(world, decided):
    for case_no in ("A", "B"):
        lodge(world, decided(case_no, applicant_id_no=_id_no()), "test")
        give(world, case_no, me(), "wu.min")
    assert len({trip for _, trip in visits(world)}) == 1


def test_the_window_at_its_page(world, case, person):
    lodge(world, case(), "test")
    clerk = person(Role.WINDOW)
    page = f"/console/case/{CASE}/window"
    assert "查验身份" in clerk.get(page).text
    wrong = clerk.post(f"{page}/give", {"id_no": "0000", "originals": 1, "on_paper": "true"})
    assert (wrong.status_code, "不符" in wrong.text) == (409, True)
    right = {"id_no": _id_no()[-4:], "originals": 1, "signature": signature()}
    assert clerk.post(f"{page}/give", right).status_code == 303
    shown = clerk.get(page).text
    assert "窗口已领取" in shown
    picture = "/console/picture/" + shown.split("/console/picture/")[1].split('"')[0]
    assert "data:image" not in clerk.get(picture).text
    assert clerk.post(picture, {"reason": ""}).status_code == 409
    assert "data:image/png;base64," in clerk.post(picture, {"reason": "核对签名"}).text
    assert clerk.get(f"{page}/receipt.pdf").content.startswith(b"%PDF")
    stranger = person(Role.WINDOW, "stranger", ["县公安局"])
    for url in (page, f"{page}/receipt.pdf", picture):
        assert stranger.get(url).status_code == 404
    assert stranger.post(picture, {"reason": "好奇"}).status_code == 404
    assert stranger.post(f"{page}/pull").status_code == 404
    assert stranger.post(f"{page}/give", right).status_code == 404
    for url in (page, f"{page}/receipt.pdf", picture, f"/console/case/{CASE}/call"):
        assert person_may(person, url) == 403


def person_may(person, url: str) -> int:
    if not hasattr(person, "auditor"):
        person.auditor = person(Role.AUDITOR)
    return person.auditor.get(url).status_code


def test_each_call_is_a_record_masked_and_three_in_vain_are_told(world, case, person):
    lodge(world, case(), "test")
    for _ in range(3):
        note_call(world, CASE, "wu.min", reached=False)
    calls = calls_of(world, CASE)
    assert (calls.in_vain, calls.enough, calls.calls[0].number) == (3, True, "139******01")
    note_call(
        world, CASE, "wu.min", reached=True, result="蓝小雨说改寄 13812345678 那里", number="０５７８－５０８２３４５"
    )
    [last, *_] = calls_of(world, CASE).calls
    assert (last.number, last.result) == ("0578-******5", "蓝**说改寄 138******78 那里")
    assert not calls_of(world, CASE).enough
    with pytest.raises(NotAllowedError, match="说了什么"):
        note_call(world, CASE, "wu.min", reached=True)
    with pytest.raises(NotAllowedError, match="电话号码不对"):
        note_call(world, CASE, "wu.min", reached=False, number="12")
    with world.reading() as session:
        dump = " ".join(str(row) for row in session.execute(text("SELECT * FROM telephone_calls")))
    assert "13900000001" not in dump
    before = verify(world).entries
    assert number_to_call(world, CASE, "wu.min", "电联") == "13900000001"
    assert verify(world).entries == before + 1
    assert any("电联" in line.words for line in story(world, CASE).lines)


def test_calls_at_the_page(world, case, person):
    lodge(world, case(), "test")
    clerk, page = person(Role.WINDOW), f"/console/case/{CASE}/call"
    assert "13900000001" not in clerk.get(page).text
    for unsaid in ({}, {"reason": " "}):
        refused = clerk.post(f"{page}/number", unsaid)
        assert (refused.status_code, "13900000001" in refused.text) == (409, False)
    assert 'name="reason" value="电联"' in clerk.get(page).text
    assert "13900000001" in clerk.post(f"{page}/number", {"reason": "问新地址"}).text
    with world.reading() as session:
        [seen] = session.scalars(select(Reveal))
    assert (seen.by, reason_of(world, seen)) == ("window", "问新地址")
    assert clerk.post(page, {"reached": "no"}).headers["location"] == page
    moved = clerk.post(page, {"reached": "yes", "result": "搬家了", "slip_changes": "true"})
    assert moved.headers["location"] == f"/console/case/{CASE}/slip"
    assert person(Role.WINDOW, "stranger", ["县公安局"]).get(page).status_code == 404


def test_a_call_that_is_sent_twice_is_one_attempt(world, case, person):
    """A double click would come to three in vain by itself."""
    lodge(world, case(), "test")
    clerk, page = person(Role.WINDOW), f"/console/case/{CASE}/call"
    told = {"reached": "no", "form_key": key_in(clerk.get(page).text)}
    entries = verify(world).entries
    assert [clerk.post(page, told).status_code for _ in range(3)] == [303] * 3
    assert (len(calls_of(world, CASE).calls), calls_of(world, CASE).enough) == (1, False)
    assert verify(world).entries == entries + 1
    other = clerk.post(page, told | {"reached": "yes", "result": "搬家了"})
    assert (other.status_code, "请刷新页面" in other.text) == (409, True)
    assert person(Role.WINDOW, "second").post(page, told).status_code == 409
    assert clerk.post(page, {"reached": "no", "form_key": key_in(clerk.get(page).text)}).status_code == 303
    assert len(calls_of(world, CASE).calls) == 2


def test_of_two_calls_that_are_sent_at_once_one_is_written(world, case):
    lodge(world, case(), "test")
    key = uuid4()
    with ThreadPoolExecutor(4) as many:
        list(many.map(lambda _: note_call(world, CASE, "wu.min", reached=False, form_key=key), range(4)))
    assert len(calls_of(world, CASE).calls) == 1


def key_in(page: str) -> str:
    """Of the form that a page shows."""
    return re.search(r'name="form_key" value="([0-9a-f-]{36})"', page)[1]


def photo(size=(2400, 1800)) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "PlantedCameraMaker"
    Image.new("RGB", size, "white").save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_a_photograph_keeps_nothing_but_what_can_be_seen_and_looking_is_a_logged_act(post, case, drain):
    world = post.world
    lodge(world, case(), "test")
    drain(world)
    to(world, Act.PRINT)
    with world.reading() as session:
        [(_, number)] = to_pack(session)
    assert b"PlantedCameraMaker" in photo()
    photograph(world, number, photo(), "li.na")
    with world.reading() as session:
        [shipment] = at_stage(session, ["printed"])
        [kept] = pictures_of(session, [shipment.subject])
    before = verify(world).entries
    shown = show_picture(world, kept.id, "li.na", "核对内件")
    assert (b"PlantedCameraMaker" in shown.body, shown.kind, verify(world).entries) == (
        False,
        "image/jpeg",
        before + 1,
    )
    assert max(Image.open(io.BytesIO(shown.body)).size) == 1600
    with pytest.raises(NotFoundError):
        photograph(world, "999", photo(), "li.na")


@pytest.mark.parametrize("body", [b"", b"%PDF-1.7", b"\xff\xd8\xff\xe0 not a jpeg", b"0" * (3 * 1024 * 1024 + 1)])
def test_what_is_no_photograph_is_refused(body):
    with pytest.raises(NotAllowedError):
        read_photo(body)


@pytest.mark.parametrize("ends", ["kept", "lost"])
def test_what_we_took_back_or_gave_up_before_its_trace_ended_is_no_voluntary_trip(post, case, drain, ends):
    """Its last news may still be 退回途中, or 在途: the trip has a fault all the same (HALL §2)."""
    world = post.world
    lodge(world, case(), "test")
    drain(world)
    road = Road(world, drain)
    to(world, Act.PRINT)
    with world.reading() as session:
        [(code, number)] = to_pack(session)
    pack(world, code, number, "li.na")
    hand_over(world, "ems", "li.na")
    road.tell(CASE, "203")
    shipment_id = road.shipment(CASE).id
    if ends == "kept":
        road.tell(CASE, "708")
        keep_here(world, shipment_id, world.now().date() + timedelta(days=7), "li.na")
    else:
        declare_lost(world, shipment_id, "li.na", "揽投部查无此件")
    if ends == "lost":
        pull(world, CASE, "wu.min")
        register_paper(world, CASE, Paper("李科员"), "wu.min")
    drain(world)
    assert at_window(world, CASE).failed
    with pytest.raises(NotAllowedError, match="责任方"):
        give(world, CASE, me(), "wu.min")
    give(world, CASE, me(fault="post"), "wu.min")
    [(kind, _)] = visits(world)
    assert kind == "hall_after_failure"
