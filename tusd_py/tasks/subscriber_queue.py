"""Queues states for one subscriber: filled from any thread, emptied on the event loop."""

import asyncio
from typing import Final

from tusd_py.domain.ids import UploadId
from tusd_py.domain.task import Task
from tusd_py.tasks.delivered_state import DeliveredState, delivered_state


class SubscriberQueue:
    """Holds the states of each task that were not sent yet, in order.

    Of states with the same status and attempt only the latest is kept, so a slow subscriber misses
    no status and costs a few states per task.
    """

    def __init__(self) -> None:
        self._loop: Final = asyncio.get_running_loop()
        self._unseen: dict[UploadId, list[Task]] = {}
        self._seen: dict[UploadId, DeliveredState] = {}
        self._filled = asyncio.Event()

    def listener(self, task: Task) -> None:
        """Queue a change. Any thread may call this."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.put, task)

    def put(self, task: Task) -> None:
        """Queue the state if it is newer than the last state that was queued or sent."""
        task_id = task.facts.task_id
        unseen = self._unseen.get(task_id, [])
        known = delivered_state(unseen[-1]) if unseen else self._seen.get(task_id)
        if known is not None and known.covers(task):
            return
        if unseen and (unseen[-1].status, unseen[-1].attempt) == (task.status, task.attempt):
            unseen.pop()
        unseen.append(task)
        self._unseen[task_id] = unseen
        self._filled.set()

    def seen(self, task_id: UploadId, epoch: str, seq: int) -> None:
        """Record that the subscriber has this state already."""
        self._seen[task_id] = DeliveredState(epoch=epoch, seq=seq)

    def wake(self) -> None:
        """End a ``take`` that waits."""
        self._filled.set()

    async def take(self, *, until: float) -> list[Task]:
        """Return the new states.

        It returns [] at the time ``until`` of the loop's clock, or after ``wake``.
        """
        try:
            async with asyncio.timeout_at(until):
                await self._filled.wait()
        except TimeoutError:
            pass
        self._filled.clear()
        tasks = [self._delivered(task) for unseen in self._unseen.values() for task in unseen]
        self._unseen.clear()
        return tasks

    def _delivered(self, task: Task) -> Task:
        before = self._seen.get(task.facts.task_id)
        delivered = task if before is None else before.clamp_progress(task)
        self._seen[task.facts.task_id] = delivered_state(delivered)
        return delivered
