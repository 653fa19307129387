"""Composes the server from settings and ports: one ASGI application."""

import asyncio
import hmac
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp
from typing_extensions import override

from tusd_py.auth.archive_links import ArchiveLinks
from tusd_py.auth.operator_links import OperatorLinks
from tusd_py.auth.rendition_links import RenditionLinks
from tusd_py.auth.share_tokens import ShareTokens
from tusd_py.background_tasks import BackgroundTasks, WakeUp
from tusd_py.domain.errors import MethodNotAllowed, ResourceNotFound, TooManyArchives, TusdError
from tusd_py.domain.hook import HookEvent
from tusd_py.domain.ownership_proof import OwnershipPolicy
from tusd_py.domain.upload import InstantPatch
from tusd_py.hooks.callables import Hooks
from tusd_py.hooks.dispatcher import HookDispatcher
from tusd_py.hooks.progress import ProgressEvents
from tusd_py.http.authentication import Authenticate, open_access
from tusd_py.http.body_pace import BodyPaceMiddleware
from tusd_py.http.capabilities import capabilities
from tusd_py.http.context import AppContext
from tusd_py.http.errors import is_tus_head, problem_response
from tusd_py.http.look import Look
from tusd_py.http.middleware.cors import CorsMiddleware, HostMiddleware, allowed_origins
from tusd_py.http.middleware.errors import ErrorMiddleware
from tusd_py.http.middleware.metrics import RequestMetrics
from tusd_py.http.middleware.public_path import PublicPathMiddleware
from tusd_py.http.receiver_page import ReceiverPage
from tusd_py.http.routes import (
    admin,
    archives,
    creations,
    details,
    events,
    health,
    multipart,
    openapi,
    pages,
    progress,
    receivers,
    rendition_links,
    renditions,
    reprocess,
    shares,
    task_list,
    tickets,
    websocket,
)
from tusd_py.http.routes.uploads import UploadDispatch
from tusd_py.http.share_access import ShareAccess
from tusd_py.http.streams import StreamLimit
from tusd_py.locks.data_dir import exclusive
from tusd_py.monitoring.backend_metrics import BackendMetrics
from tusd_py.monitoring.checks import Checks, sandbox_check, server_checks, threads_check
from tusd_py.monitoring.health_server import Routes, monitoring_routes, serving
from tusd_py.monitoring.registry import Metrics
from tusd_py.monitoring.server_metrics import ServerMetrics
from tusd_py.periodic_work import periodic_work
from tusd_py.ports import Ports
from tusd_py.protocol.host import HostRule
from tusd_py.protocol.origin import PublicAddress, parse_public_url
from tusd_py.settings.model import Settings
from tusd_py.storage.running_hash import RunningHashes
from tusd_py.tasks.queue_positions import QueuePositions
from tusd_py.tasks.streams import TaskStreams
from tusd_py.threads import Threads
from tusd_py.uploads.context import UploadContext, UploadPolicy
from tusd_py.uploads.counts import UploadCounters
from tusd_py.uploads.rate_limit import UserRateLimits
from tusd_py.wiring import hooks_of, open_ports

PAGES: Final = ("/", "/admin", "/api/docs", "/api/openapi.json")
"""Paths of pages without data of users: a link of another site may open them."""


