"""Threads for what blocks: bodies in one pool, short calls of ports in another.

Rule: the event loop never waits for a disk, a database or a hash. A call
that was begun is always waited for, even when the caller is cancelled: nobody lets go of an upload
while a thread still writes to it.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

BODY_THREADS: Final = min(max(2, os.cpu_count() or 2), 8)
"""A body holds a thread for one slice only, and as a rule only the CPU: more threads than cores
throw each other's buffers out of its cache (8 streams on two cores: 0.97 CPU seconds per GiB with two
threads, 1.11 with eight)."""
SYNC_THREADS: Final = 8
"""These wait for the disk."""
CALL_THREADS: Final = 8
READ_THREADS: Final = 8
"""Downloads have their own: an object store that hangs must not hold uploads up."""


class Threads:
    """The pools of one server process."""

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
        """Run a step that moves bytes; raises what it raises."""
        return _run(self._bodies, partial(function, *args, **kwargs))

    def sync(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        """Run what waits for the disk; raises what it raises."""
        return _run(self._syncs, partial(function, *args, **kwargs))

    def read(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        """Run a step of a download; raises what it raises."""
        return _run(self._reads, partial(function, *args, **kwargs))

    def call(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        """Run a short blocking call of a port; raises what it raises."""
        return _run(self._calls, partial(function, *args, **kwargs))

    def long(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        """Run a step of work that may take minutes (re-hashing a file): those of all uploads share one
        thread, in turn, and delay no other work."""
        return _run(self._long, partial(function, *args, **kwargs))

    def copy(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        """Run a step of a copy within the store; those of all uploads share one thread, in turn."""
        return _run(self._copies, partial(function, *args, **kwargs))

    def close(self) -> None:
        """Wait for what runs, take no more."""
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
