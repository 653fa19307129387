"""Tests that an attempt removes at its end only its own files and those of earlier attempts."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.uploads import stored_file
from support.workers import WorkerInProcess

from tusd_py.domain.errors import PermanentError, TransientError
from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import INFECTED, JobState
from tusd_py.worker.janitor import find_leftovers, remove_leftovers
from tusd_py.worker.pipeline import engine
from tusd_py.worker.pipeline.attempt import Attempt

CONTENT = b"what was sent"


def at(monkeypatch: pytest.MonkeyPatch, point: str, work: Callable[[], object]) -> None:
    """Do the work when an attempt reaches the failpoint."""

    def reached(name: str) -> None:
        if name == point:
            work()

    monkeypatch.setattr(engine, "failpoint", reached)


def test_a_first_attempt_removes_the_source_and_what_attempts_before_it_made(
    worker: WorkerInProcess,
) -> None:
    task_id = worker.submit(CONTENT)
    work = worker.folder(task_id, "0")
    worker.attempt()
    assert worker.job(task_id).state is JobState.DONE
    assert not work.exists()
    assert not stored_file(worker.ports, task_id).exists()
    assert find_leftovers(worker.ports).sources == ()


@pytest.mark.parametrize("stored", [True, False])
def test_the_copy_that_a_remote_store_makes_is_removed_after_the_attempt(
    worker: WorkerInProcess, monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    task_id = worker.submit(CONTENT)
    copies = []

    def copied(upload_id: UploadId, copy: Path) -> Path:
        copy.parent.mkdir(parents=True)
        copies.append(shutil.copyfile(stored_file(worker.ports, upload_id), copy))
        return copy

    def away(*_arguments: object, **_options: object) -> None:
        raise TransientError("The object store is away.")

    monkeypatch.setattr(worker.ports.stores.uploads, "local_file", copied)
    if not stored:
        monkeypatch.setattr(worker.ports.objects, "put_file", away)
    worker.attempt()
    assert worker.job(task_id).state is (JobState.DONE if stored else JobState.QUEUED)
    assert len(copies) == 1
    assert not copies[0].parent.exists()
    assert stored_file(worker.ports, task_id).exists() is not stored


def test_what_the_next_attempt_has_begun_to_make_stays(
    worker: WorkerInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker may process the file again as soon as the job is recorded."""
    task_id = worker.submit(CONTENT)
    work = worker.ports.work_dir / task_id

    def begin_again() -> None:
        worker.ports.catalog.jobs.add_reprocess_job(task_id)
        worker.folder(task_id, "1.source", "2", "2.source")

    at(monkeypatch, "before_clean_up", begin_again)
    worker.attempt()
    assert sorted(path.name for path in work.iterdir()) == ["2", "2.source"]
    assert worker.job(task_id).state is JobState.QUEUED


def test_an_attempt_that_processes_a_file_again_removes_no_source(
    worker: WorkerInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The janitor, which reads the catalog, removes a source that the first attempt left."""
    task_id = worker.submit(CONTENT)
    monkeypatch.setattr(engine, "STEPS", engine.STEPS[:-1])
    worker.attempt()
    monkeypatch.undo()
    source = stored_file(worker.ports, task_id)
    assert source.exists()
    worker.ports.catalog.jobs.add_reprocess_job(task_id)
    work = worker.folder(task_id, "1")
    worker.attempt()
    assert worker.job(task_id).state is JobState.DONE
    assert source.read_bytes() == CONTENT
    assert not work.exists()
    assert find_leftovers(worker.ports).sources == (task_id,)
    remove_leftovers(worker.ports, find_leftovers(worker.ports))
    assert not source.exists()
    assert len(list(worker.ports.objects.entries())) == 1


@pytest.mark.parametrize("code", ["compression_failed", INFECTED])
def test_an_attempt_that_fails_to_process_a_file_again_removes_only_its_own(
    worker: WorkerInProcess, code: str
) -> None:
    task_id = worker.submit(CONTENT)
    worker.attempt()
    source = stored_file(worker.ports, task_id)
    source.write_bytes(CONTENT)
    worker.ports.catalog.jobs.add_reprocess_job(task_id)

    def steps(attempt: Attempt) -> None:
        worker.folder(task_id, "7", str(attempt.job.fence), attempt.source.parent.name)
        raise PermanentError("It can't be done.", code=code)

    worker.attempt(steps)
    assert worker.job(task_id).state is JobState.DONE
    assert [path.name for path in (worker.ports.work_dir / task_id).iterdir()] == ["7"]
    assert source.exists()
    assert len(list(worker.ports.objects.entries())) == 1


def test_an_attempt_that_lost_its_lease_removes_only_its_own_while_another_processes_the_file_again(
    worker: WorkerInProcess,
) -> None:
    task_id = worker.submit(CONTENT)
    worker.attempt()
    worker.ports.catalog.jobs.add_reprocess_job(task_id)

    def steps(attempt: Attempt) -> None:
        worker.folder(task_id, "7", "7.source", str(attempt.job.fence), attempt.source.parent.name)
        worker.clock.advance(61)
        worker.ports.catalog.jobs.reap(max_crashes=3)
        attempt.lease.renew()
        attempt.lease.check()

    worker.attempt(steps)
    assert worker.job(task_id).state is JobState.QUEUED
    left = sorted(path.name for path in (worker.ports.work_dir / task_id).iterdir())
    assert left == ["7", "7.source"]
    assert len(list(worker.ports.objects.entries())) == 1
