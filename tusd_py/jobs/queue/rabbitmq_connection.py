"""Holds a connection to RabbitMQ in a thread of its own.

Rule 1: each connection of pika belongs to one thread; work for it comes from any thread.
Rule 2: a lost connection is opened again after a growing pause, and declares the topology again.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, Final

import pika
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

from tusd_py.backoff import Backoff
from tusd_py.domain.errors import BackendError
from tusd_py.domain.service_failure import failure_text
from tusd_py.jobs.queue.rabbitmq_topology import declare

log = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 8.0
"""Longest time that a caller waits for its turn, a connection and the broker's answer together."""
RECONNECT_BACKOFF: Final = Backoff((0.1, 0.2, 0.5, 1.0, 2.0, 5.0), spread=(0.8, 1.2))
IDLE_SECONDS: Final = 1.0
_LOST: Final = (AMQPError, AMQPConnectorException, OSError)


class ConnectionThread:
    """Holds one connection, and runs work on it from any thread."""

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
        """Whether the broker left a request without an answer."""
        self.failing = False
        """Whether the last connection was lost or refused, and the next is not open yet."""
        self._last_failure = ""
        """What made it fail; '' while a connection is open."""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[BlockingChannel], Any]) -> "Future[Any]":
        """Run ``work`` in the connection's thread, on an open channel."""
        future: Future[Any] = Future()
        with self._mutex:
            if self._closed.is_set():
                future.set_exception(self.unavailable())
                return future
            self._work.append((work, future))
            self._wake()
        return future

    def call(self, work: Callable[[BlockingChannel], Any]) -> Any:  # noqa: ANN401
        """Run ``work`` and wait for it. Raises: BackendError: it may or may not have been done."""
        future = self.submit(work)
        try:
            return future.result(ANSWER_SECONDS)
        except FutureTimeout as error:
            # pika has no time limit of its own once a request was sent.
            self.stuck = not future.cancel()
            raise self.unavailable() from error
        except _LOST as error:
            raise self.unavailable(error) from error

    def unavailable(self, error: BaseException | None = None) -> BackendError:
        """Return the error of a broker that is away, with the reason of the last connection."""
        at = self._parameters
        said = self._last_failure if error is None else _said(error)
        address = f"{at.host}:{at.port}{at.virtual_host}"
        return BackendError(
            reason=failure_text("the queue, RabbitMQ", address, said or "no answer in time")
        )

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
                    self.failing, self._last_failure = False, ""
                    self._serve(connection, channel)
                finally:
                    with self._mutex:
                        self._connection = None
                    if connection.is_open:
                        connection.close()
            except Exception as error:
                failures += 1
                pause = RECONNECT_BACKOFF.pause(failures)
                self._last_failure, self.failing = _said(error), True
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
        except Exception as error:  # noqa: BLE001  (the caller gets it)
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
                item[1].set_exception(self.unavailable())

    def alive(self) -> bool:
        """Return whether the thread runs."""
        return self._thread.is_alive()


def _said(error: BaseException) -> str:
    """Return what an error of pika says; its own text may be empty, those that it holds are not."""
    parts = [*error.args, getattr(error, "exception", None)]
    held = [_said(part) for part in parts if isinstance(part, BaseException)]
    texts = [text for text in held if text] or [str(error)]
    return texts[-1] or type(error).__name__
