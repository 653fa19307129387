"""The queue on RabbitMQ keeps messages: their order, their death, and what is no message."""

from collections.abc import Iterator

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from support.job_messages import message
from support.services import RabbitMq
from support.waiting import wait_until

from tusd_py.jobs.queue.codec import Undecodable, decode, encode
from tusd_py.jobs.queue.rabbitmq import RabbitMqQueue
from tusd_py.jobs.queue.rabbitmq_topology import DEAD_LETTER_EXCHANGE, QUEUE

PATIENCE = 20.0
MOMENT = 0.2


@pytest.fixture
def url(rabbitmq: RabbitMq) -> str:
    return rabbitmq.url(rabbitmq.virtual_host())


@pytest.fixture
def queue(url: str) -> Iterator[RabbitMqQueue]:
    made = RabbitMqQueue(url)
    yield made
    made.close()


@pytest.fixture
def channel(url: str, queue: RabbitMqQueue) -> Iterator[BlockingChannel]:
    """Another program's connection to the queue."""
    assert queue.depth() == 0
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        yield connection.channel()


def dead(queue: RabbitMqQueue) -> list[tuple[bytes, str]]:
    return [(letter.payload, letter.reason) for letter in queue.dead_letters()]


def test_messages_are_in_the_order_they_were_published(
    queue: RabbitMqQueue, channel: BlockingChannel
) -> None:
    sent = [message() for _ in range(6)]
    assert queue.publish_all(sent[:3]) == 3
    for one in sent[3:]:
        assert queue.publish_all([one]) == 1
    wait_until(lambda: queue.depth() == 6)
    assert [channel.basic_get(QUEUE)[2] for _ in sent] == [encode(one) for one in sent]


def test_a_message_that_no_worker_has_taken_goes_to_another_process(
    queue: RabbitMqQueue, url: str
) -> None:
    dying = RabbitMqQueue(url)
    dying._waiting = 1  # A worker that ends its wait just before the message comes.
    dying._consumer().call(dying._subscribe)
    queue.publish_all([message()])
    wait_until(lambda: dying._arrived)
    assert dying.depth() == 1
    assert not queue.wait(MOMENT)
    dying.close()
    assert queue.wait(PATIENCE)
    wait_until(lambda: queue.depth() == 0)


def test_a_message_that_was_taken_is_never_delivered_again(queue: RabbitMqQueue, url: str) -> None:
    queue.publish_all([message()])
    assert queue.wait(PATIENCE)
    queue._consumer().call(lambda _channel: None)
    queue.close()
    later = RabbitMqQueue(url)
    assert later.depth() == 0
    assert not later.wait(MOMENT)
    later.close()


def test_what_is_no_message_is_put_aside_when_it_is_skipped(queue: RabbitMqQueue) -> None:
    queue.publish_payload(b"no message at all")
    wait_until(lambda: queue.depth() == 1)
    queue.skip_one()
    wait_until(lambda: [found for found, _ in dead(queue)] == [b"no message at all"])


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"not json", b"[]", b"{}", b"\xff\xfe", b'{"TaskID": "../etc"}', b"[" * 100_000,
        encode(message()).replace(b'"v": 1', b'"v": 9'),
        encode(message()).replace(b"104857600", b"1e999"),
        encode(message()).replace(b"104857600", b"Infinity"),
        encode(message()).replace(b'"/tmp', b'"\\ud800/tmp'),
    ],
)  # fmt: skip
def test_what_is_no_message_is_put_aside_and_the_consumer_lives(
    queue: RabbitMqQueue, payload: bytes
) -> None:
    with pytest.raises(Undecodable):
        decode(payload)
    queue.publish_payload(payload)
    queue.publish_all([message()])
    assert queue.wait(PATIENCE)
    assert not queue.wait(MOMENT)
    wait_until(lambda: [found for found, reason in dead(queue) if reason] == [payload])
    wait_until(lambda: queue.dead_depth() == 1)


def test_dead_letters_stay_however_often_they_are_read(
    queue: RabbitMqQueue, channel: BlockingChannel, rabbitmq: RabbitMq, url: str
) -> None:
    """A quorum queue of RabbitMQ 4 drops a message that returned to it 20 times."""
    host = url.rpartition("/")[2]
    rabbitmq.control("set_policy", "-p", host, "as-version-4", ".*", '{"delivery-limit": 20}')
    sent = [encode(message()) for _ in range(3)]
    with_reason = pika.BasicProperties(headers={"reason": "why not"})
    for payload in sent:
        channel.basic_publish(DEAD_LETTER_EXCHANGE, "", payload, with_reason)
    wait_until(lambda: len(dead(queue)) == 3)
    for _ in range(12):
        assert dead(queue) == [(payload, "why not") for payload in sent]
        assert not queue.settle_dead_letters(["0123456789ab"], again=False)
    wait_until(lambda: queue.dead_depth() == 3)


def test_dead_letters_are_sent_again_or_dropped_by_name(
    queue: RabbitMqQueue, channel: BlockingChannel
) -> None:
    """Workers of earlier versions put messages aside with a reason of their own."""
    again, dropped, left = message(), message(), message()
    with_reason = pika.BasicProperties(headers={"reason": "why not"})
    for one in (again, dropped, left):
        channel.basic_publish(DEAD_LETTER_EXCHANGE, "", encode(one), with_reason)
    wait_until(lambda: len(dead(queue)) == 3)
    names = {letter.payload: letter.id for letter in queue.dead_letters()}
    wanted = names[encode(again)], "0123456789ab"
    assert set(queue.settle_dead_letters(wanted, again=True)) == {wanted[0]}
    wait_until(lambda: queue.depth() == 1)
    assert channel.basic_get(QUEUE, auto_ack=True)[2] == encode(again)
    assert queue.settle_dead_letters([names[encode(dropped)]], again=False)
    wait_until(lambda: dead(queue) == [(encode(left), "why not")])
    wait_until(lambda: queue.depth() == 0)
