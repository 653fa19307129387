"""Places for heavy work: films wait for films, light work never waits for them.

A worker process has as many places for heavy work as it has slots. A job that finds none goes back to
the queue for a while, which counts as no attempt, so that its slot is free for others. Users take turns
at the places.
"""

import threading
from collections import Counter
from typing import Final

from tusd_py.clock import Clock
from tusd_py.domain.ids import UserId
from tusd_py.domain.job import Job

DEFER_SECONDS: Final = 10.0
"""Shortest time that a job without a place is put off."""
MAX_DEFER_SECONDS: Final = 120.0
"""Longest time."""
AGE_SHARE: Final = 1 / 20
"""A job that has waited for long is tried less often: the next try is this share of its age later."""
GRACE_SECONDS: Final = 20.0
"""A user's turn ends when the work that was put off does not come back within this time after it was due."""


class Deferred(Exception):
    """Raised inside an attempt that finds no place: the job goes back to the queue for ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class HeavyWork:
    """The places of one process. Thread-safe."""

    def __init__(self, places: int, clock: Clock) -> None:
        self._places = places
        self._clock = clock
        self._changed = threading.Condition()
        self._running: Counter[UserId] = Counter()
        self._last: UserId | None = None
        self._waiting: dict[UserId, float] = {}
        """By user whose work was put off: the monotonic time in seconds until which the turn is kept."""

    def begin(self, job: Job) -> None:
        """Take a place for a job. Raises: Deferred: none is free, or it is another user's turn."""
        user = job.user_id
        with self._changed:
            if self._running.total() < self._places and not self._is_anothers_turn(user):
                self._running[user] += 1
                self._last = user
                self._waiting.pop(user, None)
                self._changed.notify_all()
                return
            age = self._clock.now() - job.created_at
            seconds = min(max(DEFER_SECONDS, age * AGE_SHARE), MAX_DEFER_SECONDS)
            self._waiting[user] = self._clock.monotonic() + seconds + GRACE_SECONDS
        raise Deferred(seconds)

    def _is_anothers_turn(self, user: UserId) -> bool:
        """Return whether this user has a place, or had the last one, while a user without one waits."""
        if not self._running[user] and self._last != user:
            return False
        now = self._clock.monotonic()
        self._waiting = {other: until for other, until in self._waiting.items() if until > now}
        return any(other != user and not self._running[other] for other in self._waiting)

    def end(self, job: Job) -> None:
        """Give back the place that ``begin`` took for the job."""
        with self._changed:
            self._running[job.user_id] -= 1
            self._running += Counter()  # drops users at zero
            self._changed.notify_all()

    def running(self) -> int:
        """Return how many places are taken."""
        with self._changed:
            return self._running.total()

    def wait_until_full(self, seconds: float) -> bool:
        """Wait at most ``seconds`` until no place is free. Return whether none is."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._running.total() >= self._places, timeout=seconds
            )
