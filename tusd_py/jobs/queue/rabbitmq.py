"""Implements the queue on RabbitMQ (requirement S15): a quorum queue, confirms, dead letters.

Rule 1: publishing and consuming have a connection of their own: a broker that is short of memory
blocks connections that publish, and only those.
Rule 2: a message that no worker had taken when its connection was lost is delivered again. A
publish that was not confirmed is reported as failed: it is published again, without effect (fault
9).
Rule 3: a delivery is acknowledged on the channel that it came from, or not at all: after a
reconnect the broker has given it to another consumer.
Rule 4: the broker delivers one message at a time, and none while no worker waits. A delivery is
acknowledged before its job is done, so with a prefetch alone a busy worker would hold what an idle
one could begin, and a stopped worker what all others could.
"""

import logging
import threading
from collections import deque
from collections.abc import Collection, Sequence
from typing import Any, Final

import pika
from pika.adapters.blocking_connection import BlockingChannel
from typing_extensions import override

from tusd_py.domain.errors import BackendError
from tusd_py.domain.job import JobMessage
from tusd_py.jobs.queue import rabbitmq_dead_letters
from tusd_py.jobs.queue.codec import Undecodable, decode, encode
from tusd_py.jobs.queue.port import UNREACHABLE, DeadLetter, JobQueue, MessageBroker
from tusd_py.jobs.queue.rabbitmq_connection import ConnectionThread
from tusd_py.jobs.queue.rabbitmq_publish import publish
from tusd_py.jobs.queue.rabbitmq_topology import DEAD_LETTER_QUEUE, QUEUE

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS: Final = 10
"""After two or three, the broker takes back what it delivered to a worker that was frozen."""
BLOCKED_SECONDS: Final = 5.0
"""pika has no limit by default; the message may arrive nevertheless once the broker recovers."""
CONNECT_SECONDS: Final = 3.0
MAX_STUCK: Final = 3
"""Largest number of publishing threads that wait for a broker that does not answer.

No more are begun until one of them ends.
"""


