"""The counter's commands, as they are typed: the same functions that the pages call."""

import re

import pytest
from on_the_road import as_given
from PIL import Image
from sqlalchemy import select, text
from typer.testing import CliRunner

from dispatch.approval.lodge import lodge
from dispatch.audit import AuditEntry, Deed
from dispatch.journey import Act
from dispatch.packing.pack import pack, to_pack
from dispatch.shipment import act, at_stage, lock
from zhuandi import counter

CASE = "331127202611220001"


@pytest.fixture
def typed(post, monkeypatch):
    monkeypatch.setattr(counter, "open_world", lambda: as_given(post.world))
    monkeypatch.setenv("COLUMNS", "140")
    runner = CliRunner()
    return lambda *words: runner.invoke(counter.app, [str(word) for word in words])


@pytest.fixture
def packed(post, drain, decided) -> str:
    """A letter that waits for the postman; its waybill number."""
    world = post.world
    lodge(world, decided(CASE, applicant_id_no="11010519491231002X"), "test")
    drain(world)
    with world.begin() as session:
        for shipment in at_stage(session, ["booked"]):
            act(world, session, lock(session, shipment.id), Act.PRINT)
    with world.reading() as session:
        [(code, number)] = to_pack(session)
    pack(world, code, number, "li.na")
    return number


def test_a_parcel_is_counted_out_handed_over_and_compared(typed, packed):
    assert "没有正在办的交寄" in typed("count-close").output
    assert "已计入 1 件，共 1 件" in typed("count-out", packed).output
    assert "已计入 0 件，共 1 件" in typed("count-out", "--back", packed).output
    assert "整批计入 1 件" in typed("count-out", "--all").output
    assert "共 1 件" in typed("count-close").output
    assert packed in typed("compare").output
    assert "没有交寄" in typed("compare", "2020-01-01").output


def test_the_posting_lists_of_a_day_are_shown_and_those_that_nobody_signed(typed, packed, post):
    typed("count-out", "--all")
    typed("count-close")
    assert "JJ" in typed("posting-lists").output
    assert "没有交寄清单" in typed("posting-lists", "--unsigned").output  # today's is no old one
    with post.world.begin() as session:
        session.execute(text("UPDATE hand_overs SET made_at = made_at - interval '1 day'"))
    assert "未签" in typed("posting-lists", "--unsigned").output
    assert "没有交寄清单" in typed("posting-lists").output
    assert "不是日期" in typed("posting-lists", "gestern").output


def test_what_never_left_the_desk_is_put_back(typed, packed):
    typed("count-out", "--all")
    typed("count-close")
    assert "放回待交寄" in typed("put-back", packed).output
    assert "已计入 0 件，共 1 件" in typed("count-out").output
    assert typed("put-back", packed).exit_code == 1


def reveals(world):
    with world.reading() as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.deed == Deed.REVEAL)).all()
        return [row.by for row in rows]


def test_a_posting_list_is_signed_once_with_a_picture_of_the_hand(typed, packed, tmp_path):
    """Without it a hall whose screen nobody can draw on had no way to keep a signature."""
    hand, empty = tmp_path / "hand.png", tmp_path / "empty.png"
    Image.new("RGB", (8, 8), "black").save(hand)
    Image.new("RGB", (8, 8), "white").save(empty)
    typed("count-out", "--all")
    number = re.search(r"交寄清单 (\S+)，", typed("count-close").output)[1]
    assert "签名栏是空的" in typed("sign-list", number, empty, "--postman", "柳投递").output
    assert "签名已存" in typed("sign-list", number, hand, "--postman", "柳投递").output
    assert "不能再签" in typed("sign-list", number, hand, "--postman", "柳投递").output
    assert typed("sign-list", "X-1", hand, "--postman", "柳投递").exit_code == 1


def test_a_picture_is_listed_and_looked_at_for_a_reason_alone(typed, packed, post, tmp_path):
    photo, out = tmp_path / "photo.png", tmp_path / "seen"
    Image.new("RGB", (8, 8), "black").save(photo)
    assert "没有照片" in typed("pictures", CASE).output
    assert typed("photograph", packed, photo).exit_code == 0
    listed = typed("pictures", CASE).output
    assert "内件照片" in listed
    key = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", listed)[0]
    assert typed("pictures", CASE, key, "--out", out).exit_code == 1
    assert (out.exists(), reveals(post.world)) == (False, [])
    assert typed("pictures", CASE, key, "--out", out, "--reason", "核对内件", "--by", "li.na").exit_code == 0
    with Image.open(out) as seen:
        assert seen.size == (8, 8)
    assert reveals(post.world) == ["li.na"]


def test_the_number_to_call_is_shown_for_a_reason_alone(typed, packed, post):
    assert typed("call-number", CASE).exit_code == 1
    assert reveals(post.world) == []
    assert re.search(r"\b1\d{10}\b", typed("call-number", CASE, "--reason", "约投递时间", "--by", "li.na").output)
    assert reveals(post.world) == ["li.na"]


def test_a_case_is_pulled_and_given_out_at_the_window(typed, packed, post, drain, tmp_path):
    assert "先抽回" in typed("window", CASE).output
    assert "等寄递企业撤单" in typed("window-pull", CASE).output
    drain(post.world)
    refused = typed("window-give", CASE, "--id-no", "0000")
    assert (refused.exit_code, "Traceback" in refused.output) == (1, False)
    assert "窗口已领取" in typed("window-give", CASE, "--id-no", "002X").output
    typed("window", CASE, "--out", tmp_path / "receipt.pdf")
    assert (tmp_path / "receipt.pdf").read_bytes().startswith(b"%PDF")


def test_three_calls_in_vain_are_told(typed, packed):
    assert "不必再打" not in typed("call", CASE).output
    typed("call", CASE)
    assert "不必再打" in typed("call", CASE).output
    told = typed("call", CASE, "本人在外地，月底回来").output
    assert "月底回来" in told
    assert "13900000001" not in told
