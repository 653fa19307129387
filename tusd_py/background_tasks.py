"""Runs background work of one process, in one task group that its shutdown awaits."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

log = logging.getLogger(__name__)

PAUSE_AFTER_ERROR_SECONDS: Final = 1.0


class BackgroundTasks:
    """Holds the tasks of one process. It is an asynchronous context manager.

    At the end of the block, repeated work is cancelled, and started work is awaited.
    """

    def __init__(self) -> None:
        self._group: asyncio.TaskGroup | None = None
        self._repeated: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._group = await asyncio.TaskGroup().__aenter__()
        return self

    async def __aexit__(
        self,
        _error_type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        for task in self._repeated:
            task.cancel()
        group, self._group = self._group, None
        if group is not None:
            # An error of the block must not cancel started work: it is not passed on to the group.
            await group.__aexit__(None, None, None)

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` to its end. An error is logged, and stops no other work.

        Raises: RuntimeError: outside of the block.
        """
        if self._group is None:
            work.close()
            raise RuntimeError("The block of the background tasks is not entered.")
        self._group.create_task(_logged(name, work), name=name)

    def repeat(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Call ``work`` again and again. After an error, which is logged, a second passes.

        Raises: RuntimeError: outside of the block.
        """
        if self._group is None:
            raise RuntimeError("The block of the background tasks is not entered.")
        self._repeated.append(self._group.create_task(self._repeat(name, work), name=name))

    async def _repeat(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        # The condition ends the loop if the work lost the cancellation of its task.
        while self._group is not None:
            try:
                await work()
            except Exception:
                log.exception("background.failed", extra={"work": name})
                await asyncio.sleep(PAUSE_AFTER_ERROR_SECONDS)


async def _logged(name: str, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("background.failed", extra={"work": name})


class WakeUp:
    """Lets any thread wake one task of the event loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self) -> None:
        """Wake the task, or let its next ``wait`` return at once."""
        if self._event.is_set():
            # The task clears the event before it reads: it will find all that is there now.
            return
        if self._loop is None:
            self._event.set()
        else:
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, seconds: float) -> None:
        """Wait for a call of this object, at most for ``seconds``."""
        self._loop = asyncio.get_running_loop()
        # Not ``asyncio.wait_for``: in Python 3.11 it loses a cancellation at the time of the event.
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        self._event.clear()
