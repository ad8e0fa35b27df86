"""What is measured, for Prometheus; only for networks that the settings trust."""

import ipaddress

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest

from dispatch.api.shell import RefusedError
from dispatch.api.who import TheWorld, caller
from dispatch.measured.collect import registry_for
from dispatch.settings import Settings
from dispatch.world import World

router = APIRouter(include_in_schema=False)


class Meter:
    """The requests of one application, by the pattern of their door: a path may hold the token of a page."""

    def __init__(self, world: World) -> None:
        self.registry: CollectorRegistry = registry_for(world)
        names = ("method", "door", "status")
        self._count = Counter("zhuandi_requests", "requests answered", names, registry=self.registry)
        self._took = Histogram("zhuandi_request_seconds", "until the answer began", ("door",), registry=self.registry)

    def met(self, method: str, door: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._count.labels(method, door, str(status)).inc()
        self._took.labels(door).observe(seconds)


@router.get("/metrics")
def metrics(request: Request, world: TheWorld) -> Response:
    """The whole of it, as text."""
    if not _trusted(world.settings, caller(request)):
        raise RefusedError(404, "not_found", "没有这个地址。")
    return Response(generate_latest(request.app.state.meter.registry), media_type=CONTENT_TYPE_LATEST)


def _trusted(settings: Settings, address: str) -> bool:
    try:
        asked = ipaddress.ip_address(address)
    except ValueError:
        return False
    asked = getattr(asked, "ipv4_mapped", None) or asked
    return any(asked in network for network in settings.metrics_sources)
