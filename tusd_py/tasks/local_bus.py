"""Who listens to which task or user, within one process."""

import logging
import threading
from collections.abc import Callable, Hashable

from tusd_py.domain.task import Task
from tusd_py.tasks.port import Listener

log = logging.getLogger(__name__)


class Listening:
    """One listener's place (``tasks.port.Subscription``)."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave = leave

    def close(self) -> None:
        """See ``Subscription.close``."""
        self._leave()


class Listeners:
    """The bus within a process: calls listeners in order, forgets what was told already."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._by_key: dict[Hashable, list[Listener]] = {}
        self._told: dict[str, tuple[str, int]] = {}

    def add(self, key: Hashable, listener: Listener) -> Listening:
        """Call ``listener`` for every task under ``key``: a task id or a user id."""
        with self._mutex:
            self._by_key.setdefault(key, []).append(listener)
        return Listening(lambda: self._remove(key, listener))

    def _remove(self, key: Hashable, listener: Listener) -> None:
        with self._mutex:
            listeners = self._by_key.get(key, [])
            if listener in listeners:
                listeners.remove(listener)
            if not listeners:
                self._by_key.pop(key, None)
            if not self._by_key:
                self._told.clear()

    @property
    def anybody(self) -> bool:
        """Whether there is anybody to tell."""
        return bool(self._by_key)

    def listened(self) -> list[Hashable]:
        """What is listened to: task ids and user ids."""
        with self._mutex:
            return list(self._by_key)

    def tell(self, task: Task) -> None:
        """Tell the task's listeners, unless they know this state or a newer one.

        One at a time, so that the order of calls is the order of changes.
        """
        with self._mutex:
            listeners = [
                *self._by_key.get(task.facts.task_id, ()),
                *self._by_key.get(task.facts.user_id, ()),
            ]
            if not listeners:
                return
            epoch, seq = self._told.get(task.facts.task_id, ("", 0))
            if epoch == task.epoch and seq >= task.seq:
                return
            self._told[task.facts.task_id] = (task.epoch, task.seq)
            for listener in listeners:
                listener(task)

    def clear(self) -> None:
        """Nobody listens any longer."""
        with self._mutex:
            self._by_key.clear()
            self._told.clear()
