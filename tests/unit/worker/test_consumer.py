"""Tests how an attempt's end changes its job, with real adapters and steps that fail as wanted."""

import errno
import threading
from pathlib import Path
from typing import Any

import pytest
from support.catalog import claim
from support.uploads import stored_file
from support.waiting import wait_until
from support.workers import Steps, WorkerInProcess

from tusd_py.domain.errors import (
    BackendError,
    LeaseLost,
    OutOfResources,
    PermanentError,
    StorageFull,
    TransientError,
)
from tusd_py.domain.job import Job, JobState, Step
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.task import TaskStatus
from tusd_py.jobs.failed_jobs import drop_failed, reopen_failed
from tusd_py.jobs.queue import embedded
from tusd_py.worker import consumer as consuming
from tusd_py.worker.janitor import find_leftovers, remove_leftovers
from tusd_py.worker.lease import WorkerStopping
from tusd_py.worker.media.run import Stopped
from tusd_py.worker.pipeline import engine
from tusd_py.worker.pipeline.attempt import Attempt
from tusd_py.worker.pipeline.inspect import inspect


def raising(error: Exception) -> Steps:
    def steps(_attempt: Attempt) -> None:
        raise error

    return steps


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (TransientError("later"), True),
        (BackendError(), True),
        (ValueError("a bug"), True),
        (OutOfResources("full"), False),
        (StorageFull(), False),
        # The lease holds: the program was ended because the disk is full, which may take a while.
        (Stopped(), False),
        (OSError(errno.ENOSPC, "full"), False),
        (OSError(errno.EIO, "disk"), True),
    ],
)
def test_a_transient_failure_is_tried_again_later(
    worker: WorkerInProcess, error: Exception, *, counted: bool
) -> None:
    task_id = worker.submit()
    worker.attempt(raising(error))
    job = worker.job(task_id)
    assert (job.state, job.attempts) == (JobState.QUEUED, 1 if counted else 0)
    pause = job.run_after - worker.clock.now()
    expected = 10.0 if counted else 120.0
    assert expected * 0.8 <= pause <= expected * 1.2
    task = worker.ports.tasks.get(task_id)
    assert task is not None
    assert task.message == ("重试中 1/5" if counted else "等待资源")
    assert stored_file(worker.ports, task_id).exists()


@pytest.mark.parametrize("error", [TransientError("later"), OutOfResources("full"), Stopped()])
@pytest.mark.parametrize("is_verified", [True, False])
def test_files_that_the_next_attempt_can_not_use_are_removed(
    worker: WorkerInProcess, error: Exception, *, is_verified: bool
) -> None:
    """Otherwise a job may wait for space that its own unfinished film takes."""
    task_id = worker.submit()

    def steps(attempt: Attempt) -> None:
        attempt.work_dir.mkdir(parents=True)
        (attempt.work_dir / "half.mp4").write_bytes(b"half")
        if is_verified:
            attempt.save(step=Step.STORE)
        raise error

    worker.attempt(steps)
    assert worker.job(task_id).state is JobState.QUEUED
    assert (worker.ports.work_dir / task_id).exists() is is_verified


def test_a_job_becomes_a_dead_letter_after_its_last_attempt(worker: WorkerInProcess) -> None:
    task_id = worker.submit()
    for _ in range(5):
        worker.attempt(
            raising(TransientError("the store is away", message="上传到OSS失败: the store is away"))
        )
        worker.clock.advance(3600)
        worker.ports.catalog.jobs.reap(max_crashes=3)
    assert worker.job(task_id).state is JobState.FAILED
    task = worker.ports.tasks.get(task_id)
    assert task is not None
    assert (task.status, task.message) == (TaskStatus.FAILED, "上传到OSS失败: the store is away")
    assert task.error_msg == "the store is away"
    assert stored_file(worker.ports, task_id).exists()


def test_a_failure_that_the_file_causes_is_not_tried_again(worker: WorkerInProcess) -> None:
    task_id = worker.submit()
    worker.attempt(raising(PermanentError("It is broken.", code="corrupt")))
    job = worker.job(task_id)
    assert (job.state, job.error_code, job.error_msg) == (
        JobState.FAILED,
        "corrupt",
        "It is broken.",
    )


