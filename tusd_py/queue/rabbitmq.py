"""Jobs over RabbitMQ (S15): a quorum queue, confirmed and mandatory publishing, dead letters.

Rule 1: pika's connections belong to one thread each. Publishing and consuming have one of their own:
a broker that is short of memory blocks connections that publish, and only those.
Rule 2: a lost connection is opened again, with a growing pause; what was not settled on it comes
back by itself. An unsettled publish is reported as such: it is published again, which changes
nothing (fault 9).
Rule 3: a delivery is settled on the channel it came by, or not at all: after a reconnect the broker
has given it to somebody already.
Rule 4: the broker gives one message at a time, and none while nobody here waits for one. A delivery
is acknowledged before its job is done, so a prefetch alone would let a busy worker hoard what an idle
one could begin, and a sleeping worker what all others could.
"""

import logging
import random
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from typing import Any, Final

import pika
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError

from tusd_py.domain.errors import BackendError
from tusd_py.domain.job import JobMessage
from tusd_py.queue.port import UNREACHABLE, DeadLetter
from tusd_py.queue.wire import Undecodable, decode, encode

log = logging.getLogger(__name__)

QUEUE: Final = "file_upload_queue"
DEAD_LETTER_EXCHANGE: Final = "file_upload_dlx"
DEAD_LETTER_QUEUE: Final = "file_upload_queue.dlq"
HEARTBEAT_SECONDS: Final = 10
"""A worker that was frozen while it waited gives back what it was sent after two or three."""
BLOCKED_SECONDS: Final = 5.0
"""pika waits for ever by default; the message may arrive all the same once the broker recovers."""
CONNECT_SECONDS: Final = 3.0
ANSWER_SECONDS: Final = 8.0
"""A caller waits so long for its turn, a connection and the broker's word together."""
MAX_STUCK: Final = 3
"""Publishing threads that wait for a broker that neither answers nor hangs up; then no more are
begun until one of them comes back."""
PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
IDLE_SECONDS: Final = 1.0
_LOST: Final = (AMQPError, OSError)


