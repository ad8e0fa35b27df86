"""The applicant's one page."""

import asyncio
import base64
import dataclasses
import hashlib
import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from starlette.testclient import TestClient

from dispatch.api.app import make_app
from dispatch.api.batch import Batch
from dispatch.api.track_look import Looks
from dispatch.api.track_words import CHECKING, VIEWS
from dispatch.approval.case import Item
from dispatch.approval.lodge import lodge
from dispatch.carrier import Seen
from dispatch.journey import News, Signer, Stage, Tracked, View
from dispatch.tracking.observe import observe
from dispatch.tracking.sighting import keep_all, sighting
from dispatch.waybill import Waybill
from dispatch.worklist import Reason, put

HOUR = timedelta(hours=1)
PERSONAL = ("蓝小雨", "13900000001", "团结西路", "301室", "330106199001010018")


def see(parcel, code, news, hours=0, **more):
    """News from the post, `hours` after the envelope was made."""
    seen = Seen(parcel.waybill.number, parcel.shipment.created_at + hours * HOUR, code, news, **more)
    with parcel.world.begin() as session:
        observe(parcel.world, session, "ems", seen, "push")


def headline(page):
    [inside] = re.findall("<h1>(.*?)</h1>", page)
    return re.sub("<[^>]+>", "", inside)


def test_every_view_has_its_page_in_plain_words(on_the_way):
    parcel = on_the_way(applicant_id_no="330106199001010018")
    for view in View:
        parcel.put(view)
        page = parcel.door.get(parcel.path)
        assert page.status_code == 200, view
        assert headline(page.text) == VIEWS[view].headline
        assert page.text.count('aria-current="step"') == 1, view
        assert len(page.content) <= 15 * 1024, view
        assert '<html lang="zh-CN">' in page.text
        assert "<script" not in page.text
        assert not [word for word in PERSONAL if word in page.text], view
        assert "蓝**" in page.text
        assert parcel.token not in page.text, view


def test_what_happened_is_told_newest_first_in_our_words_without_the_posts_text(on_the_way):
    parcel = on_the_way()
    parcel.put(View.HANDED_OVER)
    raw = "揽投员：王大力，电话：13700000009，收件人蓝小雨"
    see(parcel, "203", News.COLLECTED, 0.1, text=raw, place="景宁县鹤溪揽投部")
    see(parcel, "704", News.OUT_FOR_DELIVERY, 0.2, text=raw, place="蓝小雨代收点")
    see(parcel, "305", News.IN_TRANSIT, 0.15, text=raw, place="电话13700000009")
    text = parcel.door.get(parcel.path).text
    places = [text.index(words) for words in ("邮递员出门投递", "正在运输", "邮政已收寄", "办件已办结")]
    assert places == sorted(places)
    assert "景宁县鹤溪揽投部" in text
    assert not [word for word in ("王大力", "13700000009", "蓝小雨", "代收点") if word in text]
    assert re.search(r'<time datetime="2026-[^"]+\+08:00">', text)


def test_news_that_was_revoked_is_struck_through(on_the_way):
    parcel = on_the_way()
    parcel.put(View.HANDED_OVER)
    see(parcel, "704", News.DELIVERED, 0.1, detail="10", signer=Signer.SELF)
    see(parcel, "743", News.VOIDING, 0.2, voids=frozenset({"704"}))
    text = parcel.door.get(parcel.path).text
    assert "<del>邮政显示已签收：本人签收</del>（已撤销）" in text
    assert "邮政更正了前面的消息" in text


def test_the_same_event_pushed_and_asked_for_is_one_line(on_the_way):
    parcel = on_the_way()
    parcel.put(View.HANDED_OVER)
    see(parcel, "704", News.DELIVERED, 0.1, wants_detail=True)
    see(parcel, "704", News.DELIVERED, 0.1, detail="10", signer=Signer.SELF)
    text = parcel.door.get(parcel.path).text
    assert text.count("邮政显示已签收") == 1
    assert "邮政显示已签收：本人签收" in text


def test_a_closed_case_says_who_signed_and_that_nobody_had_to_run(on_the_way, drain):
    parcel = on_the_way()
    parcel.put(View.HANDED_OVER)
    see(parcel, "704", News.DELIVERED, 0.1, detail="10", signer=Signer.SELF)
    drain(parcel.world)
    text = parcel.door.get(parcel.path).text
    assert headline(text) == "您的证件已送达"
    assert "签收情况：本人签收" in text
    assert "零跑腿" in text


def test_a_trip_to_the_hall_is_never_called_zero(on_the_way, drain):
    parcel = on_the_way(application={"kind": "hall_counter"})
    parcel.put(View.HANDED_OVER)
    see(parcel, "704", News.DELIVERED, 0.1, detail="10", signer=Signer.SELF)
    drain(parcel.world)
    text = parcel.door.get(parcel.path).text
    assert "已送达" in text
    assert "零跑腿" not in text


