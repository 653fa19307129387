"""Keeps the live view of tasks in one SQLite file, shared by the server and separate workers.

Rule 1: the catalog can rebuild the view, so commits do not fsync (NORMAL), and a file that can't be
read is deleted and created again. Rule 2: a change and its sequence number (``change``) are written
in one transaction. Rule 3: ``put`` publishes to subscribers of this process itself. A thread finds
changes of other processes by SQLite's ``data_version``, which it reads ten times a second while
there is a subscriber, and at once when a sibling says on the bus that it has changed a task.
Rule 4: a server that is alone keeps states that no reader has seen in memory for a second
(``_unseen``), so that a task is written once and not for each change (decision 66). They are
written before a reader of this process looks, so a reader can't tell the difference, unless the
file can't be written: then it is read as it is.
"""

import logging
import math
import secrets
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from typing_extensions import override

from tusd_py.clock import Clock
from tusd_py.domain.errors import BackendError
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import ENDED, Task, TaskChange, TaskFacts, advance
from tusd_py.sibling_bus import Mailbox, SiblingBus, Topic
from tusd_py.spare_space import NO_SPARE_SPACE, SpareSpace
from tusd_py.tasks.embedded_rows import (
    SCHEMA,
    VERSION,
    changed_since,
    data_version,
    last_change,
    read_task,
    read_tasks,
    select_tasks,
    write_tasks,
)
from tusd_py.tasks.local_bus import LocalBus
from tusd_py.tasks.port import TTL_SECONDS, UNREACHABLE, Subscription, TaskCallback, TaskView
from tusd_py.tasks.sqlite_file import BUSY_SECONDS, backend_errors, connect, run
from tusd_py.write_turn import SOLE_WRITER, WriteTurn

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_RECENT: Final = 1024
"""Most tasks that are kept in memory, about 1 KB each."""
MAX_UNSEEN: Final = 256
"""Most tasks that are newer than the file; with more, each change is written at once."""
UNSEEN_SECONDS: Final = 1.0
"""Time after which they are written, even if there is no reader."""
POLL_SECONDS: Final = 0.1
RETRY_SECONDS: Final = 1.0
"""Pause after a failure to look for changes of other processes."""
PAUSE_SECONDS: Final = 0.005
"""Time in which further messages of siblings are awaited, so that many changes share one look."""


class _Unseen(NamedTuple):
    """Is a task that is newer than the file."""

    task: Task
    change: TaskChange
    """The last change that led to it."""
    begun_from: tuple[str, int] | None
    """Epoch and number of what the file had before; None: it did not have the task."""