def build_server(
    settings: Settings,
    ports: Ports | None = None,
    *,
    owns_ports: bool = False,
    alongside: Callable[[], AbstractAsyncContextManager[None]] | None = None,
    authenticate: Authenticate | None = None,
    hooks: Hooks | None = None,
    worker_alive: Callable[[], bool] | None = None,
    sandbox_weakness: str = "",
    metrics: Metrics | None = None,
    monitoring: socket.socket | None = None,
) -> Starlette:
    """Return the server as an application that can run alone or be mounted in another one.

    Its lifespan must run: it finishes uploads after a crash, publishes messages and removes
    expired uploads.

    Args: ports: if None, they are opened here and closed at the end of the lifespan; others must
            have been opened with the same hooks.
        owns_ports: whether ``ports`` are closed at the end of the lifespan.
        alongside: returns what runs within the lifespan, such as a worker; it ends first.
        authenticate: identifies the user of a request in place of the session tokens of
            ``settings.auth``.
        hooks: functions that are called in place of those of ``settings.hooks.callables``.
        worker_alive: returns whether the worker of this process runs, for /healthz.
        sandbox_weakness: states how the sandbox of that worker is weaker than the settings require.
        metrics: registry that /metrics shows; the server adds its own metrics.
        monitoring: listening socket of ``settings.monitoring_listen`` that this process shares with
            others; None: it makes its own.
    Raises: BackendError, OSError: the data directory can't be used; SettingsError: every web page
        would be allowed (cors.allow_origins), or the logo can't be shown (page.logo).
    """
    opened = ports or open_ports(settings, hooks=hooks, serves=True)
    metrics = metrics or Metrics(opened.siblings)
    composed = compose(settings, opened, authenticate, metrics, hooks or hooks_of(settings))
    context = composed.context
    checks = _checks(context, worker_alive, sandbox_weakness)
    share_access = ShareAccess(context)
    look = Look.of(settings.page)
    page_files = pages.PageFiles(
        settings.base_path,
        look,
        max_size=settings.max_size,
        extensions=settings.whitelist.extensions,
    )
    routes = [
        *multipart.routes(context),
        *events.routes(context),
        *websocket.routes(context),
        *creations.routes(context),
        *progress.routes(context),
        *tickets.routes(context),
        *task_list.routes(context),
        *details.routes(context),
        *renditions.routes(context),
        *rendition_links.routes(context),
        *archives.routes(context),
        *reprocess.routes(context),
        *shares.routes(context, share_access),
        *receivers.routes(context, share_access, ReceiverPage(look)),
        *pages.routes(page_files, settings.base_path),
        *admin.routes(context, page_files),
        *openapi.routes(page_files),
        *health.routes(checks, metrics, worker_alive, elsewhere=bool(settings.monitoring_listen)),
    ]
    app = _Application(
        routes=routes,
        middleware=[
            Middleware(
                PublicPathMiddleware,
                address=context.address,
                own_paths=_own_paths(routes, settings.base_path),
            ),
            Middleware(RequestMetrics, metrics=context.metrics),
            *_hosts(context),
            Middleware(
                CorsMiddleware,
                settings=settings.cors,
                origins=allowed_origins(settings.cors, context.access),
                by_tokens=context.access.by_tokens,
                address=context.address,
                tus_path=settings.base_path,
                pages=PAGES,
                unmarked=admin.PATHS,
                open_paths=health.PATHS,
                open_below=receivers.OPEN_PATH,
            ),
            Middleware(ErrorMiddleware, running=context.running.is_set),
            Middleware(UploadDispatch, context=context),
            Middleware(
                BodyPaceMiddleware, idle_timeout=settings.idle_timeout, min_rate=settings.min_rate
            ),
        ],
        exception_handlers={TusdError: _refuse, HTTPException: _refuse_by_routing},
        lifespan=lambda app: _lifespan(
            app,
            composed,
            metrics=metrics,
            routes=monitoring_routes(checks, metrics, worker_alive),
            monitoring=monitoring,
            owns_ports=owns_ports or ports is None,
            alongside=alongside,
        ),
    )
    app.state.monitoring_address = None
    app.router.redirect_slashes = False
    app.state.context = context
    return app


class _Application(Starlette):
    """Is Starlette without its outermost middleware, as ``ErrorMiddleware`` answers for errors."""

    @override
    def build_middleware_stack(self) -> ASGIApp:
        """Wrap the router as Starlette does."""
        app: ASGIApp = ExceptionMiddleware(self.router, handlers=self.exception_handlers)
        for middleware, args, kwargs in reversed(self.user_middleware):
            app = middleware(app, *args, **kwargs)
        return app


def _own_paths(routes: Sequence[BaseRoute], base_path: str) -> list[str]:
    """Return the beginnings of the paths of all routes but that of the page at ``/``."""
    paths = [route.path for route in routes if isinstance(route, Route | WebSocketRoute)]
    return [base_path.rstrip("/"), *(path.partition("{")[0] for path in paths if path != "/")]


def _hosts(context: AppContext) -> list[Middleware]:
    """Return the middleware of host names: without authentication, or if names are listed."""
    settings = context.settings
    if not context.access.anonymous and not settings.allowed_hosts:
        return []
    public = context.address.origin.partition("://")[2]
    rule = HostRule({settings.host, *settings.allowed_hosts, *([public] if public else [])})
    return [Middleware(HostMiddleware, rule=rule, open_paths={health.HEALTH})]


