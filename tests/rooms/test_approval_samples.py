"""The list to practise with: valid throughout, and rich enough for every story of the practice post."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from dispatch.approval.check import check
from dispatch.approval.decided_case import DecidedCase
from dispatch.approval.fields.way import Way
from dispatch.approval.read_list import read_list
from samples import make_samples

LIST = Path(make_samples.__file__).with_name("issued-cases.xlsx")


@pytest.fixture(scope="module")
def cases() -> list[DecidedCase]:
    outcomes = [
        check(row, undrawable=lambda _: [], today=date(2026, 11, 23))
        for _, row in read_list(LIST.read_bytes(), LIST.name).rows
    ]
    assert [str(problem) for one in outcomes if isinstance(one, list) for problem in one] == []
    return [one for one in outcomes if isinstance(one, DecidedCase)]


def stories(cases: list[DecidedCase], **slip: object) -> set[str]:
    return {c.slip.phone[-2:] for c in cases if all(getattr(c.slip, name) == value for name, value in slip.items())}


def test_the_list_is_what_its_maker_writes(tmp_path: Path) -> None:
    make_samples.write(tmp_path / "again.xlsx")
    assert (tmp_path / "again.xlsx").read_bytes() == LIST.read_bytes()


def test_every_case_can_start_at_once(cases: list[DecidedCase]) -> None:
    assert len(cases) >= 66
    assert all(case.paper_ready and case.hold is None and case.applicant_id_no for case in cases)


def test_every_story_occurs_and_the_plain_one_most(cases: list[DecidedCase]) -> None:
    told = Counter(case.slip.phone[-2:] for case in cases)
    assert set(told) == {f"{story:02d}" for story in range(1, 25)}
    assert told.most_common(1)[0][0] == "01"
    assert 22 <= told["01"] <= 30


def test_consent_is_there_and_missing_where_it_decides(cases: list[DecidedCase]) -> None:
    assert {"04", "05", "06", "07"} <= stories(cases, proxy_allowed=True) & stories(cases, proxy_allowed=False)
    assert "03" in stories(cases, way=Way.LOCKER, point_at_address=True) & stories(cases, way=Way.DOOR)
    assert "08" in stories(cases, way=Way.VILLAGE_STATION, brought_to_door=True)
    assert "08" in stories(cases, way=Way.VILLAGE_STATION, brought_to_door=False) & stories(cases, way=Way.DOOR)
    assert "18" in stories(cases, way=Way.LOCKER)
    assert "21" in stories(cases, way=Way.DOOR)


def test_some_recipients_get_several_cases_in_one_envelope(cases: list[DecidedCase]) -> None:
    joined = Counter((c.slip.recipient_name, c.slip.phone, c.slip.town, c.slip.detail) for c in cases)
    assert sorted(joined.values())[-4:] == [2, 2, 2, 3]
    assert len(joined) == len({case.slip.phone for case in cases})
    assert sorted(Counter(case.matter_no for case in cases if case.matter_no).values()) == [2, 2]


def test_people_items_and_beginnings_are_many(cases: list[DecidedCase]) -> None:
    assert len({case.department for case in cases}) >= 6
    assert len({case.item_name for case in cases}) >= 6
    assert {"person", "organisation"} == {case.applicant_kind for case in cases}
    assert set("𬭎㛃䶮堃𠮷𬎆·") <= set("".join(case.slip.recipient_name for case in cases))
    assert {case.slip.county for case in cases} == {"景宁畲族自治县", "磐安县"}
    assert len({case.application.kind for case in cases}) >= 3
    assert sum(case.application.kind.value == "hall_counter" for case in cases) >= 3
