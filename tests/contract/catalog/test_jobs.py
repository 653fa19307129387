"""Every catalog keeps these promises: jobs and attempts (``JobRepository``)."""

import concurrent.futures
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update
from support.catalog import STORED, claim, claimed, finished, history
from support.clock import FakeClock
from support.ids import ME

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.schema import jobs as job_table
from tusd_py.catalog.sql_catalog import SqlCatalog
from tusd_py.domain.errors import (
    LeaseLost,
    TransientError,
)
from tusd_py.domain.ids import UploadId, owner_scope
from tusd_py.domain.job import Checkpoint, Job, JobState, Step
from tusd_py.domain.notes import Note
from tusd_py.domain.rendition import ProducedFile
from tusd_py.domain.upload import UploadState


def test_one_of_many_claims_wins(catalog: Catalog) -> None:
    task_id = finished(catalog)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda n: claim(catalog, owner=f"w{n}"), range(8)))
    winners = [job for job in jobs if job is not None]
    assert len(winners) == 1
    assert (winners[0].fence, winners[0].state) == (1, JobState.RUNNING)
    assert [job.task_id for job in catalog.jobs.running()] == [task_id]


def test_a_job_is_not_claimed_before_its_time(catalog: Catalog, clock: FakeClock) -> None:
    task_id = finished(catalog)
    catalog.jobs.mark_sent([row for row, _ in catalog.jobs.pending_jobs(10)])
    catalog.jobs.retry(
        task_id,
        fence=claimed(catalog, task_id),
        after_seconds=30,
        error_code="transient",
        error_msg="x",
        counted=True,
    )
    assert claim(catalog, owner="w") is None
    assert catalog.jobs.pending_jobs(10) == []
    clock.advance(31)
    assert len(catalog.jobs.pending_jobs(10)) == 1
    job = claim(catalog, owner="w")
    assert job is not None
    assert (job.attempts, job.fence, job.error_code) == (1, 2, "transient")


def test_a_checkpoint_is_kept_for_the_next_attempt(catalog: Catalog) -> None:
    task_id = finished(catalog)
    made = ProducedFile(
        name="web", path="1/video.mp4", hash="e" * 64, size=5, content_type="video/mp4", ext=".mp4",
        facts={"duration": 2.5},
    )  # fmt: skip
    checkpoint = Checkpoint(
        step=Step.STORE, outputs=(made,), keeps_original=False, notes=(Note.NO_GAIN,)
    )
    fence = claimed(catalog, task_id)
    catalog.jobs.save_checkpoint(task_id, fence=fence, checkpoint=checkpoint)
    catalog.jobs.release(task_id, fence=fence)
    job = claim(catalog, owner="w2")
    assert job is not None
    assert job.checkpoint == checkpoint
    assert (job.attempts, job.crash_count) == (0, 0)


@pytest.mark.parametrize(
    "write",
    [
        lambda c, t, f: c.jobs.renew(t, fence=f, lease_seconds=60),
        lambda c, t, f: c.jobs.save_checkpoint(t, fence=f, checkpoint=Checkpoint()),
        lambda c, t, f: c.jobs.complete(t, fence=f, stored=STORED),
        lambda c, t, f: c.jobs.retry(
            t, fence=f, after_seconds=1, error_code="", error_msg="", counted=True
        ),
        lambda c, t, f: c.jobs.release(t, fence=f),
        lambda c, t, f: c.jobs.fail(t, fence=f, error_code="x", error_msg="x"),
    ],
    ids=["renew", "checkpoint", "complete", "retry", "release", "fail"],
)
def test_a_zombie_changes_nothing(
    catalog: Catalog, clock: FakeClock, write: Callable[[Catalog, UploadId, int], object]
) -> None:
    task_id = finished(catalog)
    zombie = claimed(catalog, task_id, seconds=10)
    clock.advance(11)
    catalog.jobs.reap(max_crashes=3)
    fence = claimed(catalog, task_id)
    before = catalog.jobs.get(task_id)
    with pytest.raises(LeaseLost):
        write(catalog, task_id, zombie)
    assert catalog.jobs.get(task_id) == before
    assert catalog.objects.file_by_hash(owner_scope(ME), "a" * 64) is None
    catalog.jobs.complete(task_id, fence=fence, stored=STORED)
    with pytest.raises(LeaseLost):
        write(catalog, task_id, fence)


