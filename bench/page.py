"""The tracking page, beside FastAPI's HTMLResponse of a constant of the same size: `python -m bench.page`.

The pages of envelopes that are closed, each with its whole story: what an applicant sees who was told that it came.
Few are looked at again and again; beside them so many that each is drawn anew at every look.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import httpx2

from bench.rig.knock import Stream, client, press, write_requests
from bench.rig.measure import OURS, PEER, Round, Row, at_least, at_most, interleave
from bench.rig.parcels import hand_over, push, story
from bench.rig.servers import served
from bench.rig.site import Bench, Site, alone
from workers.run import run_lane

WHAT = "tracking page"
CONNECTIONS = 16
"""So many citizens look at once: a whole county's are fewer."""
PARCELS, FEW, LINES = 400, 40, 7
"""So many that none is kept until its turn comes again (`dispatch.api.track_look.KEPT`); so many are."""
AGAIN, ANEW = "pages.txt", "all-pages.txt"
SECONDS, SHORT = 3.0, 1.0


@contextmanager
def ours(bench: Bench, site: Site) -> Iterator[Callable[[], Round]]:
    """The API alone; the envelopes have come to their end before."""
    with site.open(("api",)), site.world() as world:
        site.await_doors()
        parcels = hand_over(world, bench.size(PARCELS, 3))
        push(world, [event for parcel in parcels for event in story(parcel, LINES)])
        run_lane(world, "")
        requests = [("GET", f"/t/{parcel.token}", "") for parcel in parcels]
        write_requests(site.home / ANEW, requests)
        write_requests(site.home / AGAIN, requests[:FEW])
        yield pressing(bench, site, AGAIN)


def pressing(bench: Bench, site: Site, pages: str) -> Callable[[], Round]:
    """A round of looks at these pages."""
    return partial(press, site.settings.listen_port, Stream(site.home / pages, CONNECTIONS), seconds(bench))


def seconds(bench: Bench) -> float:
    """How long a round lasts."""
    return SHORT if bench.small else SECONDS


def measure(bench: Bench) -> list[Row]:
    """One row, in pages a second."""
    with ExitStack() as stack:
        site = stack.enter_context(bench.site())
        mine = stack.enter_context(ours(bench, site))
        stream = Stream(site.home / AGAIN, CONNECTIONS)
        size = _size(site, stream)
        port = stack.enter_context(served("page", str(size)))
        peer = partial(press, port, stream, seconds(bench))
        candidates = {OURS: mine, PEER: peer, "drawn anew": pressing(bench, site, ANEW)}
        for each in candidates.values():
            each()  # warm
        measures = interleave(candidates, bench.rounds, "pages/s")
    found, beside, _ = measures
    aims = [
        at_least("× the constant", found.median / beside.median, 0.4),
        at_most("p99 ms", found.p99_ms or 0, 20),
    ]
    told = {"peer": f"FastAPI HTMLResponse of {size} bytes", "client": client(), "connections": CONNECTIONS}
    return [Row(WHAT, measures, aims, told)]


def _size(site: Site, stream: Stream) -> int:
    path = stream.file.read_text().split("\t")[1]
    answer = httpx2.get(f"{site.url}{path}", trust_env=False).raise_for_status()
    if "本人签收" not in answer.text:
        raise SystemExit(f"the page does not show the end of the story: {answer.text[-800:]}")
    return len(answer.content)


if __name__ == "__main__":
    alone(measure)
