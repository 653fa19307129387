"""Counts in one server process: requests, uploads, subscribers, the event loop."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Final, Literal

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from tusd_py.domain.errors import ChecksumMismatch, HashMismatch, TypeMismatch
from tusd_py.domain.hook import HookEvent
from tusd_py.storage.running_hash import RunningHashes
from tusd_py.uploads.counts import UploadCounters

LAG_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
_REFUSALS: Final = (ChecksumMismatch.code, HashMismatch.code, TypeMismatch.code)


class ServerMetrics:
    """Counts what a server does."""

    def __init__(
        self, registry: CollectorRegistry, counts: UploadCounters, followers: RunningHashes
    ) -> None:
        self._requests = Counter(
            "tusd_http_requests",
            "Requests that were answered",
            ("method", "route", "status"),
            registry=registry,
        )
        self._listeners = Gauge(
            "tusd_listeners", "Open streams of events", ("kind",), registry=registry
        )
        self._loop_lag = Histogram(
            "tusd_event_loop_lag_seconds",
            "How late the event loop runs a callback",
            registry=registry,
            buckets=LAG_BUCKETS,
        )
        self._hooks = Counter(
            "tusd_hooks",
            "Deliveries of events to hooks: delivered; retried: it failed and is repeated; "
            "given_up",
            ("event", "result"),
            registry=registry,
        )
        self._shares = Counter(
            "tusd_share_downloads",
            "Receivers that began a download by a link",
            registry=registry,
        )
        for kind in ("sse", "websocket"):
            self._listeners.labels(kind)
        registry.register(_UploadMetrics(counts, followers))

    def response_counter(self, method: str, route: str, status: str) -> Callable[[], None]:
        """Return the function that counts an answered request.

        Callers keep it: to find a counter by its labels costs as much as to count.

        Args: route: its template; status: such as ``2xx``.
        """
        return self._requests.labels(method, route, status).inc

    def stream_opened(self, kind: Literal["sse", "websocket"]) -> AbstractContextManager[None]:
        """Count an open stream while the block runs."""
        return self._listeners.labels(kind).track_inprogress()

    def hook_delivered(self, event: HookEvent, result: str) -> None:
        """Count the result of handing an event to the hooks."""
        self._hooks.labels(event.value, result).inc()

    def share_downloaded(self) -> None:
        """Count a receiver that began a download by a link."""
        self._shares.inc()

    def observe_loop_lag(self, seconds: float) -> None:
        """Record how many seconds too late the event loop ran a callback."""
        self._loop_lag.observe(seconds)


class _UploadMetrics(Collector):
    """Shows the plain numbers that the use cases count."""

    def __init__(self, counts: UploadCounters, followers: RunningHashes) -> None:
        self._counts = counts
        self._followers = followers

    def collect(self) -> Iterator[CounterMetricFamily]:
        counts = self._counts
        yield CounterMetricFamily("tusd_uploads_created", "Uploads begun", value=counts.created)
        yield CounterMetricFamily(
            "tusd_uploads_finished", "Uploads complete, parts included", value=counts.finished
        )
        yield CounterMetricFamily(
            "tusd_uploads_instant",
            "Uploads complete without their bytes: the content was held",
            value=counts.instant,
        )
        yield CounterMetricFamily(
            "tusd_instant_bytes", "Bytes that instant uploads spared", value=counts.instant_bytes
        )
        yield CounterMetricFamily(
            "tusd_received_bytes", "Bytes of uploads that were stored", value=counts.received_bytes
        )
        yield CounterMetricFamily(
            "tusd_uploads_taken_over",
            "Bodies that were ended since a newer request wanted the upload",
            value=counts.takeovers,
        )
        yield CounterMetricFamily(
            "tusd_hash_catch_up_bytes",
            "Bytes read from files to hash what this process had not received",
            value=self._followers.reread_bytes,
        )
        refused = CounterMetricFamily(
            "tusd_uploads_refused",
            "Content that did not match its checksum, hash or name",
            labels=["reason"],
        )
        for reason in _REFUSALS:
            refused.add_metric([reason], counts.refused[reason])
        yield refused