def _checks(
    context: AppContext, worker_alive: Callable[[], bool] | None, sandbox_weakness: str
) -> Checks:
    checks = server_checks(context.ports, context.settings.data_dir, context.stopping.is_set)
    if worker_alive is not None:
        checks.append(threads_check(worker_alive, vital=False))
        checks.append(sandbox_check(sandbox_weakness))
    return Checks(checks)


@dataclass(frozen=True, slots=True)
class Composed:
    """Holds the parts of one server process that its requests and its periodic work need."""

    context: AppContext
    wake: WakeUp
    dispatcher: HookDispatcher | None
    progress_events: ProgressEvents | None


def compose(
    settings: Settings,
    ports: Ports,
    authenticate: Authenticate | None,
    metrics: Metrics,
    hooks: Hooks,
) -> Composed:
    """Build the parts of one server process."""
    threads = Threads()
    wake = WakeUp()
    instant = settings.instant
    counts, running_hashes = UploadCounters(), RunningHashes()
    server_metrics = ServerMetrics(metrics.registry, counts, running_hashes)
    dispatcher = _hook_dispatcher(settings, ports, threads, server_metrics, hooks)
    progress_events = None
    if dispatcher is not None and dispatcher.has(HookEvent.POST_RECEIVE):
        interval = settings.hooks.progress_interval
        progress_events = ProgressEvents(dispatcher.report_progress, ports.clock, interval=interval)
    uploads = UploadContext(
        policy=UploadPolicy(
            max_size=settings.max_size or None,
            expires_after=settings.upload_expires or None,
            idle_timeout=settings.idle_timeout,
            min_rate=settings.min_rate,
            durability=settings.durability,
            instant=instant.scope != "off",
            ownership_proofs=_ownership_policy(settings, ports),
            instant_patch=InstantPatch(instant.patch),
            allowed_extensions=settings.whitelist.extensions,
            profiles=settings.media.profile_choice,
            quota=settings.limits.quota(),
            max_parts=settings.limits.parts,
        ),
        stores=ports.stores,
        catalog=ports.catalog,
        tasks=ports.tasks,
        lock=ports.lock,
        running_hashes=running_hashes,
        threads=threads,
        clock=ports.clock,
        background=BackgroundTasks(),
        wake_workers=ports.queue.wake if ports.broker is None else wake,
        before_create=dispatcher.before_create
        if dispatcher is not None and dispatcher.has(HookEvent.PRE_CREATE)
        else None,
        on_bytes=None if progress_events is None else progress_events.on_bytes,
        counts=counts,
        rate_limits=_rate_limits(settings, ports, threads),
    )
    BackendMetrics(metrics.installation, ports, ports.clock)
    access = open_access(settings.auth, ports.clock, authenticate)
    operator_links = OperatorLinks(settings.data_dir, ports.clock)
    origin, path = parse_public_url(settings.public_url)
    places = QueuePositions(ports.catalog.jobs, threads)
    context = AppContext(
        settings=settings,
        address=PublicAddress(trusted=settings.behind_proxy, origin=origin, path=path),
        ports=ports,
        capabilities=capabilities(
            ports.stores,
            max_size=uploads.policy.max_size,
            expires=uploads.policy.expires_after is not None,
        ),
        uploads=uploads,
        threads=threads,
        task_streams=TaskStreams(ports.tasks, threads, places),
        queue_positions=places,
        access=access,
        # Without authentication all clients are one user: they would share the limit.
        streams=StreamLimit(
            ports.counts, "streams", None if access.anonymous else settings.limits.streams or None
        ),
        links=RenditionLinks(_secret(settings, operator_links, "links"), ports.clock),
        share_tokens=ShareTokens(_secret(settings, operator_links, "shares"), ports.clock),
        archives=StreamLimit(
            ports.counts, "archives", settings.limits.archives or None, TooManyArchives
        ),
        archive_links=ArchiveLinks(_secret(settings, operator_links, "links"), ports.clock),
        operator_links=operator_links,
        metrics=server_metrics,
        running=asyncio.Event(),
        stopping=asyncio.Event(),
    )
    return Composed(context, wake, dispatcher, progress_events)


