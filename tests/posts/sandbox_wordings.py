"""How each sandbox words an event and a refusal: told to use other words, for tests of any text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from dispatch.carrier import Order
from sandbox.by_hand import ByHand
from sandbox.by_hand.scenarios import SCENARIOS as BY_HAND_STORIES
from sandbox.ems import Ems
from sandbox.ems import envelope as ems
from sandbox.ems.trace import OPERATIONS
from sandbox.gov_ems import GovEms, soap
from sandbox.gov_ems.check import Rtn
from sandbox.gov_ems.protocol import _message
from sandbox.gov_ems.scenarios import STATUSES
from sandbox.kdniao import Kdniao
from sandbox.kdniao.told import STATES
from sandbox.kuaidi100 import Kuaidi100
from sandbox.kuaidi100.check import RefusedError
from sandbox.kuaidi100.protocol import _refusal
from sandbox.kuaidi100.told import CODES, HERE
from sandbox.post import Answer, PostProtocol, Scenario, Step
from sandbox.sf import Sf
from sandbox.sf import envelope as sf
from sandbox.sf.scenarios import REMARKS

Kind = type[PostProtocol[Any]]


@dataclass(frozen=True)
class Told:
    """What was ordered, and the words that the post was told to use."""

    order: Order
    place: str
    text: str


@dataclass(frozen=True)
class Wording:
    """How one post words the first event of a parcel."""

    say: Callable[[pytest.MonkeyPatch, str, str], None]
    """Use this place and this text, where the post has words of its own."""
    read: Callable[[Told], tuple[str, str]]
    """Place and text as the adapter must read them."""


def _ems(changed: pytest.MonkeyPatch, _place: str, text: str) -> None:
    changed.setitem(OPERATIONS, "203", OPERATIONS["203"]._replace(name=text))


def _by_hand(changed: pytest.MonkeyPatch, _place: str, text: str) -> None:
    noted = (Step("took", gaps=0, extra={"note": text}),)
    changed.setitem(BY_HAND_STORIES, "15", Scenario("15", "", noted))


def _kuaidi100(changed: pytest.MonkeyPatch, place: str, text: str) -> None:
    there = HERE._replace(name=f"浙江,{place}")
    changed.setitem(CODES, "103", CODES["103"]._replace(name=text, place=there))


WORDINGS: Mapping[Kind, Wording] = {
    Ems: Wording(
        _ems,
        lambda told: (
            f"{told.order.sender.county}揽投部",
            f"{told.text} 【{told.order.sender.county}揽投部】{told.text}",
        ),
    ),
    Sf: Wording(
        lambda changed, _, text: changed.setitem(REMARKS, "50", text),
        lambda told: (told.order.sender.city, told.text),
    ),
    ByHand: Wording(
        _by_hand,
        lambda told: (told.order.sender.city + told.order.sender.county, f"已取件 {told.text}"),
    ),
    GovEms: Wording(
        lambda changed, _, text: changed.setitem(STATUSES, "B", text),
        lambda told: ("", f"{told.text} 【{told.order.sender.city}{told.order.sender.county}】{told.text}"),
    ),
    Kdniao: Wording(
        lambda changed, place, text: changed.setitem(STATES, "1", (place, text)),
        lambda told: (told.place, f"【{told.place}】{told.text}"),
    ),
    Kuaidi100: Wording(_kuaidi100, lambda told: (told.place, f"【{told.place}】{told.text}")),
}


def _sf_refused(post: PostProtocol[Any], text: str) -> Answer:
    inner = sf.refused(sf.RefusedError(sf.Refusal.RECIPIENT_ADDRESS, text))
    return sf.passed(inner, as_object=post.settings.result_as_object, loose=post.settings.loose_types)


REFUSED: Mapping[Kind, Callable[[PostProtocol[Any], str], Answer]] = {
    Ems: lambda _, text: Answer.of_json(ems.refusal(ems.RefusedError(ems.Refusal.VALUE, text))),
    Sf: _sf_refused,
    ByHand: lambda _, text: Answer.of_json({"ok": False, "code": "bad_field", "words": text}, 422),
    GovEms: lambda _, text: Answer.of_text(
        soap.answer("CityToGovMail", _message((Rtn.MISSING.value[0], text))), content_type=soap.CONTENT_TYPE
    ),
    Kdniao: lambda post, text: Answer.of_json(post._refusal(text)),
    Kuaidi100: lambda _, text: _refusal(RefusedError("700", text)),
}
"""The answer to an order, or to a subscription, that the post turns away in these words."""
