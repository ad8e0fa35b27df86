"""Kuaidi100: signed texts, tolerant reading, and what its silence, its corrections and its giving up mean."""

import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from dispatch.carrier import (
    Answer,
    CarrierError,
    InDoubt,
    Knock,
    NoAnswer,
    NotVouched,
    Parcel,
    Refused,
    Throttled,
    Unauthorised,
)
from dispatch.posts.kuaidi100.account import Kuaidi100
from dispatch.posts.kuaidi100.signature import sign
from dispatch.posts.line import open_line
from tests.posts.kuaidi100_samples import (
    ACCOUNT,
    CALLBACK,
    COLLECTED,
    NUMBER,
    PARCEL,
    SIGNED,
    VECTOR,
    having,
    knock,
    node,
    parcel,
    pushed,
    said,
    their_sign,
)


@pytest.fixture(scope="module")
def line():
    line = open_line(ACCOUNT)
    yield line
    line.client.close()


@pytest.fixture(scope="module")
def kuaidi(line):
    return Kuaidi100(ACCOUNT, line, {"yunda": "yunda", "ems": "ems_parcel"})


# The signature.


def test_the_sample_query_is_built_and_signed_byte_for_byte(line):
    ours = having(line, key=SecretStr(VECTOR["key"]), customer=VECTOR["customer"])
    assert sign(VECTOR["param"], VECTOR["key"], VECTOR["customer"]) == VECTOR["sign"]
    call = ours.query("ems", Parcel("1100000000001"))
    fields = parse_qs(call.request.body.decode())
    assert call.kept == VECTOR["param"]
    assert fields == {"customer": [VECTOR["customer"]], "sign": [VECTOR["sign"]], "param": [VECTOR["param"]]}


awkward = st.text(
    alphabet=st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("*~+/&=% \"'\\;#?蓝雨𠮷🏮\u2028"))
)


@given(awkward, awkward)
def test_what_is_signed_is_what_arrives_after_one_decoding(kuaidi, number, phone):
    call = kuaidi.query("yunda", Parcel(number, "", phone))
    fields = parse_qs(call.request.body.decode("ascii"), strict_parsing=True)
    (text,) = fields["param"]
    assert fields["sign"] == [their_sign(text, "practice-key", VECTOR["customer"])]
    assert (json.loads(text)["num"], json.loads(text)["phone"]) == (number, phone)


@given(awkward)
def test_a_push_of_any_text_is_vouched_for_and_kept_as_it_was_signed(kuaidi, words):
    body = pushed(parcel(node("24 08:10:00", words, "5")))
    assert kuaidi.vouch(knock(body)).body == body


# Calls.


def test_a_subscription_names_our_door_with_its_secret_part_and_the_salt(kuaidi):
    call = kuaidi.subscription("yunda", PARCEL)
    fields = parse_qs(call.request.body.decode(), strict_parsing=True)
    assert (call.request.url, fields["schema"]) == (ACCOUNT.subscribe_endpoint, ["json"])
    assert json.loads(fields["param"][0]) == {
        "company": "yunda",
        "number": NUMBER,
        "from": "",
        "to": "",
        "key": "practice-key",
        "parameters": {
            "callbackurl": f"{CALLBACK}/s3cret",
            "salt": "practice-salt",
            "resultv2": "4",
            "autoCom": "0",
            "phone": "0001",
        },
    }


def test_no_secret_is_kept_with_a_call(kuaidi):
    for call in (kuaidi.subscription("yunda", PARCEL), kuaidi.query("yunda", PARCEL)):
        assert not any(secret in call.kept for secret in ("practice-key", "practice-salt", "s3cret"))


def test_without_a_salt_none_is_sent_and_without_an_address_nothing_is_subscribed(line):
    bare = having(line, salt=SecretStr(""), push_secret=SecretStr("")).subscription("yunda", PARCEL)
    param = json.loads(parse_qs(bare.request.body.decode())["param"][0])
    assert "salt" not in param["parameters"]
    assert param["parameters"]["callbackurl"] == CALLBACK
    assert having(line, callback_url="").subscription("yunda", PARCEL) is None


