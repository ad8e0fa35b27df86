"""The entries of the carriers that are known through a tracker: Kdniao, Kuaidi100."""

from pathlib import Path

from dispatch.accounts import KdniaoAccount, Kuaidi100Account, TrackedCarrier
from dispatch.carrier import Carrier, Order, Parcel
from dispatch.posts.kdniao.account import Kdniao
from dispatch.posts.kuaidi100.account import Kuaidi100
from dispatch.posts.tracked import Tracked
from dispatch.wiring import now
from sandbox import KdniaoSettings, Kuaidi100Settings
from sandbox.kdniao import envelope as kdniao_envelope
from sandbox.kuaidi100 import check as kuaidi100_check
from sandbox.post import read_json
from tests.posts.absences import ALLOTTED, absent
from tests.posts.adapter import LIMITS, WAITS, Adapter, Texts, heard_by

# --- Kdniao

KDNIAO_KEY, KDNIAO_OLD_KEY, BUSINESS_ID = "钥匙-kdniao", "previous-key", "1237100"


def kdniao_account(post: str, _door: str) -> KdniaoAccount:
    return KdniaoAccount(
        query_endpoint=f"{post}/Ebusiness/EbusinessOrderHandle.aspx",
        subscribe_endpoint=f"{post}/api/dist",
        business_id=BUSINESS_ID,
        app_key=KDNIAO_KEY,
        **LIMITS,
    )


def kdniao_settings(storage: Path, door: str) -> KdniaoSettings:
    account = {"e_business_id": BUSINESS_ID, "app_key": KDNIAO_KEY, "old_app_key": KDNIAO_OLD_KEY}
    return KdniaoSettings(storage=storage, push_url=door, **account, **WAITS)


def kdniao_texts(carrier: Carrier, order: Order) -> tuple[Texts, Texts]:
    request = carrier.announcing(Parcel("770000000101", order.recipient.name, "13900000001")).request
    asked = kdniao_envelope.opened(heard_by(request), kdniao_settings(Path(), "http://door"), frozenset({"8008"}))
    return {"order_no": order.recipient.name}, {"order_no": asked.body["OrderCode"]}


def zto(tracker: str, code: str) -> TrackedCarrier:
    return TrackedCarrier(title="中通快递", tracker=tracker, code=code, wants_phone=True)


KDNIAO = Adapter(
    name="kdniao",
    settings=kdniao_settings,
    account=kdniao_account,
    carrier=lambda account, line: Tracked("zto", zto("kdniao", "ZTO"), Kdniao(account, line, now, {"ZTO": "zto"})),
    endpoints=("query_endpoint", "subscribe_endpoint"),
    finer=True,
    other_door={"app_key": "another"},
    has_retired_key=False,
    awkward_field="order_no",
    texts=kdniao_texts,
    absent={
        **ALLOTTED,
        **absent("look_up", "cancelling", "own_label", "reach"),
        "a_refusal_is_told_in_the_posts_words": "快递鸟的订阅不公布返回码，只有文字：退回与疑问分不开，按疑问处理",
        "a_post_that_asks_for_patience_is_throttled": "同上：超次数只写在文字里，没有可认的返回码，按疑问处理",
        "a_wrong_secret_is_told_apart": "同上：签名不符只写在文字里，没有可认的返回码，按疑问处理",
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


def kuaidi100_texts(carrier: Carrier, order: Order) -> tuple[Texts, Texts]:
    number = order.recipient.name
    asked = heard_by(carrier.question(Parcel(number, "", "13900000001")).request).form()
    assert kuaidi100_check.signature(asked["param"], KUAIDI_KEY, CUSTOMER) == asked["sign"]
    wanted = heard_by(carrier.announcing(Parcel(number, "", "13900000001")).request).form()
    opened = {"query": read_json(asked["param"])["num"], "poll": read_json(wanted["param"])["number"]}
    return dict.fromkeys(opened, number), opened


KUAIDI100 = Adapter(
    name="kuaidi100",
    settings=lambda storage, _: Kuaidi100Settings(
        storage=storage, customer=CUSTOMER, key=KUAIDI_KEY, old_salt=OLD_SALT, **WAITS
    ),
    account=kuaidi100_account,
    carrier=lambda account, line: Tracked(
        "zto", zto("kuaidi100", "zhongtong"), Kuaidi100(account, line, {"zhongtong": "zto"})
    ),
    endpoints=("query_endpoint", "subscribe_endpoint"),
    finer=True,
    wrong_secret={"key": "nobody's"},
    other_door={"salt": "another", "retired_salts": ()},
    unacceptable_digits="~*",  # no number has these
    refusal="700",
    # The end of the watching; and the state of a parcel whose last node has a state that nobody published: a line of
    # its own, which a later push and the trace have no more.
    only_pushed=frozenset({"abort", "9"}),
    texts=kuaidi100_texts,
    absent={
        **ALLOTTED,
        **absent("look_up", "cancelling", "own_label", "reach"),
        "text_comes_back_unchanged": "快递100不收也不回我方的文字，只收单号",
    },
)
