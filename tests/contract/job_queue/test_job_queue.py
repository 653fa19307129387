"""Every job queue keeps these promises (``queue.port``)."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.clock import FakeClock
from support.room import fresh_id

from tusd_py.clock import SystemClock
from tusd_py.domain.ids import UserId
from tusd_py.domain.job import JobMessage
from tusd_py.queue.embedded import EmbeddedQueue
from tusd_py.queue.port import JobQueue
from tusd_py.queue.wire import Undecodable, decode, encode

Adapter = Callable[[Path, FakeClock], JobQueue]
ADAPTERS: dict[str, Adapter] = {
    "embedded": lambda folder, clock: EmbeddedQueue(folder / "queue.sqlite3", clock=clock)
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=ADAPTERS)
def queue(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[JobQueue]:
    opened = ADAPTERS[request.param](tmp_path, clock)
    yield opened
    opened.close()


def message() -> JobMessage:
    return JobMessage(
        task_id=fresh_id(), user_id=UserId(123), temp_path="/tmp/upload-x", filename="视频.mp4",
        file_hash="a" * 64, file_size=104857600, is_video=True,
    )  # fmt: skip


def test_a_message_is_delivered_until_it_is_acknowledged(queue: JobQueue, clock: FakeClock) -> None:
    sent = message()
    queue.publish(sent)
    delivery = queue.receive(0)
    assert delivery is not None
    assert delivery.message == sent
    assert queue.receive(0) is None
    clock.advance(61)
    again = queue.receive(0)
    assert again is not None
    assert again.message == sent
    again.ack()
    clock.advance(61)
    assert queue.receive(0) is None
    assert queue.depth() == 0


def test_messages_come_in_the_order_they_were_published(queue: JobQueue) -> None:
    sent = [message() for _ in range(5)]
    for one in sent:
        queue.publish(one)
    assert queue.depth() == 5
    got = [queue.receive(0) for _ in range(5)]
    assert [delivery.message for delivery in got if delivery] == sent


def test_a_delivery_put_off_comes_back_in_its_time(queue: JobQueue, clock: FakeClock) -> None:
    queue.publish(message())
    delivery = queue.receive(0)
    assert delivery is not None
    delivery.retry_later(30)
    assert queue.receive(0) is None
    clock.advance(31)
    assert queue.receive(0) is not None


def test_a_dead_letter_is_put_aside(queue: JobQueue, clock: FakeClock) -> None:
    sent = message()
    queue.publish(sent)
    delivery = queue.receive(0)
    assert delivery is not None
    delivery.dead_letter("no such task")
    clock.advance(100)
    assert queue.receive(0) is None
    assert list(queue.dead_letters()) == [(sent, "no such task")]


def test_each_message_goes_to_one_of_many_receivers(queue: JobQueue) -> None:
    sent = [message() for _ in range(40)]
    for one in sent:
        queue.publish(one)
    got: list[str] = []

    def consume() -> None:
        while (delivery := queue.receive(0)) is not None:
            got.append(delivery.message.task_id)
            delivery.ack()

    threads = [threading.Thread(target=consume) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(one.task_id for one in sent)


def test_a_waiting_receiver_is_woken_by_a_message_and_by_the_end(tmp_path: Path) -> None:
    queue = EmbeddedQueue(tmp_path / "queue.sqlite3", clock=SystemClock())
    got: list[object] = []
    thread = threading.Thread(target=lambda: got.append(queue.receive(60)))
    thread.start()
    queue.publish(message())
    thread.join(30)
    assert got[0] is not None
    waiting = threading.Thread(target=lambda: got.append(queue.receive(60)))
    waiting.start()
    queue.close()
    waiting.join(30)
    assert not waiting.is_alive()


CHILD = """
import os, sys
from pathlib import Path
from tusd_py.clock import SystemClock
from tusd_py.queue.embedded import EmbeddedQueue
queue = EmbeddedQueue(Path(sys.argv[1]), clock=SystemClock(), visibility_seconds=0.5)
assert queue.receive(10) is not None
os.kill(os.getpid(), 9)
"""


def test_a_consumer_killed_before_it_settled_gives_the_message_back(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite3"
    queue = EmbeddedQueue(path, clock=SystemClock())
    sent = message()
    queue.publish(sent)
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], check=False)
    assert done.returncode == -9
    delivery = queue.receive(30)
    assert delivery is not None
    assert delivery.message == sent
    queue.close()


@pytest.mark.parametrize(
    "payload",
    [b"", b"not json", b"[]", b"{}", b"\xff\xfe", b'{"TaskID": "../etc"}', encode(message()).replace(b'"v": 1', b'"v": 9')],
)  # fmt: skip
def test_what_is_no_message_is_put_aside_and_the_consumer_lives(
    tmp_path: Path, payload: bytes
) -> None:
    with pytest.raises(Undecodable):
        decode(payload)
    queue = EmbeddedQueue(tmp_path / "queue.sqlite3", clock=FakeClock())
    queue.publish_payload(payload)
    sent = message()
    queue.publish(sent)
    delivery = queue.receive(0)
    assert delivery is not None
    assert delivery.message == sent
    assert queue.depth() == 1
    queue.close()


def test_the_wire_has_the_seeds_names() -> None:
    import json

    sent = message()
    members = json.loads(encode(sent))
    assert {"TaskID", "UserID", "TempPath", "Filename", "FileHash", "FileSize", "IsVideo"} <= set(
        members
    )
    assert decode(json.dumps({**members, "Later": 1}).encode()) == sent
