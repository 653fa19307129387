"""Shares reads of the task view among the subscribers of one process (single-flight).

Each subscriber reads again every few seconds, to repair missed changes. A thousand subscribers of
fifty tasks need fifty reads for that, not a thousand.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

KEPT_SECONDS: Final = 10.0
"""Largest age, in seconds, of a read that a subscriber may share."""


class SingleFlight(Generic[T]):
    """Holds the newest read of each key, running or done. It is used on one event loop."""

    def __init__(self, *, kept_seconds: float = KEPT_SECONDS) -> None:
        self._kept_seconds = kept_seconds
        self._newest: dict[Hashable, tuple[float, asyncio.Task[T]]] = {}

    async def get(
        self, key: Hashable, read: Callable[[], Awaitable[T]], *, begun_after: float
    ) -> T:
        """Return the result of ``read``, or of another subscriber's read that began late enough.

        Args: begun_after: earliest start of a shared read, in seconds of the loop's clock, at most
            ``kept_seconds`` ago.
        Raises: what ``read`` raises. A running read continues if its subscriber is cancelled.
        """
        found = self._newest.get(key)
        if found is None or found[0] < begun_after:
            found = self._begin(key, read)
        return await asyncio.shield(found[1])

    def _begin(
        self, key: Hashable, read: Callable[[], Awaitable[T]]
    ) -> tuple[float, "asyncio.Task[T]"]:
        async def reading() -> T:
            return await read()

        loop = asyncio.get_running_loop()
        begun = self._newest[key] = (loop.time(), loop.create_task(reading()))
        loop.call_later(self._kept_seconds, self._forget, key, begun)
        return begun

    def _forget(self, key: Hashable, begun: tuple[float, "asyncio.Task[T]"]) -> None:
        if self._newest.get(key) is begun:
            del self._newest[key]