def test_what_was_said_before_is_said_again_word_for_word(kuaidi):
    other = replace(PARCEL, number="4300000000009")
    for earlier, now in (
        (kuaidi.query("yunda", other), kuaidi.query("yunda", PARCEL)),
        (kuaidi.subscription("yunda", other), kuaidi.subscription("yunda", PARCEL)),
    ):
        assert kuaidi.again(now, earlier.kept) == earlier


# Answers.


@pytest.mark.parametrize("answer", [said(result=True, returnCode="200"), said(result="true", returnCode=200)])
def test_a_subscription_that_is_accepted_says_nothing_more(kuaidi, answer):
    kuaidi.read_subscription(answer)


@pytest.mark.parametrize("code", ["501", 501])
def test_subscribed_already_is_subscribed(kuaidi, code):
    kuaidi.read_subscription(said(result=False, returnCode=code, message="重复订阅"))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (said(result=False, returnCode="500", message="服务器错误"), NoAnswer),
        (said(result=False, returnCode=600), Unauthorised),
        (said(result=False, returnCode="601"), Unauthorised),
        (said(result=False, returnCode="700"), Refused),
        (said(result=False, returnCode="701"), Refused),
        (said(result=False, returnCode="702"), Refused),
        (said(result=False, returnCode="999"), InDoubt),
        (said(result=False, returnCode="200"), InDoubt),
        (said(result=True), InDoubt),
        (said(429), Throttled),
        (said(500), NoAnswer),
        (Answer(200, b"busy"), NoAnswer),
    ],
)
def test_a_subscription_that_fails_means_what_its_code_says(kuaidi, answer, error):
    with pytest.raises(CarrierError) as caught:
        kuaidi.read_subscription(answer)
    assert type(caught.value) is error


def test_what_surely_refuses_a_subscription_is_a_setting(line):
    with pytest.raises(InDoubt):
        having(line, refused_codes=("700",)).read_subscription(said(result=False, returnCode="701"))


@pytest.mark.parametrize("code", ["500", 500])
def test_no_result_is_no_trace_yet(kuaidi, code):
    assert kuaidi.read_query(said(result=False, returnCode=code, message="查询无结果，请隔段时间再查")) == ()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (said(result=False, returnCode="400"), Refused),
        (said(result=False, returnCode="408", message="手机号校验失败"), Refused),
        (said(result=False, returnCode="501"), NoAnswer),
        (said(result=False, returnCode="502"), Throttled),
        (said(result=False, returnCode=503), Unauthorised),
        (said(result=False, returnCode="504"), Throttled),
        (said(result=False, returnCode="601"), Unauthorised),
        (said(result=False, returnCode="699"), InDoubt),
        (said(**parcel(status="201")), InDoubt),
        (said(**parcel(data=None)), InDoubt),
        (said(503), NoAnswer),
    ],
)
def test_a_query_that_fails_means_what_its_code_says(kuaidi, answer, error):
    with pytest.raises(CarrierError) as caught:
        kuaidi.read_query(answer)
    assert type(caught.value) is error


# The door.


def test_a_genuine_push_is_acknowledged_bare(kuaidi):
    body = pushed(parcel(COLLECTED, state="1"))
    reply = kuaidi.acknowledge(kuaidi.vouch(knock(body)).reference)
    assert (reply.status, json.loads(reply.text)) == (200, {"result": True, "returnCode": "200", "message": "成功"})


def test_what_is_turned_away_is_told_why_in_their_own_form(kuaidi):
    said_back = json.loads(kuaidi.turn_away(Knock(b""), "签名 sign 不符").text)
    assert (said_back["result"], said_back["message"]) == (False, "签名 sign 不符")
    assert said_back["returnCode"] != "200"