def test_completing_closes_job_pool_upload_and_history_together(
    catalog: Catalog, clock: FakeClock
) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    clock.advance(42.7)
    file = catalog.jobs.complete(task_id, fence=fence, stored=STORED)
    assert (file.hash, file.size, file.stored_hash, file.stored_size) == ("a" * 64, 10, "b" * 64, 3)
    assert catalog.objects.file(file.identity) == file
    assert list(catalog.objects.keys()) == [STORED.object_key]
    found, job = catalog.uploads.get(task_id), catalog.jobs.get(task_id)
    assert found is not None
    assert found.file_identity == file.identity
    assert job is not None
    assert job.state is JobState.DONE
    record = history(catalog, task_id)
    assert (record.status, record.duration, record.oss_path) == ("completed", 42, "/pool/bb/x")
    assert catalog.uploads.removable_sources() == [task_id]


def test_equal_content_that_finishes_together_is_one_file(catalog: Catalog) -> None:
    """Hole 5."""
    tasks = [finished(catalog) for _ in range(4)]
    fences = [claimed(catalog, task_id) for task_id in tasks]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        files = list(
            pool.map(
                lambda pair: catalog.jobs.complete(pair[0], fence=pair[1], stored=STORED),
                zip(tasks, fences, strict=True),
            )
        )
    assert len({file.identity for file in files}) == 1


def test_completing_by_the_pool_needs_the_pool(catalog: Catalog) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    with pytest.raises(TransientError):
        catalog.jobs.complete(task_id, fence=fence, stored=None)
    job = catalog.jobs.get(task_id)
    assert job is not None
    assert job.state is JobState.RUNNING


def test_dead_leases_go_back_and_three_crashes_are_poison(
    catalog: Catalog, clock: FakeClock
) -> None:
    task_id = finished(catalog)
    catalog.jobs.mark_sent([row for row, _ in catalog.jobs.pending_jobs(10)])
    for crash in range(1, 4):
        claimed(catalog, task_id, seconds=10)
        assert catalog.jobs.reap(max_crashes=3) == []
        clock.advance(11)
        poisoned = catalog.jobs.reap(max_crashes=3)
        job = catalog.jobs.get(task_id)
        assert job is not None
        assert job.crash_count == crash
        if crash < 3:
            assert job.state is JobState.QUEUED
            ((row, _),) = catalog.jobs.pending_jobs(10)
            catalog.jobs.mark_sent([row])
    assert [job.task_id for job in poisoned] == [task_id]
    assert (job.state, job.error_code) == (JobState.FAILED, "poison")
    record = history(catalog, task_id)
    assert record.status == "failed"
    assert catalog.jobs.pending_jobs(10) == []


def die(catalog: Catalog, clock: FakeClock, task_id: UploadId, *reached: Step) -> Job:
    """Let a worker claim the job, reach the steps and die; return the job after that."""
    job = claim(catalog, owner="w", seconds=10)
    assert job is not None
    checkpoint = job.checkpoint
    for step in reached:
        checkpoint = replace(checkpoint, step=step)
        catalog.jobs.save_checkpoint(task_id, fence=job.fence, checkpoint=checkpoint)
    clock.advance(11)
    catalog.jobs.reap(max_crashes=3)
    found = catalog.jobs.get(task_id)
    assert found is not None
    return found


def test_what_kills_workers_while_it_is_made_is_stored_as_it_was_sent(
    catalog: Catalog, clock: FakeClock
) -> None:
    task_id = finished(catalog)
    jobs = [die(catalog, clock, task_id, Step.TRANSCODE) for _ in range(4)]
    assert [job.checkpoint.as_it_is for job in jobs] == [False, True, True, True]
    assert {job.state for job in jobs} == {JobState.QUEUED}
    assert [job.fence for job in jobs] == [1, 2, 3, 4]
    fence = claimed(catalog, task_id)
    assert fence == 5
    catalog.jobs.complete(task_id, fence=fence, stored=STORED)


