"""Settings → adapters, for server and worker alike: the only place that picks."""

from tusd_py.clock import Clock, SystemClock
from tusd_py.ports import Ports
from tusd_py.settings import Settings
from tusd_py.stores.port import StoreSet


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
