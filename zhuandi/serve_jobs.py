"""Who does the jobs, and who rings for them."""

import typer

from dispatch.settings import Settings
from dispatch.tracing import tracing
from dispatch.wiring import make_broker, make_world
from workers.clock import run_clock
from workers.jobs import queue_of
from workers.main import work
from zhuandi.context import for_people, open_world, with_database
from zhuandi.leaving import leave_with_parent, until_told

app = typer.Typer()


@app.command()
def worker() -> None:
    """后台工作进程。"""
    leave_with_parent()
    with for_people(), with_database(Settings()) as settings:
        broker = make_broker(settings)
        with make_world(settings, broker, queue_of) as world, tracing(settings.otel_endpoint, "worker"):
            work(broker, world)


@app.command()
def clock() -> None:
    """时钟：到期的任务由它催办。"""
    leave = until_told()
    with for_people(), open_world() as world:
        run_clock(world, leave)
