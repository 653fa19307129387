"""Following tasks: subscribe first, then the snapshot, then changes (ARCHITECTURE, decision 7).

A change that is missed does no harm: each carries the whole state, a slow listener gets the latest,
and the state is read again every few seconds. A view that is away ends no stream: the durable record
says how a task ended, and the rest is told when the view is back.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from tusd_py.domain.errors import BackendError
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import Task, TaskStatus
from tusd_py.tasks.port import Listener, Subscription, TaskView
from tusd_py.threads import Threads

log = logging.getLogger(__name__)

REPOLL_SECONDS: Final = 10.0
AWAY_SECONDS: Final = 2.0
"""The record is looked at so often while the view is away."""
SNAPSHOT_TASKS: Final = 100
"""A user's stream begins with the unfinished ones among so many newest tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A state that a listener has."""

    epoch: str
    seq: int
    ended: bool = False
    rank: int = 0
    attempt: int = 0
    progress: int = 0

    def covers(self, task: Task) -> bool:
        """Whether ``task`` is this state or an older one.

        A view that was set back (a Redis that lost its last minutes) counts on from an older number:
        how a task ended is news all the same. A view that was away is behind the record.
        """
        if task.status.terminal and not self.ended:
            return False
        if self.epoch == task.epoch:
            return self.seq >= task.seq
        behind = task.status.rank < self.rank and task.attempt <= self.attempt
        return behind and not task.status.terminal

    def told(self, task: Task) -> Task:
        """The task as its listener is told: progress never falls, save to the nought of failure."""
        if task.status is TaskStatus.FAILED or task.progress >= self.progress:
            return task
        return replace(task, progress=self.progress)


def _seen(task: Task) -> _Seen:
    return _Seen(
        epoch=task.epoch,
        seq=task.seq,
        ended=task.status.terminal,
        rank=task.status.rank,
        attempt=task.attempt,
        progress=task.progress,
    )


class Mailbox:
    """The latest unseen state of each task; filled from any thread, emptied on the loop."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = stopping
        self._latest: dict[UploadId, Task] = {}
        self._seen: dict[UploadId, _Seen] = {}
        self._filled = asyncio.Event()

    def listener(self, task: Task) -> None:
        """Hear of a change, in whatever thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.put, task)

    def put(self, task: Task) -> None:
        """Keep the state if it is newer than what was kept or seen."""
        task_id = task.facts.task_id
        latest = self._latest.get(task_id)
        known = _seen(latest) if latest is not None else self._seen.get(task_id)
        if known is not None and known.covers(task):
            return
        self._latest[task_id] = task
        self._filled.set()

    def seen(self, task_id: UploadId, epoch: str, seq: int) -> None:
        """The listener has this state already."""
        self._seen[task_id] = _Seen(epoch=epoch, seq=seq)

    async def take(self, patience: float) -> list[Task]:
        """What is new; [] after ``patience`` seconds or when the server stops."""
        if not self._latest:
            self._filled.clear()
            waits = [
                asyncio.ensure_future(self._filled.wait()),
                asyncio.ensure_future(self._stopping.wait()),
            ]
            try:
                await asyncio.wait(waits, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
        tasks = [self._told(task) for task in self._latest.values()]
        self._latest.clear()
        return tasks

    def _told(self, task: Task) -> Task:
        before = self._seen.get(task.facts.task_id)
        told = task if before is None else before.told(task)
        self._seen[task.facts.task_id] = _seen(told)
        return told


async def follow_task(
    view: TaskView,
    threads: Threads,
    task_id: UploadId,
    *,
    record: Callable[[], Awaitable[Task | None]],
    stopping: asyncio.Event,
    last_seen: tuple[str, int] | None = None,
    repoll_seconds: float = REPOLL_SECONDS,
) -> AsyncIterator[Task]:
    """The task's state now and after each change, until it is final or the server stops.

    Args: record: the task by the durable records, for what the view does not know;
        last_seen: epoch and sequence the listener has; that state is not repeated.
    """
    mailbox = Mailbox(stopping)
    if last_seen is not None:
        mailbox.seen(task_id, *last_seen)

    async def snapshot(*, first: bool = False) -> float:
        """Look; how long to wait for news before the next look, in seconds."""
        try:
            task = await threads.call(view.get, task_id)
            if task is not None:
                mailbox.put(task)
                return repoll_seconds
            task = await record()
        except BackendError:
            task = await _recorded(record)
        # Of what went on meanwhile the record knows only the end: it must not set anybody back.
        if task is not None and (task.status.terminal or (first and last_seen is None)):
            mailbox.put(task)
        return min(AWAY_SECONDS, repoll_seconds)

    def subscribe(listener: Listener) -> Subscription:
        return view.subscribe_task(task_id, listener)

    async with _subscribed(threads, subscribe, mailbox):
        patience = await snapshot(first=True)
        while not stopping.is_set():
            for task in await mailbox.take(patience):
                yield task
                if task.status.terminal:
                    return
            patience = await snapshot()


async def _recorded(record: Callable[[], Awaitable[Task | None]]) -> Task | None:
    try:
        return await record()
    except BackendError:
        log.warning("task.record.unavailable")
        return None


async def follow_user(
    view: TaskView,
    threads: Threads,
    user_id: UserId,
    *,
    stopping: asyncio.Event,
    repoll_seconds: float = REPOLL_SECONDS,
) -> AsyncIterator[Task]:
    """A user's unfinished tasks now, then every change of any of their tasks, until the server stops."""
    mailbox = Mailbox(stopping)
    followed: set[UploadId] = set()

    async def snapshot() -> None:
        try:
            _, tasks = await threads.call(view.list, user_id, page=1, size=SNAPSHOT_TASKS)
        except BackendError:
            log.warning("task.view.unavailable", extra={"user_id": user_id})
            return
        for task in reversed(tasks):
            # A finished task is told once to those who saw it unfinished.
            if not task.status.terminal or task.facts.task_id in followed:
                mailbox.put(task)

    def subscribe(listener: Listener) -> Subscription:
        return view.subscribe_user(user_id, listener)

    async with _subscribed(threads, subscribe, mailbox):
        await snapshot()
        while not stopping.is_set():
            for task in await mailbox.take(repoll_seconds):
                followed.add(task.facts.task_id)
                yield task
                if task.status.terminal:
                    followed.discard(task.facts.task_id)
            await snapshot()


@asynccontextmanager
async def _subscribed(
    threads: Threads, subscribe: Callable[[Listener], Subscription], mailbox: Mailbox
) -> AsyncIterator[None]:
    """A subscription for the length of a block."""
    subscription = await threads.call(subscribe, mailbox.listener)
    try:
        yield
    finally:
        subscription.close()
