"""Whether a body is still coming: silence, and dribbling. Plain values, no clock of its own."""

from typing import Final

_NEVER: Final = float("inf")


class BodyWatchdog:
    """Watches one body. Times in seconds on any one monotonic clock, rates in bytes a second.

    A body is given up when nothing came for ``idle_timeout``, or less than ``min_rate`` over a whole
    window of that length; a ``min_rate`` of 0 takes any.
    """

    def __init__(self, *, idle_timeout: float, min_rate: float, now: float) -> None:
        self._idle_timeout = idle_timeout
        self._least = min_rate * idle_timeout
        self._window_from = now
        self._in_window = 0
        self.last_bytes_at = now
        """When the last byte came."""

    def on_bytes(self, count: int, now: float, *, busy: float = 0.0) -> None:
        """So many bytes came, by now; storing them took us ``busy`` seconds, which nobody waited for
        the client."""
        self._window_from += busy
        if count:
            self.last_bytes_at = now
            self._in_window += count

    def on_pause(self, seconds: float, now: float) -> None:
        """We took nothing for so long, by our own will."""
        self._window_from += seconds
        self.last_bytes_at = now

    def expired(self, now: float) -> bool:
        """Whether the body is to end."""
        if now - self.last_bytes_at >= self._idle_timeout:
            return True
        if now - self._window_from < self._idle_timeout:
            return False
        slow = self._in_window < self._least
        self._window_from, self._in_window = now, 0
        return slow

    def next_check(self, now: float) -> float:
        """Seconds until ``given_up`` has to be asked again."""
        silence = self.last_bytes_at + self._idle_timeout - now
        window = self._window_from + self._idle_timeout - now if self._least else _NEVER
        return max(min(silence, window), 0.0)
