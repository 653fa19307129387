"""Tests how an attempt's end changes its job, with real adapters and steps that fail as wanted."""

import errno
import threading

import pytest
from support.bench import TOOLS, Bench, Steps
from support.catalog import claim
from support.uploads import stored_file
from support.waiting import wait_until

from tusd_py.domain.errors import (
    BackendError,
    LeaseLost,
    OutOfResources,
    PermanentError,
    StorageFull,
    TransientError,
)
from tusd_py.domain.job import JobState, Step
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.task import TaskStatus
from tusd_py.jobs.outbox import relay_outbox
from tusd_py.jobs.retry import drop_failed, reopen_failed
from worker.app import Worker
from worker.janitor import find_leftovers, remove_leftovers
from worker.lease import WorkerStopping
from worker.media.run import Stopped
from worker.pipeline import engine
from worker.pipeline.attempt import Attempt
from worker.pipeline.inspect import inspect


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
    bench: Bench, error: Exception, *, counted: bool
) -> None:
    task_id = bench.submit()
    bench.take(raising(error))
    job = bench.job(task_id)
    assert (job.state, job.attempts) == (JobState.QUEUED, 1 if counted else 0)
    pause = job.run_after - bench.clock.now()
    expected = 10.0 if counted else 120.0
    assert expected * 0.8 <= pause <= expected * 1.2
    task = bench.ports.tasks.get(task_id)
    assert task is not None
    assert task.message == ("重试中 1/5" if counted else "等待资源")
    assert stored_file(bench.ports, task_id).exists()


@pytest.mark.parametrize("error", [TransientError("later"), OutOfResources("full"), Stopped()])
@pytest.mark.parametrize("is_verified", [True, False])
def test_files_that_the_next_attempt_can_not_use_are_removed(
    bench: Bench, error: Exception, *, is_verified: bool
) -> None:
    """Otherwise a job may wait for space that its own unfinished film takes."""
    task_id = bench.submit()

    def steps(attempt: Attempt) -> None:
        attempt.work_dir.mkdir(parents=True)
        (attempt.work_dir / "half.mp4").write_bytes(b"half")
        if is_verified:
            attempt.save(step=Step.STORE)
        raise error

    bench.take(steps)
    assert bench.job(task_id).state is JobState.QUEUED
    assert (bench.ports.work_dir / task_id).exists() is is_verified


def test_a_job_becomes_a_dead_letter_after_its_last_attempt(bench: Bench) -> None:
    task_id = bench.submit()
    for _ in range(5):
        bench.take(
            raising(TransientError("the store is away", message="上传到OSS失败: the store is away"))
        )
        bench.clock.advance(3600)
        bench.ports.catalog.jobs.reap(max_crashes=3)
        relay_outbox(bench.ports.catalog.jobs, bench.ports.queue)
    assert bench.job(task_id).state is JobState.FAILED
    task = bench.ports.tasks.get(task_id)
    assert task is not None
    assert (task.status, task.message) == (TaskStatus.FAILED, "上传到OSS失败: the store is away")
    assert task.error_msg == "the store is away"
    assert stored_file(bench.ports, task_id).exists()


def test_a_failure_that_the_file_causes_is_not_tried_again(bench: Bench) -> None:
    task_id = bench.submit()
    bench.take(raising(PermanentError("It is broken.", code="corrupt")))
    job = bench.job(task_id)
    assert (job.state, job.error_code, job.error_msg) == (
        JobState.FAILED,
        "corrupt",
        "It is broken.",
    )


def test_a_failed_jobs_file_stays_until_an_operator_drops_it(bench: Bench) -> None:
    failed, waiting = bench.submit(), bench.submit(b"another")
    bench.take(raising(PermanentError("It could not be compressed.", code="compression_failed")))
    bench.clock.advance(400 * 86400)
    remove_leftovers(bench.ports, find_leftovers(bench.ports))
    assert stored_file(bench.ports, failed).exists()
    assert drop_failed(bench.ports.catalog, bench.ports.stores, failed)
    assert not stored_file(bench.ports, failed).exists()
    assert not drop_failed(bench.ports.catalog, bench.ports.stores, failed)
    assert not drop_failed(bench.ports.catalog, bench.ports.stores, waiting)
    assert stored_file(bench.ports, waiting).exists()
    assert reopen_failed(bench.ports.catalog, bench.ports.tasks, failed) is None


def test_a_stopping_worker_releases_the_job_uncounted(bench: Bench) -> None:
    task_id = bench.submit()
    bench.take(raising(WorkerStopping()))
    job = bench.job(task_id)
    assert (job.state, job.attempts, job.run_after) == (JobState.QUEUED, 0, job.created_at)


def test_an_attempt_without_its_job_reports_nothing_and_removes_only_its_own(bench: Bench) -> None:
    task_id = bench.submit()
    others = bench.ports.work_dir / task_id / "7"
    others.mkdir(parents=True)

    def steps(attempt: Attempt) -> None:
        attempt.work_dir.mkdir(parents=True)
        bench.clock.advance(61)
        bench.ports.catalog.jobs.reap(max_crashes=3)
        attempt.lease.renew()
        attempt.lease.check()

    bench.take(steps)
    assert bench.job(task_id).state is JobState.QUEUED
    assert bench.ports.tasks.get(task_id) is None
    assert [path.name for path in (bench.ports.work_dir / task_id).iterdir()] == ["7"]


