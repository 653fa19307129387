"""Settings → adapters, for server and worker alike: the only place that picks."""

from dataclasses import dataclass
from pathlib import Path

from tusd_py.catalog.port import Catalog
from tusd_py.clock import Clock, SystemClock
from tusd_py.objects.port import ObjectStore
from tusd_py.queue.port import JobQueue
from tusd_py.settings import Settings
from tusd_py.stores.port import StoreSet
from tusd_py.tasks.port import TaskView


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything outside the process's own logic."""

    catalog: Catalog
    queue: JobQueue
    tasks: TaskView
    objects: ObjectStore
    stores: StoreSet
    clock: Clock
    work_dir: Path
    """Where workers keep what they are making."""

    def close(self) -> None:
        """Give everything back; receivers and subscribers wake up."""
        self.queue.close()
        self.tasks.close()
        self.catalog.close()


def open_ports(settings: Settings, *, clock: Clock | None = None) -> Ports:
    """The embedded adapters, on ``settings.data_dir`` (made with mode 0700 when missing).

    Raises: OSError: the directory can't be made or used; BackendError: a database can't be opened.
    """
    from tusd_py.catalog.sql import SqlCatalog, sqlite_url
    from tusd_py.objects.local import LocalObjects
    from tusd_py.queue.embedded import EmbeddedQueue
    from tusd_py.stores.disk import DiskStore
    from tusd_py.tasks.embedded import EmbeddedTaskView

    clock = clock or SystemClock()
    root = settings.data_dir.absolute()
    for directory in (root, root / "uploads", root / "work", root / "objects"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    disk = DiskStore(root / "uploads", durability=settings.durability)
    return Ports(
        catalog=SqlCatalog(sqlite_url(root / "catalog.sqlite3"), clock=clock),
        queue=EmbeddedQueue(root / "queue.sqlite3", clock=clock),
        tasks=EmbeddedTaskView(root / "tasks.sqlite3", clock=clock),
        objects=LocalObjects(root / "objects"),
        stores=StoreSet(core=disk, rewind=disk, concatenation=disk),
        clock=clock,
        work_dir=root / "work",
    )
