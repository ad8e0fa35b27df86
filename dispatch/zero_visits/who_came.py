"""Who came to the window: the applicant with an identity card, or a delegate with an authority. Checked first."""

from dataclasses import dataclass, field
from hmac import compare_digest

from dispatch import audit
from dispatch.approval.case import refuse_erased
from dispatch.approval.fields.text import half_width
from dispatch.approval.within import Within, find_case_within
from dispatch.errors import NotAllowedError
from dispatch.visits import Fault
from dispatch.world import World

DIGITS = 4
"""So many of the last characters of an identity number are compared at least."""
SHORTEST_ID, LONGEST_ID, LONGEST_TEXT = 5, 30, 100
FAULTS = (Fault.POST, Fault.WINDOW, Fault.DEPARTMENT)


@dataclass(frozen=True, slots=True)
class Given:
    """Who came, and what they took. `id_no`: of the applicant, in full or its last characters. Numbers that are not
    told are all there is.

    A delegate (relative, employee) shows a 委托书 or 介绍信 and an identity card of their own. `signature`: a
    canvas's data URL; `on_paper`: signed on the printed receipt instead. `fault`: whose it is, where the post failed.
    """

    id_no: str = field(default="", repr=False)
    delegate_name: str = field(default="", repr=False)
    delegate_id_no: str = field(default="", repr=False)
    authority: str = field(default="", repr=False)
    originals: int | None = None
    copies: int | None = None
    fault: str = ""
    signature: str = field(default="", repr=False)
    on_paper: bool = False

    @property
    def by_delegate(self) -> bool:
        """Somebody else came."""
        return bool(self.delegate_name.strip() or self.delegate_id_no.strip() or self.authority.strip())


def check_person(world: World, case_no: str, given: Given, by: str, within: Within) -> None:
    """Whether it is who it must be. A number that does not match is written down, and nothing is given out.

    Raises NotFoundError, NotAllowedError.
    """
    with world.reading() as session:
        case = find_case_within(session, case_no, within)
    refuse_erased(case)  # its number would count as never told, and any card would do
    if given.by_delegate or case.applicant_kind == "organisation":
        if not given.delegate_name.strip() or not given.authority.strip():
            raise NotAllowedError("他人或单位经办人代领：请填写代领人姓名，并查验委托书或介绍信。")
        identity(given.delegate_id_no)
        return
    known = world.vault.open(case, "applicant_id_no")
    if known is None:
        identity(given.id_no)
        return
    told = _plain(given.id_no)
    if len(told) < DIGITS:
        raise NotAllowedError(f"请查验申请人证件，填写证件号码（至少后 {DIGITS} 位）。")
    if not compare_digest(known[-len(told) :].encode(), told.encode()):
        with world.begin() as session:
            audit.note(world, session, by, audit.Deed.CHANGE, case.subject, "窗口领取：证件号码不符，没有发出")
        raise NotAllowedError("证件号码与申请人的不符，不能发出。请核对证件；他人代领的，查验委托书。")


def _plain(told: str) -> str:
    return "".join(half_width(told).split()).upper()


def identity(told: str) -> str:
    """A whole identity number as it is kept. Raises NotAllowedError where it is none."""
    number = _plain(told)
    if not SHORTEST_ID <= len(number) <= LONGEST_ID or not number.isalnum():
        raise NotAllowedError("请查验证件，填写完整的证件号码。")
    return number
