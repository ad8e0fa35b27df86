"""The entries of the adapters that book: China Post/EMS, SF, our own people, the county-to-post interface."""

import base64
from uuid import uuid4

from dispatch.accounts import ByHandAccount, EmsAccount, GovEmsAccount, SfAccount
from dispatch.carrier import Carrier, Order
from dispatch.posts.by_hand.account import ByHand
from dispatch.posts.ems.account import Ems
from dispatch.posts.gov_ems.account import GovEms
from dispatch.posts.sf.account import Sf
from dispatch.wiring import now
from sandbox import ByHandSettings, EmsSettings, GovEmsSettings, SfSettings
from sandbox.by_hand import signature as by_hand_signature
from sandbox.ems import envelope as ems_envelope
from sandbox.gov_ems import check as gov_check
from sandbox.gov_ems import sealed, soap
from sandbox.post import read_json
from sandbox.sf.digest import digest_of
from tests.posts.absences import NO_PUSHES, UNSIGNED, absent
from tests.posts.adapter import LIMITS, WAITS, Adapter, Texts, heard_by, party_texts

PLAIN = {name: name for name in ("name", "province", "city", "county", "address")}

# --- EMS

KEYS = (b"sixteen bytes ok", b"sixteen were old", b"sixteen another'")
SK, OLD_SK, OTHER_SK = (base64.b64encode(key).decode() for key in KEYS)
SENDER_NO, CODE = "1100000000000", "SANDBOX-CODE"
ENVELOPE_REFUSALS = ("SBX101", "SBX102", "SBX104", "SBX105")
REFUSALS = ("SBX201", "SBX202", "SBX212", "SBX222", "SBX223")


def ems_account(post: str, _door: str) -> EmsAccount:
    return EmsAccount(
        endpoint=f"{post}/amp-prod-api/f/amp/api/open",
        sender_no=SENDER_NO,
        authorization=CODE,
        sk=SK,
        retired_sk=(OLD_SK,),
        repeats_are_idempotent=True,
        refused_codes=REFUSALS,
        unauthorised_codes=ENVELOPE_REFUSALS,
        **LIMITS,
    )


def ems_texts(carrier: Carrier, order: Order) -> tuple[Texts, Texts]:
    form = heard_by(carrier.booking(order).request).form()
    (body,) = ems_envelope.open_request(form["logitcsInterface"], SK)
    cargos = [cargo["cargoName"] for cargo in body["cargos"]]
    sides = {"sender": body["sender"], "recipient": body["receiver"]}
    said, opened = party_texts(order, sides, {**PLAIN, "province": "prov"})
    said |= {"order_no": order.order_no, "way": order.way_of_delivery, "contents": list(order.contents)}
    return said, {**opened, "order_no": body["logisticsOrderNo"], "way": body["pickupNotes"], "contents": cargos}


EMS = Adapter(
    name="ems",
    settings=lambda storage, door: EmsSettings(
        storage=storage,
        push_url=door,
        sender_no=SENDER_NO,
        authorization=CODE,
        sk=SK,
        old_sk=OLD_SK,
        **WAITS,
    ),
    account=ems_account,
    carrier=lambda account, line: Ems(account, line, now),
    wrong_secret={"authorization": "nobody's"},
    other_door={"sk": OTHER_SK, "retired_sk": ()},
    refusal="SBX201",
    texts=ems_texts,
    absent=absent("look_up", "announcing"),
)

# --- SF

PARTNER_ID, CHECKWORD, CARD = "ZWZD01", "fjcg5PGKaNpPSHFAZ4QsCOkV71R3zVci", "7551234567"
OUT_OF_RANGE = "32"
ALREADY_COLLECTED = "SBX222"  # the sandbox's own: no code is published for it


def sf_account(post: str, door: str) -> SfAccount:
    return SfAccount(
        endpoint=f"{post}/std/service",
        partner_id=PARTNER_ID,
        checkword=CHECKWORD,
        monthly_card=CARD,
        confirms=True,
        refused_codes=(*SfAccount().refused_codes, ALREADY_COLLECTED),
        push_secret=door.rpartition("/")[2],
        **LIMITS,
    )


