"""Turns of the writers of one SQLite file."""

import errno
import threading
from pathlib import Path

import pytest

from tusd_py import write_turn
from tusd_py.write_turn import SOLE_WRITER, SiblingWriteTurn, TurnMissed


@pytest.fixture
def turns(tmp_path: Path) -> list[SiblingWriteTurn]:
    """Return the turns of three processes; each opening has locks of its own."""
    return [SiblingWriteTurn(tmp_path / "turn") for _ in range(3)]


def test_one_process_alone_never_waits(turns: list[SiblingWriteTurn]) -> None:
    for turn in (SOLE_WRITER, turns[0]):
        for _ in range(3):
            with turn.taken(0):
                pass


def test_one_writes_at_a_time_and_each_gets_its_turn(turns: list[SiblingWriteTurn]) -> None:
    inside: list[int] = []
    most: list[int] = []

    def write(number: int) -> None:
        for _ in range(200):
            with turns[number].taken(60):
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 600


def test_a_turn_that_does_not_come_is_missed_and_a_later_one_is_taken(
    turns: list[SiblingWriteTurn],
) -> None:
    holder, waiter, other = turns
    with holder.taken(60):
        for _ in range(2):
            with pytest.raises(TurnMissed), waiter.taken(0.01):
                pass
    with waiter.taken(60), pytest.raises(TurnMissed), other.taken(0.01):
        pass
    with other.taken(60):
        pass


def test_a_turn_that_comes_after_it_was_missed_is_passed_on(turns: list[SiblingWriteTurn]) -> None:
    holder, waiter, other = turns
    with holder.taken(60), pytest.raises(TurnMissed), waiter.taken(0.01):
        pass
    for _ in range(20):
        with other.taken(60):
            pass


def test_without_locks_of_the_kernel_each_writes_when_it_wants(
    turns: list[SiblingWriteTurn], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel may have no memory for a lock. The locks of SQLite decide in any case."""

    def no_lock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    holder, waiter, _ = turns
    with holder.taken(60):
        monkeypatch.setattr(write_turn, "wait_for_byte_lock", no_lock)
        for _ in range(2):
            with waiter.taken(60):
                pass
        monkeypatch.setattr(write_turn, "try_byte_lock", no_lock)
        with waiter.taken(60):
            pass