BODY = pushed(parcel(SIGNED, state="3"))
FORGED = {
    "another salt": knock(BODY, signed=their_sign(BODY, "another")),
    "no salt": knock(BODY, signed=their_sign(BODY)),
    "the key for the salt": knock(BODY, signed=their_sign(BODY, "practice-key")),
    "another text": knock(BODY.replace(NUMBER, "4300000000002"), signed=their_sign(BODY, "practice-salt")),
    "the sign of the encoded text": knock(BODY, signed=their_sign(quote_plus(BODY), "practice-salt")),
    "a text that was encoded twice": knock(quote_plus(BODY), signed=their_sign(BODY, "practice-salt")),
    "no signature": knock(BODY, signed=""),
    "no signature at the secret address": knock(BODY, signed="", secret="s3cret"),
    "a wrong signature from a known place": knock(BODY, signed="0" * 32, secret="s3cret"),
    "no param": Knock(b"sign=x"),
    "no form": Knock(BODY.encode()),
    "a field twice": Knock(knock(BODY).raw + b"&param=%7B%7D"),
    "nothing": Knock(b""),
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_forged_an_unsigned_and_a_doubly_encoded_push_are_turned_away(kuaidi, forged):
    with pytest.raises(NotVouched):
        kuaidi.vouch(forged)


def test_a_subscription_made_under_an_older_salt_is_still_believed(line):
    changed = having(line, salt=SecretStr("new"), retired_salts=(SecretStr("practice-salt"), SecretStr("")))
    assert changed.vouch(knock(BODY)).body == BODY
    with pytest.raises(NotVouched):
        changed.vouch(knock(BODY, signed=their_sign(BODY)))


def test_with_a_salt_an_unsigned_push_is_believed_only_where_the_account_says_so(line):
    """A secret address stands in logs and proxies: whoever learns it could leave the signature out."""
    ours = having(line, push_secret=SecretStr("s3cret"))
    with pytest.raises(NotVouched, match="没有签名"):
        ours.vouch(knock(BODY, signed="", secret="s3cret"))
    lenient = having(line, push_secret=SecretStr("s3cret"), unsigned_pushes=True)
    assert lenient.vouch(knock(BODY, signed="", secret="s3cret")).body == BODY
    for forged in (knock(BODY, signed="", secret="guess"), knock(BODY, signed="0" * 32, secret="s3cret")):
        with pytest.raises(NotVouched):
            lenient.vouch(forged)


def test_a_salt_given_up_leaves_unsigned_pushes_to_their_place(line):
    """Newer subscriptions are made without one, so their pushes are unsigned."""
    given_up = having(line, salt=SecretStr(""), retired_salts=(SecretStr("practice-salt"),))
    assert given_up.vouch(knock(BODY, signed="", secret="s3cret")).body == BODY


def test_without_a_salt_a_push_is_believed_only_from_a_place_that_is_known(line):
    saltless = having(line, salt=SecretStr(""), push_sources=("203.0.113.0/24",))
    assert saltless.vouch(knock(BODY, signed="", secret="s3cret")).body == BODY
    assert saltless.vouch(knock(BODY, signed="", source="203.0.113.9")).body == BODY
    assert saltless.vouch(knock(BODY, signed="F" * 32, secret="s3cret")).body == BODY  # of a salt given up since
    for stranger in (knock(BODY, signed=""), knock(BODY, signed=their_sign(BODY)), knock(BODY, secret="guess")):
        with pytest.raises(NotVouched):
            saltless.vouch(stranger)


@given(st.binary(max_size=60))
def test_noise_at_the_door_is_turned_away_and_never_crashes_it(kuaidi, noise):
    for raw in (noise, b"sign=x&param=" + noise):
        with pytest.raises(NotVouched):
            kuaidi.vouch(Knock(raw))


def test_the_account_permits_a_question_every_half_hour(kuaidi):
    assert kuaidi.limits.ask_floor == timedelta(minutes=30)
