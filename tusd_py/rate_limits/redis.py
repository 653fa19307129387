"""Limits rates for all servers together, in Redis."""

import logging
from importlib.resources import files
from typing import Final

import redis
from typing_extensions import override

from tusd_py.clock import Clock
from tusd_py.rate_limits.local import LocalRateLimiter
from tusd_py.rate_limits.port import RateLimiter
from tusd_py.redis_client import connect

log = logging.getLogger(__name__)

PREFIX: Final = "tusd_rate:"
_SCRIPT: Final = (files("tusd_py.rate_limits") / "charge.lua").read_text("utf-8")


class RedisRateLimiter(RateLimiter):
    """Keeps rates in Redis (``rate_limits.port.RateLimiter``).

    While Redis is away each process counts for itself: a limit is then too wide, by the number of
    servers, but no request waits for Redis.
    """

    blocks = True

    def __init__(self, url: str, clock: Clock) -> None:
        self._client = connect(url)
        self._script = self._client.register_script(_SCRIPT)
        self._alone = LocalRateLimiter(clock)
        self._away = False

    @override
    def consume(self, key: str, *, cost: float, burst: float) -> float:
        wait = self._take(key, cost, burst, strict=False)
        return self._alone.consume(key, cost=cost, burst=burst) if wait is None else wait

    @override
    def try_acquire(self, key: str, *, cost: float, burst: float) -> float:
        wait = self._take(key, cost, burst, strict=True)
        return self._alone.try_acquire(key, cost=cost, burst=burst) if wait is None else wait

    def _take(self, key: str, cost: float, burst: float, *, strict: bool) -> float | None:
        try:
            wait = self._script(keys=[PREFIX + key], args=[cost, burst, "1" if strict else "0"])
        except redis.RedisError:
            if not self._away:
                log.warning("rates.redis.away", exc_info=True)
            self._away = True
            return None
        self._away = False
        return float(wait)

    @override
    def close(self) -> None:
        self._client.close()