def sf_texts(carrier: Carrier, order: Order) -> tuple[Texts, Texts]:
    form = heard_by(carrier.booking(order).request).form()
    right = digest_of("standard_md5", form["msgData"], form["timestamp"], CHECKWORD)
    assert right == form["msgDigest"]
    body = read_json(form["msgData"])
    sender, recipient = body["contactInfoList"]
    said, opened = party_texts(order, {"sender": sender, "recipient": recipient}, {**PLAIN, "name": "contact"})
    said |= {"order_no": order.order_no, "way": order.way_of_delivery, "contents": list(order.contents)}
    cargos = [cargo["name"] for cargo in body["cargoDetails"]]
    return said, {**opened, "order_no": body["orderId"], "way": body["remark"], "contents": cargos}


SF = Adapter(
    name="sf",
    settings=lambda storage, door: SfSettings(
        storage=storage,
        push_url=door,
        partner_id=PARTNER_ID,
        checkword=CHECKWORD,
        monthly_card=CARD,
        confirming_seconds=0.3,
        **WAITS,
    ),
    account=sf_account,
    carrier=lambda account, line: Sf(account, line, now, new_id=lambda: str(uuid4())),
    wrong_secret={"checkword": "nobody's"},
    other_door={"push_secret": "another"},
    refusal="101",
    never_booked=(OUT_OF_RANGE,),
    patience=None,
    awkward_field="city",
    texts=sf_texts,
    absent={**absent("reach"), **UNSIGNED},
)

# --- our own people

KEY = "钥匙-by-hand"


def by_hand_texts(carrier: Carrier, order: Order) -> tuple[Texts, Texts]:
    call = heard_by(carrier.booking(order).request)
    assert not by_hand_signature.fault(KEY, call.headers[by_hand_signature.HEADER.lower()], call.body)
    body = call.json()
    said, opened = party_texts(order, {side: body[side] for side in ("sender", "recipient")}, PLAIN)
    said |= {"order_no": order.order_no, "way_of_delivery": order.way_of_delivery}
    said |= {"contents": list(order.contents), "case_nos": list(order.case_nos)}
    names = ("order_no", "way_of_delivery", "contents", "case_nos")
    return said, {**opened, **{name: body[name] for name in names}}


BY_HAND = Adapter(
    name="by_hand",
    settings=lambda storage, door: ByHandSettings(storage=storage, push_url=door, key=KEY, **WAITS),
    account=lambda post, _: ByHandAccount(endpoint=f"{post}/by-hand", key=KEY, **LIMITS),
    carrier=lambda account, line: ByHand(account, line, now),
    wrong_secret={"key": "nobody's"},
    other_door={"key": "another"},
    refusal="bad_field",
    tells_words=False,  # an event has a code and a note
    texts=by_hand_texts,
    absent=absent("own_label", "reach", "announcing"),
)

# --- the county-to-post interface

DES_KEY, CENTRE_CODE, SIGNED = "TESTKEY1", "3200JT", "C"


def gov_ems_texts(carrier: Carrier, order: Order) -> tuple[Texts, Texts]:
    _, arg0 = soap.read_call(carrier.booking(order).request.body, {"CityToGovMail"})
    message = soap.parse(sealed.unseal(arg0, DES_KEY))
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


GOV_EMS = Adapter(
    name="gov_ems",
    settings=lambda storage, _: GovEmsSettings(
        storage=storage, des_key=DES_KEY, centre_code=CENTRE_CODE, number_after_seconds=0.3, **WAITS
    ),
    account=lambda post, _: GovEmsAccount(
        endpoint=f"{post}/onlineGovEMS/services/CityToGovService",
        centre_code=CENTRE_CODE,
        des_key=DES_KEY,
        delivered_letters=(SIGNED,),
        **LIMITS,
    ),
    carrier=GovEms,
    refusal="RCV_NAME",
    letters={"delivered": SIGNED},
    texts=gov_ems_texts,
    absent={
        **absent("cancelling", "own_label", "reach", "announcing"),
        **NO_PUSHES,
        "a_wrong_secret_is_told_apart": "接口没有“账号不被认可”的返回码：密钥不对时答 3（格式错误），只能当作退回",
    },
)
