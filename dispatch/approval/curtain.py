"""The curtain before personal data: what this case's people are called is masked wherever it turns up in free text.

Details of the worklist, errors of jobs and settlements are free text; the post's refusals come with its own words,
which may repeat a name or a number. So the known names, numbers and addresses are replaced, and whatever looks like
a mobile or an ID number as well.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from dispatch.approval.case import Case, CaseSlip
from dispatch.approval.slip_row import former_in
from dispatch.mask import STAR, mask_address, mask_name, mask_numbers, mask_phone
from dispatch.world import World

SHORTEST_NAME = 2  # a name of one character would blot out ordinary words
SHORTEST_PLACE = 4  # and so would 8号


@dataclass(frozen=True, slots=True)
class Curtain:
    """Drawn unless the act of looking was logged (`dispatch.reveal`). Pairs of what is hidden and what is shown."""

    applicant: str = field(repr=False)
    recipient: str = field(repr=False)
    phone: str = field(repr=False)
    address: str = field(repr=False)
    reveal: bool
    pairs: tuple[tuple[str, str], ...] = field(repr=False)
    id_no: str = field(default="", repr=False)
    point: str = field(default="", repr=False)

    @classmethod
    def before(cls, world: World, case: Case, slip: CaseSlip, reveal: bool) -> Self:  # noqa: FBT001 - one meaning
        """The curtain before one case."""
        hidden = dict(_pairs(world, case, slip))
        applicant = world.vault.open(case, "applicant_name") or ""
        recipient = world.vault.open(slip, "recipient_name") or ""
        phone = world.vault.open(slip, "phone") or ""
        detail = world.vault.open(slip, "detail") or ""
        number, point = world.vault.open(case, "applicant_id_no") or "", world.vault.open(slip, "point") or ""
        places = (slip.province, slip.city, slip.county, slip.town)
        return cls(
            applicant=applicant if reveal else hidden.get(applicant, applicant),
            recipient=recipient if reveal else mask_name(recipient, organisation=slip.organisation),
            phone=phone if reveal else mask_phone(phone),
            address="".join(places) + detail if reveal else mask_address(*places, detail),
            reveal=reveal,
            pairs=() if reveal else tuple(hidden.items()),
            id_no=number if reveal else STAR * len(number),
            point=point if reveal else mask_address("", "", "", "", point),
        )

    def free(self, text: str | None) -> str:
        """Free text as it may be shown."""
        return (text or "") if self.reveal else behind([self], text)

    def place(self, text: str | None) -> str:
        """The post's word for a place: an office stays, a house does not (a locker stands where somebody lives)."""
        return (text or "") if self.reveal else mask_address("", "", "", "", self.free(text))


def behind(curtains: Collection[Curtain], text: str | None) -> str:
    """Free text as it may be shown where it may be about any of several cases, or about nobody who is known."""
    shown = text or ""
    pairs = {pair for curtain in curtains for pair in curtain.pairs}
    for hidden, instead in sorted(pairs, key=lambda pair: (-len(pair[0]), pair)):
        shown = shown.replace(hidden, instead)
    return mask_numbers(shown)


def _pairs(world: World, case: Case, slip: CaseSlip) -> Iterator[tuple[str, str]]:
    """What must not be seen of this case's people, and what is shown instead. An organisation's name may be seen."""
    people = [(world.vault.open(case, "applicant_name"), case.applicant_kind == "organisation")]
    people.append((world.vault.open(slip, "recipient_name"), slip.organisation))
    for name, organisation in people:
        if name and len(name) >= SHORTEST_NAME and not organisation:
            yield name, mask_name(name, organisation=False)
    if phone := world.vault.open(slip, "phone"):
        yield phone, mask_phone(phone)
    for column in ("detail", "point"):
        place = world.vault.open(slip, column)
        if place and len(place) >= SHORTEST_PLACE:
            yield place, mask_address("", "", "", "", place)
    for told in former_in(world, slip):
        yield from _former(told)
    if number := world.vault.open(case, "applicant_id_no"):
        yield number, STAR * len(number)


def _former(told: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What a slip said before it was changed: what the carrier wrote then still names it."""
    if len(name := told.get("recipient_name", "")) >= SHORTEST_NAME:
        yield name, mask_name(name, organisation=False)
    if phone := told.get("phone"):
        yield phone, mask_phone(phone)
    for column in ("detail", "point"):
        if len(place := told.get(column, "")) >= SHORTEST_PLACE:
            yield place, mask_address("", "", "", "", place)
