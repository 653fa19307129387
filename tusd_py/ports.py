"""Collects the ports of one process."""

from dataclasses import dataclass
from pathlib import Path

from tusd_py.catalog.port import Catalog
from tusd_py.clock import Clock
from tusd_py.counts.port import Counts
from tusd_py.jobs.queue.port import JobQueue, MessageBroker
from tusd_py.locks.port import Lock
from tusd_py.objects.port import ObjectStore
from tusd_py.rate_limits.port import RateLimiter
from tusd_py.sibling_bus import SiblingBus
from tusd_py.siblings import Siblings
from tusd_py.spare_space import SpareSpace
from tusd_py.storage.disk_space import DiskSpace
from tusd_py.storage.port import Stores
from tusd_py.tasks.port import TaskView


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Holds the adapters of all that is outside the process's own logic."""

    catalog: Catalog
    queue: JobQueue
    broker: MessageBroker | None
    """Publishes messages of the outbox; None: workers are woken without messages."""
    tasks: TaskView
    objects: ObjectStore
    stores: Stores
    lock: Lock
    rate_limiter: RateLimiter
    counts: Counts
    shared: bool
    """Whether other server processes may use the same data directory; the lock then works across
    processes."""
    siblings: Siblings | None
    """Processes with which this one serves one port; None: it has a port of its own."""
    bus: SiblingBus | None
    """Carries messages between these processes."""
    clock: Clock
    work_dir: Path
    """Directory in which workers make files."""
    space: DiskSpace
    """Space that may still be used in the data directory."""
    spare: SpareSpace
    """Space for the databases in the data directory when the disk is full."""

    def close(self) -> None:
        """Close all adapters; workers and subscribers that wait wake up."""
        self.queue.close()
        self.tasks.close()
        self.lock.close()
        self.rate_limiter.close()
        self.counts.close()
        self.catalog.close()
        if self.bus is not None:
            self.bus.close()
