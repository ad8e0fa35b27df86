"""A letter that turned back and then shows as delivered: 本人 may mean the sender, and that is us."""

import itertools

import pytest
from on_the_road import CLERK, Road, as_given
from sqlalchemy import select
from typer.testing import CliRunner

from dispatch.journey import View
from dispatch.worklist import Reason
from dispatch.zero_visits.close import LegEvidence
from dispatch.zero_visits.desk import on_the_desk
from dispatch.zero_visits.evidence import Evidence
from dispatch.zero_visits.outcomes import count_outcomes
from dispatch.zero_visits.settle import settle_entry
from dispatch.zero_visits.word import confirm_received
from zhuandi import look

BACK = "退件已回中心，由本中心签收"
TURNED_BACK = (("203", ""), ("705", "7"), ("708", ""))


@pytest.fixture
def road(post, drain):
    return Road(post.world, drain)


def tell(road, *news):
    for code, detail in news:
        road.tell("A", code, detail)


def settle_everything(road, note=BACK):
    """All that stands, and whatever stands because of it."""
    for _ in range(4):
        for entry in on_the_desk(road.world):
            settle_entry(road.world, entry.number, CLERK, note)
        road.drain(road.world)


def proofs(road):
    with road.world.reading() as session:
        return [Evidence(one) for one in session.scalars(select(LegEvidence.evidence))]


def outcomes(road):
    with road.world.reading() as session:
        counted = count_outcomes(session)
    return counted.zero_visits, counted.on_the_worklist


@pytest.mark.parametrize("signed", ["10", "20", "160", ""])
def test_settling_what_contradicts_does_not_make_our_own_signature_the_recipients(road, decided, signed):
    """The clerk wrote that the letter is back, and the case closed as signed for by the recipient: zero visits."""
    road.hand_over(decided("A"))
    tell(road, *TURNED_BACK, ("704", signed))
    assert Reason.DELIVERY_REVOKED in [entry.reason for entry in road.entries()]
    settle_everything(road)
    assert (road.shipment("A").view, proofs(road), outcomes(road)) == (View.DELIVERED, [], (0, 1))


def test_brought_back_and_then_told_as_delivered_it_is_no_more_delivered(road, decided):
    road.hand_over(decided("A"))
    tell(road, *TURNED_BACK, ("711", ""), ("704", "10"))
    settle_everything(road)
    assert (road.shipment("A").view, outcomes(road)) == (View.DELIVERED, (0, 1))


def test_whichever_news_come_first_nothing_is_proved_even_where_the_case_had_closed_by_then(road, decided):
    cases = [f"33112720261122000{n}" for n in range(6)]
    road.hand_over(*(decided(case, slip={"detail": f"团结西路{case[-1]}号"}) for case in cases))
    moment = road.world.now()
    lines = (("705", "7", 1), ("708", "", 2), ("704", "10", 3))
    for case, order in zip(cases, itertools.permutations(lines), strict=True):
        for code, detail, second in order:
            road.tell(case, code, detail, at=moment.replace(microsecond=second))
    settle_everything(road)
    assert outcomes(road) == (0, len(cases))


def test_the_next_entry_says_what_is_open_and_how_it_ends(road, decided):
    road.hand_over(decided("A"))
    tell(road, *TURNED_BACK, ("704", "10"))
    for entry in on_the_desk(road.world):
        settle_entry(road.world, entry.number, CLERK, "去核实")
    road.drain(road.world)
    [asked] = on_the_desk(road.world)
    assert (asked.reason, asked.act) == (Reason.SIGNER_UNKNOWN, "问本人")
    assert "本中心自己签收" in asked.detail
    assert "记下本人的话" in asked.detail


def test_the_applicants_word_closes_it(road, decided, monkeypatch):
    road.hand_over(decided("A"))
    tell(road, *TURNED_BACK, ("704", "10"))
    monkeypatch.setattr(look, "open_world", lambda: as_given(road.world))
    said = CliRunner().invoke(look.app, ["received", "A", "--note", "来电：邮递员又送来了", "--by", CLERK])
    assert said.exit_code == 0, said.output
    settle_everything(road, "已见")
    assert (road.shipment("A").view, proofs(road)) == (View.CLOSED, [Evidence.CONFIRMED_BY_APPLICANT])
    assert outcomes(road) == (1, 0)


def test_a_closed_letter_that_came_back_and_was_signed_for_is_proved_no_longer_until_the_applicant_says_so(
    road, decided
):
    road.hand_over(decided("A"))
    tell(road, ("203", ""), ("704", "10"))
    assert outcomes(road) == (1, 0)
    tell(road, ("741", ""), ("704", "10"))
    settle_everything(road)
    assert (road.shipment("A").view, outcomes(road)) == (View.CLOSED, (0, 1))
    assert confirm_received(road.world, "A", CLERK, "来电：在本人手里") == 1
    road.drain(road.world)
    assert outcomes(road) == (1, 0)


def test_a_way_back_that_the_post_takes_back_was_none(road, decided):
    """A return that was opened and deleted again (447, 448) is routine, and what follows is a delivery."""
    road.hand_over(decided("A"))
    tell(road, ("203", ""), ("447", ""), ("448", ""), ("702", ""), ("704", "10"))
    assert (road.shipment("A").view, road.entries()) == (View.CLOSED, [])
