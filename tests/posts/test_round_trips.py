"""What an adapter says its sandbox understands, and what the sandbox says the adapter reads, whatever the text.

Every operation of every adapter, in both directions. Neither side shares a line of code with the other, so what both
make of a text is what its protocol says of it. No socket: each example is answered by the post's own code at once.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.carrier import Answer, Call, CarrierError, Duplicate, Order, Parcel, Refused
from tests.posts.adapter import Adapter, allot
from tests.posts.adapters import BENCHES
from tests.posts.awkward import names, words
from tests.posts.bench import COUNT, RECIPIENT, SENDER, door_of, known_as, order_for
from tests.posts.inside import Inside, inside
from tests.posts.sandbox_wordings import REFUSED, WORDINGS, Told

ONE_EVENT = "15"
parties = st.fixed_dictionaries(dict.fromkeys(("name", "province", "city", "county", "address"), names))
some = settings(max_examples=20)


@pytest.fixture(scope="module", params=BENCHES)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return BENCHES[request.param]


@pytest.fixture(scope="module")
def post(adapter: Adapter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    with inside(adapter, tmp_path_factory.mktemp("inside")) as opened:
        yield opened


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """An order with awkward text in every field that holds text, its own number among them."""
    return order_for(
        ONE_EVENT,
        order_no=draw(words)[:12],
        sender=replace(SENDER, **draw(parties)),
        recipient=replace(RECIPIENT, **draw(parties), phone=f"139000000{ONE_EVENT}"),
        contents=tuple(draw(st.lists(words, min_size=1, max_size=3))),
        way_of_delivery=draw(names),
        department=draw(names),
        case_nos=tuple(draw(st.lists(names, min_size=1, max_size=2))),
    )


def anew(order: Order) -> Order:
    """The same under a number that nobody had."""
    return replace(order, order_no=f"{next(COUNT)}{order.order_no}")


def booked(post: Inside, order: Order) -> Parcel:
    """The parcel of an order that was said, or of a number from a segment that was announced."""
    if not post.takes_orders:
        parcel = Parcel(allot(ONE_EVENT), order.order_no, order.recipient.phone)
        post.carrier.read_announcing(post.answer(post.carrier.announcing(parcel)))
        return parcel
    answer = post.answer(post.carrier.booking(order))
    try:
        number = post.carrier.read_booking(answer, order.order_no).waybill_no
    except Duplicate:  # it is there, and this post tells its number later
        number = post.number_of(order.order_no)
    return Parcel(number, order.order_no, order.recipient.phone)


def calls(post: Inside, order: Order) -> list[Call]:
    """Everything that this adapter can say about an order and its parcel."""
    carrier, parcel = post.carrier, Parcel("770000000115", order.order_no, order.recipient.phone)
    offered = (
        carrier.booking(order) if post.takes_orders else None,
        carrier.look_up(order.order_no),
        carrier.announcing(parcel),
        carrier.cancelling(parcel),
        carrier.own_label(parcel.number),
        carrier.reach(order.recipient),
        carrier.question(parcel),
    )
    return [call for call in offered if call]


# --- what we say


@some
@given(order=orders())
def test_whatever_is_said_the_post_opens_as_it_was_kept(adapter: Adapter, post: Inside, order: Order) -> None:
    """A call is repeated from what was kept of it: were it opened as anything else, it would be another order."""
    said = calls(post, order)
    assert len(said) > 1
    for call in said:
        again = post.carrier.again(call, call.kept)
        assert adapter.opens(call.request) == adapter.opens(again.request) == adapter.kept(call)


def found(post: Inside, order: Order) -> str | None:
    """The number that a look-up by our own number finds, where the post has one."""
    booked = post.carrier.read_look_up(post.answer(post.carrier.look_up(order.order_no)), order.order_no)
    return booked and booked.waybill_no


@some
@given(order=orders())
def test_an_order_is_booked_once_and_found_again_by_its_number(post: Inside, order: Order) -> None:
    order = anew(order)
    can_be_found = post.carrier.look_up(order.order_no) is not None
    assert not can_be_found or found(post, order) is None
    parcel = booked(post, order)
    assert post.carrier.is_number(parcel.number)
    assert booked(post, order).number == parcel.number or not post.takes_orders
    assert post.carrier.read_trace(post.answer(post.carrier.question(parcel))) == ()
    if post.carrier.announcing(parcel):
        post.carrier.read_announcing(post.answer(post.carrier.announcing(parcel)))
    post.collect(parcel.number)
    assert not can_be_found or found(post, order) == parcel.number


@some
@given(order=orders())
def test_an_order_is_cancelled_whatever_its_number_and_not_once_it_is_collected(post: Inside, order: Order) -> None:
    if post.carrier.cancelling(Parcel("1", order.order_no)) is None:
        pytest.skip("nothing can be cancelled here")
    waiting, collected = (booked(post, anew(order)) for _ in range(2))
    post.collect(collected.number)
    for _ in range(2):
        post.carrier.read_cancelling(post.answer(post.carrier.cancelling(waiting)))
    assert post.orders.find(waiting.order_no).cancelled_ms
    with pytest.raises(Refused):
        post.carrier.read_cancelling(post.answer(post.carrier.cancelling(collected)))
    assert not post.orders.find(collected.order_no).cancelled_ms


@some
@given(order=orders(), word=st.sampled_from(["超区", ""]))
def test_a_place_is_asked_about_whatever_it_is_called(post: Inside, order: Order, word: str) -> None:
    there = replace(order.recipient, address=f"{order.recipient.address}{word}{order.recipient.name}")
    if (call := post.carrier.reach(there)) is None:
        pytest.skip("nothing says here where the post delivers")
    assert post.carrier.read_reach(post.answer(call)).inside is not bool(word)


# --- what the post says


@some
@given(order=orders(), place=names, text=names, reason=names)
def test_news_is_read_as_it_was_told_and_alike_by_trace_and_push(
    post: Inside, order: Order, place: str, text: str, reason: str
) -> None:
    wording = WORDINGS[type(post.post)]
    order = anew(order)
    with pytest.MonkeyPatch.context() as changed:
        wording.say(changed, place, text)
        parcel = booked(post, order)
        post.collect(parcel.number)
        (traced,) = post.carrier.read_trace(post.answer(post.carrier.question(parcel)))
        assert (traced.place, traced.text) == wording.read(Told(order, place, text))
        if post.post.play.pushes:
            (pushed,) = heard(post, parcel, reason)
            assert known_as(pushed) == known_as(traced)
            assert pushed.order_no in {order.order_no, ""}


def heard(post: Inside, parcel: Parcel, reason: str) -> tuple:
    """What our door makes of the push; acknowledged it is done with, and turned away for any reason it is not."""
    door = door_of(post.carrier)
    message, knock = post.told(parcel.number)
    vouched = door.vouch(knock)
    assert post.is_satisfied(message, door.acknowledge(vouched.reference))
    assert not post.is_satisfied(message, door.turn_away(knock, reason))
    return door.read_push(vouched.body)


@some
@given(text=names)
def test_a_refusal_is_told_in_whatever_words_the_post_has(post: Inside, text: str) -> None:
    said = REFUSED[type(post.post)](post.post, text)
    answer = Answer(said.status, said.body, said.content_type)
    with pytest.raises(CarrierError) as raised:
        if post.takes_orders:
            post.carrier.read_booking(answer, "ZWZD1")
        else:
            post.carrier.read_announcing(answer)
    assert text in str(raised.value)
    assert not isinstance(raised.value, Duplicate)
