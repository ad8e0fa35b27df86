"""A free line of address is read by jionlp, which is shown only the places that the line names."""

import random
from collections.abc import Iterator

import pytest
from road_steps import at_once

from dispatch.approval.fields import address

SEED = 20261127
STREETS = ("团结西路8号2幢301室", "人民街道办事处旁", "重庆路19号", "太原大街7号", "")


@pytest.fixture
def whole() -> Iterator[object]:
    """jionlp as it comes: every place of the country is looked for in every line."""
    reader = address._reader()
    reader._parse.administrative_map_list = reader._places
    return reader._parse


def lines(parse: object, count: int) -> list[str]:
    """Addresses all over the country: whole, without the province, with short names, and none at all."""
    chance, counties = random.Random(SEED), list(parse.town_village_dict)
    found = [
        "",
        "abc",
        "北海市重庆路其仓11号",
        "上海市嘉定区太原路99号",
        "青海西宁城中区",
        "喀左旗覃家岗街道梨树湾村",
    ]
    for _ in range(count):
        county = chance.choice(counties)
        town = chance.choice([name for name in parse.town_village_dict[county] if not name.startswith("_")] or [""])
        told = chance.choice([county, county[3:], f"{county[:2]}{county[3:5]}", f"{county[:2]}{county[6:]}"])
        found.append(f"{told}{town}{chance.choice(STREETS)}")
    return found


def test_it_reads_what_it_would_read_with_every_place_in_sight(whole):
    told = lines(whole, 120)
    expected = {line: whole(line, town_village=True) for line in told}
    found = {line: address._reader().read(line) for line in told}
    assert found == expected, f"seed {SEED}"


def test_lines_read_at_the_same_time_do_not_spoil_each_other(whole):
    told = lines(whole, 24)
    alone = [address.read_line(line) for line in told]
    assert at_once([lambda line=line: address.read_line(line) for line in told]) == alone
