"""Every adapter of the counts keeps these promises (``counts.port``)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.siblings import siblings_in

from tusd_py.counts.local import LocalCounts
from tusd_py.counts.port import Counts
from tusd_py.counts.siblings import SiblingCounts


@pytest.fixture(params=["local", "siblings"])
def processes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Counts]]:
    """Return the counts of several processes; of one process all are the same."""
    with ExitStack() as stack:
        if request.param == "local":
            made: list[Counts] = [LocalCounts()] * 3
        else:
            made = [SiblingCounts(siblings_in(tmp_path, number)) for number in range(3)]
        for counts in made:
            stack.callback(counts.close)
        yield made


def test_no_more_than_the_limit_is_open_and_each_key_has_its_own(processes: list[Counts]) -> None:
    first, second, third = processes
    for limit in (1, 2, 3):
        assert processes[limit % 3].acquire("a", limit)
        assert not any(counts.acquire("a", limit) for counts in processes)
    assert second.acquire("b", 1)
    second.release("b")
    assert third.acquire("b", 1)
    assert not first.acquire("c", 0)


def test_what_is_released_can_be_acquired_again(processes: list[Counts]) -> None:
    first, second, _ = processes
    for _ in range(5):
        assert first.acquire("a", 2)
        assert second.acquire("a", 2)
        assert not first.acquire("a", 2)
        first.release("a")
        second.release("a")


def test_threads_together_acquire_exactly_the_limit(processes: list[Counts]) -> None:
    with ThreadPoolExecutor(6) as pool:
        admitted = pool.map(lambda n: processes[n % 3].acquire("a", 40), range(300))
    assert sum(admitted) == 40


def test_many_keys_are_counted_apart(processes: list[Counts]) -> None:
    names = [f"address 2001:db8::{number:x}" for number in range(5000)]
    for number, name in enumerate(names):
        assert processes[number % 3].acquire(name, 1)
    assert not any(processes[0].acquire(name, 1) for name in names)
    for number, name in enumerate(names):
        processes[number % 3].release(name)
    assert all(processes[2].acquire(name, 1) for name in names)
