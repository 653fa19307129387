"""Limits the rate of one user's requests and of one user's bytes.

Requests beyond the rate are refused (429). A body is slowed, never refused: clients give a file up
on a 429 in its middle (measured: tus-js-client, tuspy).
"""

import asyncio
from collections.abc import Callable
from typing import Final, ParamSpec

from tusd_py.domain.errors import TooManyRequests
from tusd_py.domain.ids import UserId
from tusd_py.domain.rate import UserRates
from tusd_py.rate_limits.port import RateLimiter
from tusd_py.threads import Threads
from tusd_py.uploads.body import Throttle

P = ParamSpec("P")

BURST_SECONDS: Final = 1.0
"""Seconds whose bytes may come at once."""
SLICE_SECONDS: Final = 0.25
"""Seconds whose bytes are one slice of a slowed body, so that its pauses are short."""
SMALLEST_SLICE: Final = 64 << 10
LARGEST_SLICE: Final = 16 << 20


class UserRateLimits:
    """Applies the rates of one deployment to its users."""

    def __init__(self, meter: RateLimiter, threads: Threads, rates: UserRates) -> None:
        self._meter = meter
        self._threads = threads
        self._rates = rates

    async def check_request(self, user_id: UserId) -> None:
        """Count a request. Raises: TooManyRequests: nothing was counted."""
        rate = self._rates.requests
        if rate is None:
            return
        key, cost = f"requests:{user_id}", rate.cost(1)
        wait = await self._excess(self._meter.try_acquire, key, cost=cost, burst=rate.seconds)
        if wait:
            raise TooManyRequests(wait)

    def throttle(self, user_id: UserId) -> Throttle | None:
        """Return the limit of the user's byte rate; None: there is no limit."""
        rate = self._rates.bytes
        if rate is None:
            return None

        async def pay(count: int) -> float:
            key, cost = f"bytes:{user_id}", rate.cost(count)
            return await self._excess(self._meter.consume, key, cost=cost, burst=BURST_SECONDS)

        piece = int(rate.amount / rate.seconds * SLICE_SECONDS)
        return Throttle(slice_bytes=min(max(piece, SMALLEST_SLICE), LARGEST_SLICE), consume=pay)

    async def wait_for_credit(self, user_id: UserId) -> None:
        """Wait until the rate allows a further body, which may be taken as a whole."""
        throttle = self.throttle(user_id)
        if throttle is not None:
            await asyncio.sleep(await throttle.consume(0))

    async def _excess(self, meter: Callable[P, float], *args: P.args, **kwargs: P.kwargs) -> float:
        if self._meter.blocks:
            return await self._threads.call(meter, *args, **kwargs)
        return meter(*args, **kwargs)
