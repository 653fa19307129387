"""Selects the adapters by the settings, for servers and workers; no other module selects them.

Each part is selected separately: a part without an address is embedded. An SDK is imported only if
its adapter is selected.
"""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from tusd_py.catalog.port import Catalog
from tusd_py.clock import Clock, SystemClock
from tusd_py.counts.port import Counts
from tusd_py.domain.errors import BackendError
from tusd_py.domain.hook import DELIVERED_EVENTS, HookEvent
from tusd_py.hooks.callables import NONE, Hooks, imported
from tusd_py.jobs.queue.earlier_file import remove_queue_file
from tusd_py.jobs.queue.port import JobQueue, MessageBroker
from tusd_py.locks.port import Lock
from tusd_py.objects.bucket import Bucket
from tusd_py.objects.port import ObjectStore
from tusd_py.ports import Ports
from tusd_py.private_files import DIRECTORY_MODE, close_to_others, make_private_directory
from tusd_py.rate_limits.port import RateLimiter
from tusd_py.settings.model import Settings
from tusd_py.settings.objects import OssSettings, S3Settings
from tusd_py.sibling_bus import SiblingBus, forget_mailboxes
from tusd_py.siblings import Siblings, forget_sockets
from tusd_py.spare_space import SpareSpace
from tusd_py.storage.disk_space import DiskSpace
from tusd_py.storage.port import Stores
from tusd_py.storage.promised_bytes import SiblingPromisedBytes
from tusd_py.tasks.port import TaskView
from tusd_py.write_turn import SOLE_WRITER, SiblingWriteTurn, WriteTurn

EXTRAS: Final[Mapping[str, str]] = {
    "oss2": "oss",
    "boto3": "s3",
    "botocore": "s3",
    "opentelemetry": "otel",
}
"""Extra that installs a package; ``distributed`` installs the others."""


def install_line(package: str | None) -> str:
    """Return the command that installs a package that the settings need and that is missing."""
    return f"pip install 'tusd-py[{EXTRAS.get(package or '', 'distributed')}]'"


def open_ports(
    settings: Settings,
    *,
    clock: Clock | None = None,
    hooks: Hooks | None = None,
    keeps_queue_file: bool = False,
    siblings: Siblings | None = None,
    serves: bool = False,
) -> Ports:
    """Open the adapters that the settings name.

    ``settings.data_dir`` is made with mode 0700, and keeps its mode if it exists; only the owner
    can read its contents (0600, 0700).

    Args: hooks: functions of the application in which this runs, instead of
        ``settings.hooks.callables``; their events are kept until they are delivered.
        keeps_queue_file: whether the queue's file of earlier versions is left: its contents are
        logged before it is removed, and most commands show no log. siblings: the processes with
        which this one serves one port; None: it is alone, or Redis connects it to others.
        serves: whether users look at their tasks in this process.
    Raises: OSError: the directory can't be made or used; BackendError: a database can't be opened,
        or its address is invalid.
    """
    from tusd_py.storage.disk import DiskStore

    root = settings.data_dir.absolute()
    make_private_directory(root)
    for directory in (root / "uploads", root / "work", root / "objects"):
        make_private_directory(directory)
        close_to_others(directory, DIRECTORY_MODE)
    reserve = settings.limits.disk_reserve
    spare = SpareSpace(root / "spare", reserve=reserve)
    spare.free_space()
    promised = None if siblings is None else SiblingPromisedBytes(siblings)
    space = DiskSpace(root, reserve=reserve, promised=promised)
    disk = DiskStore(root / "uploads", durability=settings.durability, space=space)
    events = _kept_events(settings, hooks)
    turn = _turn(siblings, "catalog.turn")
    catalog = _catalog(settings, root, clock, events, spare, turn=turn)
    bus = None if siblings is None else SiblingBus(siblings)
    queue, broker = _queue(settings, catalog, bus)
    if broker is None and not keeps_queue_file:
        remove_queue_file(root / "queue.sqlite3")
    return Ports(
        catalog=catalog,
        queue=queue,
        broker=broker,
        tasks=_tasks(
            settings,
            root,
            clock or SystemClock(),
            spare,
            bus=bus,
            turn=_turn(siblings, "tasks.turn"),
            serves=serves,
        ),
        objects=_objects(settings, root),
        stores=Stores(uploads=disk, verification=disk, concatenation=disk),
        lock=_lock(settings, root, bus),
        rate_limiter=_rate_limiter(settings, clock or SystemClock(), siblings),
        counts=_counts(siblings),
        shared=bool(settings.redis.addr),
        siblings=siblings,
        bus=bus,
        clock=clock or SystemClock(),
        work_dir=root / "work",
        space=space,
        spare=spare,
    )


def forget_process(siblings: Siblings) -> None:
    """Take back what a process of this number has left that has died. Raises: OSError."""
    from tusd_py.counts.siblings import SiblingCounts

    forget_mailboxes(siblings)
    forget_sockets(siblings)
    with closing(SiblingCounts(siblings)) as counts:
        counts.forget()
    with closing(SiblingPromisedBytes(siblings)) as promised:
        promised.forget()


def hooks_of(settings: Settings) -> Hooks:
    """Return the functions that the settings name. Raises: BackendError: they do not exist."""
    if not settings.hooks.callables:
        return NONE
    try:
        return imported(settings.hooks.callables)
    except ValueError as error:
        raise BackendError(f"hooks.callables: {error}.") from error


def _kept_events(settings: Settings, hooks: Hooks | None) -> frozenset[HookEvent]:
    called = (hooks or hooks_of(settings)).events
    posted = frozenset(settings.hooks.events) if settings.hooks.url else frozenset()
    return (called | posted) & DELIVERED_EVENTS


