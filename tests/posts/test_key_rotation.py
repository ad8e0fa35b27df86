"""A key that changes: pushes under the old one are believed for the overlap, and refused once it is taken away."""

import json

import pytest
from pydantic import SecretStr

from dispatch.accounts import ByHandAccount
from dispatch.carrier import Knock, NotVouched
from dispatch.posts.by_hand.account import ByHand
from dispatch.posts.by_hand.signature import sign
from dispatch.posts.kdniao.account import Kdniao
from tests.posts.kdniao_samples import ACCOUNT, COLLECTED, KEY, NOW, PARCEL, knock, parcel, pushed, their_sign
from tests.posts.sf_samples import SECRET, json_push, route, sf
from tests.posts.sf_samples import knock as sf_knock

NEWS = json.dumps({"operation": "news", "id": "p1", "events": []}).encode()


def kdniao(**changes: object) -> Kdniao:
    return Kdniao(ACCOUNT.model_copy(update=changes), None, lambda: NOW, {})


def by_hand(key: str, *retired: str) -> ByHand:
    return ByHand(ByHandAccount(key=key, retired_keys=retired), None, lambda: NOW)


def test_kdniao_signs_with_the_old_app_key_until_the_new_one_is_everywhere():
    body = pushed(parcel(COLLECTED))
    retired = (SecretStr(""), SecretStr("older"), SecretStr(KEY))
    overlap = kdniao(app_key=SecretStr("new"), retired_app_keys=retired)
    assert overlap.vouch(knock(body)).body == body
    assert overlap.vouch(knock(body, sign=their_sign(body, "new"))).body == body
    for sign_of in ("", "another"):
        with pytest.raises(NotVouched):
            overlap.vouch(knock(body, sign=their_sign(body, sign_of)))
    with pytest.raises(NotVouched):
        kdniao(app_key=SecretStr("new")).vouch(knock(body))


def test_a_retired_app_key_signs_no_call_of_ours():
    asked = kdniao(app_key=SecretStr("new"), retired_app_keys=(SecretStr(KEY),)).query("ZTO", PARCEL)
    assert asked == kdniao(app_key=SecretStr("new")).query("ZTO", PARCEL)


def test_our_own_people_sign_with_the_old_key_until_the_new_one_is_everywhere():
    under_the_old = Knock(NEWS, signature=sign("old", NOW, NEWS))
    for desk in (by_hand("old"), by_hand("new", "", "older", "old")):
        assert desk.vouch(under_the_old).reference == "p1"
    assert by_hand("new", "old").vouch(Knock(NEWS, signature=sign("new", NOW, NEWS)))
    for desk in (by_hand("new"), by_hand("new", ""), by_hand("")):
        with pytest.raises(NotVouched):
            desk.vouch(under_the_old)
    with pytest.raises(NotVouched):
        by_hand("new", "").vouch(Knock(NEWS, signature=sign("", NOW, NEWS)))


@pytest.mark.parametrize("signature", ["v1", "v1,a,b", "1:é", ":", "x" * 10_000, f"{int(NOW.timestamp())}:=="])
def test_a_malformed_signature_is_turned_away_under_any_number_of_keys(signature):
    desk = by_hand("new", "old", "older")
    with pytest.raises(NotVouched):
        desk.vouch(Knock(NEWS, signature=signature))
    assert desk.turn_away(Knock(NEWS), "签名不符").status == 401


def test_a_retired_key_signs_no_order_of_ours():
    asked, plain = by_hand("new", "old").look_up("ZD1"), by_hand("new").look_up("ZD1")
    assert asked == plain


def test_the_secret_part_of_an_address_changes_at_the_post_when_the_post_has_time():
    raw = json_push(route("50"))
    changed = {"push_secret": "new-secret", "push_sources": ()}
    overlap = sf(**changed, retired_push_secrets=("", "older", SECRET))
    assert overlap.vouch(sf_knock(raw))
    assert overlap.vouch(sf_knock(raw, secret="new-secret"))
    for secret in ("", "guess"):
        with pytest.raises(NotVouched):
            overlap.vouch(sf_knock(raw, secret=secret))
    with pytest.raises(NotVouched):
        sf(**changed).vouch(sf_knock(raw))
    with pytest.raises(NotVouched):  # nothing is set: nothing is believed
        sf(push_secret="", push_sources=(), retired_push_secrets=("",)).vouch(sf_knock(raw, secret=""))