@pytest.mark.parametrize(
    ("reached", "deaths"),
    [((), 3), ((Step.TRANSCODE, Step.STORE), 3), ((Step.TRANSCODE,), 6)],
)
def test_what_kills_workers_although_nothing_is_made_is_poison(
    catalog: Catalog, clock: FakeClock, reached: tuple[Step, ...], deaths: int
) -> None:
    task_id = finished(catalog)
    states = [die(catalog, clock, task_id, *reached).state for _ in range(deaths)]
    assert states == [JobState.QUEUED] * (deaths - 1) + [JobState.FAILED]
    again = catalog.jobs.reopen(task_id)
    assert again is not None
    assert (again.checkpoint.as_it_is, again.crash_count) == (False, 0)


def test_an_attempt_holds_its_job_until_it_ends_or_another_takes_it(
    catalog: Catalog, clock: FakeClock
) -> None:
    mine, others, deleted, done = (finished(catalog, digit * 64) for digit in "1234")
    fences = {task_id: claimed(catalog, task_id, seconds=60) for task_id in (mine, deleted, done)}
    fences[others] = claimed(catalog, others, seconds=10)
    assert set(catalog.jobs.still_held(fences)) == {mine, others, deleted, done}
    clock.advance(11)
    catalog.jobs.reap(max_crashes=3)
    claimed(catalog, others)
    catalog.uploads.close(deleted, UploadState.TERMINATED)
    catalog.jobs.complete(done, fence=fences[done], stored=STORED)
    assert set(catalog.jobs.still_held(fences)) == {mine}
    assert catalog.jobs.still_held({}) in ([], set())


@pytest.mark.parametrize("code", ["poison", "unexpected", "transient", "compression_failed"])
def test_the_source_of_a_job_that_failed_by_no_fault_of_its_file_is_kept(
    catalog: Catalog, clock: FakeClock, code: str
) -> None:
    task_id = finished(catalog)
    catalog.jobs.fail(task_id, fence=claimed(catalog, task_id), error_code=code, error_msg="broken")
    clock.advance(400 * 86400)
    assert catalog.uploads.removable_sources() == []
    assert catalog.uploads.removable_sources(failed_after=401 * 86400) == []
    assert catalog.uploads.removable_sources(failed_after=399 * 86400) == [task_id]
    assert catalog.jobs.drop_failed(task_id)
    assert catalog.uploads.removable_sources() == [task_id]
    assert catalog.jobs.dead_letters() == []
    assert not catalog.jobs.drop_failed(task_id)
    assert catalog.jobs.reopen(task_id) is None


def test_a_dead_letter_is_listed_and_reopened_once_while_its_source_is_there(
    catalog: Catalog, clock: FakeClock
) -> None:
    task_id = finished(catalog)
    catalog.jobs.fail(
        task_id, fence=claimed(catalog, task_id), error_code="corrupt", error_msg="broken"
    )
    assert [(job.task_id, job.error_code) for job in catalog.jobs.dead_letters()] == [
        (task_id, "corrupt")
    ]
    assert catalog.uploads.removable_sources() == []
    reopened = catalog.jobs.reopen(task_id)
    assert reopened is not None
    assert (reopened.state, reopened.attempts, reopened.fence) == (JobState.QUEUED, 0, 1)
    assert catalog.jobs.reopen(task_id) is None
    assert catalog.jobs.dead_letters() == []
    catalog.jobs.fail(
        task_id, fence=claimed(catalog, task_id), error_code="corrupt", error_msg="broken"
    )
    clock.advance(24 * 3600 + 1)
    assert catalog.uploads.removable_sources() == [task_id]
    catalog.uploads.source_removed(task_id)
    assert catalog.jobs.reopen(task_id) is None


def test_outcomes_are_published_from_the_outbox(catalog: Catalog) -> None:
    done, failed = finished(catalog), finished(catalog, "f" * 64)
    first, second = claimed(catalog, done), claimed(catalog, failed)
    checkpoint = Checkpoint(step=Step.STORE, notes=(Note.UNTOUCHED,))
    catalog.jobs.save_checkpoint(done, fence=first, checkpoint=checkpoint)
    catalog.jobs.complete(done, fence=first, stored=STORED)
    catalog.jobs.fail(failed, fence=second, error_code="corrupt", error_msg="broken")
    outcomes = catalog.jobs.pending_outcomes(10)
    assert [(o.history.task_id, o.history.status, o.fence, o.error_code) for _, o in outcomes] == [
        (done, "completed", first, ""),
        (failed, "failed", second, "corrupt"),
    ]
    assert [outcome.notes for _, outcome in outcomes] == [(Note.UNTOUCHED,), ()]
    catalog.jobs.mark_sent([row for row, _ in outcomes])
    assert catalog.jobs.pending_outcomes(10) == []
    jobs = [catalog.jobs.get(task_id) for task_id in (done, failed)]
    assert [job.state for job in jobs if job] == [JobState.DONE, JobState.FAILED]


