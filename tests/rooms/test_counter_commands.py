"""The counter's commands, as they are typed: the same functions that the pages call."""

import pytest
from on_the_road import as_given
from typer.testing import CliRunner

from dispatch.approval.lodge import lodge
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
