"""Every job queue keeps these promises (``jobs.queue.port``)."""

import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clock import FakeClock
from support.job_messages import message
from support.services import RabbitMq
from support.waiting import wait_until

from tusd_py.clock import SystemClock
from tusd_py.jobs.queue.codec import Undecodable, decode, encode
from tusd_py.jobs.queue.embedded import EmbeddedQueue
from tusd_py.jobs.queue.port import Delivery, JobQueue
from tusd_py.jobs.queue.rabbitmq import RabbitMqQueue


class World(ABC):
    """A queue, and the events of time and process death for it."""

    patience = 20.0
    """Seconds within which a published message is deliverable."""
    moment = 0.0
    """A short time by the queue's clock."""
    queue: JobQueue

    @abstractmethod
    def consumer_dies(self) -> None:
        """Lose the process that holds a delivery."""

    @abstractmethod
    def publish_payload(self, payload: bytes) -> None:
        """Publish bytes as they are; they may be no valid message."""

    @abstractmethod
    def wait_for_settling(self) -> None:
        """Wait until what was settled or skipped has reached the broker.

        Callers of the queue do not wait for that.
        """


class EmbeddedWorld(World):
    def __init__(self, folder: Path) -> None:
        self._clock = FakeClock()
        self.queue: EmbeddedQueue = EmbeddedQueue(folder / "queue.sqlite3", clock=self._clock)

    def consumer_dies(self) -> None:
        self._clock.advance(61)

    def publish_payload(self, payload: bytes) -> None:
        self.queue.publish_payload(payload)

    def wait_for_settling(self) -> None:
        """Return at once: each call has ended when it returns."""


class RabbitMqWorld(World):
    moment = 0.2

    def __init__(self, broker: RabbitMq) -> None:
        self._url = broker.url(broker.virtual_host())
        self.queue: RabbitMqQueue = RabbitMqQueue(self._url)

    def consumer_dies(self) -> None:
        self.queue.close()
        self.queue = RabbitMqQueue(self._url)

    def publish_payload(self, payload: bytes) -> None:
        self.queue.publish_payload(payload)

    def wait_for_settling(self) -> None:
        self.queue._consumer().call(lambda _channel: None)


