"""Every job queue keeps these promises (``jobs.queue.port``)."""

import select
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.job_messages import message
from support.migrated import put_catalog
from support.services import RabbitMq
from support.siblings import siblings_in
from support.waiting import wait_until

from tusd_py.catalog.sql_catalog import SqlCatalog, sqlite_url
from tusd_py.jobs.queue import embedded
from tusd_py.jobs.queue.embedded import EmbeddedQueue
from tusd_py.jobs.queue.port import JobQueue
from tusd_py.jobs.queue.rabbitmq import RabbitMqQueue
from tusd_py.sibling_bus import SiblingBus


class World(ABC):
    """A queue, and the events of job arrival for it."""

    patience = 20.0
    """Seconds within which a sign can be taken."""
    moment = 0.0
    """A short time."""
    queue: JobQueue

    @abstractmethod
    def give_signs(self, number: int) -> None:
        """Give the queue a sign for each of ``number`` jobs."""

    @abstractmethod
    def wait_for_signs(self, number: int) -> None:
        """Wait until ``number`` signs have arrived; no worker takes one meanwhile."""

    @abstractmethod
    def wait_for_skipping(self) -> None:
        """Wait until what was skipped has reached the broker; callers do not wait for that."""

    def close(self) -> None:
        self.queue.close()


class EmbeddedWorld(World):
    def __init__(self, folder: Path) -> None:
        put_catalog(folder)
        self.catalog = SqlCatalog(sqlite_url(folder / "catalog.sqlite3"))
        self.queue: EmbeddedQueue = EmbeddedQueue(self.catalog.jobs)

    def give_signs(self, number: int) -> None:
        for _ in range(number):
            self.queue.wake()

    def wait_for_signs(self, number: int) -> None:
        """Return at once: each call has ended when it returns."""

    def wait_for_skipping(self) -> None:
        """Return at once: each call has ended when it returns."""

    def close(self) -> None:
        super().close()
        self.catalog.close()


class SiblingWorld(EmbeddedWorld):
    """The queue of a worker process; the signs come from a server process."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._buses = [SiblingBus(siblings_in(folder, number)) for number in range(2)]
        self.queue = EmbeddedQueue(self.catalog.jobs, self._buses[0])
        self._server = EmbeddedQueue(self.catalog.jobs, self._buses[1])
        self.queue.wait(0)

    def give_signs(self, number: int) -> None:
        """Give each sign once those before it were read: a mailbox may have room for ten only."""
        for _ in range(number):
            wait_until(self._all_are_read)
            self._server.wake()

    def _all_are_read(self) -> bool:
        mailbox = self.queue._mailbox
        assert mailbox is not None
        return not select.select([mailbox], [], [], 0)[0]

    def wait_for_signs(self, number: int) -> None:
        wait_until(lambda: self.queue._signs == number)

    def close(self) -> None:
        super().close()
        self._server.close()
        for bus in self._buses:
            bus.close()


class RabbitMqWorld(World):
    moment = 0.2

    def __init__(self, broker: RabbitMq) -> None:
        self.queue: RabbitMqQueue = RabbitMqQueue(broker.url(broker.virtual_host()))

    def give_signs(self, number: int) -> None:
        self.queue.publish_all([message() for _ in range(number)])

    def wait_for_signs(self, number: int) -> None:
        wait_until(lambda: self.queue.depth() == number)

    def wait_for_skipping(self) -> None:
        self.queue._consumer().call(lambda _channel: None)


@pytest.fixture(params=["embedded", "siblings", "rabbitmq"])
def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    made: World
    if request.param == "rabbitmq":
        made = RabbitMqWorld(request.getfixturevalue("rabbitmq"))
    else:
        # No sign is found late by chance: a wait without one lasts for longer than the test.
        monkeypatch.setattr(embedded, "POLL_SECONDS", 600.0)
        made = EmbeddedWorld(tmp_path) if request.param == "embedded" else SiblingWorld(tmp_path)
    yield made
    made.close()


def test_a_sign_is_taken_once(world: World) -> None:
    world.give_signs(1)
    assert world.queue.wait(world.patience)
    assert not world.queue.wait(world.moment)


def test_each_sign_goes_to_one_of_many_workers(world: World) -> None:
    world.give_signs(20)
    taken: list[bool] = []
    over = threading.Event()

    def consume() -> None:
        while not over.is_set():
            if world.queue.wait(world.moment):
                taken.append(True)

    threads = [threading.Thread(target=consume) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(taken) == 20)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert len(taken) == 20
    assert not world.queue.wait(world.moment)


def test_one_sign_is_skipped_and_no_other(world: World) -> None:
    world.queue.skip_one()
    world.wait_for_skipping()
    world.give_signs(3)
    world.wait_for_signs(3)
    world.queue.skip_one()
    world.wait_for_skipping()
    assert world.queue.wait(world.patience)
    assert world.queue.wait(world.patience)
    assert not world.queue.wait(world.moment)


def test_a_waiting_worker_is_woken_by_a_sign_and_by_the_end(world: World) -> None:
    taken: list[bool] = []
    thread = threading.Thread(target=lambda: taken.append(world.queue.wait(600)))
    thread.start()
    world.give_signs(1)
    thread.join(30)
    assert taken == [True]
    waiting = threading.Thread(target=lambda: taken.append(world.queue.wait(600)))
    waiting.start()
    world.queue.close()
    waiting.join(30)
    assert taken == [True, False]
    assert not world.queue.wait(600)


def test_a_queue_that_answers_passes_its_check(world: World) -> None:
    world.queue.check()


def test_a_queue_without_dead_letters_says_so(world: World) -> None:
    assert world.queue.dead_depth() == 0
    assert list(world.queue.dead_letters()) == []
    assert not world.queue.settle_dead_letters(["0123456789ab"], again=True)