def declare(channel: BlockingChannel) -> None:
    """The topology, the same each time: raises when the broker has it with other arguments."""
    channel.exchange_declare(DEAD_LETTER_EXCHANGE, "fanout", durable=True)
    channel.queue_declare(DEAD_LETTER_QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
    channel.queue_bind(DEAD_LETTER_QUEUE, DEAD_LETTER_EXCHANGE)
    channel.queue_declare(
        QUEUE,
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": DEAD_LETTER_EXCHANGE,
            # A dead letter is not lost between the two queues, which needs the second of these.
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )


class _Line:
    """One connection and the thread that owns it; work for it comes from any thread."""

    def __init__(
        self,
        name: str,
        parameters: pika.ConnectionParameters,
        opened: Callable[[BlockingChannel], None],
    ) -> None:
        self._parameters = parameters
        self._opened = opened
        self._mutex = threading.Lock()
        self._work: deque[tuple[Callable[[BlockingChannel], Any], Future[Any]]] = deque()
        self._connection: BlockingConnection | None = None
        self._closed = threading.Event()
        self.stuck = False
        """The broker left a request of ours without an answer."""
        self.failing = False
        """The last connection was lost or refused, and the next is not there yet."""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[BlockingChannel], Any]) -> "Future[Any]":
        """Run ``work`` in the line's thread, on an open channel."""
        future: Future[Any] = Future()
        with self._mutex:
            if self._closed.is_set():
                future.set_exception(BackendError())
                return future
            self._work.append((work, future))
            self._wake()
        return future

    def call(self, work: Callable[[BlockingChannel], Any]) -> Any:  # noqa: ANN401
        """``submit``, and wait. Raises: BackendError: nobody knows whether it was done."""
        future = self.submit(work)
        try:
            return future.result(ANSWER_SECONDS)
        except FutureTimeout as error:
            # pika has no time limit of its own once a request is on its way.
            self.stuck = not future.cancel()
            raise BackendError from error
        except _LOST as error:
            raise BackendError from error

    def _wake(self) -> None:
        if self._connection is not None:
            try:
                self._connection.add_callback_threadsafe(lambda: None)
            except AMQPError:
                log.debug("queue.wake.failed")

    def _run(self) -> None:
        failures = 0
        while not self._closed.is_set():
            try:
                connection = BlockingConnection(self._parameters)
                try:
                    channel = connection.channel()
                    declare(channel)
                    self._opened(channel)
                    with self._mutex:
                        self._connection = connection
                    failures = 0
                    self.failing = False
                    self._serve(connection, channel)
                finally:
                    with self._mutex:
                        self._connection = None
                    if connection.is_open:
                        connection.close()
            except Exception as error:
                pause = PAUSES[min(failures, len(PAUSES) - 1)] * random.uniform(0.8, 1.2)  # noqa: S311
                failures += 1
                self.failing = True
                log.warning(
                    "queue.connection.lost",
                    extra={"line": self._thread.name, "reason": repr(error), "pause": pause},
                    exc_info=not isinstance(error, _LOST),
                )
                self._closed.wait(pause)

    def _serve(self, connection: BlockingConnection, channel: BlockingChannel) -> None:
        while not self._closed.is_set():
            while (item := self._next()) is not None:
                self._do(channel, *item)
            connection.process_data_events(IDLE_SECONDS)
            if channel.is_closed:
                raise pika.exceptions.ChannelClosed(0, "the broker closed the channel")

    def _next(self) -> tuple[Callable[[BlockingChannel], Any], "Future[Any]"] | None:
        with self._mutex:
            return self._work.popleft() if self._work else None

    @staticmethod
    def _do(
        channel: BlockingChannel, work: Callable[[BlockingChannel], Any], future: "Future[Any]"
    ) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work(channel))
        except _LOST as error:
            future.set_exception(error)
            raise
        except Exception as error:  # noqa: BLE001  (the caller's)
            future.set_exception(error)

    def close(self) -> None:
        """End the thread; work that is left fails."""
        self.abandon()
        self._thread.join(ANSWER_SECONDS)

    def abandon(self) -> None:
        """End the thread as soon as it can; work that is left fails."""
        with self._mutex:
            self._closed.set()
            self._wake()
        while (item := self._next()) is not None:
            if item[1].set_running_or_notify_cancel():
                item[1].set_exception(BackendError())

    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()


