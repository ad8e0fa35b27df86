"""The entries of the interfaces of a county: its own people, and the county-to-post interface of Jiangsu."""

from collections.abc import Mapping
from typing import Any

from dispatch.accounts import ByHandAccount, GovEmsAccount
from dispatch.carrier import Carrier, Order, Request
from dispatch.posts.by_hand.account import ByHand
from dispatch.posts.gov_ems.account import GovEms
from dispatch.wiring import now
from sandbox import ByHandSettings, GovEmsSettings
from sandbox.by_hand import signature as by_hand_signature
from sandbox.gov_ems import check as gov_check
from sandbox.gov_ems import sealed, soap
from tests.posts import absences
from tests.posts.absences import NO_PUSHES, NO_STATE_PUSH, absent
from tests.posts.adapter import LIMITS, PLAIN, WAITS, Absence, Adapter, Texts, heard_by, party_texts

# --- our own people

KEY = "钥匙-by-hand"


def by_hand_opens(request: Request) -> Any:
    call = heard_by(request)
    assert not by_hand_signature.fault(KEY, call.headers[by_hand_signature.HEADER.lower()], call.body)
    return call.json()


def by_hand_texts(carrier: Carrier, order: Order) -> tuple[Texts, Texts]:
    body = by_hand_opens(carrier.booking(order).request)
    said, opened = party_texts(order, {side: body[side] for side in ("sender", "recipient")}, PLAIN)
    said |= {"order_no": order.order_no, "way_of_delivery": order.way_of_delivery}
    said |= {"contents": list(order.contents), "case_nos": list(order.case_nos)}
    names = ("order_no", "way_of_delivery", "contents", "case_nos")
    return said, {**opened, **{name: body[name] for name in names}}


BY_HAND = Adapter(
    name="by_hand",
    title="the centre's own people",
    settings=lambda storage, door: ByHandSettings(storage=storage, push_url=door, key=KEY, **WAITS),
    account=lambda post, _: ByHandAccount(endpoint=f"{post}/by-hand", key=KEY, **LIMITS),
    carrier=lambda account, line: ByHand(account, line, now),
    wrong_secret={"key": "nobody's"},
    other_door={"key": "another"},
    refusal="bad_field",
    tells_words=False,  # an event has a code and a note
    opens=by_hand_opens,
    texts=by_hand_texts,
    absent={**absent("own_label", "reach", "announcing"), **NO_STATE_PUSH, **absences.NOTHING_UNPUBLISHED},
)

# --- the county-to-post interface

DES_KEY, CENTRE_CODE, SIGNED = "TESTKEY1", "3200JT", "C"


def gov_ems_opens(request: Request) -> str:
    _, arg0 = soap.read_call(request.body, {"CityToGovMail", "CityGetGovLogis"})
    return sealed.unseal(arg0, DES_KEY)


def gov_ems_texts(carrier: Carrier, order: Order) -> tuple[Texts, Texts]:
    message = soap.parse(gov_ems_opens(carrier.booking(order).request))
    post = gov_check.fields_of(message.find("PostInfo"), "PostInfo")
    cases = [
        gov_check.fields_of(each, "ApplyInfo")["INTERNAL_NO"] for each in message.findall("ApplyInfos/ApplyInfo")
    ]
    names = {"name": "NAME", "province": "PROV", "city": "CITY", "county": "COUNTRY", "address": "STRECT"}
    sided = {ours: f"{{side}}_{theirs}" for ours, theirs in names.items()}
    said, opened = party_texts(order, {"sender": post, "recipient": post}, sided)
    item = f"{'、'.join(order.contents)}（{order.way_of_delivery}）"
    said |= {"order_no": order.order_no, "item": item, "cases": list(order.case_nos), "dept": order.department}
    return said, {
        **opened,
        "order_no": post["EMS_ORD_NO"],
        "item": post["ITEM"],
        "cases": cases,
        "dept": post["ORGNAME"],
    }


GOV_EMS_ABSENT: Mapping[str, Absence] = {
    **absent("cancelling", "own_label", "reach", "announcing"),
    **NO_PUSHES,
    **NO_STATE_PUSH,
    **absences.WRONG_KEY_IS_A_MALFORMED_ORDER,
    **absences.EVERY_CODE_IS_IN_THE_DICTIONARY,
}
GOV_EMS = Adapter(
    name="gov_ems",
    title="the Jiangsu county-to-post interface (SOAP)",
    settings=lambda storage, _: GovEmsSettings(
        storage=storage, des_key=DES_KEY, centre_code=CENTRE_CODE, number_after_seconds=0.1, **WAITS
    ),
    account=lambda post, _: GovEmsAccount(
        endpoint=f"{post}/onlineGovEMS/services/CityToGovService",
        centre_code=CENTRE_CODE,
        des_key=DES_KEY,
        delivered_letters=(SIGNED,),
        **LIMITS,
    ),
    carrier=GovEms,
    wrong_secret={"des_key": "NOTOURS1"},
    refusal="RCV_NAME",
    letters={"delivered": SIGNED},
    opens=gov_ems_opens,
    kept=lambda call: call.kept,
    texts=gov_ems_texts,
    absent=GOV_EMS_ABSENT,
)
