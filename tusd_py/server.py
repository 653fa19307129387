"""Composes the application of one process: server and workers, with embedded or other adapters."""

import asyncio
import logging
import math
import signal
import socket
import types
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette

from tusd_py import systemd
from tusd_py.app import build_server, request_shutdown
from tusd_py.banner import startup_banner
from tusd_py.channel import BEAT_SECONDS, ChannelClosed, MessageKind
from tusd_py.counts.port import Counts
from tusd_py.domain.errors import BackendError
from tusd_py.garbage import exclude_from_collection
from tusd_py.hidden_process import hide_from_other_processes
from tusd_py.hooks.callables import Hooks
from tusd_py.http.authentication import Authenticate
from tusd_py.http.context import AppContext
from tusd_py.ingest.compat_check import compat_check
from tusd_py.ingest.descriptors import backlog, connections_allowed, raise_limit
from tusd_py.membership import Membership
from tusd_py.monitoring.registry import Metrics
from tusd_py.monitoring.traces import Traces, open_traces
from tusd_py.ports import Ports
from tusd_py.settings.model import Settings
from tusd_py.wiring import open_ports
from tusd_py.worker.app import Worker
from tusd_py.worker.media.tools import Tools, discover

log = logging.getLogger(__name__)

WEBSOCKET_MESSAGE_BYTES = 1024
"""Clients need no messages: the first one closes the connection."""
WEBSOCKET_PING_SECONDS = 20.0
"""Interval of pings to a silent client, and time in which it must answer, or is closed (1011)."""


