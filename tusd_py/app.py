"""Composition root of the server: settings and ports in, one ASGI application out."""

import asyncio
import hmac
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from tusd_py.auth.operator_links import OperatorLinks
from tusd_py.auth.rendition_links import RenditionLinks
from tusd_py.domain.errors import MethodNotAllowed, ResourceNotFound, TusdError
from tusd_py.domain.ids import UploadId
from tusd_py.domain.ownership_proof import OwnershipPolicy
from tusd_py.domain.rate import Rate
from tusd_py.domain.upload import InstantPatch
from tusd_py.hooks.callables import Hooks
from tusd_py.hooks.dispatcher import HookDispatcher
from tusd_py.http.authentication import Authenticate, open_access
from tusd_py.http.body_pace import BodyPaceMiddleware
from tusd_py.http.capabilities import capabilities
from tusd_py.http.context import AppContext
from tusd_py.http.errors import problem_response
from tusd_py.http.middleware.cors import CorsMiddleware, allowed_origins
from tusd_py.http.middleware.errors import ErrorMiddleware
from tusd_py.http.middleware.hosts import HostMiddleware
from tusd_py.http.middleware.metrics import RequestMetrics
from tusd_py.http.middleware.tus_dispatch import TusDispatch
from tusd_py.http.routes import (
    admin,
    events,
    health,
    multipart,
    openapi,
    pages,
    progress,
    rendition_links,
    renditions,
    reprocess,
    task_list,
    tickets,
    websocket,
)
from tusd_py.http.routes.tus import TusEndpoint
from tusd_py.http.streams import StreamLimit
from tusd_py.jobs.outbox import publish_outcomes, relay_outbox
from tusd_py.locks.data_dir import exclusive
from tusd_py.monitoring.backend_metrics import BackendMetrics
from tusd_py.monitoring.checks import Checks, sandbox_check, server_checks, threads_check
from tusd_py.monitoring.health_server import Routes, answer_for, serving
from tusd_py.monitoring.registry import Metrics
from tusd_py.monitoring.server_metrics import ServerMetrics
from tusd_py.ports import Ports
from tusd_py.protocol.host import HostRule
from tusd_py.settings.model import Settings
from tusd_py.storage.running_hash import RunningHashes
from tusd_py.tasks.queue_positions import QueuePositions
from tusd_py.tasks.streams import TaskStreams
from tusd_py.threads import Threads
from tusd_py.uploads.context import UploadContext, UploadPolicy
from tusd_py.uploads.expire import collect_expired
from tusd_py.uploads.finish import recover, recover_one
from tusd_py.uploads.rate_limit import UserRateLimits
from tusd_py.uploads.upkeep import maintain
from tusd_py.wiring import hooks_of, open_ports

log = logging.getLogger(__name__)

MAINTAIN_SECONDS: Final = 60.0
RELAY_PAUSE_SECONDS: Final = 0.1
"""Of many finishes in a row, so many go to the queue in one go."""
PAGES: Final = ("/", "/admin", "/api/docs", "/api/openapi.json")
"""What holds nothing of a user's: a link of another site may open it."""
SPARE_SECONDS: Final = 10.0
"""What the databases have used of the space that is kept aside is replaced after so long."""
LAG_SECONDS: Final = 0.05
"""The loop's lag is measured so often."""


