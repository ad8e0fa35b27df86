"""Kdniao: the text that is signed is the text that is sent, and a whole history told again and again is told once."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.accounts import KdniaoAccount
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
from dispatch.posts.kdniao.account import Kdniao
from dispatch.posts.kdniao.signature import data_sign
from dispatch.posts.line import open_line
from tests.posts.kdniao_samples import (
    ACCOUNT,
    COLLECTED,
    KEY,
    NOW,
    NUMBER,
    PARCEL,
    SIGNED,
    VECTOR,
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
def kdniao(line):
    return Kdniao(ACCOUNT, line, lambda: NOW, {"ZTO": "zto", "YZPY": "parcel_post"})


# The signature.


def test_the_official_sample_is_signed_byte_for_byte():
    assert data_sign(VECTOR["RequestData"], VECTOR["AppKey"]) == VECTOR["DataSign"]


awkward = st.text(
    alphabet=st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("*~+/&=% \"'\\;#?蓝雨𠮷🏮\u2028"))
)


@given(awkward, awkward)
def test_what_is_signed_is_what_arrives_after_one_decoding(kdniao, number, order_no):
    for call in (kdniao.query("ZTO", Parcel(number, order_no)), kdniao.subscription("ZTO", Parcel(number, order_no))):
        fields = parse_qs(call.request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
        (text,), (sign,) = fields["RequestData"], fields["DataSign"]
        assert sign == their_sign(text)
        assert text == call.kept
        assert json.loads(text) == {"OrderCode": order_no, "ShipperCode": "ZTO", "LogisticCode": number}


@given(awkward)
def test_a_push_of_any_text_is_vouched_for_and_kept_as_it_was_signed(kdniao, words):
    body = pushed(parcel(node("24 08:10:00", words, "202")))
    assert kdniao.vouch(knock(body)).body == body


# Calls.


def test_a_query_and_a_subscription_go_to_their_own_addresses_with_their_own_request_types(kdniao):
    query, subscription = kdniao.query("ZTO", PARCEL), kdniao.subscription("ZTO", PARCEL)
    assert (query.operation, query.request.url) == ("8001", ACCOUNT.query_endpoint)
    assert (subscription.operation, subscription.request.url) == ("8008", ACCOUNT.subscribe_endpoint)
    fields = parse_qs(query.request.body.decode())
    assert (fields["EBusinessID"], fields["DataType"], fields["RequestType"]) == (["1237100"], ["2"], ["8001"])
    assert json.loads(query.kept)["CustomerName"] == "0001"


def test_the_key_is_neither_kept_nor_sent(kdniao):
    call = kdniao.query("ZTO", PARCEL)
    assert KEY not in call.kept
    assert KEY.encode() not in call.request.body


def test_what_was_said_before_is_said_again_word_for_word(kdniao):
    earlier = kdniao.query("ZTO", replace(PARCEL, order_no="早先的单号"))
    assert kdniao.again(kdniao.query("ZTO", PARCEL), earlier.kept) == earlier


# Answers.


def test_a_subscription_that_is_accepted_says_nothing_more(kdniao):
    kdniao.read_subscription(said(EBusinessID="1237100", Success=True, Reason="成功"))
    kdniao.read_subscription(said(EBusinessID="1237100", Success="true"))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (said(Success=False, Reason="没有这个快递公司"), InDoubt),
        (said(Success=False, ResultCode=402, Reason="缺单号"), Refused),
        (said(Success=False, ResultCode="405", Reason="超次数"), Throttled),
        (said(), InDoubt),
        (said(429), Throttled),
        (said(403), Unauthorised),
        (said(502), NoAnswer),
        (Answer(200, b"<html>busy</html>"), NoAnswer),
        (Answer(200, b"[]"), NoAnswer),
    ],
)
def test_a_failure_is_a_refusal_only_where_a_known_code_says_so(kdniao, answer, error):
    for read in (kdniao.read_subscription, kdniao.read_query):
        with pytest.raises(CarrierError) as caught:
            read(answer)
        assert type(caught.value) is error


def test_the_codes_of_an_account_are_its_settings(line):
    ours = Kdniao(ACCOUNT.model_copy(update={"unauthorised_codes": ("104",)}), line, lambda: NOW, {})
    with pytest.raises(Unauthorised):
        ours.read_subscription(said(Success=False, ResultCode="104", Reason="用户问题"))


@pytest.mark.parametrize("success", [True, False, "true", "false"])
@pytest.mark.parametrize("state", ["0", 0])
def test_no_trace_yet_is_no_failure_and_no_news(kdniao, success, state):
    answer = said(**parcel(state=state, state_ex="0", Success=success, Reason="暂无轨迹信息"))
    assert kdniao.read_query(answer) == ()


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("DataSign校验失败", InDoubt),
        ("EBusinessID不存在", InDoubt),
        ("", InDoubt),
        ("[405]超过查询次数", Throttled),
        ("[402]缺少LogisticCode", Refused),
        ("[999]未公布的代码", InDoubt),
    ],
)
def test_a_failure_without_a_trace_is_no_quiet_parcel(kdniao, reason, error):
    """It comes with State 0 and an empty list like «no trace yet»: a dead key once looked like parcels at rest."""
    with pytest.raises(CarrierError) as caught:
        kdniao.read_query(said(**parcel(state="0", Success=False, Reason=reason)))
    assert (type(caught.value) is error, reason in str(caught.value)) == (True, True)


def test_what_a_quiet_parcel_is_called_is_a_setting(line):
    ours = Kdniao(ACCOUNT.model_copy(update={"no_trace_words": ("查无结果",)}), line, lambda: NOW, {})
    assert ours.read_query(said(**parcel(state="0", Success=False, Reason="查无结果"))) == ()
    with pytest.raises(InDoubt):
        ours.read_query(said(**parcel(state="0", Success=False, Reason="暂无轨迹信息")))


@pytest.mark.parametrize("traces", [None, "", {}, ["签收"]])
def test_an_answer_without_a_list_of_traces_is_doubt_and_not_no_trace(kdniao, traces):
    with pytest.raises(InDoubt):
        kdniao.read_query(said(**parcel(state="0", Traces=traces)))


def test_traces_count_even_where_the_answer_calls_itself_a_failure(kdniao):
    assert len(kdniao.read_query(said(**parcel(COLLECTED, state="1", Success=False)))) == 1


# The door.


def test_a_genuine_push_is_acknowledged_bare_with_our_number_and_the_time(kdniao):
    body = pushed(parcel(COLLECTED))
    vouched = kdniao.vouch(knock(body))
    reply = kdniao.acknowledge(vouched.reference)
    assert reply.status == 200
    assert json.loads(reply.text) == {
        "EBusinessID": "1237100",
        "UpdateTime": "2026-11-25 09:00:00",
        "Success": True,
        "Reason": "",
    }


def test_what_is_turned_away_is_told_why_in_their_own_form(kdniao):
    reply = kdniao.turn_away(Knock(b""), "签名 DataSign 不符")
    assert json.loads(reply.text)["Success"] is False
    assert json.loads(reply.text)["Reason"] == "签名 DataSign 不符"


BODY = pushed(parcel(SIGNED, state="3", state_ex="304"))
DIGEST = base64.b64decode(their_sign(BODY)).decode()  # 32 hex characters
FORGED = {
    "another key": knock(BODY, sign=their_sign(BODY, "another key")),
    "an empty key": knock(BODY, sign=their_sign(BODY, "")),
    "another text": knock(BODY.replace(NUMBER, "73100000000002"), sign=their_sign(BODY)),
    "the sign of the encoded text": knock(BODY, sign=their_sign(quote_plus(BODY))),
    "Base64 of the sixteen bytes": knock(BODY, sign=base64.b64encode(bytes.fromhex(DIGEST)).decode()),
    "another centre's number": knock(BODY, EBusinessID="1237101"),
    "no number": knock(BODY, EBusinessID=""),
    "another type of push": knock(BODY, RequestType="107"),
    "a text that was encoded twice": knock(quote_plus(BODY), sign=their_sign(BODY)),
    "a sign that was encoded twice": knock(BODY, sign=quote_plus(their_sign(BODY))),
    "no signature": knock(BODY, sign="", secret="", source="203.0.113.9"),
    "no form": Knock(BODY.encode()),
    "a field twice": Knock(knock(BODY).raw + b"&RequestData=%7B%7D"),
    "nothing": Knock(b""),
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_forged_an_unsigned_and_a_doubly_encoded_push_are_turned_away(kdniao, forged):
    with pytest.raises(NotVouched):
        kdniao.vouch(forged)


def test_an_unsigned_push_is_believed_only_from_a_place_that_is_known(line):
    known = ACCOUNT.model_copy(
        update={"push_secret": type(ACCOUNT.push_secret)("s3cret"), "push_sources": ("203.0.113.0/24",)}
    )
    ours = Kdniao(known, line, lambda: NOW, {})
    assert ours.vouch(knock(BODY, sign="", secret="s3cret")).body == BODY
    assert ours.vouch(knock(BODY, sign="", source="203.0.113.9")).body == BODY
    with pytest.raises(NotVouched):
        ours.vouch(knock(BODY, sign="", secret="guess"))
    with pytest.raises(NotVouched):  # a wrong signature is a forgery wherever it comes from
        ours.vouch(knock(BODY, sign=their_sign(BODY, "x"), secret="s3cret", source="203.0.113.9"))


def test_without_a_key_nobody_is_believed_who_signs_with_none(line):
    keyless = Kdniao(KdniaoAccount(business_id="1237100"), line, lambda: NOW, {})
    with pytest.raises(NotVouched):
        keyless.vouch(knock(BODY, sign=their_sign(BODY, "")))


@given(st.binary(max_size=60))
def test_noise_at_the_door_is_turned_away_and_never_crashes_it(kdniao, noise):
    for raw in (noise, b"EBusinessID=1237100&RequestType=102&DataSign=x&RequestData=" + noise):
        with pytest.raises(NotVouched):
            kdniao.vouch(Knock(raw))


def test_the_account_permits_a_question_every_half_hour(kdniao):
    assert (kdniao.limits.ask_floor, kdniao.limits.per_second) == (timedelta(minutes=30), 20.0)
