"""The ports of one process, together."""

from dataclasses import dataclass
from pathlib import Path

from tusd_py.catalog.port import Catalog
from tusd_py.clock import Clock
from tusd_py.jobs.queue.port import JobQueue
from tusd_py.locks.port import Lock
from tusd_py.objects.port import ObjectStore
from tusd_py.rate_limits.port import RateLimiter
from tusd_py.spare_space import SpareSpace
from tusd_py.storage.disk_space import DiskSpace
from tusd_py.storage.port import Stores
from tusd_py.tasks.port import TaskView


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything outside the process's own logic."""

    catalog: Catalog
    queue: JobQueue
    tasks: TaskView
    objects: ObjectStore
    stores: Stores
    lock: Lock
    rate_limiter: RateLimiter
    shared: bool
    """Other server processes may use the same data directory, and the lock reaches them."""
    clock: Clock
    work_dir: Path
    """Where workers keep what they are making."""
    space: DiskSpace
    """What may be written in the data directory."""
    spare: SpareSpace
    """What the databases in it go on with when it is full."""

    def close(self) -> None:
        """Give everything back; receivers and subscribers wake up."""
        self.queue.close()
        self.tasks.close()
        self.lock.close()
        self.rate_limiter.close()
        self.catalog.close()