def build_server(
    settings: Settings,
    ports: Ports | None = None,
    *,
    authenticate: Authenticate | None = None,
    hooks: Hooks | None = None,
    worker_alive: Callable[[], bool] | None = None,
    sandbox_weakness: str = "",
    metrics: Metrics | None = None,
) -> Starlette:
    """The server as an application that can run alone or be mounted in another.

    Its lifespan must run: it finishes what a crash left, relays jobs and collects expired uploads.
    Args: ports: opened here, and closed with the lifespan, when None; authenticate: who is asking,
        in the place of the session tokens of ``settings.auth``, which decide when it is None;
        hooks: functions that are asked and told, in the place of ``settings.hooks.callables``; ``ports``
        that were opened elsewhere must have been opened with them;
        worker_alive: asked by /healthz when the pipeline runs in this process; sandbox_weakness:
            how the box of that pipeline is less than the settings ask for; figures: where
        /metrics finds what such a worker counts, and what the server adds its own to.
    Raises: BackendError, OSError: the data directory can't be used; SettingsError: every web page
        would be let in (cors.allow_origins).
    """
    metrics = metrics or Metrics()
    opened = ports or open_ports(settings, hooks=hooks)
    context, wake = compose(settings, opened, authenticate, metrics)
    calling = _hook_dispatcher(context, hooks or hooks_of(settings))
    if calling is not None and calling.has_pre_create:
        context.uploads.before_create = calling.before_create
    checks = _checks(context, worker_alive, sandbox_weakness)
    page_files = pages.PageFiles(settings.base_path)
    routes = [
        *multipart.routes(context),
        *events.routes(context),
        *websocket.routes(context),
        *progress.routes(context),
        *tickets.routes(context),
        *task_list.routes(context),
        *renditions.routes(context),
        *rendition_links.routes(context),
        *reprocess.routes(context),
        *pages.routes(page_files, settings.base_path),
        *admin.routes(context, page_files),
        *openapi.routes(page_files),
        *health.routes(checks, metrics, worker_alive, elsewhere=bool(settings.monitoring_listen)),
    ]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(RequestMetrics, metrics=context.metrics),
            *_hosts(context),
            Middleware(
                CorsMiddleware,
                settings=settings.cors,
                origins=allowed_origins(settings.cors, context.access),
                by_tokens=context.access.by_tokens,
                trusts_proxy=settings.behind_proxy,
                tus_path=settings.base_path,
                pages=PAGES,
                unmarked=admin.PATHS,
                open_paths=health.PATHS,
            ),
            Middleware(ErrorMiddleware, running=context.running.is_set),
            Middleware(TusDispatch, endpoint=TusEndpoint(context), base_path=settings.base_path),
            Middleware(
                BodyPaceMiddleware, idle_timeout=settings.idle_timeout, min_rate=settings.min_rate
            ),
        ],
        exception_handlers={TusdError: _refuse, HTTPException: _refuse_by_routing},
        lifespan=lambda app: _lifespan(
            app,
            context,
            wake,
            calling,
            routes=answer_for(checks, metrics, worker_alive),
            owns_ports=ports is None,
        ),
    )
    app.state.monitoring_address = None
    app.router.redirect_slashes = False
    app.state.context = context
    return app


def _hosts(context: AppContext) -> list[Middleware]:
    """The rule of host names, where no identity protects what is here, or where names are listed."""
    settings = context.settings
    if not context.access.anonymous and not settings.allowed_hosts:
        return []
    rule = HostRule({settings.host, *settings.allowed_hosts})
    return [Middleware(HostMiddleware, rule=rule, open_paths={health.HEALTH})]


def _checks(
    context: AppContext, worker_alive: Callable[[], bool] | None, sandbox_weakness: str
) -> Checks:
    checks = server_checks(context.ports, context.settings.data_dir, context.stopping.is_set)
    if worker_alive is not None:
        checks.append(threads_check(worker_alive, vital=False))
        checks.append(sandbox_check(sandbox_weakness))
    return Checks(checks)


def compose(
    settings: Settings, ports: Ports, authenticate: Authenticate | None, metrics: Metrics
) -> tuple[AppContext, asyncio.Event]:
    """The context of one server process, and the event that wakes its relay."""
    threads = Threads()
    wake = asyncio.Event()
    instant = settings.instant
    room = UploadContext(
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
        running_hashes=RunningHashes(),
        threads=threads,
        clock=ports.clock,
        wake_relay=wake.set,
        rate_limits=_rate_limits(settings, ports, threads),
    )
    BackendMetrics(metrics.registry, ports, ports.clock)
    access = open_access(settings.auth, ports.clock, authenticate)
    operator_links = OperatorLinks(settings.data_dir, ports.clock)
    places = QueuePositions(ports.catalog.jobs, threads)
    context = AppContext(
        settings=settings,
        ports=ports,
        capabilities=capabilities(
            ports.stores,
            max_size=room.policy.max_size,
            expires=room.policy.expires_after is not None,
        ),
        uploads=room,
        threads=threads,
        task_streams=TaskStreams(ports.tasks, threads, places),
        queue_positions=places,
        access=access,
        # Without authentication all people are one user: a limit would lock out a household.
        streams=StreamLimit(None if access.anonymous else settings.limits.streams or None),
        links=_links(settings, operator_links, ports),
        operator_links=operator_links,
        metrics=ServerMetrics(metrics.registry, room.counts, room.running_hashes),
        running=asyncio.Event(),
        stopping=asyncio.Event(),
    )
    return context, wake


