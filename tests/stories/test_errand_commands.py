"""The commands of whoever carries, as they are typed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from dispatch import bells
from dispatch.db import Base, connect
from dispatch.errands.errand import Errand, ErrandEvent
from dispatch.errands.take import take_order
from dispatch.settings import Settings
from dispatch.wiring import broker_url, make_broker, make_world
from workers.jobs import queue_of
from zhuandi.main import app

Zhuandi = Callable[..., Result]


@pytest.fixture
def zhuandi(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Zhuandi:
    monkeypatch.setenv("ZHUANDI_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "140")
    engine = connect(database_url)
    Base.metadata.create_all(engine, tables=[Errand.__table__, ErrandEvent.__table__])
    engine.dispose()
    bells.prepare(broker_url(Settings()))
    runner = CliRunner()
    return lambda *words: runner.invoke(app, [str(word) for word in words])


@pytest.fixture
def number(zhuandi: Zhuandi) -> str:
    """An order that the desk has taken."""
    hall = {"name": "县政务服务中心", "phone": "0578-5082345", "province": "浙江省", "city": "丽水市"}
    place = {"county": "景宁畲族自治县", "address": "红星街道团结西路8号2幢301室"}
    order = {
        "order_no": "ZDTEST1",
        "created_at": "2026-11-23 09:00:00",
        "sender": {**hall, **place},
        "recipient": {**hall, **place, "name": "蓝小雨", "phone": "13900000001"},
        "contents": ["许可证"],
        "way": "door",
        "way_of_delivery": "须上门投递",
    }
    settings = Settings()
    with make_world(settings, make_broker(settings), queue_of) as world:
        return take_order(world, order).number


def test_what_is_to_be_carried_is_listed_until_it_is_handed_over(zhuandi: Zhuandi, number: str) -> None:
    listed = zhuandi("errands")
    assert number in listed.output
    assert "蓝**" in listed.output
    assert "301室" not in listed.output
    assert "尚未取件" in listed.output
    told = zhuandi("errand-report", number, "--code", "took", "--by", "小吴")
    assert "已取件，已记下" in told.output
    (errand,) = json.loads(zhuandi("errands", "--json").output)
    assert (errand["taken_by"], errand["last"]) == ("小吴", "已取件")
    handed = zhuandi("errand-report", number, "--code", "handed", "--signer", "self", "--note", "本人在家")
    assert handed.exit_code == 0
    assert "没有要送的" in zhuandi("errands").output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--code", "delivered"), "code"),
        (("--code", "took", "--signer", "self"), "signer"),
        (("--code", "took", "--at", "今天"), "2026-11-23 09:05:00"),
        (("--code", "took", "--at", "2000-01-01 00:00:00"), "早于下单"),
    ],
)
def test_a_slip_of_the_pen_is_one_line_and_nothing_is_stored(
    zhuandi: Zhuandi, number: str, words: tuple[str, ...], told: str
) -> None:
    refused = zhuandi("errand-report", number, *words)
    assert refused.exit_code == 1
    assert told in refused.output
    assert "Traceback" not in refused.output
    assert "尚未取件" in zhuandi("errands").output


def test_the_full_recipient_is_shown_for_a_reason(zhuandi: Zhuandi, number: str) -> None:
    assert zhuandi("errand-recipient", number, "--reason", " ").exit_code == 1
    shown = zhuandi("errand-recipient", number, "--reason", "今天送")
    assert "蓝小雨 13900000001" in shown.output
    assert zhuandi("errand-recipient", "GB0000000125", "--reason", "今天送").exit_code == 1
