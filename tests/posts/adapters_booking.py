"""The entries of the adapters that book at a post: China Post/EMS and SF."""

import base64
from dataclasses import replace
from typing import Any
from uuid import uuid4

from dispatch.accounts import EmsAccount, SfAccount
from dispatch.carrier import Carrier, Order, Request
from dispatch.posts.ems.account import Ems
from dispatch.posts.sf.account import Sf
from dispatch.wiring import now
from sandbox import EmsSettings, SfSettings
from sandbox.ems import envelope as ems_envelope
from sandbox.post import read_json
from sandbox.sf.digest import Digest, digest_of
from tests.posts.absences import NO_STATE_PUSH, UNSIGNED, absent
from tests.posts.adapter import LIMITS, PLAIN, WAITS, Adapter, Texts, heard_by, party_texts
from tests.posts.bench import RECIPIENT

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


def ems_opens(request: Request) -> Any:
    return ems_envelope.open_request(heard_by(request).form()["logitcsInterface"], SK)


def ems_texts(carrier: Carrier, order: Order) -> tuple[Texts, Texts]:
    (body,) = ems_opens(carrier.booking(order).request)
    cargos = [cargo["cargoName"] for cargo in body["cargos"]]
    sides = {"sender": body["sender"], "recipient": body["receiver"]}
    said, opened = party_texts(order, sides, {**PLAIN, "province": "prov"})
    said |= {"order_no": order.order_no, "way": order.way_of_delivery, "contents": list(order.contents)}
    return said, {**opened, "order_no": body["logisticsOrderNo"], "way": body["pickupNotes"], "contents": cargos}


EMS = Adapter(
    name="ems",
    title="China Post/EMS, the open platform",
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
    opens=ems_opens,
    texts=ems_texts,
    unlisted={"recipient": replace(RECIPIENT, name=" ")},
    absent={**absent("look_up", "announcing"), **NO_STATE_PUSH},
)

# --- SF

PARTNER_ID, CHECKWORD, CARD = "ZWZD01", "fjcg5PGKaNpPSHFAZ4QsCOkV71R3zVci", "7551234567"
OUT_OF_RANGE = "32"
ALREADY_COLLECTED = "SBX222"  # the sandbox's own: no code is published for it
NUMBERED = "04-40037"  # the order state that tells a number


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


def sf_opens(request: Request, way: Digest = "standard_md5") -> Any:
    form = heard_by(request).form()
    assert digest_of(way, form["msgData"], form["timestamp"], CHECKWORD) == form["msgDigest"]
    return read_json(form["msgData"])


def sf_texts(carrier: Carrier, order: Order) -> tuple[Texts, Texts]:
    body = read_json(heard_by(carrier.booking(order).request).form()["msgData"])
    sender, recipient = body["contactInfoList"]
    said, opened = party_texts(order, {"sender": sender, "recipient": recipient}, {**PLAIN, "name": "contact"})
    said |= {"order_no": order.order_no, "way": order.way_of_delivery, "contents": list(order.contents)}
    cargos = [cargo["name"] for cargo in body["cargoDetails"]]
    return said, {**opened, "order_no": body["orderId"], "way": body["remark"], "contents": cargos}


def sf(name: str, title: str, *, digest: Digest = "standard_md5", **post: Any) -> Adapter:
    """SF, whose console has set this digest, and whose habits are these."""
    return Adapter(
        name=name,
        title=title,
        settings=lambda storage, door: SfSettings(
            storage=storage,
            push_url=door,
            partner_id=PARTNER_ID,
            checkword=CHECKWORD,
            monthly_card=CARD,
            confirming_seconds=0.3,
            digest=digest,
            **{**WAITS, **post},
        ),
        account=lambda post, door: sf_account(post, door).model_copy(update={"digest": digest}),
        carrier=lambda account, line: Sf(account, line, now, new_id=lambda: str(uuid4())),
        wrong_secret={"checkword": "nobody's"},
        other_door={"push_secret": "another"},
        refusal="101",
        never_booked=(OUT_OF_RANGE,),
        patience=None,
        only_pushed=frozenset({NUMBERED}),
        awkward_field="city",
        opens=lambda request: sf_opens(request, digest),
        texts=sf_texts,
        unlisted={"contents": (" ",)},
        absent={**absent("reach"), **UNSIGNED},
    )


SF = sf("sf", "SF Express, pushes as JSON", order_state_push=True)
SF_XML = sf(
    "sf_xml",
    "SF Express, pushes as a form with XML; a repeated order is an error",
    digest="sm3",
    order_state_push=True,
    push_form=True,
    repeat_order="duplicate_error",
    result_as_object=True,
    loose_types=True,
    newest_first=True,
    return_with_order=False,
)
"""SF otherwise: routes pushed as a form with XML, 8016 for a repeated order, another digest, other types."""
