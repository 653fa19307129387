"""Decides when a body is given up, because its client is silent or too slow. It has no clock."""

from typing import Final

_NEVER: Final = float("inf")


class BodyWatchdog:
    """Watches one body. Times are seconds of one monotonic clock, rates are bytes a second.

    A body is given up when nothing came for ``idle_timeout``, or less than ``min_rate`` over a
    whole window of that length; with a ``min_rate`` of 0 every rate is accepted.
    """

    def __init__(self, *, idle_timeout: float, min_rate: float, now: float) -> None:
        self._idle_timeout = idle_timeout
        self._least = min_rate * idle_timeout
        self._window_from = now
        self._in_window = 0
        self.last_bytes_at = now
        """Time at which the last byte came."""

    def on_bytes(self, count: int, now: float, *, busy: float = 0.0) -> None:
        """Note that ``count`` bytes came.

        Args: busy: seconds in which the bytes were stored, which the client did not cause.
        """
        self._window_from += busy
        if count:
            self.last_bytes_at = now
            self._in_window += count

    def on_pause(self, seconds: float, now: float) -> None:
        """Note that the server itself received nothing for this time."""
        self._window_from += seconds
        self.last_bytes_at = now

    def expired(self, now: float) -> bool:
        """Return whether the body must be given up."""
        if now - self.last_bytes_at >= self._idle_timeout:
            return True
        if now - self._window_from < self._idle_timeout:
            return False
        slow = self._in_window < self._least
        self._window_from, self._in_window = now, 0
        return slow

    def next_check(self, now: float) -> float:
        """Return the seconds until ``expired`` must be called again."""
        silence = self.last_bytes_at + self._idle_timeout - now
        window = self._window_from + self._idle_timeout - now if self._least else _NEVER
        return max(min(silence, window), 0.0)
