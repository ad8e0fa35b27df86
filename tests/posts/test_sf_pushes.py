"""SF's pushes at the door: unsigned, in JSON or as a form with XML, each answered in its own form."""

import json
from datetime import UTC, datetime
from xml.sax.saxutils import quoteattr

import pytest

from dispatch.carrier import NotVouched
from dispatch.journey import News
from dispatch.posts.xml import parse, text_at
from tests.posts.gov_ems_samples import BOMB, ELSEWHERE, OUTSIDE
from tests.posts.sf_samples import NUMBER, ORDER, form_push, json_push, knock, route, sf, states_push


def xml_of(*lines: dict[str, object], service: str = "RoutePushService") -> str:
    body = "".join(
        f"<WaybillRoute {' '.join(f'{name}={quoteattr(str(value))}' for name, value in line.items())}/>"
        for line in lines
    )
    return f'<Request service="{service}" lang="zh-CN"><Body>{body}</Body></Request>'


@pytest.mark.parametrize("code", ["50", "80", "125", "33", "81"])
def test_json_and_form_tell_the_same_news(code):
    post, line = sf(), route(code, remark='已签收，"蓝" <&> 100%+')
    pushed = [post.vouch(knock(raw)) for raw in (json_push(line), form_push(xml_of(line)))]
    in_json, in_xml = [post.read_push(vouched.body) for vouched in pushed]
    assert [vouched.reference for vouched in pushed] == ["json", "xml"]
    assert in_json == in_xml
    assert (in_json[0].waybill_no, in_json[0].order_no, in_json[0].code) == (NUMBER, ORDER.order_no, code)


def test_each_is_acknowledged_and_turned_away_in_its_own_form():
    post = sf()
    assert json.loads(post.acknowledge("json").text) == {"return_code": "0000", "return_msg": "成功"}
    received = post.acknowledge("xml")
    assert received.text == '<Response service="RoutePushService"><Head>OK</Head></Response>'
    assert (received.status, received.content_type) == (200, "text/xml; charset=utf-8")

    refused = post.turn_away(knock(json_push(route("80"))), "来源不明")
    assert json.loads(refused.text) == {"return_code": "1000", "return_msg": "来源不明"}
    refused = post.turn_away(knock(form_push(BOMB)), "带有 <DTD>\x00")
    root = parse(refused.text)
    assert (text_at(root, "Head"), text_at(root, "ERROR")) == ("ERR", "带有 <DTD>")
    assert '<ERROR code="4001">' in refused.text
    assert json.loads(post.turn_away(knock(b"\xff"), "x").text)["return_code"] == "1000"


def test_the_form_is_known_by_its_content_and_not_by_what_is_claimed():
    """A proxy that adds its own content type must not turn an acknowledgement into one that SF does not know."""
    tricky = json_push(route("80", remark="a&content=b"))
    assert sf().vouch(knock(b"  " + tricky)).reference == "json"
    assert sf().turn_away(knock(tricky.decode().encode("ascii", "ignore")), "x").content_type == "application/json"


def test_a_push_is_known_by_the_secret_part_of_its_address_or_by_where_it_comes_from():
    post, raw = sf(), json_push(route("80"))
    assert post.vouch(knock(raw))
    assert post.vouch(knock(raw, secret="", source="203.0.113.9"))
    assert post.vouch(knock(raw, secret="", source="::ffff:203.0.113.9"))  # as a socket for both families tells it
    for secret, source in (
        ("", "198.51.100.7"),
        ("", "::ffff:198.51.100.7"),
        ("wrong", "198.51.100.7"),
        ("", ""),
        ("", "no address"),
    ):
        with pytest.raises(NotVouched):
            post.vouch(knock(raw, secret=secret, source=source))


def test_an_account_without_secret_and_sources_believes_no_push():
    with pytest.raises(NotVouched):
        sf(push_secret="", push_sources=()).vouch(knock(json_push(route("80")), secret=""))


