"""Looks at the view that listeners of one process share.

Each listener looks again every few seconds, for what was missed. A thousand listeners of fifty tasks
need fifty looks for that, not a thousand.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

KEPT_SECONDS: Final = 10.0
"""No listener takes an older look."""


class Looks(Generic[T]):
    """The newest look by key, under way or done. Used on one event loop."""

    def __init__(self, *, kept_seconds: float = KEPT_SECONDS) -> None:
        self._kept_seconds = kept_seconds
        self._newest: dict[Hashable, tuple[float, asyncio.Task[T]]] = {}

    async def at(self, key: Hashable, look: Callable[[], Awaitable[T]], *, begun_after: float) -> T:
        """What ``look`` finds, or what another listener found by a look that began no earlier.

        Args: begun_after: by the loop's clock, in seconds, at most ``kept_seconds`` ago.
        Raises: what ``look`` raises. One that is under way outlives a listener that leaves.
        """
        found = self._newest.get(key)
        if found is None or found[0] < begun_after:
            found = self._begin(key, look)
        return await asyncio.shield(found[1])

    def _begin(
        self, key: Hashable, look: Callable[[], Awaitable[T]]
    ) -> tuple[float, "asyncio.Task[T]"]:
        async def looking() -> T:
            return await look()

        loop = asyncio.get_running_loop()
        begun = self._newest[key] = (loop.time(), loop.create_task(looking()))
        loop.call_later(self._kept_seconds, self._forget, key, begun)
        return begun

    def _forget(self, key: Hashable, begun: tuple[float, "asyncio.Task[T]"]) -> None:
        if self._newest.get(key) is begun:
            del self._newest[key]
