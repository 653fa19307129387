"""The bus between the processes of one port."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.siblings import siblings_in

from tusd_py.sibling_bus import MAX_BYTES, SiblingBus, Topic, forget_mailboxes


@pytest.fixture(params=["short", "long"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a directory, also one whose path is longer than a socket's name may be."""
    if request.param == "short":
        return tmp_path
    deep = tmp_path / ("d" * 200)
    deep.mkdir()
    return deep


@pytest.fixture
def buses(folder: Path) -> Iterator[list[SiblingBus]]:
    with ExitStack() as stack:
        made = [SiblingBus(siblings_in(folder, number)) for number in range(4)]
        for bus in made:
            stack.callback(bus.close)
        yield made


def test_a_message_reaches_all_others_that_listen_to_its_topic(buses: list[SiblingBus]) -> None:
    boxes = [bus.listen(Topic.RELEASE) for bus in buses[:3]]
    other = buses[3].listen(Topic.JOB)
    buses[0].send(Topic.RELEASE, b"an upload")
    assert [box.receive() for box in boxes] == [None, b"an upload", b"an upload"]
    assert other.receive() is None
    for box in (*boxes, other):
        box.close()


def test_a_mailbox_waits_for_a_message_and_drops_what_came_with_it(
    buses: list[SiblingBus],
) -> None:
    box = buses[0].listen(Topic.TASK)
    assert not box.wait(0)
    for _ in range(3):
        buses[1].send(Topic.TASK)
    assert box.wait(10) == 3
    assert not box.wait(0)
    box.close()


def test_a_wait_can_be_ended(buses: list[SiblingBus]) -> None:
    box = buses[0].listen(Topic.TASK)
    buses[1].send(Topic.TASK)
    with ThreadPoolExecutor(1) as pool:
        assert box.wait(600) == 1
        waiting = pool.submit(box.wait, 600)
        box.end()
        assert waiting.result(30) == 0
    assert box.receive() is None
    box.close()


def test_no_sender_waits_for_a_full_mailbox_and_the_others_still_get_their_messages(
    buses: list[SiblingBus],
) -> None:
    full, empty = buses[1].listen(Topic.TASK), buses[2].listen(Topic.TASK)
    message = b"x" * MAX_BYTES
    had_room = []
    for _ in range(2000):
        had_room.append(buses[0].send(Topic.TASK, message))
        assert empty.receive() == message
    assert (had_room[0], had_room[-1]) == (True, False)
    assert full.receive() == message
    full.close()
    empty.close()


def test_a_mailbox_can_be_opened_again(buses: list[SiblingBus]) -> None:
    for _ in range(3):
        box = buses[0].listen(Topic.TASK)
        buses[1].send(Topic.TASK, b"again")
        assert box.receive() == b"again"
        box.close()
        buses[1].send(Topic.TASK, b"lost")


def test_a_process_that_died_is_forgotten(folder: Path, buses: list[SiblingBus]) -> None:
    place = siblings_in(folder, 1)
    dead = buses[1].listen(Topic.TASK)
    forget_mailboxes(place)
    buses[0].send(Topic.TASK)
    assert dead.receive() is None
    dead.close()