def _links(settings: Settings, operator_links: OperatorLinks, ports: Ports) -> RenditionLinks:
    """Links are signed by the secret of the settings; without one by that of the data directory."""
    secret = settings.auth.grant_secret() or operator_links.derived_secret("links")
    return RenditionLinks(secret, ports.clock)


def _hook_dispatcher(context: AppContext, hooks: Hooks) -> HookDispatcher | None:
    """Whoever is to be asked and told; None: nobody."""
    settings, clock = context.settings.hooks, context.ports.clock
    if not settings.url and not hooks.events:
        return None
    webhook = None
    if settings.url:
        from tusd_py.hooks.webhook import Webhook

        webhook = Webhook(
            settings.url,
            secret=settings.secret.get_secret_value(),
            payload=settings.format,
            timeout=settings.timeout,
            clock=clock,
        )
    return HookDispatcher(
        context.ports.catalog.hooks,
        context.threads,
        clock,
        hooks=hooks,
        webhook=webhook,
        web_events=settings.events,
        give_up_after=settings.give_up_after,
        count=context.metrics.hook_delivered,
    )


def _rate_limits(settings: Settings, ports: Ports, threads: Threads) -> UserRateLimits | None:
    limits = settings.limits
    if not limits.requests and not limits.bytes_per_second:
        return None
    return UserRateLimits(
        ports.rate_limiter,
        threads,
        requests=Rate(limits.requests, limits.window) if limits.requests else None,
        data=Rate(limits.bytes_per_second, 1.0) if limits.bytes_per_second else None,
    )


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
    context: AppContext,
    wake: asyncio.Event,
    calling: HookDispatcher | None,
    *,
    routes: Routes,
    owns_ports: bool,
) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    room = context.uploads
    complete: asyncio.Queue[UploadId] = asyncio.Queue()

    def wake_relay() -> None:
        # Once set, it is cleared before the outbox is read: what was committed by now is found.
        if not wake.is_set():
            loop.call_soon_threadsafe(wake.set)

    room.wake_relay = wake_relay
    async with AsyncExitStack() as stack:
        if owns_ports:
            stack.callback(context.ports.close)
        if not context.ports.shared:
            stack.enter_context(exclusive(context.settings.data_dir))
        stack.callback(context.threads.close)
        if context.settings.monitoring_listen:
            monitor = ExitStack()
            stack.push_async_callback(asyncio.to_thread, monitor.close)
            app.state.monitoring_address = monitor.enter_context(
                serving(
                    context.settings.monitoring_listen,
                    routes,
                    allowed_hosts=context.settings.allowed_hosts,
                )
            )
        if context.access.anonymous:
            await context.threads.call(context.operator_links.prepare)
        if calling is not None:
            stack.push_async_callback(calling.close)
        for name, work in (
            ("recover", _recover(room, complete)),
            ("relay", _relay(context, wake)),
            ("tell", _publish_outcomes(context)),
            ("look after", _maintain(room, complete)),
            ("lag", _watch_loop(context)),
            ("hooks", _deliver_hooks(context, calling)),
            ("spare", _keep_spare(context)),
        ):
            task = asyncio.create_task(work, name=name)
            stack.push_async_callback(_end, task)
        stack.callback(request_shutdown, context)
        context.running.set()
        stack.callback(context.running.clear)
        yield