@pytest.mark.parametrize("document", [BOMB, OUTSIDE, ELSEWHERE, "<!DOCTYPE r><r/>"])
def test_a_document_with_a_dtd_is_turned_away_before_it_is_read(document):
    with pytest.raises(NotVouched, match="DTD"):
        sf().vouch(knock(form_push(document)))


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 60_000, "蓝".encode("gbk"), b"<Request/>"),
        *(b"content=", b"content=%3Cr", b"content=%3Cr/%3E&content=%3Cr/%3E", b"content=%FF", b"other=1"),
    ],
)
def test_noise_at_the_door_is_turned_away_and_never_breaks_it(raw):
    with pytest.raises(NotVouched):
        sf().vouch(knock(raw))
    assert sf().turn_away(knock(raw), "看不懂").status == 200


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"Body": []}',
        '{"Body": {"WaybillRoute": {}}}',
        '{"orderState": 1}',
        "<r/>",
        xml_of(),
        xml_of(route("80"), service="Other"),
    ],
)
def test_a_push_of_an_unknown_shape_is_kept_and_goes_to_a_person(body):
    post = sf()
    raw = form_push(body) if body.startswith("<") else body.encode()
    with pytest.raises(ValueError, match="推送"):
        post.read_push(post.vouch(knock(raw)).body)


# The states of an order, at the same door.


def state(code: str = "04-40037", **changes: object) -> dict[str, object]:
    return {
        "orderNo": ORDER.order_no,
        "waybillNo": NUMBER,
        "orderStateCode": code,
        "orderStateDesc": "下单已接收",
        "lastTime": "2026-11-22 10:00:00",
        "createTm": "2026-11-22 09:00:00",
        **changes,
    }


@pytest.mark.parametrize("code", ["04-40001", "04-40037", "05-40003"])
def test_a_known_state_tells_the_number_of_an_order_and_moves_nothing(code):
    post = sf()
    vouched = post.vouch(knock(states_push(state(code))))
    assert vouched.reference == "json"
    (seen,) = post.read_push(vouched.body)
    assert (seen.waybill_no, seen.order_no, seen.code, seen.news) == (NUMBER, ORDER.order_no, code, News.NOTE)
    assert seen.at == datetime(2026, 11, 22, 2, tzinfo=UTC)


def test_a_state_without_a_last_time_has_the_time_of_its_making():
    (seen,) = sf().read_push(states_push(state(lastTime=None)).decode())
    assert (seen.at, seen.news) == (datetime(2026, 11, 22, 1, tzinfo=UTC), News.NOTE)


def test_a_known_state_without_a_number_says_nothing_of_a_parcel():
    assert sf().read_push(states_push(state(waybillNo=""), state(waybillNo=None)).decode()) == ()


@pytest.mark.parametrize(
    "changes", [{"orderStateCode": "04-49999"}, {"lastTime": "soon"}, {"lastTime": "", "createTm": ""}]
)
def test_an_unknown_state_or_one_without_a_time_goes_to_a_person_and_still_tells_the_number(changes):
    (seen,) = sf().read_push(states_push({**state(), **changes}).decode())
    assert (seen.waybill_no, seen.order_no, seen.news) == (NUMBER, ORDER.order_no, News.UNKNOWN)


def test_which_states_are_harmless_is_the_centres_to_say_and_their_names_with_them():
    """M in CARRIERS §2.6: a state that turns out to matter must reach a person without a new release."""
    told = sf(order_states={"04-40001": "调度成功"})
    assert [seen.news for seen in told.read_push(states_push(state("04-40001"), state()).decode())] == [
        News.NOTE,
        News.UNKNOWN,
    ]
    assert (told.code_name("04-40001"), told.code_name("04-40037")) == ("调度成功", "")


def test_a_state_that_the_centre_knows_for_harmless_troubles_nobody():
    (seen,) = sf(noted_states=["04-49999"]).read_push(states_push(state("04-49999")).decode())
    assert seen.news is News.NOTE
