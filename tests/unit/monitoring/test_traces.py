"""Spans leave the machine: they contain no ticket."""

import asyncio
from typing import Any

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tusd_py.monitoring.traces import OpenTelemetryTraces


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b""}


async def send(_message: Any) -> None:
    """Drop the spans."""


def test_a_ticket_is_in_no_span() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    scope = {
        "type": "http", "method": "GET", "path": "/api/x", "raw_path": b"/api/x",
        "query_string": b"ticket=canary", "scheme": "http", "server": ("h", 80),
        "headers": [(b"host", b"h"), (b"authorization", b"Bearer canary")],
        "client": ("c", 1), "http_version": "1.1", "root_path": "",
    }  # fmt: skip
    asyncio.run(OpenTelemetryTraces(provider).around(app)(scope, receive, send))
    (span,) = exporter.get_finished_spans()
    assert "/api/x" in str(span.attributes)
    assert "canary" not in str(span.attributes)
