"""The entries of the carriers that are known through a tracker: Kdniao, Kuaidi100."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from dispatch.accounts import KdniaoAccount, Kuaidi100Account, TrackedCarrier
from dispatch.carrier import Carrier, Order, Parcel, Request
from dispatch.posts.kdniao.account import Kdniao
from dispatch.posts.kuaidi100.account import Kuaidi100
from dispatch.posts.tracked import Tracked
from dispatch.wiring import now
from sandbox import KdniaoSettings, Kuaidi100Settings
from sandbox.kdniao import envelope as kdniao_envelope
from sandbox.kdniao.protocol import PUSH_TYPES, QUERIES
from sandbox.kuaidi100 import check as kuaidi100_check
from sandbox.post import read_json
from tests.posts import absences
from tests.posts.absences import ALLOTTED, NO_STATE_PUSH, absent
from tests.posts.adapter import LIMITS, WAITS, Adapter, Texts, heard_by
from tests.posts.bench import RECIPIENT

# --- Kdniao

KDNIAO_KEY, KDNIAO_OLD_KEY, BUSINESS_ID = "钥匙-kdniao", "previous-key", "1237100"


def kdniao_account(post: str, _door: str) -> KdniaoAccount:
    return KdniaoAccount(
        query_endpoint=f"{post}/Ebusiness/EbusinessOrderHandle.aspx",
        subscribe_endpoint=f"{post}/api/dist",
        business_id=BUSINESS_ID,
        app_key=KDNIAO_KEY,
        retired_app_keys=(KDNIAO_OLD_KEY,),
        **LIMITS,
    )


def kdniao_settings(storage: Path, door: str) -> KdniaoSettings:
    account = {"e_business_id": BUSINESS_ID, "app_key": KDNIAO_KEY, "old_app_key": KDNIAO_OLD_KEY}
    return KdniaoSettings(storage=storage, push_url=door, **account, **WAITS)


def kdniao_opens(request: Request) -> Any:
    kinds = QUERIES | frozenset(PUSH_TYPES)
    return kdniao_envelope.opened(heard_by(request), kdniao_settings(Path(), "http://door"), kinds).body


def kdniao_texts(carrier: Carrier, order: Order) -> tuple[Texts, Texts]:
    parcel = Parcel(order.recipient.name, order.order_no, "13900000001")
    said, opened = {}, {}
    for call in (carrier.announcing(parcel), carrier.question(parcel)):
        body = kdniao_opens(call.request)
        said |= {(call.operation, "number"): parcel.number, (call.operation, "order_no"): parcel.order_no}
        opened |= {(call.operation, "number"): body["LogisticCode"], (call.operation, "order_no"): body["OrderCode"]}
    return said, opened


def zto(tracker: str, code: str) -> TrackedCarrier:
    return TrackedCarrier(title="中通快递", tracker=tracker, code=code, wants_phone=True)


KDNIAO = Adapter(
    name="kdniao",
    title="any carrier, followed through Kdniao (query and push)",
    settings=kdniao_settings,
    account=kdniao_account,
    carrier=lambda account, line: Tracked("zto", zto("kdniao", "ZTO"), Kdniao(account, line, now, {"ZTO": "zto"})),
    endpoints=("query_endpoint", "subscribe_endpoint"),
    finer=True,
    tells_history=True,
    wrong_secret={"app_key": "nobody's"},
    other_door={"app_key": "another", "retired_app_keys": ()},
    refusal=r"\[403\]",
    patience=None,
    awkward_field="order_no",
    opens=kdniao_opens,
    texts=kdniao_texts,
    unacceptable_digits="~*",  # no number has these
    unlisted_account={"app_key": "nobody's"},
    absent={
        **ALLOTTED,
        **absent("look_up", "cancelling", "own_label", "reach"),
        **NO_STATE_PUSH,
        **absences.WRONG_KEY_IS_ONLY_WORDS,
    },
)

# --- Kuaidi100

CUSTOMER, KUAIDI_KEY, SALT, OLD_SALT = "TESTCUSTOMER", "testkey-100", "盐-salt", "old-salt"


def kuaidi100_account(post: str, door: str) -> Kuaidi100Account:
    address, _, secret = door.rpartition("/")
    return Kuaidi100Account(
        query_endpoint=f"{post}/poll/query.do",
        subscribe_endpoint=f"{post}/poll",
        customer=CUSTOMER,
        key=KUAIDI_KEY,
        salt=SALT,
        retired_salts=(OLD_SALT,),
        callback_url=address,
        push_secret=secret,
        **LIMITS,
    )


def kuaidi100_opens(request: Request) -> Any:
    """Without the secrets of the account, which a subscription holds and nobody keeps."""
    form = heard_by(request).form()
    param = read_json(form["param"])
    if "sign" in form:
        assert kuaidi100_check.signature(form["param"], KUAIDI_KEY, CUSTOMER) == form["sign"]
        return param
    assert (param.pop("key"), param["parameters"].pop("salt")) == (KUAIDI_KEY, SALT)
    assert param["parameters"].pop("callbackurl")
    return param


def kuaidi100_texts(carrier: Carrier, order: Order) -> tuple[Texts, Texts]:
    parcel = Parcel(order.recipient.name, order.order_no, "13900000001")
    asked, wanted = (kuaidi100_opens(call.request) for call in (carrier.question(parcel), carrier.announcing(parcel)))
    opened = {"query": asked["num"], "poll": wanted["number"]}
    return dict.fromkeys(opened, parcel.number), opened


KUAIDI100 = Adapter(
    name="kuaidi100",
    title="any carrier, followed through Kuaidi100 (query and push)",
    settings=lambda storage, _: Kuaidi100Settings(
        storage=storage, customer=CUSTOMER, key=KUAIDI_KEY, old_salt=OLD_SALT, **WAITS
    ),
    account=kuaidi100_account,
    carrier=lambda account, line: Tracked(
        "zto", zto("kuaidi100", "zhongtong"), Kuaidi100(account, line, {"zhongtong": "zto"})
    ),
    endpoints=("query_endpoint", "subscribe_endpoint"),
    finer=True,
    tells_history=True,
    wrong_secret={"key": "nobody's"},
    other_door={"salt": "another", "retired_salts": ()},
    unacceptable_digits="~*",  # no number has these
    refusal="700",
    # The end of the watching; and the state of a parcel whose last node has a state that nobody published: a line of
    # its own, which a later push and the trace have no more.
    only_pushed=frozenset({"abort", "9"}),
    opens=kuaidi100_opens,
    texts=kuaidi100_texts,
    unlisted={"recipient": replace(RECIPIENT, phone="")},  # 408 is listed for queries, not for subscriptions
    absent={
        **ALLOTTED,
        **absent("look_up", "cancelling", "own_label", "reach"),
        **NO_STATE_PUSH,
        **absences.TAKES_NO_TEXT,
    },
)
