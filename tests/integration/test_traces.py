"""Traces, as a collector of OpenTelemetry gets them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from support.receiver import Receiver
from support.server import running_server
from support.tus import append, create, task_id, upload
from support.waiting import wait_until


@pytest.fixture
def collector() -> Iterator[Receiver]:
    collector = Receiver(lambda _: (200, None))
    yield collector
    collector.close()


def spans(collector: Receiver) -> dict[str, Span]:
    return {
        span.name: span
        for received in list(collector.received)
        for resource in ExportTraceServiceRequest.FromString(received.body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }


def env(url: str) -> dict[str, str]:
    return {
        "TUSD_TRACES": "true", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": url,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none", "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "2",
    }  # fmt: skip


def test_requests_attempts_and_steps_have_spans(tmp_path: Path, collector: Receiver) -> None:
    with running_server(tmp_path / "data", "--workers", "1", env=env(collector.url)) as server:
        url = create(server, 3_000_000, filename="a.bin")
        append(url, 0, b"x" * 3_000_000)
        task = task_id(url)
        server.wait_for_status(task, "completed")
        wait_until(lambda: {"attempt", "record"} <= set(spans(collector)))
        wait_until(lambda: any(name.startswith("PATCH") for name in spans(collector)))
    seen = spans(collector)
    attempt, store = seen["attempt"], seen["store"]
    facts = {
        each.key: each.value.string_value or each.value.int_value for each in attempt.attributes
    }
    assert facts == {"tusd.task_id": task, "tusd.fence": 1}
    assert store.parent_span_id == attempt.span_id
    patched = next(span for name, span in seen.items() if name.startswith("PATCH"))
    assert any(task in each.value.string_value for each in patched.attributes)
    assert not any("receive" in name or "readyz" in name for name in seen)


def test_a_collector_that_is_away_costs_nothing_but_its_spans(tmp_path: Path) -> None:
    away = env("http://127.0.0.1:1/v1/traces")
    with running_server(tmp_path / "data", "--workers", "1", env=away) as server:
        server.wait_for_status(task_id(upload(server, b"content", "a.bin")), "completed")
        assert server.stop() == 0
