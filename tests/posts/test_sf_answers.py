"""What SF's answers mean for the next step: nothing is sure that SF does not say."""

import json

import pytest

from dispatch.carrier import (
    Answer,
    Booked,
    CarrierError,
    Duplicate,
    InDoubt,
    NoAnswer,
    Refused,
    Throttled,
    Unauthorised,
    Unavailable,
)
from tests.posts.sf_samples import NUMBER, ORDER, OTHER, failed, gateway, placed, said, sf

# What the gateway says, to whatever was asked.

READERS = {
    "booking": lambda post, answer: post.read_booking(answer, ORDER.order_no),
    "look-up": lambda post, answer: post.read_look_up(answer, ORDER.order_no),
    "announcing": lambda post, answer: post.read_announcing(answer),
    "cancelling": lambda post, answer: post.read_cancelling(answer),
    "label": lambda post, answer: post.read_label(answer),
    "trace": lambda post, answer: post.read_trace(answer),
}
every_reader = pytest.mark.parametrize("reader", READERS.values(), ids=READERS)


def error_of(reader, answer: Answer, **account: object) -> type[CarrierError]:
    with pytest.raises(CarrierError) as raised:
        reader(sf(**account), answer)
    return type(raised.value)


@every_reader
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("A1002", Unavailable),
        ("A1003", Unauthorised),
        ("A1004", Unauthorised),
        ("A1005", Throttled),
        ("A1006", Unauthorised),
        ("A1007", InDoubt),
        ("A1008", Unauthorised),
        ("A1009", NoAnswer),
        ("A1010", Unauthorised),
        ("A1011", InDoubt),
        ("A1099", NoAnswer),
        ("A9999", InDoubt),
        ("", NoAnswer),
    ],
)
def test_each_code_of_the_gateway_means_what_it_says_and_no_more(reader, code, error):
    assert error_of(reader, gateway(None, code, "原话")) is error


@pytest.mark.parametrize("reader", [READERS[name] for name in READERS if name != "look-up"])
def test_what_the_gateway_finds_incomplete_is_refused(reader):
    assert error_of(reader, gateway(None, "A1001", "原话")) is Refused


@every_reader
@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b""),
        Answer(200, "<html>系统维护</html>".encode()),
        Answer(200, b"[]"),
        Answer(200, b"[" * 60_000),
        Answer(502, b"{}"),
        gateway(None),
        gateway("no json"),
        gateway("[]"),
        gateway({"success": False}),
        gateway({}),
        said("no object"),
        failed("9999"),
        failed("S0000"),
        failed(""),
        said({}, "9999"),
    ],
    ids=str,
)
def test_whatever_says_nothing_certain_is_doubt_and_never_a_refusal(reader, answer):
    assert issubclass(error_of(reader, answer), InDoubt)


@pytest.mark.parametrize("reader", [READERS[name] for name in READERS if name != "look-up"])
@pytest.mark.parametrize("code", ["1010", "1016", "6126", "8119", "8247", "8057", "20035"])
def test_a_documented_refusal_comes_in_sfs_own_words(reader, code):
    with pytest.raises(Refused, match=f"{code} 原话"):
        reader(sf(), failed(code))


# The order.


@pytest.mark.parametrize("read", ["booking", "look-up"])
@pytest.mark.parametrize("success", [True, "true"])
def test_the_number_and_the_sorting_code_are_read_from_text_and_from_an_object(read, success):
    booked = Booked(NUMBER, "571-ZJ-A1")
    assert READERS[read](sf(), said(placed(), success=success)) == booked
    assert READERS[read](sf(), gateway({"success": success, "errorCode": "S0000", "msgData": placed()})) == booked
    assert READERS[read](sf(), said(json.dumps(placed(filterResult="2")))) == booked


def test_of_several_waybills_the_main_one_is_the_envelopes():
    paper = {"waybillType": 3, "waybillNo": OTHER}
    main = {"waybillType": "1", "waybillNo": "123456789012"}
    told = placed(waybillNoInfoList=[paper, main, "no object"])
    assert sf().read_booking(said(told), ORDER.order_no).waybill_no == "123456789012"


@pytest.mark.parametrize(
    "labels", [None, [], [{"code": "1001", "routeLabelData": {"destRouteLabel": "X"}}], [{"code": "1000"}]]
)
def test_without_a_sorting_code_it_is_booked_all_the_same(labels):
    assert sf().read_booking(said(placed(routeLabelInfo=labels)), ORDER.order_no) == Booked(NUMBER)


@pytest.mark.parametrize("read", ["booking", "look-up"])
def test_an_order_that_a_person_at_sf_still_weighs_is_known_there_and_has_no_number_yet(read):
    assert error_of(READERS[read], said(placed(filterResult=1, waybillNoInfoList=None))) is Duplicate
    assert READERS[read](sf(), said(placed(filterResult=1))) == Booked(NUMBER, "571-ZJ-A1")