def test_while_a_contradiction_stands_the_page_does_not_say_delivered(on_the_way):
    parcel = on_the_way()
    parcel.put(View.CLOSED, tracked=Tracked.DELIVERED)
    with parcel.world.begin() as session:
        put(parcel.world, session, Reason.DELIVERY_REVOKED, parcel.shipment.subject)
    text = parcel.door.get(parcel.path).text
    assert headline(text) == CHECKING.headline
    assert "零跑腿" not in text


def _expire(parcel):
    parcel.put(View.CLOSED, moved_at=datetime.now(UTC) - timedelta(days=91))


def _void(parcel):
    with parcel.world.begin() as session:
        session.execute(update(Waybill).values(voided_at=datetime.now(UTC)))


def test_wrong_expired_voided_and_malformed_links_get_the_very_same_answer(on_the_way):
    parcel = on_the_way()
    wrong = parcel.door.get("/t/" + "A" * 26)
    assert wrong.status_code == 404
    _expire(parcel)
    answers = [parcel.door.get(parcel.path)]
    parcel.put(View.IN_TRANSIT)
    assert parcel.door.get(parcel.path).status_code == 200
    _void(parcel)
    answers.append(parcel.door.get(parcel.path))
    odd = ["x", "", "a/b", "%00", "A" * 5000, "%ff", "ſ" * 26, "A" * 25 + "1", "<script>"]
    answers += [parcel.door.get(f"/t/{token}") for token in odd]
    for answer in answers:
        assert (answer.status_code, answer.content) == (404, wrong.content)
        assert _headers(answer) == _headers(wrong)


def _headers(answer) -> dict[str, str]:
    """But for the number of the request, which each has for itself."""
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


def test_a_page_that_was_drawn_a_moment_ago_still_tells_the_newest_and_expires_without_any_change(on_the_way):
    """Drawn pages are kept, and what they tell is asked of the database at every look."""
    parcel = on_the_way()
    parcel.put(View.HANDED_OVER)
    first, again = (parcel.door.get(parcel.path).text for _ in range(2))
    assert "正在运输" not in again
    assert re.sub("<time[^>]*>[^<]*</time>", "", first) == re.sub("<time[^>]*>[^<]*</time>", "", again)
    see(parcel, "305", News.IN_TRANSIT, 0.1)
    assert "正在运输" in parcel.door.get(parcel.path).text
    closed = datetime.now(UTC) - timedelta(days=89)
    parcel.put(View.CLOSED, moved_at=closed)
    assert parcel.door.get(parcel.path).status_code == 200
    later = dataclasses.replace(parcel.world, now=lambda: closed + timedelta(days=91))
    look = Looks(later, lambda parcel, _: (str(parcel.view), ""), str).look
    assert look([parcel.token]) == [None]
    object.__setattr__(later, "now", lambda: closed + timedelta(days=89))
    [page] = look([parcel.token])
    assert page.startswith(b"closed")
    object.__setattr__(later, "now", lambda: closed + timedelta(days=91))
    assert look([parcel.token]) == [None]  # kept, and the same record


def test_many_who_look_at_once_each_see_their_own_page_or_none(on_the_way, decided, drain):
    parcel = on_the_way()
    world = parcel.world
    lodge(world, decided("331127202611220002", slip={"recipient_name": "钟小林"}), "审批系统")
    drain(world)
    with world.reading() as session:
        tokens = [world.vault.open(row, "token") for row in session.scalars(select(Waybill).order_by(Waybill.number))]
        numbers = list(session.scalars(select(Waybill.number).order_by(Waybill.number)))
    looks = Batch(Looks(world, lambda parcel, _: (parcel.waybill_no, ""), lambda _: "").look)

    async def crowd():
        asked = [tokens[0], "A" * 26, tokens[1]] * 30
        return await asyncio.gather(*(looks.do(token) for token in asked))

    pages = asyncio.run(crowd())
    assert pages[1::3] == [None] * 30
    assert pages[0::3] == [numbers[0].encode()] * 30
    assert pages[2::3] == [numbers[1].encode()] * 30


def test_a_link_lives_until_its_days_after_the_closing_are_over(on_the_way):
    parcel = on_the_way()
    parcel.put(View.CLOSED, moved_at=datetime.now(UTC) - timedelta(days=89))
    assert parcel.door.get(parcel.path).status_code == 200
    _expire(parcel)
    assert parcel.door.get(parcel.path).status_code == 404


def test_a_token_typed_in_small_letters_is_taken(on_the_way):
    parcel = on_the_way()
    assert parcel.door.get(f"/t/{parcel.token.lower()}").status_code == 200


