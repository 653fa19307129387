"""Composes the application of one process: server and workers, with embedded or other adapters."""

import asyncio
import gc
import logging
import math
import signal
import socket
import types
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from importlib.metadata import version
from typing import Any

import uvicorn
from starlette.applications import Starlette

from tusd_py.app import build_server, request_shutdown
from tusd_py.auth.operator_links import page_link
from tusd_py.domain.errors import BackendError
from tusd_py.domain.masking import masked
from tusd_py.hidden_process import hide_from_other_processes
from tusd_py.hooks.callables import Hooks
from tusd_py.http.authentication import Authenticate
from tusd_py.http.context import AppContext
from tusd_py.ingest.compat_check import compat_check
from tusd_py.ingest.descriptors import backlog, connections_allowed, raise_limit
from tusd_py.monitoring.registry import Metrics
from tusd_py.monitoring.traces import Traces, open_traces
from tusd_py.ports import Ports
from tusd_py.settings.model import Settings
from tusd_py.settings.values import GIB
from tusd_py.storage import checksums
from tusd_py.wiring import open_ports
from tusd_py.worker.app import Worker
from tusd_py.worker.media.tools import Tools, discover

log = logging.getLogger(__name__)

GARBAGE_THRESHOLDS = (20_000, 20, 50)
"""Thresholds of the garbage collector: new objects, and passes of younger generations."""

WEBSOCKET_MESSAGE_BYTES = 1024
"""Clients need no messages: the first one closes the connection."""
WEBSOCKET_PING_SECONDS = 20.0
"""Interval of pings to a silent client, and time in which it must answer, or is closed (1011)."""


def serve(settings: Settings, *, announce: Callable[[str], None]) -> int:
    """Run until SIGTERM or SIGINT; return the exit code.

    Args: announce: is called with each line of the startup banner when the server listens; the
        address comes last.
    Raises: BackendError, OSError: the data directory or the address can't be used.
    """
    raise_limit()
    hide_from_other_processes()
    flaw = compat_check()
    if flaw is not None:
        log.error("ingest.not_lending", extra={"uvicorn": uvicorn.__version__, "flaw": flaw})
        log.error("connections.limits_of_h11", extra={"see": "docs/security.md"})
    with ExitStack() as stack:
        traces = open_traces(wanted=settings.traces)
        stack.callback(traces.close)
        ports = open_ports(settings)
        stack.callback(ports.close)
        app = create_app(settings, ports, traces=traces)
        failures = _kept_startup_failures(app)
        server = _Server(app, settings, announce, around=traces.around, ours=flaw is None)
        _tune_gc()
        try:
            server.run()
        except SystemExit:
            if failures:
                raise failures[0] from None
            raise
    return 0 if server.started else 1


def _kept_startup_failures(app: Starlette) -> list[BackendError | OSError]:
    """Return a list that gets the error of a service, file or address that prevents the start.

    uvicorn would log it, and for a service or a file with a traceback, and go on to its end.
    """
    failures: list[BackendError | OSError] = []
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def keeping(inner: Starlette) -> AsyncIterator[Any]:
        async with AsyncExitStack() as stack:
            try:
                state = await stack.enter_async_context(lifespan(inner))
            except (BackendError, OSError) as error:
                failures.append(error)
                raise
            yield state

    app.router.lifespan_context = keeping

    def is_logged(record: logging.LogRecord) -> bool:
        # uvicorn passes on nothing else of an address that can't be used.
        if isinstance(record.msg, OSError):
            failures.append(record.msg)
        return not failures

    logging.getLogger("uvicorn.error").addFilter(is_logged)
    return failures


def create_app(
    settings: Settings,
    ports: Ports | None = None,
    *,
    authenticate: Authenticate | None = None,
    hooks: Hooks | None = None,
    traces: Traces | None = None,
) -> Starlette:
    """Return server and workers as one application.

    It can run alone or be mounted in another one at any path. ``settings.workers`` is the number of
    jobs at the same time; 0: there are no workers. The lifespan must run, which an outer
    application does not do by itself::

        uploads = create_app(Settings(data_dir=Path("data")), authenticate=who)

        @asynccontextmanager
        async def lifespan(app):
            async with uploads.router.lifespan_context(uploads):
                yield

    Args: ports: if None, they are opened here and closed at the end of the lifespan; authenticate,
        hooks: see ``tusd_py.app.build_server``; traces: where the workers' spans go. The server
        that runs the application must trace the requests.
    Raises: BackendError, OSError: the data directory can't be used.
    """
    metrics = Metrics()
    opened = ports or open_ports(settings, hooks=hooks)
    worker = None
    if settings.workers:
        worker = Worker(settings, opened, relays=False, metrics=metrics, traces=traces)
    return build_server(
        settings,
        opened,
        owns_ports=ports is None,
        alongside=None if worker is None else lambda: _running(worker, settings),
        authenticate=authenticate,
        hooks=hooks,
        worker_alive=worker.alive if worker else None,
        sandbox_weakness=worker.tools.weakness if worker else "",
        metrics=metrics,
    )


@asynccontextmanager
async def _running(worker: Worker, settings: Settings) -> AsyncIterator[None]:
    """Run the worker in its threads."""
    try:
        await asyncio.to_thread(worker.start)
        yield
    finally:
        await asyncio.to_thread(worker.stop, settings.shutdown_timeout)