def test_a_failed_jobs_file_stays_until_an_operator_drops_it(worker: WorkerInProcess) -> None:
    failed, waiting = worker.submit(), worker.submit(b"another")
    worker.attempt(
        raising(PermanentError("It could not be compressed.", code="compression_failed"))
    )
    worker.clock.advance(400 * 86400)
    remove_leftovers(worker.ports, find_leftovers(worker.ports))
    assert stored_file(worker.ports, failed).exists()
    assert drop_failed(worker.ports.catalog, worker.ports.stores, failed)
    assert not stored_file(worker.ports, failed).exists()
    assert not drop_failed(worker.ports.catalog, worker.ports.stores, failed)
    assert not drop_failed(worker.ports.catalog, worker.ports.stores, waiting)
    assert stored_file(worker.ports, waiting).exists()
    assert reopen_failed(worker.ports.catalog, worker.ports.tasks, failed) is None


def test_a_stopping_worker_releases_the_job_uncounted(worker: WorkerInProcess) -> None:
    task_id = worker.submit()
    worker.attempt(raising(WorkerStopping()))
    job = worker.job(task_id)
    assert (job.state, job.attempts, job.run_after) == (JobState.QUEUED, 0, job.created_at)


def test_an_attempt_without_its_job_reports_nothing_and_removes_only_its_own(
    worker: WorkerInProcess,
) -> None:
    task_id = worker.submit()
    others = worker.ports.work_dir / task_id / "7"
    others.mkdir(parents=True)

    def steps(attempt: Attempt) -> None:
        attempt.work_dir.mkdir(parents=True)
        worker.clock.advance(61)
        worker.ports.catalog.jobs.reap(max_crashes=3)
        attempt.lease.renew()
        attempt.lease.check()

    worker.attempt(steps)
    assert worker.job(task_id).state is JobState.QUEUED
    assert worker.ports.tasks.get(task_id) is None
    assert [path.name for path in (worker.ports.work_dir / task_id).iterdir()] == ["7"]


