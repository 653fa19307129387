"""Opens locks that several processes share, by the name of what carries their requests."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support.siblings import siblings_in

from tusd_py.locks.port import ReleaseRequests
from tusd_py.locks.redis import RedisReleaseRequests
from tusd_py.locks.shared import SharedLock
from tusd_py.locks.siblings import SiblingReleaseRequests
from tusd_py.sibling_bus import SiblingBus


@contextmanager
def shared_lock(
    bus: str, folder: Path, number: int, *, redis_url: str, timeout_seconds: float = 30.0
) -> Iterator[SharedLock]:
    """Open the lock of one process. ``bus``: ``redis`` or ``siblings``."""
    with ExitStack() as stack:
        requests: ReleaseRequests
        if bus == "redis":
            requests = RedisReleaseRequests(redis_url)
        else:
            carrier = SiblingBus(siblings_in(folder, number))
            stack.callback(carrier.close)
            requests = SiblingReleaseRequests(carrier)
        lock = SharedLock(folder / "locks", requests, timeout_seconds=timeout_seconds)
        stack.callback(lock.close)
        yield lock
