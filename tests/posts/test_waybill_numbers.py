"""What can be a number is ASCII, at every carrier: a digit that only looks like one stands on no label."""

from collections.abc import Iterator

import pytest

from dispatch.accounts import KdniaoAccount, TrackedCarrier
from dispatch.carrier import Carrier
from dispatch.posts.by_hand.codes import number_for
from dispatch.posts.kdniao.account import Kdniao
from dispatch.posts.line import open_line
from dispatch.posts.tracked import Tracked
from dispatch.wiring import now
from tests.posts.adapters import ADAPTERS

NUMBERS = {
    "ems": "1100000000001",
    "sf": "SF0000000000001",
    "by_hand": number_for(1),
    "gov_ems": "1100000000001",
    "kdniao": "770000000101",
    "kuaidi100": "770000000101",
    "a pattern with \\d": "770000000101",
}
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@pytest.fixture(scope="module")
def carriers() -> Iterator[dict[str, Carrier]]:
    line = open_line(KdniaoAccount())
    made = {
        name: adapter.carrier(adapter.account("http://127.0.0.1:9", "http://127.0.0.1:9/push/secret"), line)
        for name, adapter in ADAPTERS.items()
    }
    company = TrackedCarrier(title="中通快递", tracker="kdniao", code="ZTO", number_pattern=r"\d{12}")
    yield {**made, "a pattern with \\d": Tracked("zto", company, Kdniao(KdniaoAccount(), line, now, {}))}
    line.client.close()


def test_every_adapter_is_asked(carriers: dict[str, Carrier]) -> None:
    assert carriers.keys() == NUMBERS.keys()


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_in_digits_that_are_not_ascii_is_no_number(carriers: dict[str, Carrier], name: str) -> None:
    number = NUMBERS[name]
    assert carriers[name].is_number(number)
    alike = (number.translate(FULL_WIDTH), number.translate(ARABIC), f"{number[:-1]}１", f"{number}\n", f" {number}")
    assert not [one for one in alike if carriers[name].is_number(one)]
