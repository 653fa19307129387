"""Calls the hooks of an application: first its functions, then its webhook address."""

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final, Literal

from tusd_py.catalog.ports.hooks import HookRepository
from tusd_py.catalog.values import PendingEvent
from tusd_py.clock import Clock
from tusd_py.domain.errors import BackendError, HookUnavailable, PolicyError
from tusd_py.domain.hook import DELIVERY_BACKOFF, HookEvent, HookRequest, UploadChange
from tusd_py.domain.upload import Upload
from tusd_py.hooks.callables import Hooks
from tusd_py.hooks.payload import HookNotification, notification_of
from tusd_py.threads import Threads

if TYPE_CHECKING:
    # With an HTTP client, which only a webhook needs.
    from tusd_py.hooks.webhook import Webhook

log = logging.getLogger(__name__)

MAX_CLAIMED: Final = 16
"""Number of uploads whose events are delivered at the same time."""
CLAIM_SECONDS: Final = 60.0
"""Seconds after which another server takes over an undelivered event: its server has died."""
Result = Literal["delivered", "retried", "given_up"]


class HookDispatcher:
    """Calls the hooks of one server process."""

    def __init__(
        self,
        events: HookRepository,
        threads: Threads,
        clock: Clock,
        *,
        hooks: Hooks,
        webhook: "Webhook | None",
        web_events: Collection[HookEvent],
        give_up_after: float,
        count: Callable[[HookEvent, Result], None],
    ) -> None:
        """Store the parts; ``web_events`` go to the webhook, ``give_up_after`` is in seconds."""
        self._events = events
        self._threads = threads
        self._clock = clock
        self._hooks = hooks
        self._webhook = webhook
        self._web_events = web_events
        self._give_up_after = give_up_after
        self._count = count

    def has(self, event: HookEvent) -> bool:
        """Return whether a function or the webhook is called for an event."""
        by_webhook = self._webhook is not None and event in self._web_events
        return by_webhook or event in self._hooks.events

    async def before_create(
        self, upload: Upload, request: HookRequest | None
    ) -> UploadChange | None:
        """Call the ``pre-create`` hooks. Return what they change; the webhook goes before.

        Raises: HookRefused, another PolicyError of the application; HookUnavailable.
        """
        notification = HookNotification(
            id=upload.id,
            event=HookEvent.PRE_CREATE,
            at=upload.created_at,
            upload=upload,
            request=request,
        )
        try:
            change = await self._hooks.call(notification)
        except (PolicyError, BackendError):
            raise
        except Exception as error:
            log.exception("hook.failed", extra={"hook": notification.event.value})
            raise HookUnavailable from error
        if self._webhook is not None and notification.event in self._web_events:
            change = await self._webhook.decide(notification) or change
        return change

    async def report_progress(self, upload: Upload, offset: int) -> None:
        """Call the ``post-receive`` hooks once. A failure is logged and counted."""
        notification = HookNotification(
            id=f"{upload.id}-{offset}",
            event=HookEvent.POST_RECEIVE,
            at=self._clock.now(),
            upload=upload,
            offset=offset,
        )
        result: Result = "delivered"
        try:
            await self._call_all(notification)
        except Exception as error:  # noqa: BLE001  (an application may raise anything)
            result = "given_up"
            _log_failure(notification, error, given_up=False)
        self._count(notification.event, result)

    async def _call_all(self, notification: HookNotification) -> None:
        await self._hooks.call(notification)
        if self._webhook is not None and notification.event in self._web_events:
            await self._webhook.deliver(notification)

    async def deliver_due(self) -> int:
        """Deliver the due events, of each upload only the oldest. Return how many were due.

        Raises: BackendError: the catalog is unavailable; the claimed events are delivered again.
        """
        due = await self._threads.call(self._events.claim, MAX_CLAIMED, CLAIM_SECONDS)
        await asyncio.gather(*(self._deliver(happened) for happened in due))
        return len(due)

    async def _deliver(self, happened: PendingEvent) -> None:
        notification = notification_of(happened)
        result: Result = "delivered"
        try:
            await self._call_all(notification)
        except Exception as error:  # noqa: BLE001  (an application may raise anything)
            given_up = self._clock.now() - happened.at > self._give_up_after
            result = "given_up" if given_up else "retried"
            _log_failure(notification, error, given_up=given_up)
        self._count(notification.event, result)
        if result == "retried":
            pause = DELIVERY_BACKOFF.pause(happened.failures + 1)
            await self._threads.call(self._events.failed, happened.id, pause)
        else:
            await self._threads.call(self._events.delivered, happened.id)

    async def close(self) -> None:
        """Close the webhook's connections."""
        if self._webhook is not None:
            await self._webhook.close()


def _log_failure(notification: HookNotification, error: Exception, *, given_up: bool) -> None:
    facts = {
        "hook": notification.event.value,
        "task_id": notification.upload.id,
        "error": getattr(error, "reason", "") or repr(error),
    }
    log.log(logging.ERROR if given_up else logging.WARNING, "hook.failed", extra=facts)