@pytest.fixture(params=["embedded", "rabbitmq"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made: World
    if request.param == "embedded":
        made = EmbeddedWorld(tmp_path)
    else:
        made = RabbitMqWorld(request.getfixturevalue("rabbitmq"))
    yield made
    made.queue.close()


def take(world: World) -> Delivery:
    delivery = world.queue.receive(world.patience)
    assert delivery is not None
    return delivery


def test_a_message_is_delivered_until_it_is_acknowledged(world: World) -> None:
    sent = message()
    world.queue.publish_all([sent])
    assert take(world).message == sent
    assert world.queue.receive(0) is None
    assert world.queue.depth() == 1
    world.consumer_dies()
    again = take(world)
    assert again.message == sent
    again.ack()
    wait_until(lambda: world.queue.depth() == 0)
    world.consumer_dies()
    assert world.queue.receive(0) is None


def test_messages_come_in_the_order_they_were_published(world: World) -> None:
    sent = [message() for _ in range(5)]
    for one in sent:
        world.queue.publish_all([one])
    wait_until(lambda: world.queue.depth() == 5)
    for one in sent:
        delivery = take(world)
        assert delivery.message == one
        delivery.ack()


def test_messages_handed_over_together_come_in_their_order(world: World) -> None:
    sent = [message() for _ in range(5)]
    assert world.queue.publish_all(sent) == 5
    wait_until(lambda: world.queue.depth() == 5)
    for one in sent:
        delivery = take(world)
        assert delivery.message == one
        delivery.ack()


def test_one_message_is_skipped_and_no_other(world: World) -> None:
    world.queue.skip_one()
    world.wait_for_settling()
    sent = [message() for _ in range(3)]
    world.queue.publish_all(sent)
    wait_until(lambda: world.queue.depth() == 3)
    world.queue.skip_one()
    wait_until(lambda: world.queue.depth() == 2)
    for one in sent[1:]:
        delivery = take(world)
        assert delivery.message == one
        delivery.ack()


def test_what_is_no_message_is_put_aside_when_it_is_skipped(world: World) -> None:
    world.publish_payload(b"no message at all")
    wait_until(lambda: world.queue.depth() == 1)
    world.queue.skip_one()
    wait_until(lambda: [found for found, _ in dead(world)] == [b"no message at all"])


def dead(world: World) -> list[tuple[bytes, str]]:
    return [(letter.payload, letter.reason) for letter in world.queue.dead_letters()]


def test_a_dead_letter_is_put_aside(world: World) -> None:
    sent = message()
    world.queue.publish_all([sent])
    take(world).dead_letter("no such task")
    wait_until(lambda: dead(world) == [(encode(sent), "no such task")])
    world.consumer_dies()
    assert world.queue.receive(0) is None
    assert dead(world) == [(encode(sent), "no such task")]


def test_dead_letters_are_delivered_again_or_dropped_by_name(world: World) -> None:
    again, dropped, left = message(), message(), message()
    for one in (again, dropped, left):
        world.queue.publish_all([one])
        take(world).dead_letter("why not")
    wait_until(lambda: len(dead(world)) == 3)
    names = {letter.payload: letter.id for letter in world.queue.dead_letters()}
    wanted = names[encode(again)], "0123456789ab"
    assert set(world.queue.settle_dead_letters(wanted, again=True)) == {wanted[0]}
    delivery = take(world)
    assert delivery.message == again
    delivery.ack()
    assert world.queue.settle_dead_letters([names[encode(dropped)]], again=False)
    wait_until(lambda: dead(world) == [(encode(left), "why not")])
    wait_until(lambda: world.queue.depth() == 0)


def test_each_message_goes_to_one_of_many_receivers(world: World) -> None:
    sent = [message() for _ in range(40)]
    for one in sent:
        world.queue.publish_all([one])
    got: list[str] = []

    def consume() -> None:
        while len(got) < len(sent):
            if (delivery := world.queue.receive(world.moment)) is not None:
                got.append(delivery.message.task_id)
                delivery.ack()

    threads = [threading.Thread(target=consume) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(one.task_id for one in sent)


def test_a_waiting_receiver_is_woken_by_a_message_and_by_the_end(world: World) -> None:
    got: list[object] = []
    thread = threading.Thread(target=lambda: got.append(world.queue.receive(60)))
    thread.start()
    world.queue.publish_all([message()])
    thread.join(30)
    assert got[0] is not None
    waiting = threading.Thread(target=lambda: got.append(world.queue.receive(60)))
    waiting.start()
    world.queue.close()
    waiting.join(30)
    assert not waiting.is_alive()
    assert got[1] is None


CHILD = """
import os, sys
from pathlib import Path
from tusd_py.clock import SystemClock
from tusd_py.jobs.queue.embedded import EmbeddedQueue
queue = EmbeddedQueue(Path(sys.argv[1]), clock=SystemClock(), visibility_seconds=0.5)
assert queue.receive(10) is not None
os.kill(os.getpid(), 9)
"""


def test_a_consumer_killed_before_it_settled_gives_the_message_back(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite3"
    queue = EmbeddedQueue(path, clock=SystemClock())
    sent = message()
    queue.publish_all([sent])
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], check=False)
    assert done.returncode == -9
    delivery = queue.receive(30)
    assert delivery is not None
    assert delivery.message == sent
    queue.close()


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
    world: World, payload: bytes
) -> None:
    with pytest.raises(Undecodable):
        decode(payload)
    world.publish_payload(payload)
    sent = message()
    world.queue.publish_all([sent])
    assert take(world).message == sent
    assert world.queue.depth() == 1
    wait_until(lambda: [found for found, reason in dead(world) if reason] == [payload])


def test_a_queue_that_answers_passes_its_check(world: World) -> None:
    world.queue.check()


def test_what_was_put_aside_is_counted(world: World) -> None:
    assert world.queue.dead_depth() == 0
    world.publish_payload(b"no message at all")
    world.queue.publish_all([message()])
    delivery = world.queue.receive(world.patience)
    assert delivery is not None
    delivery.dead_letter("why not")
    wait_until(lambda: world.queue.dead_depth() == 2)
    wait_until(lambda: world.queue.depth() == 0)