def _catalog(
    settings: Settings,
    root: Path,
    clock: Clock | None,
    events: frozenset[HookEvent],
    spare: SpareSpace,
    *,
    turn: WriteTurn,
) -> Catalog:
    from tusd_py.catalog.sql_catalog import SqlCatalog, mysql_url, sqlite_url

    address = settings.mysql.data_source.get_secret_value()
    messages = bool(settings.rabbitmq.host)
    if not address:
        durable = settings.durability != "off"
        return SqlCatalog(
            sqlite_url(root / "catalog.sqlite3"),
            clock=clock,
            durable=durable,
            hooks=events,
            messages=messages,
            spare=spare,
            turn=turn,
        )
    try:
        url = mysql_url(address)
    except ValueError as error:
        raise BackendError(f"mysql.data_source: {error}.") from error
    return SqlCatalog(url, clock=clock, hooks=events, messages=messages)


def _queue(
    settings: Settings, catalog: Catalog, bus: SiblingBus | None
) -> tuple[JobQueue, MessageBroker | None]:
    if not settings.rabbitmq.host:
        from tusd_py.jobs.queue.embedded import EmbeddedQueue

        return EmbeddedQueue(catalog.jobs, bus), None
    from tusd_py.jobs.queue.rabbitmq import RabbitMqQueue

    queue = RabbitMqQueue(settings.rabbitmq.url())
    return queue, queue


def _turn(siblings: Siblings | None, name: str) -> WriteTurn:
    """Return the turns of the writers of one SQLite file."""
    return SOLE_WRITER if siblings is None else SiblingWriteTurn(siblings.directory / name)


def _tasks(
    settings: Settings,
    root: Path,
    clock: Clock,
    spare: SpareSpace,
    *,
    bus: SiblingBus | None,
    turn: WriteTurn,
    serves: bool,
) -> TaskView:
    if not settings.redis.addr:
        from tusd_py.tasks.embedded import EmbeddedTaskView

        path = root / "tasks.sqlite3"
        return EmbeddedTaskView(path, clock=clock, spare=spare, bus=bus, turn=turn, defers=serves)
    from tusd_py.tasks.redis import RedisTaskView

    return RedisTaskView(settings.redis.url(), clock=clock)


def _lock(settings: Settings, root: Path, bus: SiblingBus | None) -> Lock:
    if settings.redis.addr:
        from tusd_py.locks.redis import RedisReleaseRequests
        from tusd_py.locks.shared import SharedLock

        return SharedLock(root / "uploads.locks", RedisReleaseRequests(settings.redis.url()))
    if bus is not None:
        from tusd_py.locks.shared import SharedLock
        from tusd_py.locks.siblings import SiblingReleaseRequests

        return SharedLock(root / "uploads.locks", SiblingReleaseRequests(bus))
    from tusd_py.locks.local import LocalLock

    return LocalLock()


def _rate_limiter(settings: Settings, clock: Clock, siblings: Siblings | None) -> RateLimiter:
    if settings.redis.addr:
        from tusd_py.rate_limits.redis import RedisRateLimiter

        return RedisRateLimiter(settings.redis.url(), clock)
    if siblings is not None:
        from tusd_py.rate_limits.siblings import SiblingRateLimiter

        return SiblingRateLimiter(siblings, clock)
    from tusd_py.rate_limits.local import LocalRateLimiter

    return LocalRateLimiter(clock)


def _counts(siblings: Siblings | None) -> Counts:
    if siblings is not None:
        from tusd_py.counts.siblings import SiblingCounts

        return SiblingCounts(siblings)
    from tusd_py.counts.local import LocalCounts

    return LocalCounts()


def _objects(settings: Settings, root: Path) -> ObjectStore:
    if settings.object_store == "local":
        from tusd_py.objects.local import LocalObjects

        return LocalObjects(root / "objects", reserve=settings.limits.disk_reserve)
    from tusd_py.objects.remote import RemoteObjects

    return RemoteObjects(
        open_bucket(settings),
        smallest_part=settings.objects.part_size,
        threads=settings.objects.threads,
        links=settings.objects.downloads == "redirect",
    )


def open_bucket(settings: Settings) -> Bucket:
    """Return the bucket that the settings name. Raises: ValueError: the store is ``local``."""
    match settings.object_store:
        case "oss":
            return _oss(settings.oss)
        case "s3":
            return _s3(settings.s3)
        case "local":
            raise ValueError("objects.store is local, which has no bucket")


def _oss(oss: OssSettings) -> Bucket:
    from tusd_py.objects.oss import (
        OssBucket,
        endpoint_of,
        fetched_credentials,
        static_credentials,
    )

    credentials = (
        fetched_credentials(oss.credentials_uri)
        if oss.credentials_uri
        else static_credentials(
            oss.access_key_id.get_secret_value(),
            oss.access_key_secret.get_secret_value(),
            oss.security_token.get_secret_value(),
        )
    )
    return OssBucket(
        credentials,
        name=oss.bucket_name,
        region=oss.region,
        endpoint=oss.endpoint or endpoint_of(oss.region),
        public_endpoint=oss.public_endpoint or endpoint_of(oss.region.removesuffix("-internal")),
    )


def _s3(s3: S3Settings) -> Bucket:
    from tusd_py.objects.s3 import S3Bucket

    return S3Bucket(
        name=s3.bucket,
        region=s3.region,
        endpoint=s3.endpoint,
        public_endpoint=s3.public_endpoint or s3.endpoint,
        style=s3.style(),
        key_id=s3.access_key_id.get_secret_value(),
        secret=s3.secret_access_key.get_secret_value(),
        token=s3.session_token.get_secret_value(),
    )
