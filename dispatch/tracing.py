"""Spans for OpenTelemetry, where `zhuandi[otel]` is installed and the settings name a collector; else nothing.

Our own spans, at the three doors through which everything goes: a request, a job, a call. The instrumentation
libraries would put whole URLs into them, and an address here may hold the token of somebody's page.
"""

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dispatch.errors import ZhuandiError

PATH = "/v1/traces"
_tracer: Any = None


@contextmanager
def tracing(endpoint: str | None, part: str) -> Iterator[None]:
    """Send spans to the collector at this base address for as long as the block lasts. Raises ZhuandiError."""
    global _tracer  # noqa: PLW0603 - one for a process, as OpenTelemetry's own
    if endpoint is None:
        yield
        return
    if importlib.util.find_spec("opentelemetry") is None:
        raise ZhuandiError("设置了 otel_endpoint，但没有安装 OpenTelemetry。请执行 pip install zhuandi[otel]。")
    provider = _provider(endpoint.rstrip("/") + PATH, part)
    _tracer = provider.get_tracer("zhuandi")
    try:
        yield
    finally:
        _tracer = None
        provider.shutdown()


def _provider(address: str, part: str) -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": f"zhuandi-{part}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=address)))
    return provider


@contextmanager
def span(name: str, **told: str) -> Iterator[dict[str, str]]:
    """Around one piece of work; what is put into the dictionary meanwhile is told too. Errors by kind only."""
    late: dict[str, str] = {}
    if _tracer is None:
        yield late
        return
    with _tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as open_span:
        try:
            yield late
        except BaseException as error:
            late["error.type"] = type(error).__name__
            raise
        finally:
            _tell(open_span, {**told, **late})


def _tell(open_span: Any, told: Mapping[str, str]) -> None:
    for key, value in told.items():
        open_span.set_attribute(key, value)
