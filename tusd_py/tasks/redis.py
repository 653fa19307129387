"""Keeps the live view of tasks in Redis, with the original API's keys (requirements S8 to S11).

Rule 1: one script compares, writes, extends the time to live and publishes: no subscriber gets a
state that cannot be read yet, or an older state after a newer one.
Rule 2: it is a view. When Redis loses a task (a restart, FLUSHALL), the next change begins a new
epoch, and every change carries the whole state.
Rule 3: one connection of the process listens to all tasks; the subscribers of one task or user are
found in memory. After the connection was lost, their tasks are read again, since Pub/Sub keeps
nothing.
Rule 4: requests wait half a second for a Redis that is away, and are not repeated.
"""

import json
import logging
import math
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from typing import Any, Final

import redis
from typing_extensions import override

from tusd_py.clock import Clock, rfc3339
from tusd_py.domain.errors import BackendError
from tusd_py.domain.ids import UploadId, UserId, parse_upload_id
from tusd_py.domain.task import ENDED, STATUS_TEXTS, Task, TaskChange, TaskFacts
from tusd_py.redis_client import ANSWER_SECONDS, connect, failure_reason
from tusd_py.tasks.local_bus import LocalBus
from tusd_py.tasks.port import TTL_SECONDS, UNREACHABLE, Subscription, TaskCallback, TaskView
from tusd_py.tasks.redis_state import UnreadableState, read_message, read_state

log = logging.getLogger(__name__)

LISTEN_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 0.5
SNAPSHOT_TASKS: Final = 100
SCANNED_TASKS: Final = 1000
"""Number of a user's tasks that are looked at in one exchange with Redis."""
_SCRIPT: Final = files("tusd_py.tasks").joinpath("advance.lua").read_text("utf-8")
_PART: Final = "the live view of tasks"
_CHANNEL: Final = "file_upload_notify:"


def task_key(task_id: UploadId) -> str:
    """Return the key of a task's hash (requirement S8)."""
    return f"file_upload_task:{task_id}"


def user_key(user_id: UserId) -> str:
    """Return the key of the sorted set of a user's tasks (requirement S9)."""
    return f"user_upload_tasks:{user_id}"


def channel(task_id: UploadId) -> str:
    """Return the name of a task's channel (requirement S10)."""
    return f"{_CHANNEL}{task_id}"