def test_a_recorded_job_is_cleaned_up_although_its_renewal_finds_it_closed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = bench.submit()

    def renew_late(name: str) -> None:
        if name == "before_clean_up":
            bench.consumer.renew()

    monkeypatch.setattr(engine, "failpoint", renew_late)
    bench.take()
    assert bench.job(task_id).state is JobState.DONE
    assert not stored_file(bench.ports, task_id).exists()


def test_a_source_with_a_changed_bit_is_not_stored(bench: Bench) -> None:
    task_id = bench.submit(b"some content")
    stored_file(bench.ports, task_id).write_bytes(b"some contenu")
    bench.take()
    job = bench.job(task_id)
    assert (job.state, job.error_code) == (JobState.FAILED, "corrupt")
    assert list(bench.ports.objects.entries()) == []


def test_a_missing_source_fails_with_the_text_of_the_original_api(bench: Bench) -> None:
    task_id = bench.submit()
    bench.ports.stores.uploads.delete(task_id)
    bench.take()
    task = bench.ports.tasks.get(task_id)
    assert task is not None
    assert (task.status, task.message) == (TaskStatus.FAILED, "打开文件失败")
    assert bench.job(task_id).error_code == "source_missing"


def test_an_attempt_that_lost_its_lease_fails_no_task_whose_source_is_gone(bench: Bench) -> None:
    """Fault 13: another attempt has finished and removed the source."""
    task_id = bench.submit()
    ends: list[type[Exception]] = []

    def steps(attempt: Attempt) -> None:
        bench.clock.advance(61)
        bench.ports.catalog.jobs.reap(max_crashes=3)
        bench.ports.stores.uploads.delete(task_id)
        try:
            inspect(attempt)
        except Exception as error:
            ends.append(type(error))
            raise

    bench.take(steps)
    assert ends == [LeaseLost]
    assert bench.job(task_id).state is JobState.QUEUED
    task = bench.ports.tasks.get(task_id)
    assert task is None or task.status is not TaskStatus.FAILED


def test_more_messages_than_jobs_change_nothing(bench: Bench) -> None:
    task_id = bench.submit()
    first = bench.ports.queue.receive(0)
    assert first is not None
    for _ in range(2):
        bench.ports.queue.publish_all([first.message])
    bench.take()
    done = bench.job(task_id)
    assert done.state is JobState.DONE
    assert not bench.consumer.take_one()
    assert bench.job(task_id) == done
    assert len(list(bench.ports.objects.entries())) == 1


def test_a_job_whose_message_is_lost_is_claimed_anyway(bench: Bench) -> None:
    task_id = bench.submit()
    while (lost := bench.ports.queue.receive(0)) is not None:
        lost.ack()
    bench.take()
    assert bench.job(task_id).state is JobState.DONE


def test_messages_do_not_pile_up_while_a_worker_is_busy(bench: Bench) -> None:
    for number in range(5):
        bench.submit(b"%d" % number)
    for left in (4, 3, 2, 1, 0):
        bench.take()
        assert bench.ports.queue.depth() == left


def test_a_queue_that_is_away_costs_no_claimed_job(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = bench.submit()

    def away() -> None:
        raise BackendError

    monkeypatch.setattr(bench.ports.queue, "skip_one", away)
    bench.take()
    assert bench.job(task_id).state is JobState.DONE


def test_a_light_job_that_turns_out_heavy_waits_in_the_other_lane(bench: Bench) -> None:
    task_id = bench.submit()
    bench.take(Attempt.require_heavy_lane)
    job = bench.job(task_id)
    assert (job.state, job.lane, job.attempts) == (JobState.QUEUED, JobLane.HEAVY, 0)
    task = bench.ports.tasks.get(task_id)
    assert task is not None
    assert not task.status.terminal
    assert claim(bench.ports.catalog, lanes=(JobLane.LIGHT,)) is None
    assert claim(bench.ports.catalog) is not None


def test_a_film_that_came_by_the_light_lane_is_moved_before_it_is_decoded(bench: Bench) -> None:
    """A newer version may know a type that was unknown when the file was received."""
    task_id = bench.submit(b"\x00\x00\x00\x18ftypisom" + bytes(100))
    assert bench.job(task_id).lane is JobLane.LIGHT
    bench.take()
    assert bench.job(task_id).lane is JobLane.HEAVY
    bench.take()
    assert bench.job(task_id).state is JobState.DONE


def test_one_thread_takes_light_jobs_while_all_slots_are_busy_with_films(bench: Bench) -> None:
    release, seen = threading.Event(), []

    def steps(attempt: Attempt) -> None:
        seen.append(attempt.job.task_id)
        if attempt.job.lane is JobLane.HEAVY:
            assert release.wait(60)

    film, second = (bench.submit(text, lane=JobLane.HEAVY) for text in (b"a film", b"another"))
    bench.patch_steps(steps)
    worker = Worker(bench.settings, bench.ports, tools=TOOLS, relays=False)
    worker.start()
    try:
        wait_until(lambda: film in seen or second in seen)
        texts = [bench.submit(b"text %d" % number) for number in range(3)]
        wait_until(lambda: set(texts) <= set(seen))
        assert not {film, second} <= set(seen)
    finally:
        release.set()
        worker.stop(20)