def test_guessing_is_slowed_and_a_right_token_still_answers(on_the_way):
    parcel = on_the_way()
    most = parcel.world.settings.token_misses_per_minute
    codes = [parcel.door.get("/t/" + "B" * 26).status_code for _ in range(most + 5)]
    assert codes == [404] * most + [429] * 5
    slowed = parcel.door.get("/t/" + "B" * 26)
    assert 1 <= int(slowed.headers["Retry-After"]) <= 60
    assert parcel.door.get(parcel.path).status_code == 200
    elsewhere = TestClient(parcel.door.app, client=("192.0.2.7", 1))
    assert elsewhere.get("/t/" + "B" * 26).status_code == 404


def test_one_customers_ipv6_addresses_are_counted_together(world):
    app = make_app(world)
    most = world.settings.token_misses_per_minute
    codes = [TestClient(app, client=(f"2001:db8::{n:x}", 1)).get("/t/x").status_code for n in range(1, most + 2)]
    assert codes[-1] == 429
    assert TestClient(app, client=("2001:db8:0:1::1", 1)).get("/t/x").status_code == 404


def test_markup_in_names_from_outside_is_only_text(on_the_way):
    parcel = on_the_way(documents=[{"name": "<script>alert(1)</script>"}, {"name": "执照\"'&", "copies": 2}])
    text = parcel.door.get(parcel.path).text
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "（2 份）" in text


def test_the_largest_envelope_still_fits_into_fifteen_kilobytes(on_the_way):
    parcel = on_the_way(documents=[{"name": f"{n}" + '"' * 180} for n in range(50)])
    parcel.put(View.IN_TRANSIT)
    with parcel.world.begin() as session:
        for n in range(100):
            at = parcel.shipment.created_at + n * timedelta(seconds=1)
            seen = Seen(parcel.waybill.number, at, "305", News.IN_TRANSIT, place="&" * 30)
            keep_all(session, [sighting(parcel.world, "ems", seen, "push", parcel.shipment.id)])
    page = parcel.door.get(parcel.path)
    assert len(page.content) <= 15 * 1024
    assert "没有列出" in page.text
    assert "另有 40 种" in page.text


def test_a_title_that_tells_too_much_is_not_shown(on_the_way):
    parcel = on_the_way(item_name="再生育审批", documents=[{"name": "再生育证"}])
    with parcel.world.begin() as session:
        session.execute(update(Item).values(hide_title=True))
    text = parcel.door.get(parcel.path).text
    assert "再生育" not in text
    assert "按规定不显示名称" in text


def test_an_organisations_name_is_shown_whole_and_its_telephone_is_not(on_the_way):
    parcel = on_the_way(
        applicant_kind="organisation", applicant_name="景宁好味道餐饮店", slip={"recipient_name": "景宁好味道餐饮店"}
    )
    text = parcel.door.get(parcel.path).text
    assert "景宁好味道餐饮店" in text
    assert "13900000001" not in text


def test_the_page_fetches_nothing_and_is_kept_out_of_indexes_caches_and_frames(on_the_way):
    parcel = on_the_way()
    page = parcel.door.get(parcel.path)
    assert not re.search(r"(src|url\(|@import|https?://)", page.text)
    [style] = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert "frame-ancestors 'none'" in policy
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert '<meta name="robots" content="noindex' in page.text
    assert page.headers["Cache-Control"] == "private, no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert not re.search(r":is\(|:where\(|:has\(|@layer|aspect-ratio|[^-]gap:|inset:|focus-visible", style)


def test_every_colour_of_text_stands_out_seven_to_one(on_the_way):
    white, ground = "#ffffff", "#f3f1ea"
    for text, on in [
        *[(colour, back) for colour in ("#1b1b1b", "#3d3d3d", "#0a4a37") for back in (white, ground)],
        *[(white, back) for back in ("#0a5c43", "#7a4100", "#9b1c1c")],
    ]:
        bright, dark = sorted((_luminance(text), _luminance(on)), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 7, (text, on)


def _luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_head_request_tells_the_same_without_the_page(on_the_way):
    parcel = on_the_way()
    answer = parcel.door.head(parcel.path)
    assert answer.status_code == 200
    assert answer.headers["X-Robots-Tag"]


def test_with_the_database_away_the_applicant_reads_words_not_json(closed_door):
    answer = closed_door.get("/t/" + "A" * 26)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "<h1>系统暂时繁忙</h1>" in answer.text


def test_the_centres_telephone_can_be_dialled(on_the_way):
    parcel = on_the_way()
    centre = parcel.world.settings.centre.model_copy(update={"phone": "0578-508 2345"})
    settings = parcel.world.settings.model_copy(update={"centre": centre})
    door = TestClient(make_app(dataclasses.replace(parcel.world, settings=settings)))
    text = door.get(parcel.path).text
    assert 'href="tel:05785082345"' in text
    assert 'href="tel:12345"' in text


def test_stages_before_the_posting_do_not_claim_that_it_was_posted(on_the_way):
    parcel = on_the_way()
    parcel.put(View.IN_DOUBT)
    assert parcel.shipment.stage != Stage.IN_DOUBT
    assert "正在准备寄出" in parcel.door.get(parcel.path).text