class EmbeddedTaskView(TaskView):
    """Implements ``tasks.port.TaskView`` without Redis."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        ttl_seconds: float = TTL_SECONDS,
        spare: SpareSpace = NO_SPARE_SPACE,
        bus: SiblingBus | None = None,
        turn: WriteTurn = SOLE_WRITER,
        defers: bool = False,
    ) -> None:
        """Open the file, or make it.

        Args: bus, turn: of the processes that serve the same port. defers: whether this process is
            the only one whose users look at tasks, see rule 4.
        Raises: BackendError, OSError.
        """
        self._defers = defers and bus is None
        self._unseen: dict[UploadId, _Unseen] = {}
        self._late: threading.Timer | None = None
        self._spare = spare
        self._bus = bus
        self._turn = turn
        self._path = path
        self._clock = clock
        self._ttl = ttl_seconds
        self._mutex = threading.Lock()
        self._listeners = LocalBus()
        self._closed = threading.Event()
        self._poller: threading.Thread | None = None
        self._database = self._open()
        self._recent: dict[UploadId, Task] = {}
        """Tasks as this process left them in the file: its next change of them reads nothing."""
        self._version = -1
        """SQLite's ``data_version`` for which these are right."""

    def _open(self) -> sqlite3.Connection:
        try:
            return self._spare.retrying(self._connect)
        except sqlite3.OperationalError:
            # The disk is full, or the file is locked. The file is not damaged.
            with backend_errors():
                raise
        except sqlite3.DatabaseError:
            log.exception("task.view.unreadable")
            with backend_errors(), self._turn.taken(BUSY_SECONDS):
                return self._begun_again()

    def _begun_again(self) -> sqlite3.Connection:
        with suppress(sqlite3.DatabaseError):
            # A sibling may have begun the file again meanwhile, and use it.
            return self._connect()
        for suffix in ("", "-wal", "-shm"):
            damaged = self._path.with_name(self._path.name + suffix)
            damaged.unlink(missing_ok=True)
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        return connect(self._path, SCHEMA, version=VERSION)

    @override
    def put(self, facts: TaskFacts, change: TaskChange) -> Task | None:
        return self._put([(facts, change)])[0]

    @override
    def put_all(self, changes: Sequence[tuple[TaskFacts, TaskChange]]) -> None:
        self._put(changes)

    def _put(self, changes: Sequence[tuple[TaskFacts, TaskChange]]) -> Sequence[Task | None]:
        # Publish under the same mutex, so that changes are published in the order of their commits.
        with self._mutex:
            waits = (
                self._defers
                and not self._listeners.has_subscribers
                and len(self._unseen) < MAX_UNSEEN
            )
            if waits:
                tasks = self._run(lambda database: self._advance_unseen(database, changes))
            else:
                tasks = self._write(lambda database: self._advance_in_file(database, changes))
            for task in tasks:
                if task is not None:
                    self._listeners.publish(task)
        if self._bus is not None:
            self._bus.send(Topic.TASK)
        return tasks

    def _advance_in_file(
        self, database: sqlite3.Connection, changes: Sequence[tuple[TaskFacts, TaskChange]]
    ) -> Sequence[Task | None]:
        database.execute("BEGIN IMMEDIATE")
        self._put_unseen(database)
        ids = {facts.task_id for facts, _ in changes}
        known = self._known(database, ids, data_version(database))
        tasks = self._advance(known, changes)
        write_tasks(database, [task for task in tasks if task is not None])
        database.execute("COMMIT")
        self._unseen.clear()
        if len(self._recent) + len(known) > MAX_RECENT:
            self._recent.clear()
        self._recent.update(known)
        return tasks

    def _advance(
        self, known: dict[UploadId, Task], changes: Sequence[tuple[TaskFacts, TaskChange]]
    ) -> Sequence[Task | None]:
        # A task that the view had lost gets a new epoch, and its sequence numbers start again.
        epoch, now = secrets.token_hex(4), self._clock.now()
        tasks: list[Task | None] = []
        for facts, change in changes:
            after = advance(known.get(facts.task_id), facts, change, epoch=epoch, now=now)
            tasks.append(after)
            if after is not None:
                known[facts.task_id] = after
        return tasks

    def _known(
        self, database: sqlite3.Connection, ids: Set[UploadId], version: int
    ) -> dict[UploadId, Task]:
        """Return the tasks that the file has. ``version``: its version now, or before."""
        if version != self._version:
            # Another connection has changed the file since this one has used it.
            self._version = version
            self._recent.clear()
        recent = self._recent
        known = {task_id: recent[task_id] for task_id in ids if task_id in recent}
        if len(known) < len(ids):
            known.update(read_tasks(database, ids - known.keys()))
        return known

    # -- states that no reader has seen

    def _advance_unseen(
        self, database: sqlite3.Connection, changes: Sequence[tuple[TaskFacts, TaskChange]]
    ) -> Sequence[Task | None]:
        """Advance tasks in memory, from what the file has."""
        # One look at the version for both: a change between two looks would pass for known.
        version = data_version(database)
        if self._unseen and version != self._version:
            self._write_unseen(database)
        unseen = self._unseen
        ids = {facts.task_id for facts, _ in changes}
        known = self._known(database, ids - unseen.keys(), version)
        begun_from = {task_id: _moment(task) for task_id, task in known.items()}
        known.update({task_id: unseen[task_id].task for task_id in ids if task_id in unseen})
        tasks = self._advance(known, changes)
        for task, (_, change) in zip(tasks, changes, strict=True):
            if task is not None:
                task_id = task.facts.task_id
                before = unseen.get(task_id)
                begun = begun_from.get(task_id) if before is None else before.begun_from
                unseen[task_id] = _Unseen(task, change, begun)
                self._recent.pop(task_id, None)
        if self._late is None and unseen:
            self._late = threading.Timer(UNSEEN_SECONDS, self._write_late)
            self._late.daemon = True
            self._late.start()
        return tasks

    def _write_unseen(self, database: sqlite3.Connection) -> None:
        database.execute("BEGIN IMMEDIATE")
        self._put_unseen(database)
        database.execute("COMMIT")
        self._unseen.clear()

    def _put_unseen(self, database: sqlite3.Connection) -> None:
        """Write states that no reader has seen, unless another process has gone further."""
        if not self._unseen:
            return
        changed = data_version(database) != self._version
        others = read_tasks(database, self._unseen.keys()) if changed else {}
        tasks: list[Task] = []
        for task_id, (task, change, begun_from) in self._unseen.items():
            other = others.get(task_id)
            if other is None or _moment(other) == begun_from:
                tasks.append(task)
                continue
            after = advance(other, task.facts, change, epoch=other.epoch, now=task.updated_at)
            if after is not None:
                tasks.append(after)
        write_tasks(database, tasks)

    def _write_late(self) -> None:
        with self._mutex:
            self._late = None
            if not self._closed.is_set():
                self._try_to_write_unseen()

    def _try_to_write_unseen(self) -> None:
        if not self._unseen:
            return
        try:
            self._write(self._write_unseen)
        except BackendError as error:
            # It is tried again with the next change, and before the next look.
            log.warning("task.put.failed", extra={"reason": error.reason})

    def _look(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work``, which reads tasks, on a file that has all of them if it can be written."""
        with self._mutex:
            self._try_to_write_unseen()
            return self._run(work)

    # -- looking

    @override
    def get(self, task_id: UploadId) -> Task | None:
        task = self._look(lambda database: read_task(database, task_id))
        return task if task is not None and task.updated_at >= self._oldest() else None

    @override
    def get_all(self, ids: Sequence[UploadId]) -> Mapping[UploadId, Task]:
        tasks = self._look(lambda database: read_tasks(database, ids))
        oldest = self._oldest()
        return {task_id: task for task_id, task in tasks.items() if task.updated_at >= oldest}

    @override
    def newest(self, user_id: UserId, limit: int) -> Sequence[Task]:
        where = "WHERE user_id = ? AND updated_at >= ? ORDER BY created_at DESC, task_id LIMIT ?"
        values = (user_id, self._oldest(), limit)
        return self._look(lambda db: select_tasks(db, where, values))

    @override
    def unfinished(self, user_id: UserId, *, ended_since: float = math.inf) -> Sequence[Task]:
        marks = ", ".join("?" * len(ENDED))
        where = (
            f"WHERE user_id = ? AND updated_at >= ? AND (status NOT IN ({marks}) "
            "OR updated_at >= ?) ORDER BY created_at, task_id"
        )
        values = (user_id, self._oldest(), *ENDED, ended_since)
        return self._look(lambda db: select_tasks(db, where, values))

    @override
    def forget(self, task_id: UploadId) -> None:
        with self._mutex:
            self._recent.pop(task_id, None)
            self._unseen.pop(task_id, None)
            self._write(lambda db: db.execute("DELETE FROM tasks WHERE task_id = ?", (task_id,)))

    @override
    def expire(self) -> int:
        oldest = (self._oldest(),)
        with self._mutex:
            self._recent.clear()
            if self._unseen:
                self._write(self._write_unseen)
            return self._write(
                lambda db: db.execute("DELETE FROM tasks WHERE updated_at < ?", oldest).rowcount
            )

    def _oldest(self) -> float:
        return self._clock.now() - self._ttl

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return run(self._database, work, self._spare)

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return run(self._database, work, self._spare, self._turn)

    @override
    def memory_bytes(self) -> int:
        """Return the size of the database file with its write-ahead log."""
        log_path = self._path.with_name(f"{self._path.name}-wal")
        try:
            return self._path.stat().st_size + log_path.stat().st_size
        except OSError as error:
            raise BackendError(UNREACHABLE) from error

    @override
    def check(self) -> None:
        try:
            with self._mutex:
                self._run(last_change)
        except BackendError as error:
            raise BackendError(UNREACHABLE, reason=error.reason) from error

    # -- subscriptions

    @override
    def subscribe_task(self, task_id: UploadId, listener: TaskCallback) -> Subscription:
        return self._listening(self._listeners.subscribe(task_id, listener))

    @override
    def subscribe_user(self, user_id: UserId, listener: TaskCallback) -> Subscription:
        return self._listening(self._listeners.subscribe(user_id, listener))

    def _listening(self, subscription: Subscription) -> Subscription:
        """Return the subscription, for which changes of other processes are published too."""
        try:
            self._listen_to_others()
        except BaseException:
            subscription.close()
            raise
        return subscription

    def _listen_to_others(self) -> None:
        with self._mutex:
            self._try_to_write_unseen()
            if self._poller is None:
                last = self._run(last_change)
                self._poller = threading.Thread(
                    target=self._poll, args=(last,), name="task-view", daemon=True
                )
                self._poller.start()

    def _poll(self, last: int) -> None:
        """Publish changes of other processes until there is no subscriber."""
        version = -1
        database: sqlite3.Connection | None = None
        mailbox: Mailbox | None = None
        with ExitStack() as stack:
            while not self._ends(mailbox):
                try:
                    if database is None:
                        database = stack.enter_context(closing(self._connect()))
                    if mailbox is None and self._bus is not None:
                        mailbox = self._bus.listen(Topic.TASK)
                    if mailbox is not None:
                        mailbox.wait(POLL_SECONDS)
                    self._closed.wait(POLL_SECONDS if mailbox is None else PAUSE_SECONDS)
                    current = data_version(database)
                    if current != version:
                        version = current
                        last = self._publish_since(database, last)
                except (sqlite3.Error, OSError):
                    log.exception("task.view.poll.failed")
                    self._closed.wait(RETRY_SECONDS)

    def _ends(self, mailbox: Mailbox | None) -> bool:
        """Return whether the poller ends; a later subscriber starts another one."""
        if self._listeners.has_subscribers and not self._closed.is_set():
            return False
        with self._mutex:
            if self._listeners.has_subscribers and not self._closed.is_set():
                return False
            if mailbox is not None:
                mailbox.close()
            self._poller = None
            return True

    def _publish_since(self, database: sqlite3.Connection, last: int) -> int:
        for task, change in changed_since(database, last):
            self._listeners.publish(task)
            last = change
        return last

    @override
    def close(self) -> None:
        self._closed.set()
        self._listeners.clear()
        poller = self._poller
        if poller is not None:
            poller.join()
        with self._mutex:
            if self._late is not None:
                self._late.cancel()
            if self._unseen:
                with suppress(BackendError):
                    self._write(self._write_unseen)
            self._database.close()


def _moment(task: Task) -> tuple[str, int]:
    return task.epoch, task.seq
