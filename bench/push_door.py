"""The push door, a framework with an ORM commit, a bare no-op: `python -m bench.push_door`.

Each is one uvicorn process; 64 connections' worth of rightly sealed pushes, all different, come on loopback. Fails if
a push that was acknowledged is not in the database.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from bench.rig.knock import NUMBER, Stream, client, press, write_requests
from bench.rig.measure import LIMIT, OURS, PEER, Round, Row, at_least, at_most, interleave
from bench.rig.parcels import OnTheWay, envelope, story
from bench.rig.servers import served
from bench.rig.site import Bench, Site, alone
from dispatch.world import World

WHAT = "push door: signed, durable, once"
CONNECTIONS = 64
SECONDS, SHORT = 3.0, 1.0
PARCELS = 2_000
HEADERS = {"Content-Type": "application/json"}
UNREAD = "UPDATE jobs SET done_at = now() WHERE name = 'push.read' AND done_at IS NULL"
"""They are nobody's parcels: who measures the news next would read them first."""
STORED = "SELECT coalesce(sum(times), 0) FROM pushes"


@contextmanager
def ours(bench: Bench, site: Site) -> Iterator[Callable[[], Round]]:
    """The API alone, as `zhuandi up` starts it; nobody reads what it stores meanwhile."""
    with site.open(("api",)), site.world() as world:
        site.await_doors()
        stream = Stream(write_pushes(bench, world), CONNECTIONS, HEADERS)
        before, acknowledged = site.scalar(STORED), 0

        def one_round() -> Round:
            nonlocal acknowledged
            found = press(site.settings.listen_port, stream, seconds(bench))
            acknowledged += int(found["requests"])
            return found

        yield one_round
        site.administer(UNREAD)
        if (kept := site.scalar(STORED) - before) < acknowledged:
            raise SystemExit(f"{acknowledged} pushes were acknowledged, and {kept} are stored")


def write_pushes(bench: Bench, world: World) -> Path:
    """Pushes of EMS, each of another parcel; sent again they have another serial number, and are other pushes."""
    since = world.now()
    parcels = (OnTheWay(f"118{number:010}", "", since) for number in range(bench.size(PARCELS, 50)))
    bodies = (envelope(world, next(story(parcel, 2)), NUMBER) for parcel in parcels)
    file = world.settings.home / "pushes.txt"
    return write_requests(file, (("POST", "/pushes/ems", body) for body in bodies))


def seconds(bench: Bench) -> float:
    """How long a round lasts."""
    return SHORT if bench.small else SECONDS


def measure(bench: Bench) -> list[Row]:
    """One row, in requests a second."""
    with ExitStack() as stack:
        site = stack.enter_context(bench.site())
        mine = stack.enter_context(ours(bench, site))
        stream = Stream(site.home / "pushes.txt", CONNECTIONS, HEADERS)
        ports = {PEER: stack.enter_context(served("peer", site.database_url))}
        ports[LIMIT] = stack.enter_context(served("no_op"))
        others = {name: partial(press, port, stream, seconds(bench)) for name, port in ports.items()}
        for each in (mine, *others.values()):
            each()  # warm
        measures = interleave({OURS: mine, **others}, bench.rounds, "requests/s")
    found, beside = measures[0], {one.name: one.median for one in measures}
    aims = [
        at_least("× the framework with an ORM commit", found.median / beside[PEER], 10),
        at_least("× the bare no-op", found.median / beside[LIMIT], 0.45),
        at_most("p99 ms", found.p99_ms or 0, 15),
    ]
    peers = {"peer": "FastAPI, SQLAlchemy ORM, one commit", "limit": "a bare ASGI application that does nothing"}
    return [Row(WHAT, measures, aims, {**peers, "client": client(), "connections": CONNECTIONS})]


if __name__ == "__main__":
    alone(measure)
