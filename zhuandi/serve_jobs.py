"""Who does the jobs, and who rings for them."""

import typer

from dispatch.settings import read_settings
from dispatch.tracing import tracing
from dispatch.wiring import make_broker, make_world
from workers.clock import run_clock
from workers.jobs import queue_of
from workers.main import work
from zhuandi.check_house import check_house
from zhuandi.context import for_people, open_world, with_database
from zhuandi.leaving import leave_with_parent, until_told

app = typer.Typer()


@app.command()
def worker() -> None:
    """后台工作进程。"""
    leave_with_parent()
    with for_people(), with_database(read_settings()) as settings:
        check_house(settings)
        broker = make_broker(settings)
        with make_world(settings, broker, queue_of) as world, tracing(settings.otel_endpoint, "worker"):
            work(broker, world)


@app.command()
def clock() -> None:
    """时钟：到期的任务由它催办。"""
    leave = until_told()
    with for_people(), open_world(serving=True) as world:
        run_clock(world, leave)
