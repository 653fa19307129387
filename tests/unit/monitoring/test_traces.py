"""Spans leave the machine: they contain no ticket, and no token of a link."""

import asyncio
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
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


def spans_of(path: str, query: bytes) -> tuple[ReadableSpan, ...]:
    """Return the spans of a request."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
        "query_string": query, "scheme": "http", "server": ("h", 80),
        "headers": [(b"host", b"h"), (b"authorization", b"Bearer canary")],
        "client": ("c", 1), "http_version": "1.1", "root_path": "",
    }  # fmt: skip
    asyncio.run(OpenTelemetryTraces(provider).around(app)(scope, receive, send))
    return exporter.get_finished_spans()


def test_a_ticket_is_in_no_span() -> None:
    (span,) = spans_of("/api/x", b"ticket=canary")
    assert "/api/x" in str(span.attributes)
    assert "canary" not in str(span.attributes)


@pytest.mark.parametrize(
    "path",
    [
        f"/s/{'A' * 40}", f"/mounted/s/{'A' * 40}/download", "/api/file/upload/media/canary",
        "/api/file/upload/archives/canary",
    ],
)  # fmt: skip
def test_an_address_that_is_a_right_is_in_no_span(path: str) -> None:
    assert spans_of(path, b"") == ()


def test_the_creation_of_a_link_has_a_span() -> None:
    assert len(spans_of("/api/file/upload/archives", b"")) == 1