@pytest.mark.parametrize(
    ("members", "notes"),
    [
        ({"step": "store", "notes": ["type_is_kept_as_it_is", "of_a_later_version"]}, 1),
        ({"step": "of_a_later_version", "notes": ["type_is_kept_as_it_is"]}, 1),
        ({"step": "store", "outputs": [{"of": "a later version"}]}, 0),
    ],
)
def test_an_outcome_with_a_checkpoint_of_a_later_version_is_published(
    catalog: Catalog, members: dict[str, Any], notes: int
) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    catalog.jobs.complete(task_id, fence=fence, stored=STORED)
    text = (
        update(job_table)
        .where(job_table.c.task_id == task_id)
        .values(checkpoint=json.dumps(members))
    )
    catalog._database.write(lambda c: c.execute(text))  # type: ignore[attr-defined]
    ((_, outcome),) = catalog.jobs.pending_outcomes(10)
    assert outcome.notes == (Note.UNTOUCHED,) * notes


def test_a_job_with_a_checkpoint_of_a_later_version_begins_again(catalog: Catalog) -> None:
    task_id = finished(catalog)
    members = {"step": "of_a_later_version", "again": True, "as_it_is": True, "facts": {}}
    text = (
        update(job_table)
        .where(job_table.c.task_id == task_id)
        .values(checkpoint=json.dumps(members))
    )
    catalog._database.write(lambda c: c.execute(text))  # type: ignore[attr-defined]
    job = claim(catalog)
    assert job is not None
    assert job.checkpoint == Checkpoint(again=True, as_it_is=True)


def test_sent_rows_are_dropped_after_a_day(catalog: Catalog, clock: FakeClock) -> None:
    finished(catalog)
    ((row, _),) = catalog.jobs.pending_jobs(10)
    catalog.jobs.mark_sent([row])
    clock.advance(24 * 3600 + 1)
    finished(catalog, "9" * 64)
    ((second, _),) = catalog.jobs.pending_jobs(10)
    catalog.jobs.mark_sent([second])
    assert second > row


def test_without_a_broker_there_are_no_messages_and_those_of_before_are_dropped(
    catalog: Catalog, clock: FakeClock
) -> None:
    assert isinstance(catalog, SqlCatalog)
    first = finished(catalog)
    catalog.jobs.fail(first, fence=claimed(catalog, first), error_code="x", error_msg="broken")
    assert len(catalog.jobs.pending_jobs(10)) == 1
    without = SqlCatalog(catalog._database.engine.url, clock=clock)
    try:
        assert without.jobs.pending_jobs(10) == []
        assert len(without.jobs.pending_outcomes(10)) == 1
        second = finished(without, "b" * 64)
        without.jobs.release(second, fence=claimed(without, second))
        assert without.jobs.reopen(first) is not None
        assert without.jobs.count_waiting() == 2
        assert without.jobs.pending_jobs(10) == []
        assert without.operations.metrics().outbox["job"].rows == 0
    finally:
        without.close()


def test_a_job_of_a_server_whose_clock_is_ahead_is_claimed_at_once(
    catalog: Catalog, clock: FakeClock
) -> None:
    """The processes' clocks differ by milliseconds, as each runs on from its last synchronization.

    For that reason a delivery that no worker could claim yet was delayed by a minute.
    """
    assert isinstance(catalog, SqlCatalog)
    ahead = FakeClock()
    ahead.advance(clock.now() - ahead.now() + 0.4)
    server = SqlCatalog(catalog._database.engine.url, clock=ahead)
    try:
        finished(server)
    finally:
        server.close()
    assert claim(catalog, owner="w") is not None
