"""Implements the queue in one SQLite file, which the server and separate workers share.

A message is leased to a receiver; if the receiver dies without settling it, the message is free
again when the lease ends. Commits do not fsync: a power cut may lose messages, and workers find
jobs in the catalog without them.
"""

import sqlite3
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final, TypeVar

from typing_extensions import override

from tusd_py.clock import Clock, SystemClock
from tusd_py.domain.errors import BackendError
from tusd_py.domain.job import JobMessage
from tusd_py.jobs.queue.codec import Undecodable, decode, encode
from tusd_py.jobs.queue.port import UNREACHABLE, DeadLetter, Delivery, JobQueue
from tusd_py.spare_space import NO_SPARE_SPACE, SpareSpace
from tusd_py.sqlite_file import backend_errors, connect, run

T = TypeVar("T")

VISIBILITY_SECONDS: Final = 60.0
"""Length of a lease. A worker settles a delivery right after it claimed the job: far sooner."""
POLL_SECONDS: Final = 0.25
"""Longest time until a message of another process is found. The own ones are found at once."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB NOT NULL, visible_at REAL NOT NULL,
  deliveries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS messages_by_time ON messages (visible_at, id);
CREATE TABLE IF NOT EXISTS dead (
  id INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB NOT NULL, reason TEXT NOT NULL
);
"""

_FIRST: Final = "SELECT id, payload FROM messages WHERE visible_at <= ? ORDER BY id LIMIT 1"


class EmbeddedQueue(JobQueue):
    """Implements ``jobs.queue.port.JobQueue`` without a broker."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        visibility_seconds: float = VISIBILITY_SECONDS,
        spare: SpareSpace = NO_SPARE_SPACE,
    ) -> None:
        self._clock = clock
        self._waiting_clock = SystemClock()  # A receiver waits although ``clock`` may stand still.
        self._visibility = visibility_seconds
        self._changed = threading.Condition()
        self._closed = False
        self._spare = spare
        with backend_errors():
            self._database = spare.retrying(lambda: connect(path, _SCHEMA))

    @override
    def publish_all(self, messages: Sequence[JobMessage]) -> int:
        """Publish all of them or none."""
        self._publish([encode(message) for message in messages])
        return len(messages)

    def publish_payload(self, payload: bytes) -> None:
        """Publish bytes as they are, even if they are no message. Raises: BackendError."""
        self._publish([payload])

    def _publish(self, payloads: Sequence[bytes]) -> None:
        now = self._clock.now()

        def work(database: sqlite3.Connection) -> None:
            database.execute("BEGIN IMMEDIATE")
            database.executemany(
                "INSERT INTO messages (payload, visible_at) VALUES (?, ?)",
                [(payload, now) for payload in payloads],
            )
            database.execute("COMMIT")

        with self._changed:
            self._run(work)
            self._changed.notify(len(payloads))

    @override
    def receive(self, timeout: float) -> "EmbeddedDelivery | None":
        deadline = self._waiting_clock.monotonic() + timeout
        with self._changed:
            while not self._closed:
                delivery = self._take()
                if delivery is not None:
                    return delivery
                left = deadline - self._waiting_clock.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(min(left, POLL_SECONDS))
        return None

    @override
    def skip_one(self) -> None:
        with self._changed:
            delivery = self._take()
            if delivery is not None:
                delivery.ack()

    def _take(self) -> "EmbeddedDelivery | None":
        """Lease the oldest visible message; one that cannot be decoded becomes a dead letter."""
        while (found := self._run(self._lease)) is not None:
            message_id, payload = found
            try:
                return EmbeddedDelivery(self, message_id, decode(payload))
            except Undecodable as error:
                self._dead_letter(message_id, str(error))
        return None

    def _lease(self, database: sqlite3.Connection) -> tuple[int, bytes] | None:
        now = self._clock.now()
        # An idle receiver only reads: one that is stopped while it writes delays all others.
        if database.execute(_FIRST, (now,)).fetchone() is None:
            return None
        database.execute("BEGIN IMMEDIATE")
        row: tuple[int, bytes] | None = database.execute(_FIRST, (now,)).fetchone()
        if row is not None:
            database.execute(
                "UPDATE messages SET visible_at = ?, deliveries = deliveries + 1 WHERE id = ?",
                (now + self._visibility, row[0]),
            )
        database.execute("COMMIT")
        return row

    def _remove(self, message_id: int) -> None:
        with self._changed:
            self._run(lambda db: db.execute("DELETE FROM messages WHERE id = ?", (message_id,)))

    def _dead_letter(self, message_id: int, reason: str) -> None:
        def work(database: sqlite3.Connection) -> None:
            database.execute("BEGIN IMMEDIATE")
            database.execute(
                "INSERT INTO dead (payload, reason) SELECT payload, ? FROM messages WHERE id = ?",
                (reason, message_id),
            )
            database.execute("DELETE FROM messages WHERE id = ?", (message_id,))
            database.execute("COMMIT")

        with self._changed:
            self._run(work)

    @override
    def depth(self) -> int:
        with self._changed:
            found: int = self._run(
                lambda db: db.execute("SELECT count(*) FROM messages").fetchone()[0]
            )
        return found

    @override
    def dead_depth(self) -> int:
        with self._changed:
            found: int = self._run(lambda db: db.execute("SELECT count(*) FROM dead").fetchone()[0])
        return found

    @override
    def check(self) -> None:
        try:
            self.depth()
        except BackendError as error:
            raise BackendError(UNREACHABLE) from error

    @override
    def dead_letters(self) -> Sequence[DeadLetter]:
        return [letter for _, letter in self._dead()]

    def _dead(self) -> list[tuple[int, DeadLetter]]:
        with self._changed:
            rows = self._run(
                lambda db: db.execute("SELECT id, payload, reason FROM dead ORDER BY id").fetchall()
            )
        return [(row[0], DeadLetter(payload=bytes(row[1]), reason=row[2])) for row in rows]

    @override
    def settle_dead_letters(self, ids: Collection[str], *, again: bool) -> Collection[str]:
        chosen = [(row_id, letter) for row_id, letter in self._dead() if letter.id in ids]
        for row_id, letter in chosen:
            if again:
                self.publish_payload(letter.payload)
            self._forget_dead(row_id)
        return {letter.id for _, letter in chosen}

    def _forget_dead(self, row_id: int) -> None:
        with self._changed:
            self._run(lambda db: db.execute("DELETE FROM dead WHERE id = ?", (row_id,)))

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return run(self._database, work, self._spare)

    @override
    def close(self) -> None:
        with self._changed:
            if not self._closed:
                self._closed = True
                self._changed.notify_all()
                self._database.close()


class EmbeddedDelivery(Delivery):
    """Implements ``jobs.queue.port.Delivery``: a leased message."""

    def __init__(self, queue: EmbeddedQueue, message_id: int, message: JobMessage) -> None:
        self._queue = queue
        self._id = message_id
        self._message = message

    @override
    @property
    def message(self) -> JobMessage:
        return self._message

    @override
    def ack(self) -> None:
        self._queue._remove(self._id)

    @override
    def dead_letter(self, reason: str) -> None:
        self._queue._dead_letter(self._id, reason)
