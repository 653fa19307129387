"""Tests what the connection to RabbitMQ says of its failures; the broker is a fake."""

import threading
from collections.abc import Iterator

import pika
import pytest
from pika.exceptions import AMQPConnectionError
from support.waiting import wait_until

from tusd_py.backoff import Backoff
from tusd_py.domain.errors import BackendError
from tusd_py.jobs.queue import rabbitmq_connection
from tusd_py.jobs.queue.rabbitmq_connection import ConnectionThread


class Channel:
    is_closed = False


class Connection:
    """Is refused by the broker once, and is open from then on."""

    refused = False
    is_open = True

    def __init__(self, _parameters: pika.ConnectionParameters) -> None:
        self._called = threading.Event()
        if not Connection.refused:
            Connection.refused = True
            raise AMQPConnectionError("refused")

    def channel(self) -> Channel:
        return Channel()

    def add_callback_threadsafe(self, _call: object) -> None:
        self._called.set()

    def process_data_events(self, _seconds: float) -> None:
        self._called.wait(30)
        self._called.clear()

    def close(self) -> None:
        pass


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[ConnectionThread]:
    Connection.refused = False
    monkeypatch.setattr(rabbitmq_connection, "BlockingConnection", Connection)
    monkeypatch.setattr(rabbitmq_connection, "declare", lambda _channel: None)
    monkeypatch.setattr(rabbitmq_connection, "RECONNECT_BACKOFF", Backoff((0.01,)))
    opened = ConnectionThread(
        "test", pika.ConnectionParameters(host="broker"), lambda _channel: None
    )
    yield opened
    opened.close()


def test_a_broker_that_is_silent_is_not_said_to_refuse_as_it_did_before(
    line: ConnectionThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_until(lambda: Connection.refused)
    assert line.call(lambda _channel: "open") == "open"
    monkeypatch.setattr(rabbitmq_connection, "ANSWER_SECONDS", 0.01)
    silent = threading.Event()
    with pytest.raises(BackendError) as raised:
        line.call(lambda _channel: silent.wait(30))
    silent.set()
    assert raised.value.reason == "the queue, RabbitMQ at broker:5672/: no answer in time"