def _secret(settings: Settings, operator_links: OperatorLinks, purpose: str) -> bytes:
    """Return the secret of the settings, or else one of the data directory for this purpose."""
    return settings.auth.grant_secret() or operator_links.derived_secret(purpose)


def _hook_dispatcher(
    settings: Settings, ports: Ports, threads: Threads, metrics: ServerMetrics, hooks: Hooks
) -> HookDispatcher | None:
    """Return the dispatcher of the hooks that are set; None if there are none."""
    wanted = settings.hooks
    if not wanted.url and not hooks.events:
        return None
    webhook = None
    if wanted.url:
        from tusd_py.hooks.webhook import Webhook

        webhook = Webhook(
            wanted.url,
            secret=wanted.secret.get_secret_value(),
            payload=wanted.format,
            timeout=wanted.timeout,
            clock=ports.clock,
        )
    return HookDispatcher(
        ports.catalog.hooks,
        threads,
        ports.clock,
        hooks=hooks,
        webhook=webhook,
        web_events=wanted.events,
        give_up_after=wanted.give_up_after,
        count=metrics.hook_delivered,
    )


def _rate_limits(settings: Settings, ports: Ports, threads: Threads) -> UserRateLimits | None:
    rates = settings.limits.rates()
    return None if rates.is_unlimited else UserRateLimits(ports.rate_limiter, threads, rates)


def _ownership_policy(settings: Settings, ports: Ports) -> OwnershipPolicy | None:
    instant = settings.instant
    if instant.scope not in ("tenant", "global"):
        return None
    return OwnershipPolicy(
        within_tenant=instant.scope == "tenant",
        min_size=max(1, instant.min_size),
        most_owners=instant.most_owners if instant.scope == "global" else 0,
        challenges_per_hour=instant.challenges_per_hour,
        secret=hmac.digest(
            settings.auth.grant_secret(),
            f"owners {ports.catalog.objects.identity()}".encode(),
            "sha256",
        ),
    )


@asynccontextmanager
async def _lifespan(
    app: Starlette,
    composed: Composed,
    *,
    metrics: Metrics,
    routes: Routes,
    monitoring: socket.socket | None,
    owns_ports: bool,
    alongside: Callable[[], AbstractAsyncContextManager[None]] | None,
) -> AsyncIterator[None]:
    context, dispatcher = composed.context, composed.dispatcher
    async with AsyncExitStack() as stack:
        if owns_ports:
            stack.callback(context.ports.close)
        if not context.ports.shared and context.ports.siblings is None:
            stack.enter_context(exclusive(context.settings.data_dir))
        stack.callback(context.threads.close)
        monitor = ExitStack()
        stack.push_async_callback(asyncio.to_thread, monitor.close)
        monitor.enter_context(metrics.shared())
        if context.settings.monitoring_listen:
            app.state.monitoring_address = monitor.enter_context(
                serving(
                    context.settings.monitoring_listen,
                    routes,
                    allowed_hosts=context.settings.allowed_hosts,
                    listener=monitoring,
                )
            )
        if context.access.anonymous:
            await context.threads.call(context.operator_links.prepare)
        if dispatcher is not None:
            stack.push_async_callback(dispatcher.close)
        if composed.progress_events is not None:
            stack.push_async_callback(composed.progress_events.close)
        background = await stack.enter_async_context(context.uploads.background)
        for name, work in periodic_work(context, composed.wake, dispatcher).items():
            background.repeat(name, work)
        stack.callback(request_shutdown, context)
        context.running.set()
        stack.callback(context.running.clear)
        if alongside is not None:
            await stack.enter_async_context(alongside())
        yield


def request_shutdown(context: AppContext) -> None:
    """Stop the server: bodies end and their bytes are kept, streams end. Idempotent."""
    context.stopping.set()
    context.task_streams.stop()
    context.uploads.close()


async def _refuse(request: Request, error: Exception) -> Response:
    refusal = error if isinstance(error, TusdError) else TusdError()
    return problem_response(refusal, tus_head=is_tus_head(request.scope))


async def _refuse_by_routing(request: Request, error: Exception) -> Response:
    """Answer for a refusal of Starlette's router in the form of all refusals."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = tuple((error.headers or {}).get("Allow", "").split(", "))
        return await _refuse(request, MethodNotAllowed(allowed))
    return await _refuse(request, ResourceNotFound())
