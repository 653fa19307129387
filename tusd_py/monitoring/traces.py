"""Sends traces by OpenTelemetry: how long requests, attempts and steps take, one by one.

OpenTelemetry's own variables name the destination (``OTEL_EXPORTER_OTLP_ENDPOINT``, …). While a
collector is away, only its spans are lost.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol

from typing_extensions import override

from tusd_py.domain.masking import MASK, masked

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

_WITH_QUERY: Final = ("http.url", "http.target", "url.full", "url.query")
"""Attributes of a request's span, by the old and the new names of OpenTelemetry."""
QUIET_PATHS: Final = (
    "healthz,readyz,metrics,/admin,/s/[A-Za-z0-9_-]{40},/api/file/upload/(media|archives)/."
)
"""Paths without spans: addresses of the operator's page and those of links may be secrets."""


class Traces(Protocol):
    """Takes spans."""

    def span(self, name: str, **facts: str | int) -> AbstractContextManager[None]:
        """Return a span for the length of a block, within the current span."""
        ...

    def around(self, app: Any) -> Any:  # noqa: ANN401  (an ASGI application)
        """Return the application with a span for each request."""
        ...

    def close(self) -> None:
        """Send the spans that are left."""
        ...


class NoTraces(Traces):
    """Drops spans, if tracing is off."""

    @override
    def span(self, name: str, **facts: str | int) -> AbstractContextManager[None]:
        del name, facts
        return nullcontext()

    @override
    def around(self, app: Any) -> Any:
        return app

    @override
    def close(self) -> None:
        pass


class OpenTelemetryTraces(Traces):
    """Sends spans by the SDK, in batches from a thread of its own."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("tusd_py")

    @override
    def span(self, name: str, **facts: str | int) -> AbstractContextManager[None]:
        return self._span(name, facts)

    @contextmanager
    def _span(self, name: str, facts: dict[str, str | int]) -> Iterator[None]:
        attributes = {f"tusd.{key}": value for key, value in facts.items()}
        with self._tracer.start_as_current_span(name, attributes=attributes):
            yield

    @override
    def around(self, app: Any) -> Any:
        """Messages of a body or a stream have no spans."""
        from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

        return OpenTelemetryMiddleware(
            app,
            excluded_urls=QUIET_PATHS,
            tracer_provider=self._provider,
            exclude_spans=["receive", "send"],
            server_request_hook=_hide_query,
        )

    @override
    def close(self) -> None:
        self._provider.shutdown()


def _hide_query(span: "Span", scope: Mapping[str, Any]) -> None:
    """Hide a query: it may hold a ticket, which opens a stream, and spans leave this machine."""
    if not scope.get("query_string"):
        return
    for name in _WITH_QUERY:
        found = (getattr(span, "attributes", None) or {}).get(name)
        if isinstance(found, str):
            span.set_attribute(name, MASK if name == "url.query" else masked(found))


def open_traces(*, wanted: bool) -> Traces:
    """Return where spans go. Raises: ModuleNotFoundError: the extra ``otel`` is not installed."""
    if not wanted:
        return NoTraces()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have precedence.
    own = Resource({"service.name": "tusd-py"}).merge(Resource.create({}))
    provider = TracerProvider(resource=own)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OpenTelemetryTraces(provider)
