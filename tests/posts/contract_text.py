"""What every adapter does with text: the cases of the contract about what the wire makes of it."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.posts.adapter import Adapter
from tests.posts.awkward import names, words
from tests.posts.bench import AWKWARD, RECIPIENT, SENDER, Bench, order_for
from tests.posts.sandbox_steps import until

parties = st.fixed_dictionaries(dict.fromkeys(("name", "province", "city", "county", "address"), names))


def text_arrives_unchanged(bench: Bench, adapter: Adapter) -> None:
    """A name that breaks the form, the JSON, the XML or the signature would be carried to a wrong door."""

    @settings(max_examples=25, deadline=None, derandomize=True, database=None)
    @given(
        sender=parties,
        recipient=parties,
        contents=st.lists(words, min_size=1, max_size=3),
        rest=st.tuples(names, names),
    )
    def arrives(sender: dict, recipient: dict, contents: list[str], rest: tuple[str, str]) -> None:
        order = order_for(
            "01",
            sender=replace(SENDER, **sender),
            recipient=replace(RECIPIENT, **recipient),
            contents=tuple(contents),
            way_of_delivery=rest[0],
            department=rest[1],
            case_nos=(rest[1],),
        )
        said, opened = adapter.texts(bench.carrier, order)
        assert said == opened

    arrives()


def text_comes_back_unchanged(bench: Bench, adapter: Adapter) -> None:
    """What the post tells again of ours, over the real wire, is what was said: no second decoding, no lost emoji."""
    parcel = bench.parcels["awkward"]
    until(lambda: bench.are_through(parcel))
    for told in (bench.trace(parcel), *bench.push_book.news_of(parcel.number)):
        assert any(AWKWARD in f"{seen.place} {seen.text} {seen.order_no}" for seen in told)
