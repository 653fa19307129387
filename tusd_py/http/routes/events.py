"""Sends Server-Sent Events: the states of one task, or of all tasks of a user (requirement K1).

``id:`` is ``epoch.sequence``, in the stream of a user with the time behind it. A state that
Last-Event-ID names in the same epoch is not sent again; with any other value the stream begins with
the snapshot. A user's client that was away also gets the tasks that ended since the time in its
Last-Event-ID. ``event: end`` follows the final state of a task. The answer is 204 for a client that
already has the final state; this stops an EventSource for good.
"""

import json
import logging
import re
from collections.abc import AsyncIterator
from typing import Final

from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from tusd_py.catalog.values import FileQuery, ListPosition
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import Task
from tusd_py.http.context import AppContext
from tusd_py.http.routes.progress import find_task, recorded, task_id_of
from tusd_py.tasks import json_views as frames
from tusd_py.tasks.from_records import EPOCH, task_of_outcome

log = logging.getLogger(__name__)

PING_SECONDS: Final = 15
RETRY_MILLISECONDS: Final = 3000
SEND_TIMEOUT_SECONDS: Final = 30.0
"""A subscriber that receives nothing for this time is disconnected (fault 50)."""
_EVENT_ID: Final = re.compile(r"([0-9a-f]{1,16})\.([0-9]{1,18})")
_TIMED_ID: Final = re.compile(r"[0-9a-f]{1,16}\.[0-9]{1,18}\.([0-9]{1,14})")
_START_ID: Final = "0.0"
OVERLAP_SECONDS: Final = 30.0
"""Time before that of Last-Event-ID from which ended tasks are sent again: clocks differ."""
MAX_MISSED: Final = 1000
"""Number of the newest tasks that are read from the records."""
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def routes(context: AppContext) -> list[BaseRoute]:
    """Return the routes of the two streams."""

    async def one(request: Request) -> Response:
        caller = await context.access.listener(request)
        await context.count_request(caller)
        task_id = task_id_of(request.path_params["task_id"])
        task = await find_task(context, caller, task_id)
        seen = last_seen(request.headers.get("last-event-id"), task)
        if task.status.terminal and seen == (task.epoch, task.seq):
            return Response(status_code=204, headers=_HEADERS)
        return _Stream(context, caller.user_id, _task_events(context, task_id, seen))

    async def mine(request: Request) -> Response:
        caller = await context.access.listener(request)
        caller.require_full_user()
        await context.count_request(caller)
        seen_until = time_seen(request.headers.get("last-event-id"))
        return _Stream(context, caller.user_id, _user_events(context, caller.user_id, seen_until))

    return [
        Route("/api/file/upload/events", mine),
        Route("/api/file/upload/events/{task_id}", one),
    ]


def last_seen(text: str | None, task: Task) -> tuple[str, int] | None:
    """Return the epoch and sequence of the state that a client has; None if it is of no use.

    The value is of use if it is of the task's epoch. If the task was read from its record because
    the view is lost, a state of the view is newer than the record, and the client keeps it.
    """
    match = _EVENT_ID.fullmatch(text or "")
    if match is None:
        return None
    epoch, seq = match[1], int(match[2])
    newer_than_record = task.epoch == EPOCH != epoch
    known = epoch == task.epoch and seq <= task.seq
    return (epoch, seq) if newer_than_record or known else None


class _Stream(EventSourceResponse):
    """Is a stream that is counted while it is open."""

    def __init__(
        self, context: AppContext, user_id: UserId, events: AsyncIterator[ServerSentEvent]
    ) -> None:
        super().__init__(
            events, headers=dict(_HEADERS), ping=PING_SECONDS, send_timeout=SEND_TIMEOUT_SECONDS
        )
        self._context = context
        self._user_id = user_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until they end or the client does not receive them.

        Raises: TooManyStreams: before anything is sent.
        """
        context = self._context
        with context.streams.open_stream(self._user_id), context.metrics.stream_opened("sse"):
            try:
                await super().__call__(scope, receive, send)
            except SendTimeoutError:
                # The answer stays incomplete, so the server closes the connection.
                log.info("stream.not_read", extra={"user_id": self._user_id})


async def _task_events(
    context: AppContext, task_id: UploadId, seen: tuple[str, int] | None
) -> AsyncIterator[ServerSentEvent]:
    tasks = context.task_streams.task(
        task_id, record=lambda: recorded(context, task_id), last_seen=seen
    )
    async for task in tasks:
        yield _event(task, task.event_id)
        if task.status.terminal:
            yield ServerSentEvent(data="", event="end", id=task.event_id)


async def _user_events(
    context: AppContext, user_id: UserId, seen_until: float | None
) -> AsyncIterator[ServerSentEvent]:
    # An event without data sets Last-Event-ID of a client that receives no other event.
    yield ServerSentEvent(
        comment="following", id=_timed(context, _START_ID), retry=RETRY_MILLISECONDS
    )
    if seen_until is None:
        tasks = context.task_streams.user(user_id)
    else:
        since = seen_until - OVERLAP_SECONDS
        tasks = context.task_streams.user(
            user_id,
            ended_since=since,
            ended=lambda: context.threads.call(_ended, context, user_id, since),
        )
    async for task in tasks:
        yield _event(task, _timed(context, task.event_id))


def _ended(context: AppContext, user_id: UserId, since: float) -> list[Task]:
    """Return the tasks that ended since then, from the records. Blocks. Raises: BackendError."""
    _, rows = context.ports.catalog.uploads.files(
        user_id, FileQuery(ended_from=since), ListPosition(), size=MAX_MISSED
    )
    outcomes = (context.ports.catalog.uploads.outcome(row.task_id) for row in rows)
    return [task_of_outcome(outcome) for outcome in outcomes if outcome is not None]


def _timed(context: AppContext, event_id: str) -> str:
    return f"{event_id}.{int(context.uploads.clock.now() * 1000)}"


def time_seen(text: str | None) -> float | None:
    """Return the unix seconds in an id of a user's stream; None if it is no such id."""
    match = _TIMED_ID.fullmatch(text or "")
    return None if match is None else int(match[1]) / 1000


def _event(task: Task, event_id: str) -> ServerSentEvent:
    data = json.dumps(frames.notification(task), ensure_ascii=False)
    return ServerSentEvent(data=data, id=event_id, retry=RETRY_MILLISECONDS)
