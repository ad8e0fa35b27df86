"""A bench is opened: sandbox, door and account; every story and every spoiled push set out at once, side by side."""

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from dispatch.accounts import Account
from dispatch.carrier import Carrier
from dispatch.posts.line import HttpLine, open_line
from sandbox import POSTS, running
from tests.posts.adapter import Adapter, allot
from tests.posts.bench import AWKWARD, HASTY_SECONDS, RECIPIENT, SENDER, Bench, door_of
from tests.posts.push_book import PushBook
from tests.posts.sandbox_steps import caller, push_door, until

SECRET = "the-secret-part-of-our-address"
ONE_EVENT = "15"  # the story with one event, so that a one-shot fault strikes the push that is meant
FIRST = "01"


@contextlib.contextmanager
def opened(adapter: Adapter, folder: Path) -> Iterator[Bench]:
    """The bench of one adapter, with all its parcels on the road."""
    push_book = PushBook()
    with contextlib.ExitStack() as stack:
        door = stack.enter_context(push_door(push_book.answer))
        door_url = f"{door.url}/{SECRET}"
        settings = adapter.settings(folder / "post.sqlite3", door_url)
        post = stack.enter_context(running(settings))
        counter = stack.enter_context(caller(post.url))
        account = adapter.account(post.url, door_url)

        def make(**changes: object) -> Carrier:
            told = type(account).model_validate({**account.model_dump(), **changes})
            return adapter.carrier(told, _line(told, stack))

        carrier = make()
        deaf = stack.enter_context(socket.create_server(("127.0.0.1", 0)))  # a connection waits there for ever
        closed = stack.enter_context(socket.socket())
        closed.bind(("127.0.0.1", 0))  # and not listening: as long as it is held nobody else can answer there
        push_book.door = door_of(carrier)
        play = POSTS[type(settings)].play
        bench = Bench(
            name=adapter.name,
            settings=settings,
            account=account,
            make=make,
            carrier=carrier,
            hasty=make(answer_seconds=HASTY_SECONDS),
            push_book=push_book,
            post=counter,
            allot=allot,
            scenarios={
                digits: scenario for digits, scenario in play.scenarios.items() if digits not in adapter.never_booked
            },
            closed_address=f"http://127.0.0.1:{closed.getsockname()[1]}/",
            deaf_address=f"http://127.0.0.1:{deaf.getsockname()[1]}/",
        )
        _send_all(bench, adapter, POSTS[type(settings)].push_faults if play.pushes else ())
        yield bench


def _line(account: Account, stack: contextlib.ExitStack) -> HttpLine:
    line = open_line(account)
    stack.callback(line.client.close)
    return line


def _send_all(bench: Bench, adapter: Adapter, push_faults: tuple[str, ...]) -> None:
    """Spoiled pushes first, each alone: nothing else is due while a one-shot fault waits."""
    parcels = bench.parcels
    parcels["kept"] = bench.sent(FIRST)
    for fault in push_faults:
        parcels[fault] = bench.sent(ONE_EVENT)
        bench.spoil(pushes=[fault])
        bench.collect(parcels[fault])
        until(bench.has_struck)
    parcels["turned_away"] = bench.sent(ONE_EVENT)
    bench.push_book.turn_away.add(parcels["turned_away"].number)
    for digits in bench.scenarios:
        parcels[digits] = bench.sent(digits)
    parcels["awkward"] = bench.sent(FIRST, **_awkward(adapter))
    bench.collect(parcels["turned_away"], parcels["awkward"], *bench.stories().values())


def _awkward(adapter: Adapter) -> dict[str, object]:
    if adapter.awkward_field == "order_no":
        return {"order_no": AWKWARD}
    changed = {adapter.awkward_field: AWKWARD}
    return {"sender": replace(SENDER, **changed), "recipient": replace(RECIPIENT, **changed)}
