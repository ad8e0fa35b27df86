"""The sandbox posts of the practice profile: each is told what our account at it says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from dispatch.errors import NotFoundError
from dispatch.settings import Settings
from sandbox import (
    ByHandSettings,
    EmsSettings,
    Faults,
    GovEmsSettings,
    KdniaoSettings,
    Kuaidi100Settings,
    SfSettings,
)
from sandbox.post import PostSettings
from zhuandi.practice import Practice

Told = TypeVar("Told")
STORM_PUSH_TRIES = 8  # a push that nobody acknowledges is given up: asking must find its news


@dataclass(frozen=True, slots=True)
class Play:
    """How the posts are to behave."""

    seed: int = 1
    gap: float = 1.0
    duplicates_refused: bool = False
    storm: bool = False


def post_settings(settings: Settings, practice: Practice, name: str, play: Play) -> PostSettings:
    """What one sandbox post is told. Raises NotFoundError for a post that is not played."""
    make = MAKERS.get(name)
    if make is None:
        raise NotFoundError(f"没有名为“{name}”的练习寄递企业。可用：{'、'.join(MAKERS)}。")
    return make(settings, _common(settings, practice, name, play), play)


def _common(settings: Settings, practice: Practice, name: str, play: Play) -> dict[str, Any]:
    file = "sandbox-post.sqlite" if name == "ems" else f"sandbox-{name}.sqlite"
    return {
        "host": "127.0.0.1",
        "port": practice.ports[name],
        "storage": settings.home / file,
        "push_url": f"{settings.public_url}/pushes/{name}",
        "gap_seconds": play.gap,
        "seed": play.seed,
        "lost_answer_seconds": settings.ems.answer_seconds * 2,
        "faults": Faults.storm() if play.storm else Faults(),
        "push_tries": STORM_PUSH_TRIES if play.storm else 0,
        "late_seconds": 4 * play.gap,
    }


Make = Callable[[Settings, dict[str, Any], Play], PostSettings]


def _ems(settings: Settings, common: dict[str, Any], play: Play) -> PostSettings:
    account = settings.ems
    return EmsSettings(
        **common,
        sender_no=account.sender_no,
        authorization=account.authorization.get_secret_value(),
        sk=account.sk.get_secret_value(),
        old_sk=account.retired_sk[0].get_secret_value() if account.retired_sk else "",
        repeat_order="duplicate_error" if play.duplicates_refused else "same_waybill",
    )


def _sf(settings: Settings, common: dict[str, Any], play: Play) -> PostSettings:
    account = _account(settings.sf)
    secret = account.push_secret.get_secret_value()  # nothing is signed: the address itself is the secret
    return SfSettings(
        **{**common, "push_url": f"{common['push_url']}/{secret}"},
        partner_id=account.partner_id,
        checkword=account.checkword.get_secret_value(),
        digest=account.digest,
        monthly_card=account.monthly_card,
        repeat_order="duplicate_error" if play.duplicates_refused else "same_waybill",
        order_state_push=True,
        push_form=play.storm and play.seed % 2 == 0,  # both forms of their pushes, one in each storm
    )


def _by_hand(settings: Settings, common: dict[str, Any], _play: Play) -> PostSettings:
    return ByHandSettings(**common, key=_account(settings.by_hand).key.get_secret_value())


def _gov_ems(settings: Settings, common: dict[str, Any], _play: Play) -> PostSettings:
    account = _account(settings.gov_ems)
    told = {**common, "push_url": ""}  # this interface pushes nothing
    key = account.des_key.get_secret_value()
    return GovEmsSettings(**told, des_key=key, centre_code=account.centre_code)


def _kdniao(settings: Settings, common: dict[str, Any], _play: Play) -> PostSettings:
    account = _account(settings.kdniao)
    return KdniaoSettings(**common, e_business_id=account.business_id, app_key=account.app_key.get_secret_value())


def _kuaidi100(settings: Settings, common: dict[str, Any], _play: Play) -> PostSettings:
    account = _account(settings.kuaidi100)
    told = {**common, "push_url": ""}  # each subscription names its own
    return Kuaidi100Settings(**told, customer=account.customer, key=account.key.get_secret_value())


def _account(account: Told | None) -> Told:
    if account is None:
        raise NotFoundError("设置里没有这个寄递企业的账号，不能练习。")
    return account


MAKERS: Mapping[str, Make] = {
    "ems": _ems,
    "sf": _sf,
    "by_hand": _by_hand,
    "gov_ems": _gov_ems,
    "kdniao": _kdniao,
    "kuaidi100": _kuaidi100,
}
