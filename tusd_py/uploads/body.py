"""What a request body must promise to those who store it, whatever server brought it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

Sink = Callable[[Sequence[bytes | memoryview]], None]
"""Takes bytes, in a worker thread, one call at a time per body; the buffers are used again once it
returns. What it raises ends the body."""


class DrainEnd(Enum):
    """Why a body ended."""

    COMPLETE = "complete"
    DISCONNECTED = "disconnected"
    """The client went away."""
    TIMED_OUT = "timed out"
    """Nothing came for the idle time-out, or too little."""
    CANCELLED = "stopped"
    """We were asked to let go; what had arrived by then was taken."""
    TOO_LONG = "overrun"
    """More came than the limit allows; the sink got the limit at most."""


@dataclass(frozen=True, slots=True)
class DrainResult:
    """Outcome of a body: ``taken`` bytes went to the sink."""

    received: int
    end: DrainEnd


@dataclass(frozen=True, slots=True)
class Throttle:
    """What a user's bytes cost, whatever body they come by."""

    slice_bytes: int
    """At most so many are taken at once."""
    consume: Callable[[int], Awaitable[float]]
    """Told how many were taken; how many seconds to take none."""


class CancelToken:
    """Somebody's wish that a body be let go of. Belongs to one event loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.cancelled = False
        self.shutting_down = False
        self._callbacks: list[Callable[[], None]] = []

    def on_cancel(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` once somebody asks; at once if somebody has."""
        self._callbacks.append(listener)
        if self.cancelled:
            listener()

    async def wait(self, seconds: float) -> None:
        """Until somebody asks, but no longer than that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()

    def cancel(self) -> None:
        """A newer request wants the upload."""
        self.cancelled = True
        self._event.set()
        for listener in self._callbacks:
            listener()

    def shut_down(self) -> None:
        """The server is stopping."""
        self.shutting_down = True
        self.cancel()


class Body(Protocol):
    """A request body that has not been read yet: by ``whole`` if that has it, else by ``drain``."""

    def whole(self) -> bytes | bytearray | None:
        """All of it, if it has arrived already (a small one); None: it is to be drained."""
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
        toll: Throttle | None = None,
    ) -> DrainResult:
        """Move the body into the sink until it ends, for whatever reason.

        Args: limit: bytes that may be taken, None for any number; idle_timeout: seconds without a
            byte after which the body is given up; min_rate: bytes a second that must come over
            each period of that length, 0 for any;
            on_progress: called on the event loop with the bytes taken so far; toll: paid for each
            slice, and waited for.
        Every byte that had arrived when the end came has gone to the sink.
        Raises: what the sink raises.
        """
        ...