def _tune_gc() -> None:
    """Exclude the objects that exist now from garbage collection, and make it less frequent.

    Objects of requests are mostly freed without the collector, whose passes were 5 % of the time of
    a small upload.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


class _Server(uvicorn.Server):
    """Is uvicorn; it notifies its application before it stops, and announces its address."""

    def __init__(
        self,
        app: Starlette,
        settings: Settings,
        announce: Callable[[str], None],
        *,
        around: Callable[[Any], Any],
        ours: bool,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                around(app),
                host=settings.host,
                port=settings.port,
                # h11 has limits, which uvicorn's other protocol lacks.
                http=_connection_class(settings) if ours else "h11",
                h11_max_incomplete_event_size=settings.connections.head_bytes,
                limit_concurrency=None if ours else connections_allowed(settings.connections.total),
                backlog=backlog(),
                ws=_websocket_class() if ours else "websockets-sansio",
                ws_max_size=WEBSOCKET_MESSAGE_BYTES,
                ws_per_message_deflate=False,
                ws_ping_interval=WEBSOCKET_PING_SECONDS,
                ws_ping_timeout=WEBSOCKET_PING_SECONDS,
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=math.ceil(settings.connections.idle_timeout),
                timeout_graceful_shutdown=int(settings.shutdown_timeout) or 1,
            )
        )
        self._state = app.state
        self._context: AppContext = app.state.context
        self._announce = announce
        self._ours = ours

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then announce the address."""
        await super().startup(sockets)
        if self.started and not self.should_exit:
            port = self.servers[0].sockets[0].getsockname()[1]
            tools = discover(self._context.settings)
            lines = startup_banner(
                self._context,
                tools,
                port,
                ours=self._ours,
                monitoring_address=self._state.monitoring_address,
            )
            for line in lines:
                self._announce(line)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End bodies and streams, then wait for them."""
        request_shutdown(self._context)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals so that they end only the server: the worker is stopped after it."""
        before = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: types.FrameType | None) -> None:
        self.handle_exit(number, frame)


def _connection_class(settings: Settings) -> type[asyncio.Protocol]:
    # It is imported only after ``compat_check`` has succeeded.
    from tusd_py.ingest.uvicorn_protocol import TusHttpProtocol

    limits = settings.connections
    if settings.behind_proxy:
        # All connections come from the proxy.
        limits = limits.model_copy(update={"per_address": 0})
    members = {"hands_off": settings.lend_bodies, "limits": limits, "min_rate": settings.min_rate}
    return type("ConfiguredTusHttpProtocol", (TusHttpProtocol,), members)


def _websocket_class() -> type[asyncio.Protocol]:
    # It is imported only after ``compat_check`` has succeeded.
    from tusd_py.ingest.websocket_protocol import ListenerProtocol

    return ListenerProtocol


def startup_banner(
    context: AppContext,
    tools: Tools,
    port: int,
    *,
    ours: bool,
    monitoring_address: str | None = None,
) -> list[str]:
    """Return lines that describe this server, for a terminal; the address to use comes last."""
    settings = context.settings
    limit = f"{settings.max_size / GIB:g} GiB" if settings.max_size else "unlimited"
    expires = f"{settings.upload_expires / 3600:g} h" if settings.upload_expires else "never"
    trailers = ours and not settings.behind_proxy
    able = context.capabilities.with_trailers() if trailers else context.capabilities
    bodies = "from the connection, by threads" if settings.lend_bodies else "by way of ASGI"
    if not ours:
        bodies = f"by way of ASGI, slower: uvicorn {uvicorn.__version__} is new to us (see the log)"
    workers = f"{settings.workers} in this process" if settings.workers else "none in this process"
    return [
        f"tusd-py {version('tusd-py')}: {_mode(settings)}, files in {settings.data_dir}",
        f"access     {_access(settings)}",
        f"limits     size {limit}, idle {settings.idle_timeout:g} s, unfinished uploads "
        f"expire after {expires}, durability {settings.durability}",
        f"tus        1.0.0: {', '.join(able.extensions)}",
        f"bodies     {bodies}",
        f"checksums  {', '.join(checksums.ALGORITHMS)}",
        f"workers    {workers}; {tools.sentence()}",
        *([f"figures    {monitoring_address}/metrics"] if monitoring_address else []),
        *_operator_line(context, port),
        f"upload to  http://{settings.host}:{port}{settings.base_path}",
    ]


def _operator_line(context: AppContext, port: int) -> list[str]:
    """Return the one-time link of the operator's page, if there is no authentication.

    It is only for the terminal and must not be logged.
    """
    if not context.access.anonymous:
        return []
    link = page_link(context.settings.local_url(port), context.operator_links.new_key())
    return [f"operator   {link} (good once; tusd-py admin-link prints another)"]


def _access(settings: Settings) -> str:
    auth = settings.auth
    if auth.enabled:
        by_secret = ["auth.access_secret (HS256)"] if auth.access_secret.get_secret_value() else []
        by_keys = [f"the keys at {masked(auth.jwks_url)}"] if auth.jwks_url else []
        return f"by session token: {' or '.join(by_secret + by_keys)}"
    if settings.open_to_strangers:
        return f"no authentication: every client that reaches {settings.host} may do everything"
    return (
        "no authentication: for this machine only; behind a proxy or for others set "
        "auth.access_secret"
    )


def _mode(settings: Settings) -> str:
    parts = [
        "MySQL" if settings.mysql.data_source.get_secret_value() else "SQLite",
        *(["Redis"] if settings.redis.addr else []),
        *(["RabbitMQ"] if settings.rabbitmq.host else []),
        *([] if settings.object_store == "local" else [settings.object_store.upper()]),
    ]
    return f"{'embedded' if parts == ['SQLite'] else 'distributed'} ({', '.join(parts)})"
