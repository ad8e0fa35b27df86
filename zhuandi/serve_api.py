"""The doors: approval systems, posts, applicants."""

import typer
import uvicorn

from dispatch.console.site import make_site
from dispatch.tracing import tracing
from zhuandi.context import for_people, open_world
from zhuandi.leaving import leave_with_parent

app = typer.Typer()


@app.command()
def api() -> None:
    """接口与查询页（API）。"""
    leave_with_parent()
    with for_people(), open_world(serving=True) as world:
        settings = world.settings
        # Access logs would hold the tokens of tracking pages.
        config = uvicorn.Config(
            make_site(world),
            host=settings.listen_host,
            port=settings.listen_port,
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=5,
        )
        with tracing(settings.otel_endpoint, "api"):
            uvicorn.Server(config).run()