def test_a_recorded_job_is_cleaned_up_although_its_renewal_finds_it_closed(
    worker: WorkerInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = worker.submit()

    def renew_late(name: str) -> None:
        if name == "before_clean_up":
            worker.consumer.renew()

    monkeypatch.setattr(engine, "failpoint", renew_late)
    worker.attempt()
    assert worker.job(task_id).state is JobState.DONE
    assert not stored_file(worker.ports, task_id).exists()


def test_a_source_with_a_changed_bit_is_not_stored(worker: WorkerInProcess) -> None:
    task_id = worker.submit(b"some content")
    stored_file(worker.ports, task_id).write_bytes(b"some contenu")
    worker.attempt()
    job = worker.job(task_id)
    assert (job.state, job.error_code) == (JobState.FAILED, "corrupt")
    assert list(worker.ports.objects.entries()) == []


def test_a_missing_source_fails_with_the_text_of_the_original_api(worker: WorkerInProcess) -> None:
    task_id = worker.submit()
    worker.ports.stores.uploads.delete(task_id)
    worker.attempt()
    task = worker.ports.tasks.get(task_id)
    assert task is not None
    assert (task.status, task.message) == (TaskStatus.FAILED, "打开文件失败")
    assert worker.job(task_id).error_code == "source_missing"


def test_an_attempt_that_lost_its_lease_fails_no_task_whose_source_is_gone(
    worker: WorkerInProcess,
) -> None:
    """Fault 13: another attempt has finished and removed the source."""
    task_id = worker.submit()
    ends: list[type[Exception]] = []

    def steps(attempt: Attempt) -> None:
        worker.clock.advance(61)
        worker.ports.catalog.jobs.reap(max_crashes=3)
        worker.ports.stores.uploads.delete(task_id)
        try:
            inspect(attempt)
        except Exception as error:
            ends.append(type(error))
            raise

    worker.attempt(steps)
    assert ends == [LeaseLost]
    assert worker.job(task_id).state is JobState.QUEUED
    task = worker.ports.tasks.get(task_id)
    assert task is None or task.status is not TaskStatus.FAILED


def test_more_signs_than_jobs_change_nothing(worker: WorkerInProcess) -> None:
    task_id = worker.submit()
    for _ in range(2):
        worker.ports.queue.wake()
    worker.attempt()
    done = worker.job(task_id)
    assert done.state is JobState.DONE
    assert not worker.consumer.take_one()
    assert worker.job(task_id) == done
    assert len(list(worker.ports.objects.entries())) == 1


def test_a_job_whose_sign_is_lost_is_claimed_anyway(worker: WorkerInProcess) -> None:
    task_id = worker.submit()
    assert worker.ports.queue.wait(0)
    worker.attempt()
    assert worker.job(task_id).state is JobState.DONE


def test_signs_do_not_pile_up_while_a_worker_is_busy(worker: WorkerInProcess) -> None:
    for number in range(5):
        worker.submit(b"%d" % number)
    for _ in range(5):
        worker.attempt()
    assert not worker.ports.queue.wait(0)


def test_a_worker_waits_while_a_due_job_is_beyond_its_users_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, module in (("WAIT_SECONDS", consuming), ("POLL_SECONDS", embedded)):
        monkeypatch.setattr(module, name, 600.0)
    with WorkerInProcess(tmp_path, monkeypatch, jobs={"per_user": 1}) as worker:
        jobs = worker.ports.catalog.jobs
        whole, looks = jobs.claim_next, []

        def count(*lanes: Any, **options: Any) -> Job | None:
            looks.append(lanes)
            return whole(*lanes, **options)

        worker.submit(b"running")
        assert claim(worker.ports.catalog) is not None
        worker.submit(b"waiting")
        while worker.ports.queue.wait(0):
            pass
        monkeypatch.setattr(jobs, "claim_next", count)
        thread = threading.Thread(target=worker.consumer.take_one)
        thread.start()
        wait_until(lambda: looks)
        worker.ports.queue.wake()
        thread.join(30)
        assert len(looks) == 2, "one look before the wait, one after it"


def test_a_queue_that_is_away_costs_no_claimed_job(
    worker: WorkerInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = worker.submit()

    def away() -> None:
        raise BackendError

    monkeypatch.setattr(worker.ports.queue, "skip_one", away)
    worker.attempt()
    assert worker.job(task_id).state is JobState.DONE


def test_a_light_job_that_turns_out_heavy_waits_in_the_other_lane(worker: WorkerInProcess) -> None:
    task_id = worker.submit()
    worker.attempt(Attempt.require_heavy_lane)
    job = worker.job(task_id)
    assert (job.state, job.lane, job.attempts) == (JobState.QUEUED, JobLane.HEAVY, 0)
    task = worker.ports.tasks.get(task_id)
    assert task is not None
    assert not task.status.terminal
    assert claim(worker.ports.catalog, lanes=(JobLane.LIGHT,)) is None
    assert claim(worker.ports.catalog) is not None


def test_a_film_that_came_by_the_light_lane_is_moved_before_it_is_decoded(
    worker: WorkerInProcess,
) -> None:
    """A newer version may know a type that was unknown when the file was received."""
    task_id = worker.submit(b"\x00\x00\x00\x18ftypisom" + bytes(100))
    assert worker.job(task_id).lane is JobLane.LIGHT
    worker.attempt()
    assert worker.job(task_id).lane is JobLane.HEAVY
    worker.attempt()
    assert worker.job(task_id).state is JobState.DONE


def test_one_thread_takes_light_jobs_while_all_slots_are_busy_with_films(
    worker: WorkerInProcess,
) -> None:
    release, seen = threading.Event(), []

    def steps(attempt: Attempt) -> None:
        seen.append(attempt.job.task_id)
        if attempt.job.lane is JobLane.HEAVY:
            assert release.wait(60)

    film, second = (worker.submit(text, lane=JobLane.HEAVY) for text in (b"a film", b"another"))
    worker.replace_steps(steps)
    whole = worker.whole()
    whole.start()
    try:
        wait_until(lambda: film in seen or second in seen)
        texts = [worker.submit(b"text %d" % number) for number in range(3)]
        wait_until(lambda: set(texts) <= set(seen))
        assert not {film, second} <= set(seen)
    finally:
        release.set()
        whole.stop(20)
