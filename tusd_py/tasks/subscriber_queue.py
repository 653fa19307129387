"""What one listener has not been told yet: filled from any thread, emptied on the event loop."""

import asyncio
from typing import Final

from tusd_py.domain.ids import UploadId
from tusd_py.domain.task import Task
from tusd_py.tasks.delivered_state import Seen, seen_state


class Mailbox:
    """The unseen states of each task in order. Of states that differ in no more than progress only
    the latest is kept, so a slow listener misses no status and costs a few states a task."""

    def __init__(self) -> None:
        self._loop: Final = asyncio.get_running_loop()
        self._unseen: dict[UploadId, list[Task]] = {}
        self._seen: dict[UploadId, Seen] = {}
        self._filled = asyncio.Event()

    def listener(self, task: Task) -> None:
        """Hear of a change, in whatever thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.put, task)

    def put(self, task: Task) -> None:
        """Keep the state if it is newer than what was kept or seen."""
        task_id = task.facts.task_id
        unseen = self._unseen.get(task_id, [])
        known = seen_state(unseen[-1]) if unseen else self._seen.get(task_id)
        if known is not None and known.covers(task):
            return
        if unseen and (unseen[-1].status, unseen[-1].attempt) == (task.status, task.attempt):
            unseen.pop()
        unseen.append(task)
        self._unseen[task_id] = unseen
        self._filled.set()

    def seen(self, task_id: UploadId, epoch: str, seq: int) -> None:
        """The listener has this state already."""
        self._seen[task_id] = Seen(epoch=epoch, seq=seq)

    def wake(self) -> None:
        """End a ``take`` that waits."""
        self._filled.set()

    async def take(self, *, until: float) -> list[Task]:
        """What is new; [] when it is ``until`` by the loop's clock, or after ``wake``."""
        try:
            async with asyncio.timeout_at(until):
                await self._filled.wait()
        except TimeoutError:
            pass
        self._filled.clear()
        tasks = [self._told(task) for unseen in self._unseen.values() for task in unseen]
        self._unseen.clear()
        return tasks

    def _told(self, task: Task) -> Task:
        before = self._seen.get(task.facts.task_id)
        told = task if before is None else before.told(task)
        self._seen[task.facts.task_id] = seen_state(told)
        return told
