"""Streams the changes of tasks: subscribes first, then sends the snapshot, then the changes.

A missed change does no harm: each change carries the whole state, and the state is read again every
few seconds, once for all streams of the same task. A stream continues while the view is
unavailable: the durable record has the final state, and other states are sent when the view is
available again.
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from tusd_py.domain.errors import BackendError
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import Task
from tusd_py.tasks.port import Subscription, TaskCallback, TaskView
from tusd_py.tasks.queue_positions import QueuePositions
from tusd_py.tasks.single_flight import SingleFlight
from tusd_py.tasks.subscriber_queue import SubscriberQueue
from tusd_py.threads import Threads

log = logging.getLogger(__name__)

REPOLL_SECONDS: Final = 10.0
OUTAGE_REPOLL_SECONDS: Final = 2.0
"""Seconds between two reads of the durable record while the view is unavailable."""
SNAPSHOT_TASKS: Final = 100
"""Number of a user's newest tasks that are read again every few seconds."""

Record = Callable[[], Awaitable[Task | None]]
"""Returns a task from the durable records, if the view does not have it. Raises: BackendError."""

Records = Callable[[], Awaitable[list[Task]]]
"""Returns tasks from the durable records. Raises: BackendError."""


class TaskStreams:
    """Serves all streams of task changes of one server process."""

    def __init__(self, view: TaskView, threads: Threads, places: QueuePositions) -> None:
        self._view = view
        self._threads = threads
        self._places = places
        self._queues: set[SubscriberQueue] = set()
        self._stopped = False
        self._task_reads = SingleFlight[tuple[Task | None, bool]]()
        self._user_reads = SingleFlight[list[Task]]()

    def stop(self) -> None:
        """End all streams, since the server stops. Idempotent."""
        self._stopped = True
        for queue in self._queues:
            queue.wake()

    async def task(
        self, task_id: UploadId, *, record: Record, last_seen: tuple[str, int] | None = None
    ) -> AsyncIterator[Task]:
        """Yield the task's state now and after each change, until it is final or the server stops.

        Args: last_seen: epoch and sequence number that the client has; that state is not repeated.
        """

        def subscribe(listener: TaskCallback) -> Subscription:
            return self._view.subscribe_task(task_id, listener)

        loop = asyncio.get_running_loop()
        async with self._queue(subscribe) as queue:
            if last_seen is not None:
                queue.seen(task_id, *last_seen)
            first, interval, read_at = last_seen is None, 0.0, loop.time()
            while not self._stopped:
                if loop.time() >= read_at:
                    task, shown = await self._task_reads.get(
                        task_id,
                        lambda: self._read(task_id, record),
                        begun_after=loop.time() - interval / 2,
                    )
                    # The record has only the first and the final state: it must not replace a newer
                    # state that a client has received from the view.
                    if task is not None and (shown or first or task.status.terminal):
                        queue.put(task)
                    first, interval = False, REPOLL_SECONDS if shown else OUTAGE_REPOLL_SECONDS
                    read_at = loop.time() + interval
                for state in await queue.take(until=read_at):
                    yield state
                    if state.status.terminal:
                        return

    async def user(
        self, user_id: UserId, *, ended_since: float = math.inf, ended: Records | None = None
    ) -> AsyncIterator[Task]:
        """Yield a user's unfinished tasks, then each change of a task, until the server stops.

        Args: ended_since: unix seconds since when tasks that ended are sent too; ended: returns
            those that the durable records have.
        """
        followed: set[UploadId] = set()

        def subscribe(listener: TaskCallback) -> Subscription:
            return self._view.subscribe_user(user_id, listener)

        loop = asyncio.get_running_loop()
        async with self._queue(subscribe) as queue:
            for task in await self._snapshot(user_id, ended_since, ended):
                queue.put(task)
            read_at = loop.time() + REPOLL_SECONDS
            while not self._stopped:
                if loop.time() >= read_at:
                    tasks = await self._user_reads.get(
                        user_id,
                        lambda: self._list(user_id),
                        begun_after=loop.time() - REPOLL_SECONDS / 2,
                    )
                    for task in tasks:
                        # A finished task is sent once to a stream that sent it unfinished.
                        if not task.status.terminal or task.facts.task_id in followed:
                            queue.put(task)
                    read_at = loop.time() + REPOLL_SECONDS
                for state in await queue.take(until=read_at):
                    followed.add(state.facts.task_id)
                    yield state
                    if state.status.terminal:
                        followed.discard(state.facts.task_id)

    async def _snapshot(
        self, user_id: UserId, ended_since: float, ended: Records | None
    ) -> list[Task]:
        """Return a user's unfinished tasks, and those that ended since then, oldest first."""
        tasks: Sequence[Task] = ()
        try:
            tasks = await self._threads.call(
                self._view.unfinished, user_id, ended_since=ended_since
            )
        except BackendError as error:
            log.warning("task.view.unavailable", extra={"user_id": user_id, "reason": error.reason})
        recorded: list[Task] = []
        if ended is not None:
            try:
                recorded = await ended()
            except BackendError as error:
                log.warning("task.record.unavailable", extra={"reason": error.reason})
        known = {task.facts.task_id for task in tasks}
        chosen = [*tasks, *(task for task in recorded if task.facts.task_id not in known)]
        chosen.sort(key=lambda task: task.facts.created_at)
        return [await self._places.with_position(task) for task in chosen]

    async def _read(self, task_id: UploadId, record: Record) -> tuple[Task | None, bool]:
        """Return the task, and whether it was read from the view."""
        try:
            task = await self._threads.call(self._view.get, task_id)
        except BackendError:
            task = None
        if task is not None:
            return await self._places.with_position(task), True
        try:
            return await record(), False
        except BackendError as error:
            log.warning("task.record.unavailable", extra={"reason": error.reason})
            return None, False

    async def _list(self, user_id: UserId) -> list[Task]:
        """Return the user's newest tasks, oldest first; [] if the view is unavailable."""
        try:
            tasks = await self._threads.call(self._view.newest, user_id, SNAPSHOT_TASKS)
        except BackendError as error:
            log.warning("task.view.unavailable", extra={"user_id": user_id, "reason": error.reason})
            return []
        return [await self._places.with_position(task) for task in tasks[::-1]]

    @asynccontextmanager
    async def _queue(
        self, subscribe: Callable[[TaskCallback], Subscription]
    ) -> AsyncIterator[SubscriberQueue]:
        """Provide a queue that is subscribed while the ``async with`` block runs."""
        queue = SubscriberQueue()
        self._queues.add(queue)
        try:
            subscription = await self._threads.call(subscribe, queue.listener)
            try:
                yield queue
            finally:
                subscription.close()
        finally:
            self._queues.discard(queue)
