"""A centre may say yes to pushes that it does not believe: in words that end them, and without reading them."""

from dataclasses import replace

import httpx2
import pytest
from road_steps import with_settings
from sqlalchemy import func, select

from dispatch.carrier import Knock, Numbering, Parcel
from dispatch.jobs import Job
from dispatch.posts.line import open_line
from dispatch.tracking.push import Push, receive
from sandbox import running
from tests.posts.adapter import allot
from tests.posts.adapters import ADAPTERS
from tests.posts.bench import door_of, order_for
from tests.posts.sandbox_steps import push_door, until

POSTS = {"ems": {}, "sf": {}, "sf as a form": {"push_form": True}, "by_hand": {}, "kdniao": {}, "kuaidi100": {}}
"""Each post that pushes, and changes to its settings."""
ONE_EVENT = "15"


def sent(carrier):
    """A parcel with one event, which the post pushes; its number."""
    order = order_for(ONE_EVENT)
    if carrier.numbering is Numbering.ANSWERED:
        return carrier.read_booking(carrier.speak(carrier.booking(order)), order.order_no).waybill_no
    number = allot(ONE_EVENT)
    carrier.read_announcing(carrier.speak(carrier.announcing(Parcel(number, order.order_no, "13900000001"))))
    return number


def entry(url, number):
    [found] = [order for order in httpx2.get(f"{url}/books").json()["orders"] if order["waybill_no"] == number]
    return found


@pytest.mark.parametrize("kind", POSTS)
def test_a_push_that_is_not_believed_and_acknowledged_ends_at_its_post_and_is_never_read(world, tmp_path, kind):
    adapter = ADAPTERS[kind.partition(" ")[0]]
    saying_yes = with_settings(world, unvouched_pushes="acknowledge")
    doors = []

    def answer(arrived):
        headers = {name.lower(): value for name, value in arrived.headers.items()}
        knock = Knock(arrived.body, headers["content-type"], signature=headers.get("x-signature", ""))
        said = receive(saying_yes, doors[0], knock)
        return said.status, said.text.encode()

    with push_door(answer) as door:
        told = replace(adapter.settings(tmp_path / "post.sqlite", f"{door.url}/secret"), **POSTS[kind])
        with running(told) as post:
            account = adapter.account(post.url, f"{door.url}/secret")
            line = open_line(account)
            other = type(account).model_validate({**account.model_dump(), **adapter.other_door})
            doors.append(door_of(adapter.carrier(other, line)))
            number = sent(adapter.carrier(account, line))
            line.client.close()
            httpx2.post(f"{post.url}/counter/collect", json={"waybills": [number]}).raise_for_status()
            until(lambda: entry(post.url, number)["pushed"] == 1)
            assert entry(post.url, number)["unacknowledged_pushes"] == 0
    with world.reading() as session:
        assert all(push.turned_away and push.body is None for push in session.scalars(select(Push)))
        assert session.scalar(select(func.count()).select_from(Job)) == 0
