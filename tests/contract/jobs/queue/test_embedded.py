"""Without a broker the jobs in the catalog are the queue."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.catalog import claim, claimed, finished
from support.clock import FakeClock
from support.migrated import put_catalog

from tusd_py.catalog.sql_catalog import SqlCatalog, sqlite_url
from tusd_py.domain.job import Job
from tusd_py.jobs.queue import embedded
from tusd_py.jobs.queue.embedded import MAX_SIGNS, EmbeddedQueue


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def open_catalog(tmp_path: Path, clock: FakeClock) -> Iterator[Callable[[], SqlCatalog]]:
    put_catalog(tmp_path)
    opened: list[SqlCatalog] = []

    def open_one() -> SqlCatalog:
        opened.append(SqlCatalog(sqlite_url(tmp_path / "catalog.sqlite3"), clock=clock))
        return opened[-1]

    yield open_one
    for catalog in opened:
        catalog.close()


@pytest.fixture
def catalog(open_catalog: Callable[[], SqlCatalog]) -> SqlCatalog:
    return open_catalog()


@pytest.fixture
def queue(catalog: SqlCatalog) -> Iterator[EmbeddedQueue]:
    made = EmbeddedQueue(catalog.jobs)
    yield made
    made.close()


class Waiting:
    """A worker that looks into the catalog after each wait until it has a job."""

    def __init__(self, catalog: SqlCatalog, queue: EmbeddedQueue) -> None:
        self.job: Job | None = None
        self._catalog = catalog
        self._queue = queue
        self._looked = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._looked.wait(30)

    def _run(self) -> None:
        while self.job is None:
            self._looked.set()
            self._queue.wait(600)
            self.job = claim(self._catalog)

    def claimed(self) -> Job | None:
        self._thread.join(30)
        return self.job


def test_a_job_that_another_process_queued_is_found_without_a_sign(
    catalog: SqlCatalog, queue: EmbeddedQueue, open_catalog: Callable[[], SqlCatalog]
) -> None:
    waiting = Waiting(catalog, queue)
    task_id = finished(open_catalog())
    job = waiting.claimed()
    assert job is not None
    assert job.task_id == task_id


def test_a_retry_is_found_when_it_is_due(
    catalog: SqlCatalog, queue: EmbeddedQueue, clock: FakeClock
) -> None:
    task_id = finished(catalog)
    catalog.jobs.retry(
        task_id, fence=claimed(catalog, task_id), after_seconds=30, error_code="x", error_msg="x",
        counted=True,
    )  # fmt: skip
    waiting = Waiting(catalog, queue)
    clock.advance(31)
    job = waiting.claimed()
    assert job is not None
    assert job.task_id == task_id


def test_a_sign_between_a_look_and_a_wait_is_not_lost(
    queue: EmbeddedQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "POLL_SECONDS", 600.0)
    queue.wake()
    assert queue.wait(600)


def test_signs_do_not_collect_while_all_workers_are_busy(queue: EmbeddedQueue) -> None:
    for _ in range(10 * MAX_SIGNS):
        queue.wake()
    assert [queue.wait(0) for _ in range(MAX_SIGNS + 1)] == [True] * MAX_SIGNS + [False]


def test_its_depth_is_the_number_of_jobs_that_wait(
    catalog: SqlCatalog, queue: EmbeddedQueue
) -> None:
    assert queue.depth() == 0
    first = finished(catalog)
    finished(catalog, "b" * 64)
    assert queue.depth() == 2
    claimed(catalog, first)
    assert queue.depth() == 1
