"""Repeats the periodic work of a server process: recovery, outbox, maintenance, hooks."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from tusd_py.background_tasks import WakeUp
from tusd_py.domain.ids import UploadId
from tusd_py.hooks.dispatcher import HookDispatcher
from tusd_py.http.context import AppContext
from tusd_py.jobs.outbox import publish_outcomes, relay_outbox
from tusd_py.jobs.queue.port import MessageBroker
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.expire import collect_expired
from tusd_py.uploads.maintain import maintain
from tusd_py.uploads.recovery import recover, recover_one

MAINTAIN_SECONDS: Final = 60.0
RELAY_PAUSE_SECONDS: Final = 0.1
"""Pause between two publications of the outbox, so that finishes in quick succession share one."""
SPARE_SECONDS: Final = 10.0
"""Interval at which the reserved space of the databases is restored."""
LAG_SECONDS: Final = 0.05
"""Interval at which the lag of the event loop is measured."""

Work = Callable[[], Awaitable[None]]


def periodic_work(
    context: AppContext, wake: WakeUp, dispatcher: HookDispatcher | None
) -> Mapping[str, Work]:
    """Return the functions that a server repeats until it stops, by name."""
    complete: asyncio.Queue[UploadId] = asyncio.Queue()
    work = {
        "recover": _recovery(context.uploads, complete),
        "outcomes": _outcomes(context),
        "maintain": _maintenance(context.uploads, complete),
        "lag": _loop_lag(context),
        "spare": _spare_space(context),
    }
    if context.ports.broker is not None:
        work["relay"] = _relay(context, context.ports.broker, wake)
    if dispatcher is not None:
        work["hooks"] = _hooks(context, dispatcher)
    return work


def _relay(context: AppContext, broker: MessageBroker, wake: WakeUp) -> Work:
    """Publish pending jobs after each finish, and every ``relay_every`` seconds."""
    jobs, interval = context.ports.catalog.jobs, context.settings.jobs.relay_every

    async def work() -> None:
        await wake.wait(interval)
        await context.threads.call(relay_outbox, jobs, broker)
        await asyncio.sleep(RELAY_PAUSE_SECONDS)

    return work


def _outcomes(context: AppContext) -> Work:
    """Publish pending outcomes to the subscribers every ``relay_every`` seconds."""
    ports, interval = context.ports, context.settings.jobs.relay_every

    async def work() -> None:
        await context.threads.call(publish_outcomes, ports.catalog.jobs, ports.tasks)
        await asyncio.sleep(interval)

    return work


def _hooks(context: AppContext, dispatcher: HookDispatcher) -> Work:
    """Deliver events until none is due, then every ``relay_every`` seconds."""

    async def work() -> None:
        if not await dispatcher.deliver_due():
            await asyncio.sleep(context.settings.jobs.relay_every)

    return work


def _recovery(uploads: UploadContext, complete: "asyncio.Queue[UploadId]") -> Work:
    """Finish the uploads that were complete at a crash, then those that maintenance finds.

    It may take minutes.
    """
    started = False

    async def work() -> None:
        nonlocal started
        if not started:
            await recover(uploads)
            started = True
        await recover_one(uploads, await complete.get())

    return work


def _maintenance(uploads: UploadContext, complete: "asyncio.Queue[UploadId]") -> Work:
    """Examine open uploads and shares every minute, or four times until uploads expire."""
    pause = min(MAINTAIN_SECONDS, (uploads.policy.expires_after or math.inf) / 4)
    expired: tuple[UploadId, ...] = ()

    async def work() -> None:
        nonlocal expired
        await asyncio.sleep(pause)
        await collect_expired(uploads, expired)
        due = await maintain(uploads)
        expired = due.expired
        for upload_id in due.complete:
            complete.put_nowait(upload_id)
        await uploads.threads.call(uploads.catalog.shares.remove_ended)

    return work


def _spare_space(context: AppContext) -> Work:
    """Restore the reserved space of the databases, which other processes may have used."""

    async def work() -> None:
        await context.threads.call(context.ports.spare.keep)
        await asyncio.sleep(SPARE_SECONDS)

    return work


def _loop_lag(context: AppContext) -> Work:
    """Measure how late the event loop is: what blocks it delays every upload."""

    async def work() -> None:
        loop = asyncio.get_running_loop()
        due_at = loop.time() + LAG_SECONDS
        await asyncio.sleep(LAG_SECONDS)
        context.metrics.observe_loop_lag(max(0.0, loop.time() - due_at))

    return work