def serve(
    settings: Settings, *, announce: Callable[[str], None], membership: Membership | None = None
) -> int:
    """Run until SIGTERM or SIGINT; return the exit code.

    Args: announce: is called with each line of the startup banner when the server listens; the
        address comes last. membership: of this process among several of one port; its parent gets
        the banner.
    Raises: BackendError, OSError: the data directory or the address can't be used.
    """
    raise_limit()
    hide_from_other_processes()
    with ExitStack() as stack:
        # The programs that tell their versions run while this process prepares the rest.
        looking = stack.enter_context(ThreadPoolExecutor(1)).submit(discover, settings)
        flaw = compat_check()
        if flaw is not None:
            log.error("ingest.not_lending", extra={"uvicorn": uvicorn.__version__, "flaw": flaw})
            log.error("connections.limits_of_h11", extra={"see": "docs/security.md"})
        traces = open_traces(wanted=settings.traces)
        stack.callback(traces.close)
        siblings = None if membership is None else membership.siblings
        ports = open_ports(settings, siblings=siblings, serves=True)
        stack.callback(ports.close)
        tools = looking.result()
        app = create_app(
            settings,
            ports,
            traces=traces,
            tools=tools,
            monitoring=None if membership is None else membership.monitoring,
        )
        failures = _kept_startup_failures(app)
        server = _Server(
            app,
            settings,
            announce,
            tools,
            around=traces.around,
            ours=flaw is None,
            membership=membership,
        )
        exclude_from_collection()
        try:
            server.run(server.own_listeners())
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
    tools: Tools | None = None,
    monitoring: socket.socket | None = None,
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
        that runs the application must trace the requests; tools: the programs of the workers; if
        None, they are looked for; monitoring: see ``tusd_py.app.build_server``.
    Raises: BackendError, OSError: the data directory can't be used.
    """
    opened = ports or open_ports(settings, hooks=hooks, serves=True)
    metrics = Metrics(opened.siblings)
    worker = None
    if settings.workers:
        worker = Worker(settings, opened, tools=tools, relays=False, metrics=metrics, traces=traces)
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
        monitoring=monitoring,
    )


@asynccontextmanager
async def _running(worker: Worker, settings: Settings) -> AsyncIterator[None]:
    """Run the worker in its threads."""
    try:
        await asyncio.to_thread(worker.start)
        yield
    finally:
        await asyncio.to_thread(worker.stop, settings.shutdown_timeout)


class _Server(uvicorn.Server):
    """Is uvicorn; it notifies its application before it stops, and announces its address."""

    def __init__(
        self,
        app: Starlette,
        settings: Settings,
        announce: Callable[[str], None],
        tools: Tools,
        *,
        around: Callable[[Any], Any],
        ours: bool,
        membership: Membership | None,
    ) -> None:
        ports: Ports = app.state.context.ports
        servers = 1 if ports.siblings is None else ports.siblings.servers
        most = max(1, connections_allowed(settings.connections.total) // servers)
        super().__init__(
            uvicorn.Config(
                around(app),
                host=settings.host,
                port=settings.port,
                # h11 has limits, which uvicorn's other protocol lacks.
                http=_connection_class(settings, ports.counts, servers) if ours else "h11",
                h11_max_incomplete_event_size=settings.connections.head_bytes,
                limit_concurrency=None if ours else most,
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
        self._tools = tools
        self._ours = ours
        self._membership = membership
        self._wanted: frozenset[int] = frozenset()
        self._taken: dict[int, list[asyncio.AbstractServer]] = {}
        """Servers of the listeners of other slots."""
        self._taking: asyncio.Task[None] | None = None

    def own_listeners(self) -> list[socket.socket] | None:
        """Return the listeners of this process's slot; None: it makes its own."""
        member = self._membership
        return None if member is None else [one.dup() for one in member.listeners[member.slot]]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then announce the address."""
        await super().startup(sockets)
        if not self.started or self.should_exit:
            return
        lines = startup_banner(
            self._context,
            self._tools,
            self.servers[0].sockets[0].getsockname()[1],
            ours=self._ours,
            monitoring_address=self._state.monitoring_address,
            membership=self._membership,
        )
        if self._membership is None:
            for line in lines:
                self._announce(line)
            systemd.notify(systemd.READY)
            self._notify_watchdog()
            return
        loop = asyncio.get_running_loop()
        loop.add_reader(self._membership.parent, self._hear_parent, self._membership)
        self._membership.parent.send(MessageKind.READY, lines)
        self._beat(loop, self._membership)

    def _notify_watchdog(self) -> None:
        seconds = systemd.watchdog_seconds()
        if seconds is not None:
            systemd.notify(systemd.WATCHDOG)
            asyncio.get_running_loop().call_later(seconds / 3, self._notify_watchdog)

    def _beat(self, loop: asyncio.AbstractEventLoop, member: Membership) -> None:
        """Show the parent that the loop runs."""
        member.parent.send(MessageKind.BEAT)
        loop.call_later(BEAT_SECONDS, self._beat, loop, member)

    def _hear_parent(self, member: Membership) -> None:
        """Obey the parent; without it, end."""
        try:
            messages = member.parent.waiting()
        except ChannelClosed:
            asyncio.get_running_loop().remove_reader(member.parent)
            self.handle_exit(signal.SIGTERM, None)
            return
        for message in messages:
            if message.kind is MessageKind.LISTENERS:
                self._wanted = frozenset(message.content)
        if not self.should_exit and (self._taking is None or self._taking.done()):
            self._taking = asyncio.ensure_future(self._take_listeners(member))

    async def _take_listeners(self, member: Membership) -> None:
        """Serve the listeners of the slots that the parent wants, in addition to the own ones."""
        while self._wanted != self._taken.keys():
            for slot in self._taken.keys() - self._wanted:
                for server in self._taken.pop(slot):
                    server.close()
            for slot in self._wanted - self._taken.keys():
                self._taken[slot] = [
                    await asyncio.get_running_loop().create_server(
                        self._new_connection, sock=listener.dup(), backlog=self.config.backlog
                    )
                    for listener in member.listeners[slot]
                ]

    def _new_connection(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        connection: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return connection

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End bodies and streams, then wait for them."""
        if self._membership is None:
            systemd.notify(systemd.STOPPING)
        else:
            await self._leave_listeners(self._membership)
        request_shutdown(self._context)
        await super().shutdown(sockets)

    async def _leave_listeners(self, member: Membership) -> None:
        """Accept no more from the listeners of all slots, and do not keep them open."""
        member.parent.send(MessageKind.STOPPING)
        if self._taking is not None:
            await asyncio.wait([self._taking])
        for servers in self._taken.values():
            for server in servers:
                server.close()
        for listeners in member.listeners:
            for listener in listeners:
                listener.close()

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


def _connection_class(settings: Settings, counts: Counts, servers: int) -> type[asyncio.Protocol]:
    # It is imported only after ``compat_check`` has succeeded.
    from tusd_py.ingest.uvicorn_protocol import TusHttpProtocol

    limits = settings.connections
    if settings.behind_proxy:
        # All connections come from the proxy.
        limits = limits.model_copy(update={"per_address": 0})
    members = {
        "hands_off": settings.lend_bodies,
        "limits": limits,
        "min_rate": settings.min_rate,
        "counts": counts,
        "servers": servers,
    }
    return type("ConfiguredTusHttpProtocol", (TusHttpProtocol,), members)


def _websocket_class() -> type[asyncio.Protocol]:
    # It is imported only after ``compat_check`` has succeeded.
    from tusd_py.ingest.websocket_protocol import ListenerProtocol

    return ListenerProtocol