def request_shutdown(context: AppContext) -> None:
    """The server is to stop: bodies are let go of with their bytes kept, streams end. Idempotent."""
    context.stopping.set()
    context.task_streams.stop()
    context.uploads.close()


async def _end(task: "asyncio.Task[object]") -> None:
    task.cancel()
    await asyncio.wait([task])


async def _relay(context: AppContext, wake: asyncio.Event) -> None:
    """From the outbox to the queue: woken by each finish, and every ``relay_every`` seconds."""
    ports, pause = context.ports, context.settings.jobs.relay_every

    async def round_() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(wake.wait(), pause)
        wake.clear()
        await context.threads.call(relay_outbox, ports.catalog.jobs, ports.queue)
        await asyncio.sleep(RELAY_PAUSE_SECONDS)

    await run_periodically("relay", round_)


async def _publish_outcomes(context: AppContext) -> None:
    """From the outbox to the followers, every ``relay_every`` seconds."""
    ports, pause = context.ports, context.settings.jobs.relay_every

    async def round_() -> None:
        await context.threads.call(publish_outcomes, ports.catalog.jobs, ports.tasks)
        await asyncio.sleep(pause)

    await run_periodically("tell", round_)


async def _deliver_hooks(context: AppContext, calling: HookDispatcher | None) -> None:
    """From the catalog to the application: until nothing is due, then every ``relay_every`` seconds."""
    if calling is None:
        return

    async def round_() -> None:
        if not await calling.deliver_due():
            await asyncio.sleep(context.settings.jobs.relay_every)

    await run_periodically("hooks", round_)


async def _recover(room: UploadContext, complete: "asyncio.Queue[UploadId]") -> None:
    """At once what a crash left, then what ``_maintain`` finds. It may take minutes."""
    started = False

    async def round_() -> None:
        nonlocal started
        if not started:
            await recover(room)
            started = True
        await recover_one(room, await complete.get())

    await run_periodically("recover", round_)


async def _maintain(room: UploadContext, complete: "asyncio.Queue[UploadId]") -> None:
    """Look after open uploads every minute, or a few times until they expire."""
    pause = min(MAINTAIN_SECONDS, (room.policy.expires_after or math.inf) / 4)
    expired: tuple[UploadId, ...] = ()

    async def round_() -> None:
        nonlocal expired
        await asyncio.sleep(pause)
        await collect_expired(room, expired)
        due = await maintain(room)
        expired = due.expired
        for upload_id in due.complete:
            complete.put_nowait(upload_id)

    await run_periodically("look after", round_)


async def _keep_spare(context: AppContext) -> None:
    """Keep space aside for the databases, also after another process has used some of it."""

    async def round_() -> None:
        await context.threads.call(context.ports.spare.keep)
        await asyncio.sleep(SPARE_SECONDS)

    await run_periodically("spare", round_)


async def _watch_loop(context: AppContext) -> None:
    """How late the loop is: what blocks it delays every upload."""
    loop = asyncio.get_running_loop()

    async def round_() -> None:
        due_at = loop.time() + LAG_SECONDS
        await asyncio.sleep(LAG_SECONDS)
        context.metrics.observe_loop_lag(max(0.0, loop.time() - due_at))

    await run_periodically("lag", round_)


async def run_periodically(name: str, round_: Callable[[], Awaitable[None]]) -> None:
    """Repeat; a failed round is logged and the next one comes a second later."""
    while True:
        try:
            await round_()
        except Exception:
            log.exception("background.failed", extra={"work": name})
            await asyncio.sleep(1.0)


async def _refuse(_request: Request, error: Exception) -> Response:
    refusal = error if isinstance(error, TusdError) else TusdError()
    return problem_response(refusal, head=_request.method == "HEAD")


async def _refuse_by_routing(request: Request, error: Exception) -> Response:
    """What Starlette's router refuses, in our words."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = tuple((error.headers or {}).get("Allow", "").split(", "))
        return problem_response(MethodNotAllowed(allowed), head=request.method == "HEAD")
    return problem_response(ResourceNotFound(), head=request.method == "HEAD")
