"""Publishes changes of tasks to the subscribers within one process."""

import logging
import threading
from collections.abc import Callable, Hashable

from typing_extensions import override

from tusd_py.domain.task import Task
from tusd_py.tasks.port import Subscription, TaskCallback

log = logging.getLogger(__name__)


class LocalSubscription(Subscription):
    """Is the subscription of one listener (``tasks.port.Subscription``)."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave = leave

    @override
    def close(self) -> None:
        self._leave()


class LocalBus:
    """Calls listeners in order, and drops states that it has published already."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._by_key: dict[Hashable, list[TaskCallback]] = {}
        self._published: dict[str, tuple[str, int]] = {}

    def subscribe(self, key: Hashable, listener: TaskCallback) -> LocalSubscription:
        """Call ``listener`` for every task under ``key``: a task id or a user id."""
        with self._mutex:
            self._by_key.setdefault(key, []).append(listener)
        return LocalSubscription(lambda: self._remove(key, listener))

    def _remove(self, key: Hashable, listener: TaskCallback) -> None:
        with self._mutex:
            listeners = self._by_key.get(key, [])
            if listener in listeners:
                listeners.remove(listener)
            if not listeners:
                self._by_key.pop(key, None)
            if not self._by_key:
                self._published.clear()

    @property
    def has_subscribers(self) -> bool:
        """Whether there is a listener."""
        return bool(self._by_key)

    def subscribed_keys(self) -> list[Hashable]:
        """Return the keys that have listeners: task ids and user ids."""
        with self._mutex:
            return list(self._by_key)

    def publish(self, task: Task) -> None:
        """Publish the task to its listeners, unless this state or a newer one was published.

        Only one call runs at a time, so that the order of calls is the order of changes.
        """
        if not self._by_key:
            return
        with self._mutex:
            listeners = [
                *self._by_key.get(task.facts.task_id, ()),
                *self._by_key.get(task.facts.user_id, ()),
            ]
            if not listeners:
                return
            epoch, seq = self._published.get(task.facts.task_id, ("", 0))
            if epoch == task.epoch and seq >= task.seq:
                return
            self._published[task.facts.task_id] = (task.epoch, task.seq)
            for listener in listeners:
                listener(task)

    def clear(self) -> None:
        """Remove all listeners."""
        with self._mutex:
            self._by_key.clear()
            self._published.clear()
