"""Runs blocking calls in threads, with a pool for each kind of call, and holds results of calls.

Rule: the event loop never waits for a disk, a database or a hash. A call that has begun is always
awaited, even when the caller is cancelled: the lock of an upload is not released while a thread
still writes to it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from tusd_py.machine_limits import usable_cores

P = ParamSpec("P")
T = TypeVar("T")

BODY_THREADS: Final = min(max(2, usable_cores()), 8)
"""Threads that receive bodies.

A body uses a thread for one slice only, and mostly only its CPU: more threads than cores evict each
other's buffers from the CPU's cache (8 streams on two cores: 0.97 CPU seconds per GiB with two
threads, 1.11 with eight).
"""
SYNC_THREADS: Final = 8
"""Threads that wait for the disk."""
CALL_THREADS: Final = 8
READ_THREADS: Final = 8
"""Threads of downloads: an object store that does not answer must not delay uploads."""


class Threads:
    """Holds the pools of one server process."""

    def __init__(self) -> None:
        self._bodies = ThreadPoolExecutor(BODY_THREADS, "body")
        self._syncs = ThreadPoolExecutor(SYNC_THREADS, "sync")
        self._calls = ThreadPoolExecutor(CALL_THREADS, "call")
        self._reads = ThreadPoolExecutor(READ_THREADS, "read")
        self._long = ThreadPoolExecutor(1, "long")
        self._copies = ThreadPoolExecutor(1, "copy")

    def body(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        """Run a step that receives bytes. Raises: what the step raises."""
        return _run(self._bodies, partial(function, *args, **kwargs))

    def sync(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        """Run a call that waits for the disk. Raises: what the call raises."""
        return _run(self._syncs, partial(function, *args, **kwargs))

    def read(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        """Run a step of a download. Raises: what the step raises."""
        return _run(self._reads, partial(function, *args, **kwargs))

    def call(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        """Run a short blocking call of a port. Raises: what the call raises."""
        return _run(self._calls, partial(function, *args, **kwargs))

    def long(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        """Run a step of work that may take minutes, such as hashing a file again.

        The steps of all uploads share one thread, in turn, and delay no other work.
        """
        return _run(self._long, partial(function, *args, **kwargs))

    def copy(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        """Run a step of a copy within the store; all uploads share one thread, in turn."""
        return _run(self._copies, partial(function, *args, **kwargs))

    def close(self) -> None:
        """Wait for the calls that run, and start no more."""
        pools = (self._bodies, self._syncs, self._calls, self._reads, self._long, self._copies)
        for pool in pools:
            pool.shutdown(wait=True, cancel_futures=True)


async def _run(pool: ThreadPoolExecutor, function: Callable[[], T]) -> T:
    future = asyncio.get_running_loop().run_in_executor(pool, function)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise


@dataclass(slots=True)
class Result:
    """Holds what a function returned, or the error that it raised, for another thread or task."""

    value: Any = None
    error: Exception | None = None

    def result(self) -> Any:  # noqa: ANN401
        """Return the value. Raises: the error."""
        if self.error is not None:
            raise self.error
        return self.value


def capture(work: Callable[..., object], *arguments: object) -> Result:
    """Call a function and return its result."""
    try:
        return Result(work(*arguments))
    except Exception as error:  # noqa: BLE001  (who needs the result gets it)
        return Result(error=error)