class RabbitMqQueue:
    """``queue.port.JobQueue`` on a broker. Connections are opened when they are first needed."""

    def __init__(self, url: str) -> None:
        self._parameters: Any = pika.URLParameters(url)
        self._parameters.heartbeat = HEARTBEAT_SECONDS
        self._parameters.blocked_connection_timeout = BLOCKED_SECONDS
        self._parameters.socket_timeout = CONNECT_SECONDS
        self._parameters.stack_timeout = 2 * CONNECT_SECONDS
        self._mutex = threading.Lock()
        self._publishing: _Line | None = None
        self._stuck: list[_Line] = []
        self._consuming: _Line | None = None
        self._changed = threading.Condition()
        self._arrived: deque[RabbitMqDelivery] = deque()
        self._channel: BlockingChannel | None = None
        self._consumer_tag = ""
        """Of the running subscription; '' while nobody waits."""
        self._waiting = 0
        self._asked = False
        """The consumer's thread is about to look whether anybody waits."""
        self._unsettled = 0
        self._closed = False

    def _publisher(self) -> _Line:
        with self._mutex:
            if self._publishing is not None and self._publishing.stuck:
                self._stuck = [line for line in self._stuck if line.alive()]
                if len(self._stuck) >= MAX_STUCK:
                    raise BackendError
                self._publishing.abandon()
                self._stuck.append(self._publishing)
                self._publishing = None
            if self._publishing is None:
                self._publishing = _Line(
                    "queue-publisher", self._parameters, BlockingChannel.confirm_delivery
                )
            return self._publishing

    def _consumer(self) -> _Line:
        with self._mutex:
            if self._consuming is None:
                self._consuming = _Line("queue-consumer", self._parameters, self._begin)
            return self._consuming

    # -- publishing

    def publish(self, message: JobMessage) -> None:
        """See ``JobQueue.publish``: it is in the queue's log when this returns."""
        self.publish_payload(encode(message))

    def publish_payload(self, payload: bytes) -> None:
        """Publish bytes as they are, which may be no message at all. Raises: BackendError."""
        self._put(exchange="", routing_key=QUEUE, payload=payload, headers={})

    def _put(
        self, *, exchange: str, routing_key: str, payload: bytes, headers: dict[str, str]
    ) -> None:
        properties = _properties(headers)
        self._publisher().call(
            lambda channel: channel.basic_publish(
                exchange, routing_key, payload, properties, mandatory=True
            )
        )

    # -- consuming

    def _begin(self, channel: BlockingChannel) -> None:
        """A new channel: what came by the one before is the broker's again."""
        channel.basic_qos(prefetch_count=1)
        with self._changed:
            self._channel = channel
            self._consumer_tag = ""
            self._arrived.clear()
            self._unsettled = 0
        self._subscribe(channel)

    def _subscribe(self, channel: BlockingChannel) -> None:
        """In the line's thread: take messages while somebody waits, and only then."""
        with self._changed:
            self._asked = False
            wanted = self._waiting > 0
        if wanted and not self._consumer_tag:
            self._consumer_tag = channel.basic_consume(QUEUE, self._take)
        elif not wanted and self._consumer_tag:
            channel.basic_cancel(self._consumer_tag)
            self._consumer_tag = ""

    def _take(
        self,
        channel: BlockingChannel,
        method: pika.spec.Basic.Deliver,
        _properties: pika.BasicProperties,
        body: bytes,
    ) -> None:
        tag = method.delivery_tag or 0
        try:
            message = decode(body)
        except Undecodable as error:
            log.error("queue.message.undecodable", extra={"reason": str(error), "bytes": len(body)})
            channel.basic_reject(tag, requeue=False)
            return
        with self._changed:
            self._unsettled += 1
            self._arrived.append(RabbitMqDelivery(self, channel, tag, message))
            self._changed.notify()

    def receive(self, timeout: float) -> "RabbitMqDelivery | None":
        """See ``JobQueue.receive``. A broker that is away is waited for."""
        line = self._consumer()
        with self._changed:
            self._waiting += 1
            ask, self._asked = not self._asked, True
        try:
            if ask:
                line.submit(self._subscribe)
            with self._changed:
                self._changed.wait_for(lambda: self._arrived or self._closed, timeout)
                if self._closed or not self._arrived:
                    return None
                return self._arrived.popleft()
        finally:
            with self._changed:
                self._waiting -= 1

    def _settle(
        self, channel: BlockingChannel, settle: Callable[[BlockingChannel], object]
    ) -> None:
        with self._changed:
            if self._channel is not channel:
                return
            self._unsettled -= 1

        def work(current: BlockingChannel) -> None:
            if current is channel:
                # Whoever took this delivery waits no longer: the next one is sent to others.
                self._subscribe(channel)
                settle(channel)

        self._consumer().submit(work)

    def _settle_later(self, channel: BlockingChannel, tag: int, seconds: float) -> None:
        def give_back() -> None:
            self._settle(channel, lambda current: current.basic_nack(tag, requeue=True))

        def work(current: BlockingChannel) -> None:
            if current is channel:
                current.connection.call_later(seconds, give_back)

        self._consumer().submit(work)

    # -- looking

    def depth(self) -> int:
        """See ``JobQueue.depth``."""
        waiting = self._messages_in(QUEUE)
        with self._changed:
            return waiting + self._unsettled

    def dead_depth(self) -> int:
        """See ``JobQueue.dead_depth``."""
        return self._messages_in(DEAD_LETTER_QUEUE)

    def _messages_in(self, queue: str) -> int:
        declared = self._publisher().call(
            lambda channel: channel.queue_declare(queue, passive=True)
        )
        return int(declared.method.message_count)

    def check(self) -> None:
        """See ``JobQueue.check``. A broker that could not be reached a moment ago is not waited for."""
        try:
            if self._publisher().failing:
                raise BackendError
            self._messages_in(QUEUE)
        except BackendError as error:
            raise BackendError(UNREACHABLE) from error

    def dead_letters(self) -> Sequence[DeadLetter]:
        """See ``JobQueue.dead_letters``."""
        found: list[DeadLetter] = self._publisher().call(_look_at_dead_letters)
        return found

    def settle_dead_letters(self, ids: Collection[str], *, again: bool) -> Collection[str]:
        """See ``JobQueue.settle_dead_letters``."""
        settled: set[str] = self._publisher().call(
            lambda channel: _settle_dead_letters(channel, ids, again=again)
        )
        return settled

    def close(self) -> None:
        """See ``JobQueue.close``."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        with self._mutex:
            lines = (self._publishing, self._consuming)
        for line in lines:
            if line is not None:
                line.close()


@contextmanager
def _dead_letters(
    channel: BlockingChannel,
) -> Iterator[tuple[BlockingChannel, Iterator[tuple[int, DeadLetter]]]]:
    """A channel of one's own, and each dead letter with its delivery tag on it. The channel's end puts
    back what was not acknowledged."""
    own = channel.connection.channel()
    own.confirm_delivery()

    def letters() -> Iterator[tuple[int, DeadLetter]]:
        while True:
            method, properties, body = own.basic_get(DEAD_LETTER_QUEUE)
            if method is None or properties is None or body is None:
                return
            yield method.delivery_tag or 0, _dead_letter(body, properties.headers or {})

    try:
        yield own, letters()
    finally:
        own.close()


def _dead_letter(payload: bytes, headers: Mapping[str, object]) -> DeadLetter:
    reason = headers.get("reason")
    if reason is None:
        # The broker knows only that it was rejected.
        try:
            decode(payload)
            reason = headers.get("x-first-death-reason", "")
        except Undecodable as error:
            reason = error
    return DeadLetter(payload=payload, reason=str(reason))


def _look_at_dead_letters(channel: BlockingChannel) -> list[DeadLetter]:
    with _dead_letters(channel) as (_, letters):
        return [letter for _, letter in letters]


def _settle_dead_letters(
    channel: BlockingChannel, ids: Collection[str], *, again: bool
) -> set[str]:
    settled = set()
    with _dead_letters(channel) as (own, letters):
        for tag, letter in letters:
            if letter.id not in ids:
                continue
            if again:
                own.basic_publish("", QUEUE, letter.payload, _properties({}), mandatory=True)
            own.basic_ack(tag)
            settled.add(letter.id)
    return settled


def _properties(headers: dict[str, str]) -> pika.BasicProperties:
    """A message that survives the broker."""
    return pika.BasicProperties(content_type="application/json", delivery_mode=2, headers=headers)


class RabbitMqDelivery:
    """``queue.port.Delivery``: one unsettled message of one channel."""

    def __init__(
        self, queue: RabbitMqQueue, channel: BlockingChannel, tag: int, message: JobMessage
    ) -> None:
        self._queue = queue
        self._channel = channel
        self._tag = tag
        self._message = message

    @property
    def message(self) -> JobMessage:
        """See ``Delivery.message``."""
        return self._message

    def ack(self) -> None:
        """See ``Delivery.ack``."""
        self._queue._settle(self._channel, lambda channel: channel.basic_ack(self._tag))

    def retry_later(self, seconds: float) -> None:
        """See ``Delivery.retry_later``: it is held here meanwhile, and takes up a place."""
        self._queue._settle_later(self._channel, self._tag, seconds)

    def dead_letter(self, reason: str) -> None:
        """See ``Delivery.dead_letter``. Raises: BackendError: it comes back."""
        self._queue._put(
            exchange=DEAD_LETTER_EXCHANGE,
            routing_key="",
            payload=encode(self._message),
            headers={"reason": reason},
        )
        self.ack()
