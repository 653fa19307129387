"""Makes Redis clients that fail fast, so that requests do not wait while Redis is down."""

from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tusd_py.domain.service_failure import failure_text

ANSWER_SECONDS: Final = 0.5
POOL_CONNECTIONS: Final = 16


def connect(url: str) -> Any:  # noqa: ANN401  (its answers are texts, which its types do not know)
    """Return a client with at most ``POOL_CONNECTIONS`` connections and without retries.

    A call waits for a free connection. With its defaults, redis-py 8 would wait 4.5 s for a Redis
    that is down and 26 s for one that is frozen (measured). No connection is opened yet.

    Args: url: ``redis://[:password@]host:port/db``.
    """
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=POOL_CONNECTIONS,
        timeout=ANSWER_SECONDS,
        decode_responses=True,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=15,
    )
    return redis.Redis(connection_pool=pool)


def failure_reason(part: str, client: Any, error: redis.RedisError) -> str:  # noqa: ANN401
    """Return what to say to operators. Args: part: what Redis is to this program."""
    at = client.connection_pool.connection_kwargs
    address = at.get("path") or f"{at.get('host')}:{at.get('port')}"
    return failure_text(f"{part}, Redis", address, str(error))