@pytest.mark.parametrize("read", ["booking", "look-up"])
@pytest.mark.parametrize(
    ("remark", "words"),
    [("1", "收方超范围"), (2, "派方超范围"), ("3", "其它原因"), ("停运", "停运"), (None, "未说明")],
)
def test_an_address_that_sf_does_not_serve_is_a_refusal_even_with_a_number(read, remark, words):
    with pytest.raises(Refused, match=f"不可收派：{words}"):
        READERS[read](sf(), said(placed(filterResult="3", remark=remark)))


@pytest.mark.parametrize("read", ["booking", "look-up"])
@pytest.mark.parametrize(
    "changes",
    [
        {"orderId": "ZWZD-OTHER"},
        {"waybillNoInfoList": []},
        {"waybillNoInfoList": [{"waybillType": 3, "waybillNo": NUMBER}]},
        {"waybillNoInfoList": [{"waybillType": 1, "waybillNo": "SF1"}]},
        {"waybillNoInfoList": [{"waybillType": 1, "waybillNo": NUMBER}, {"waybillType": 1, "waybillNo": OTHER}]},
    ],
)
def test_success_without_our_order_or_without_one_good_number_is_doubt(read, changes):
    assert error_of(READERS[read], said(placed(**changes))) is InDoubt


@pytest.mark.parametrize(("success", "code"), [(False, "S0000"), (None, "S0000"), ("false", "S0000"), (True, "9999")])
def test_success_with_one_of_its_two_marks_is_doubt(success, code):
    assert error_of(READERS["booking"], said(placed(), code, success=success)) is InDoubt


def test_a_repeated_order_is_known_by_its_code_and_its_number_is_looked_up():
    assert error_of(READERS["booking"], failed("8016")) is Duplicate


def test_a_repeated_order_whose_waybill_stands_in_the_answer_is_booked():
    """Once it was doubt «without a number», while the number stood in the answer."""
    assert READERS["booking"](sf(), said(placed(), "8016", success=False)) == Booked(NUMBER, "571-ZJ-A1")


@pytest.mark.parametrize(
    "changes",
    [
        *({"orderId": "ZWZD-OTHER"}, {"orderId": None}, {"filterResult": 3}, {"waybillNoInfoList": []}),
        {"waybillNoInfoList": [{"waybillType": 1, "waybillNo": NUMBER}, {"waybillType": 1, "waybillNo": OTHER}]},
    ],
)
def test_a_repeated_order_without_our_one_good_number_is_looked_up(changes):
    assert error_of(READERS["booking"], said(placed(**changes), "8016", success=False)) is Duplicate


@pytest.mark.parametrize("code", ["8018", "8024", "6150"])
def test_only_the_codes_for_no_such_order_say_that_it_was_never_placed(code):
    assert READERS["look-up"](sf(), failed(code)) is None
    assert error_of(READERS["look-up"], failed(code), absent_codes=()) is InDoubt
    assert error_of(READERS["booking"], failed(code)) is InDoubt


@pytest.mark.parametrize("code", ["8016", "8017", "1010", "8247"])
def test_a_refused_question_refuses_no_order(code):
    assert error_of(READERS["look-up"], failed(code)) is InDoubt


def test_a_question_that_the_gateway_refuses_refuses_no_order_either():
    """«A field is missing» speaks of the question: as a refusal of the order, it would be booked again."""
    assert error_of(READERS["look-up"], gateway(None, "A1001", "必传参数不可为空")) is InDoubt


# Confirmed and cancelled.


@pytest.mark.parametrize("answer", [said({"resStatus": 2}), said({"resStatus": "2"}), failed("8252")])
def test_confirmed_now_or_before_is_confirmed(answer):
    sf().read_announcing(answer)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (said({"resStatus": 1}), Refused),
        (said({"resStatus": 9}), InDoubt),
        (failed("8037"), Refused),
        (failed("8018"), InDoubt),
    ],
)
def test_anything_else_is_not_confirmed(answer, error):
    assert error_of(READERS["announcing"], answer) is error


@pytest.mark.parametrize("answer", [said({"resStatus": 2}), said({"resStatus": "2"}), failed("8037")])
def test_cancelled_now_or_before_is_cancelled(answer):
    sf().read_cancelling(answer)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (failed("8252"), Refused),  # it stands, confirmed
        (said({"resStatus": 1}), InDoubt),
        (said({}), InDoubt),
        (failed("8018"), InDoubt),  # their books may only be slow: booked again, there would be two
        (failed("8024"), InDoubt),
    ],
)
def test_what_is_not_surely_cancelled_never_frees_the_envelope_for_a_second_waybill(answer, error):
    assert error_of(READERS["cancelling"], answer) is error