class RabbitMqQueue(JobQueue, MessageBroker):
    """Implements both ports of ``jobs.queue.port``.

    Connections are opened when they are first needed.
    """

    def __init__(self, url: str) -> None:
        self._parameters: Any = pika.URLParameters(url)
        self._parameters.heartbeat = HEARTBEAT_SECONDS
        self._parameters.blocked_connection_timeout = BLOCKED_SECONDS
        self._parameters.socket_timeout = CONNECT_SECONDS
        self._parameters.stack_timeout = 2 * CONNECT_SECONDS
        self._mutex = threading.Lock()
        self._publishing: ConnectionThread | None = None
        self._stuck: list[ConnectionThread] = []
        self._consuming: ConnectionThread | None = None
        self._changed = threading.Condition()
        self._arrived: deque[int] = deque()
        """Tags of the deliveries of ``_channel`` that no worker has taken."""
        self._channel: BlockingChannel | None = None
        self._consumer_tag = ""
        """Tag of the running subscription; '' while no worker waits."""
        self._waiting = 0
        self._subscribe_scheduled = False
        """Whether the consumer's thread is about to check for waiting workers."""
        self._closed = False

    def _publisher(self) -> ConnectionThread:
        with self._mutex:
            if self._publishing is not None and self._publishing.stuck:
                self._stuck = [thread for thread in self._stuck if thread.alive()]
                if len(self._stuck) >= MAX_STUCK:
                    raise self._publishing.unavailable()
                self._publishing.abandon()
                self._stuck.append(self._publishing)
                self._publishing = None
            if self._publishing is None:
                self._publishing = ConnectionThread(
                    "queue-publisher", self._parameters, BlockingChannel.confirm_delivery
                )
            return self._publishing

    def _consumer(self) -> ConnectionThread:
        with self._mutex:
            if self._consuming is None:
                self._consuming = ConnectionThread(
                    "queue-consumer", self._parameters, self._on_channel_open
                )
            return self._consuming

    # -- publishing

    @override
    def publish_all(self, messages: Sequence[JobMessage]) -> int:
        """Publish the messages in order; those that are counted are in the queue's log."""
        for count, message in enumerate(messages):
            try:
                self.publish_payload(encode(message))
            except BackendError:
                if count:
                    return count
                raise
        return len(messages)

    def publish_payload(self, payload: bytes) -> None:
        """Publish bytes as they are, even if they are no message. Raises: BackendError."""
        self._publisher().call(lambda channel: publish(channel, payload))

    # -- consuming

    def _on_channel_open(self, channel: BlockingChannel) -> None:
        """Use a new channel; the broker delivers again what came from the channel before it."""
        channel.basic_qos(prefetch_count=1)
        with self._changed:
            self._channel = channel
            self._consumer_tag = ""
            self._arrived.clear()
        self._subscribe(channel)

    def _subscribe(self, channel: BlockingChannel) -> None:
        """Consume messages while a worker waits, and only then. Runs in the consumer's thread."""
        with self._changed:
            self._subscribe_scheduled = False
            wanted = self._waiting > 0
        if wanted and not self._consumer_tag:
            self._consumer_tag = channel.basic_consume(QUEUE, self._on_message)
        elif not wanted and self._consumer_tag:
            channel.basic_cancel(self._consumer_tag)
            self._consumer_tag = ""

    def _on_message(
        self,
        channel: BlockingChannel,
        method: pika.spec.Basic.Deliver,
        _properties: pika.BasicProperties,
        body: bytes,
    ) -> None:
        tag = method.delivery_tag or 0
        if not _is_message(body):
            channel.basic_reject(tag, requeue=False)
            return
        with self._changed:
            self._arrived.append(tag)
            self._changed.notify()

    @override
    def wake(self) -> None:
        """Do nothing: the message in the outbox will wake a worker."""

    @override
    def wait(self, timeout: float) -> bool:
        """Wait for a message, also while the broker is away, and acknowledge it."""
        consumer = self._consumer()
        with self._changed:
            self._waiting += 1
            is_new, self._subscribe_scheduled = not self._subscribe_scheduled, True
        try:
            if is_new:
                consumer.submit(self._subscribe)
            with self._changed:
                self._changed.wait_for(lambda: self._arrived or self._closed, timeout)
                if self._closed or not self._arrived:
                    return False
                channel, tag = self._channel, self._arrived.popleft()
        finally:
            with self._changed:
                self._waiting -= 1

        def acknowledge(current: BlockingChannel) -> None:
            if current is channel:
                # This worker does not wait any longer: others get the next message.
                self._subscribe(current)
                current.basic_ack(tag)

        consumer.submit(acknowledge)
        return True

    @override
    def skip_one(self) -> None:
        consumer = self._consumer()
        if not consumer.failing:
            consumer.submit(_drop_one)

    # -- inspection

    @override
    def depth(self) -> int:
        waiting = self._messages_in(QUEUE)
        with self._changed:
            return waiting + len(self._arrived)

    @override
    def dead_depth(self) -> int:
        return self._messages_in(DEAD_LETTER_QUEUE)

    def _messages_in(self, queue: str) -> int:
        declared = self._publisher().call(
            lambda channel: channel.queue_declare(queue, passive=True)
        )
        return int(declared.method.message_count)

    @override
    def check(self) -> None:
        """Check the broker without waiting if it was away a moment ago."""
        try:
            if self._publisher().failing:
                raise self._publisher().unavailable()
            self._messages_in(QUEUE)
        except BackendError as error:
            raise BackendError(UNREACHABLE, reason=error.reason) from error

    @override
    def dead_letters(self) -> Sequence[DeadLetter]:
        found: list[DeadLetter] = self._publisher().call(rabbitmq_dead_letters.read)
        return found

    @override
    def settle_dead_letters(self, ids: Collection[str], *, again: bool) -> Collection[str]:
        settled: set[str] = self._publisher().call(
            lambda channel: rabbitmq_dead_letters.settle(channel, ids, again=again)
        )
        return settled

    @override
    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        with self._mutex:
            threads = (self._publishing, self._consuming)
        for thread in threads:
            if thread is not None:
                thread.close()


def _drop_one(channel: BlockingChannel) -> None:
    method, _, body = channel.basic_get(QUEUE)
    if method is None or body is None:
        return
    tag = method.delivery_tag or 0
    if _is_message(body):
        channel.basic_ack(tag)
    else:
        channel.basic_reject(tag, requeue=False)


def _is_message(body: bytes) -> bool:
    try:
        decode(body)
    except Undecodable as error:
        log.error("queue.message.undecodable", extra={"reason": str(error), "bytes": len(body)})
        return False
    return True
