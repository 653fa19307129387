"""The queue on a real broker: what happens when it dies, is full, or does not route."""

from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import NackError
from support.ids import fresh_id
from support.services import RabbitMq
from support.waiting import wait_until

from tusd_py.backoff import Backoff
from tusd_py.domain.errors import BackendError
from tusd_py.domain.ids import UserId
from tusd_py.domain.job import JobMessage
from tusd_py.jobs.queue.codec import encode
from tusd_py.jobs.queue.port import UNREACHABLE
from tusd_py.jobs.queue.rabbitmq import RabbitMqQueue
from tusd_py.jobs.queue.rabbitmq_topology import QUEUE


def message() -> JobMessage:
    return JobMessage(
        task_id=fresh_id(), user_id=UserId(1), temp_path="/x", filename="x", file_hash="a" * 64,
        file_size=1, is_video=False,
    )  # fmt: skip


def test_a_broker_that_is_killed_loses_nothing_it_confirmed() -> None:
    broker = RabbitMq()
    queue = None
    try:
        broker.start()
        queue = RabbitMqQueue(broker.url("%2F"))
        # A broker that dies within a second of a queue's declaration may forget its log's name: an
        # orderly restart makes the declaration an old one.
        assert queue.depth() == 0
        broker.terminate()
        broker.start()
        wait_until(lambda: _depth(queue) == 0, timeout=60)
        sent = [message() for _ in range(20)]
        for one in sent[:19]:
            queue.publish_all([one])
        queue._waiting = 1  # A worker that ends its wait just before its message comes.
        queue._consumer().call(queue._subscribe)
        wait_until(lambda: queue._arrived)
        queue._waiting = 0
        broker.kill()
        with pytest.raises(BackendError):
            queue.publish_all([sent[19]])
        wait_until(lambda: _refused(queue), timeout=60)
        broker.start()

        wait_until(lambda: not _refused(queue), timeout=60)
        wait_until(lambda: _published(queue, sent[19]), timeout=60)
        wait_until(lambda: _depth(queue) >= len(sent))
        got = _payloads(broker.url("%2F"))
        assert set(got) == {encode(one) for one in sent}
        queue.publish_all([message()])
        wait_until(lambda: _emptied(queue), timeout=60)
    finally:
        if queue is not None:
            queue.close()
        broker.close()


def _emptied(queue: RabbitMqQueue) -> bool:
    """Take a sign, which may be that of a message before the connection was lost."""
    queue.wait(1)
    return _depth(queue) == 0


def _payloads(url: str) -> list[bytes]:
    """Take all messages from the queue, as another program."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel, got = connection.channel(), []
        while (body := channel.basic_get(QUEUE, auto_ack=True)[2]) is not None:
            got.append(body)
        return got


def test_a_publish_that_is_not_routed_is_an_error(rabbitmq: RabbitMq) -> None:
    url = rabbitmq.url(rabbitmq.virtual_host())
    queue = RabbitMqQueue(url)
    queue.publish_all([message()])
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        connection.channel().queue_delete(QUEUE)
    with pytest.raises(BackendError):
        queue.publish_all([message()])
    # The topology is declared again with the next connection.
    wait_until(lambda: _published(queue, message()))
    queue.close()


def test_a_refused_message_is_published_again_on_the_same_connection(
    rabbitmq: RabbitMq, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A quorum queue refuses messages while it has no leader.
    queue = RabbitMqQueue(rabbitmq.url(rabbitmq.virtual_host()))
    assert queue.depth() == 0
    publish, connections = BlockingChannel.basic_publish, []

    def refuse_twice(channel: BlockingChannel, *args: Any, **options: Any) -> None:
        connections.append(channel.connection)
        if len(connections) <= 2:
            raise NackError([])
        publish(channel, *args, **options)

    monkeypatch.setattr(BlockingChannel, "basic_publish", refuse_twice)
    assert queue.publish_all([message()]) == 1
    assert len(connections) == 3
    assert len(set(connections)) == 1
    wait_until(lambda: queue.depth() == 1)
    queue.close()


def test_a_message_that_is_refused_for_good_is_an_error(
    rabbitmq: RabbitMq, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = RabbitMqQueue(rabbitmq.url(rabbitmq.virtual_host()))
    monkeypatch.setattr("tusd_py.jobs.queue.rabbitmq_publish.AFTER_NACK", Backoff([0.01]))

    def refuse(*_args: object, **_options: object) -> None:
        raise NackError([])

    monkeypatch.setattr(BlockingChannel, "basic_publish", refuse)
    with pytest.raises(BackendError):
        queue.publish_all([message()])
    monkeypatch.undo()
    assert queue.depth() == 0
    queue.close()


def test_of_messages_handed_over_those_before_the_trouble_count(
    rabbitmq: RabbitMq, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = RabbitMqQueue(rabbitmq.url(rabbitmq.virtual_host()))
    sent = [message() for _ in range(3)]
    really, attempts = queue.publish_payload, 0

    def the_third_fails(payload: bytes) -> None:
        nonlocal attempts
        attempts += 1
        if attempts >= 3:
            raise BackendError
        really(payload)

    monkeypatch.setattr(queue, "publish_payload", the_third_fails)
    assert queue.publish_all(sent) == 2
    with pytest.raises(BackendError):
        queue.publish_all(sent[2:])
    monkeypatch.undo()
    assert queue.publish_all(sent[2:]) == 1
    wait_until(lambda: queue.depth() == 3)
    queue.close()


def _depth(queue: RabbitMqQueue | None) -> int:
    try:
        return queue.depth() if queue is not None else -1
    except BackendError:
        return -1


def _refused(queue: RabbitMqQueue | None) -> bool:
    """Return whether the check reports that the broker cannot be reached."""
    assert queue is not None
    try:
        queue.check()
    except BackendError as error:
        assert error.detail == UNREACHABLE
        return True
    return False


def _published(queue: RabbitMqQueue | None, one: JobMessage) -> bool:
    assert queue is not None
    try:
        queue.publish_all([one])
    except BackendError:
        return False
    return True


def test_the_queue_is_what_the_seed_calls_it_and_durable(rabbitmq: RabbitMq) -> None:
    host = rabbitmq.virtual_host()
    queue = RabbitMqQueue(rabbitmq.url(host))
    queue.publish_all([message()])
    listed = rabbitmq.control("list_queues", "-p", host, "name", "type", "durable", "arguments")
    assert "file_upload_queue\tquorum\ttrue" in listed
    assert "file_upload_dlx" in listed
    assert "file_upload_queue.dlq" in listed
    queue.close()


def test_a_busy_consumer_hoards_nothing(rabbitmq: RabbitMq) -> None:
    url = rabbitmq.url(rabbitmq.virtual_host())
    busy, idle = RabbitMqQueue(url), RabbitMqQueue(url)
    sent = [message() for _ in range(5)]
    for one in sent:
        busy.publish_all([one])
    assert busy.wait(20)  # Its job begins; no worker waits here any more.
    for _ in sent[1:]:
        assert idle.wait(20)
    assert not idle.wait(0.2)
    busy.close()
    idle.close()
