"""Defines a request body for the use cases, and when it is given up, for any HTTP server."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

_NEVER: Final = float("inf")

Sink = Callable[[Sequence[bytes | memoryview]], None]
"""Takes bytes in a worker thread, one call at a time per body. The buffers are used again after it
returns. An exception that it raises ends the body."""


class DrainEnd(Enum):
    """Lists the reasons for which a body ends."""

    COMPLETE = "complete"
    DISCONNECTED = "disconnected"
    """The client closed the connection."""
    TIMED_OUT = "timed out"
    """No byte came within the idle timeout, or fewer than the minimum rate."""
    CANCELLED = "stopped"
    """The token was cancelled; the bytes that had arrived by then were taken."""
    TOO_LONG = "overrun"
    """More bytes came than the limit allows; the sink got the limit at most."""


@dataclass(frozen=True, slots=True)
class DrainResult:
    """Holds the outcome of a body, of which ``received`` bytes went to the sink."""

    received: int
    end: DrainEnd


@dataclass(frozen=True, slots=True)
class Throttle:
    """Limits the rate of one user's bytes, over all bodies."""

    slice_bytes: int
    """Most bytes that are taken at once."""
    consume: Callable[[int], Awaitable[float]]
    """Counts bytes that were taken, and returns the seconds for which to take none."""


class BodyWatchdog:
    """Decides when a body is given up, because its client is silent or too slow. It has no clock.

    Times are seconds of one monotonic clock, rates are bytes a second.

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


class CancelToken:
    """Cancels a body. It belongs to one event loop."""

    def __init__(self) -> None:
        self._event: asyncio.Event | None = None
        """Made when it is needed: few bodies are cancelled."""
        self.cancelled = False
        self.shutting_down = False
        self._callbacks: list[Callable[[], None]] = []

    def on_cancel(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` when the body is cancelled; at once if it is already."""
        self._callbacks.append(listener)
        if self.cancelled:
            listener()

    async def wait(self, seconds: float) -> None:
        """Wait until the body is cancelled, at most ``seconds``."""
        if self._event is None:
            self._event = asyncio.Event()
        if self.cancelled:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()

    def cancel(self) -> None:
        """Cancel the body, since a newer request needs the upload."""
        self.cancelled = True
        if self._event is not None:
            self._event.set()
        for listener in self._callbacks:
            listener()

    def shut_down(self) -> None:
        """Cancel the body, since the server is stopping."""
        self.shutting_down = True
        self.cancel()


class Body(Protocol):
    """A request body that has not been read yet.

    It is read by ``whole`` if that returns it, else by ``drain``.
    """

    def whole(self) -> bytes | bytearray | None:
        """Return the whole body if it has arrived already (a small one), else None."""
        ...

    async def drain(
        self,
        sink: Sink,
        *,
        limit: int | None,
        idle_timeout: float,
        min_rate: float,
        cancel: CancelToken,
        on_progress: Callable[[int], None] | None = None,
        throttle: Throttle | None = None,
    ) -> DrainResult:
        """Move the body into the sink until it ends, for any reason.

        Every byte that had arrived when the body ended has gone to the sink.

        Args: limit: bytes that may be taken; None: any number. idle_timeout: seconds without a
            byte after which the body is given up. min_rate: bytes a second that must come over
            each period of that length; 0: any.
            on_progress: is called on the event loop with the number of bytes taken until then.
            throttle: counts each slice, and sets the pause after it.
        Raises: every error that the sink raises.
        """
        ...