class RedisTaskView(TaskView):
    """Implements ``tasks.port.TaskView`` on a Redis that all servers and workers share."""

    def __init__(self, url: str, *, clock: Clock) -> None:
        """Prepare the client, without a connection.

        ``url``: ``redis://[:password@]host:port/db``.
        """
        self._clock = clock
        self._redis = connect(url)
        self._script = self._redis.register_script(_SCRIPT)
        self._listeners = LocalBus()
        self._mutex = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._listening = threading.Event()
        self._was_connected = False

    @override
    def put(self, facts: TaskFacts, change: TaskChange) -> Task | None:
        with _backend_errors(self._redis):
            state = self._script(_keys(facts), [_step(facts, change, self._clock.now())])
        return None if state is None else read_message(state)

    @override
    def put_all(self, changes: Sequence[tuple[TaskFacts, TaskChange]]) -> None:
        now = self._clock.now()
        with _backend_errors(self._redis):
            pipe = self._redis.pipeline(transaction=False)
            for facts, change in changes:
                self._script(_keys(facts), [_step(facts, change, now)], client=pipe)
            pipe.execute()

    @override
    def get(self, task_id: UploadId) -> Task | None:
        with _backend_errors(self._redis):
            return self._living(self._redis.hgetall(task_key(task_id)))

    @override
    def get_all(self, ids: Sequence[UploadId]) -> Mapping[UploadId, Task]:
        with _backend_errors(self._redis):
            pipe = self._redis.pipeline(transaction=False)
            for task_id in ids:
                pipe.hgetall(task_key(task_id))
            tasks = [self._living(found) for found in pipe.execute()]
        return {task.facts.task_id: task for task in tasks if task is not None}

    def _living(self, found: dict[str, Any]) -> Task | None:
        """Return the task of a hash, unless it is expired.

        A hash that cannot be read counts as lost.
        """
        if not found:
            return None
        try:
            task = read_state(found)
        except UnreadableState as error:
            log.warning("task.view.unreadable", extra={"reason": str(error)})
            return None
        return task if task.updated_at >= self._clock.now() - TTL_SECONDS else None

    @override
    def newest(self, user_id: UserId, limit: int) -> Sequence[Task]:
        key = user_key(user_id)
        with _backend_errors(self._redis):
            self._drop_dead(key)
            ids = [UploadId(task_id) for task_id in self._redis.zrevrange(key, 0, limit - 1)]
            return list(self.get_all(ids).values())

    @override
    def unfinished(self, user_id: UserId, *, ended_since: float = math.inf) -> Sequence[Task]:
        key = user_key(user_id)
        tasks: list[Task] = []
        with _backend_errors(self._redis):
            self._drop_dead(key)
            ids = self._redis.zrange(key, 0, -1)
            for start in range(0, len(ids), SCANNED_TASKS):
                some = [UploadId(task_id) for task_id in ids[start : start + SCANNED_TASKS]]
                pipe = self._redis.pipeline(transaction=False)
                for task_id in some:
                    pipe.hmget(task_key(task_id), "status", "updated")
                wanted = [
                    task_id
                    for task_id, (status, updated) in zip(some, pipe.execute(), strict=True)
                    if status not in ENDED or _at_least(updated or "", ended_since)
                ]
                tasks += self.get_all(wanted).values()
        return tasks

    def _drop_dead(self, key: str) -> int:
        """Remove tasks whose hashes are gone from a user's set (hole 15)."""
        oldest = self._clock.now() - TTL_SECONDS
        old = self._redis.zrangebyscore(key, "-inf", oldest)
        pipe = self._redis.pipeline(transaction=False)
        for task_id in old:
            pipe.hget(task_key(UploadId(task_id)), "updated")
        dead = [
            task_id
            for task_id, updated in zip(old, pipe.execute(), strict=True)
            if updated is None or not _at_least(updated, oldest)
        ]
        if dead:
            self._redis.zrem(key, *dead)
        return len(dead)

    @override
    def forget(self, task_id: UploadId) -> None:
        with _backend_errors(self._redis):
            user_id = self._redis.hget(task_key(task_id), "user_id")
            self._redis.delete(task_key(task_id))
            if user_id is not None and user_id.removeprefix("-").isdecimal():
                self._redis.zrem(user_key(UserId(int(user_id))), task_id)

    @override
    def expire(self) -> int:
        """Redis expires hashes itself.

        This removes their entries from users' sets.
        """
        with _backend_errors(self._redis):
            return sum(
                self._drop_dead(key)
                for key in self._redis.scan_iter(match="user_upload_tasks:*", count=1000)
            )

    @override
    def memory_bytes(self) -> int:
        with _backend_errors(self._redis):
            return int(self._redis.info("memory")["used_memory"])

    @override
    def check(self) -> None:
        try:
            self._redis.ping()
        except redis.RedisError as error:
            reason = failure_reason(_PART, self._redis, error)
            raise BackendError(UNREACHABLE, reason=reason) from error

    # -- subscriptions

    @override
    def subscribe_task(self, task_id: UploadId, listener: TaskCallback) -> Subscription:
        return self._listen(self._listeners.subscribe(task_id, listener))

    @override
    def subscribe_user(self, user_id: UserId, listener: TaskCallback) -> Subscription:
        return self._listen(self._listeners.subscribe(user_id, listener))

    def _listen(self, subscription: Subscription) -> Subscription:
        """Wait for the connection for a short time, so that no later change is missed."""
        with self._mutex:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._listen_loop, name="task-view", daemon=True
                )
                self._thread.start()
        self._listening.wait(ANSWER_SECONDS)
        return subscription

    def _listen_loop(self) -> None:
        while not self._closed.is_set():
            try:
                with self._redis.pubsub() as pubsub:
                    pubsub.psubscribe(f"{_CHANNEL}*")
                    self._receive_messages(pubsub)
            except redis.RedisError as error:
                if not self._closed.is_set():
                    log.warning("task.view.connection.lost", extra={"reason": repr(error)})
            finally:
                self._listening.clear()
            self._closed.wait(PAUSE_SECONDS)

    def _receive_messages(self, pubsub: Any) -> None:  # noqa: ANN401  (redis.client.PubSub is untyped)
        while not self._closed.is_set():
            message = pubsub.get_message(timeout=LISTEN_SECONDS)
            if message is None:
                continue
            if message["type"] == "psubscribe":
                if self._was_connected:
                    self._republish()
                self._was_connected = True
                self._listening.set()
            elif message["type"] == "pmessage":
                with suppress(UnreadableState):
                    self._listeners.publish(read_message(message["data"]))

    def _republish(self) -> None:
        """Publish the states that were missed while the connection was lost."""
        for key in self._listeners.subscribed_keys():
            task_id = parse_upload_id(key) if isinstance(key, str) else None
            if task_id is not None:
                task = self.get(task_id)
                if task is not None:
                    self._listeners.publish(task)
            elif isinstance(key, int):
                for task in self.newest(UserId(key), SNAPSHOT_TASKS):
                    self._listeners.publish(task)

    @override
    def close(self) -> None:
        self._closed.set()
        self._listeners.clear()
        if self._thread is not None:
            self._thread.join()
        self._redis.close()


@contextmanager
def _backend_errors(client: Any) -> Iterator[None]:  # noqa: ANN401
    try:
        yield
    except redis.RedisError as error:
        raise BackendError(reason=failure_reason(_PART, client, error)) from error


def _keys(facts: TaskFacts) -> list[str]:
    return [task_key(facts.task_id), user_key(facts.user_id), channel(facts.task_id)]


def _step(facts: TaskFacts, change: TaskChange, now: float) -> str:
    """Return the script's argument."""
    return json.dumps(
        {
            "status": change.status.value,
            "progress": change.progress,
            "attempt": change.attempt,
            "message": change.message or STATUS_TEXTS[change.status],
            "reopen": change.reopen,
            "again": change.again,
            "epoch": secrets.token_hex(4),
            "updated": repr(now),
            "oldest": now - TTL_SECONDS,
            "ttl": TTL_SECONDS,
            "fields": {
                "task_id": facts.task_id,
                "user_id": str(facts.user_id),
                "filename": facts.filename,
                "file_hash": facts.file_hash,
                "file_size": str(facts.file_size),
                "temp_path": facts.temp_path,
                "error_code": change.error_code,
                "error_msg": change.error_msg,
                "oss_path": change.oss_path,
                "repository_id": change.repository_id,
                "notes": " ".join(change.notes),
                "offset": "" if change.offset is None else str(change.offset),
                "created_at": rfc3339(facts.created_at),
                "updated_at": rfc3339(now),
                "created": repr(facts.created_at),
            },
        },
        ensure_ascii=False,
    )


def _at_least(text: str, least: float) -> bool:
    """Return whether a text of Redis is a number which is not below ``least``."""
    try:
        return float(text) >= least
    except ValueError:
        return False
