"""What an attempt removes at its end: its own files and those of attempts before it, nothing else."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.bench import Bench

from tusd_py.domain.errors import Permanent
from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import INFECTED, JobState
from worker.janitor import find_leftovers, remove_leftovers
from worker.pipeline import engine
from worker.pipeline.attempt import Attempt

CONTENT = b"what was sent"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    made = Bench(tmp_path, monkeypatch)
    yield made
    made.ports.close()


def at(monkeypatch: pytest.MonkeyPatch, point: str, work: Callable[[], object]) -> None:
    """Do this when an attempt passes the point."""

    def passed(name: str) -> None:
        if name == point:
            work()

    monkeypatch.setattr(engine, "failpoint", passed)


def folder(bench: Bench, task_id: UploadId, *names: str) -> Path:
    """The folder in which attempts at a task work, with these folders in it."""
    found = bench.ports.work_dir / task_id
    for name in names:
        (found / name).mkdir(parents=True)
        (found / name / "film.mp4").write_bytes(b"made")
    return found


def test_a_first_attempt_removes_the_source_and_what_attempts_before_it_made(bench: Bench) -> None:
    task_id = bench.submit(CONTENT)
    work = folder(bench, task_id, "0")
    bench.take()
    assert bench.job(task_id).state is JobState.DONE
    assert not work.exists()
    assert not bench.ports.stores.core.path(task_id).exists()
    assert find_leftovers(bench.ports).sources == ()


def test_what_the_next_attempt_has_begun_to_make_stays(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job may be done again as soon as it is recorded, by another worker."""
    task_id = bench.submit(CONTENT)
    work = bench.ports.work_dir / task_id

    def begin_again() -> None:
        bench.ports.catalog.process_again(task_id)
        folder(bench, task_id, "1.source", "2", "2.source")

    at(monkeypatch, "before_clean_up", begin_again)
    bench.take()
    assert sorted(path.name for path in work.iterdir()) == ["2", "2.source"]
    assert bench.job(task_id).state is JobState.QUEUED


def test_an_attempt_that_processes_a_file_again_removes_no_source(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source was the first attempt's; what that left is for the janitor, which asks the catalog."""
    task_id = bench.submit(CONTENT)
    monkeypatch.setattr(engine, "STEPS", engine.STEPS[:-1])
    bench.take()
    monkeypatch.undo()
    source = bench.ports.stores.core.path(task_id)
    assert source.exists()
    bench.ports.catalog.process_again(task_id)
    work = folder(bench, task_id, "1")
    bench.take()
    assert bench.job(task_id).state is JobState.DONE
    assert source.read_bytes() == CONTENT
    assert not work.exists()
    assert find_leftovers(bench.ports).sources == (task_id,)
    remove_leftovers(bench.ports, find_leftovers(bench.ports))
    assert not source.exists()
    assert len(list(bench.ports.objects.entries())) == 1


@pytest.mark.parametrize("code", ["compression_failed", INFECTED])
def test_an_attempt_that_fails_to_process_a_file_again_removes_only_its_own(
    bench: Bench, code: str
) -> None:
    task_id = bench.submit(CONTENT)
    bench.take()
    source = bench.ports.stores.core.path(task_id)
    source.write_bytes(CONTENT)
    bench.ports.catalog.process_again(task_id)

    def steps(attempt: Attempt) -> None:
        folder(bench, task_id, "7", str(attempt.job.fence), attempt.source.parent.name)
        raise Permanent("It can't be done.", code=code)

    bench.take(steps)
    assert bench.job(task_id).state is JobState.DONE
    assert [path.name for path in (bench.ports.work_dir / task_id).iterdir()] == ["7"]
    assert source.exists()
    assert len(list(bench.ports.objects.entries())) == 1


def test_an_attempt_that_lost_its_lease_removes_only_its_own_while_another_processes_the_file_again(
    bench: Bench,
) -> None:
    task_id = bench.submit(CONTENT)
    bench.take()
    bench.ports.catalog.process_again(task_id)

    def steps(attempt: Attempt) -> None:
        folder(bench, task_id, "7", "7.source", str(attempt.job.fence), attempt.source.parent.name)
        bench.clock.advance(61)
        bench.ports.catalog.reap(max_crashes=3)
        attempt.lease.renew()
        attempt.lease.check()

    bench.take(steps)
    assert bench.job(task_id).state is JobState.QUEUED
    left = sorted(path.name for path in (bench.ports.work_dir / task_id).iterdir())
    assert left == ["7", "7.source"]
    assert len(list(bench.ports.objects.entries())) == 1
