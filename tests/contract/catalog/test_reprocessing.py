"""Every catalog keeps these promises: a file of the pool is processed again, or stays as it is."""

from dataclasses import replace

import pytest
from support.catalog import STORED, claim, claimed, complete, content, finished, history, upload
from support.clock import FakeClock
from support.ids import ME

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.schema import jobs
from tusd_py.catalog.sql_catalog import SqlCatalog
from tusd_py.catalog.values import StoredContent
from tusd_py.domain.errors import (
    AlreadyProcessing,
    OriginalMissing,
    UploadNotFound,
    UploadUnfinished,
)
from tusd_py.domain.ids import UploadId, owner_scope
from tusd_py.domain.job import LAST_PRIORITY, Checkpoint, JobState, Step
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.multipart import Multipart, Part
from tusd_py.domain.notes import Note
from tusd_py.domain.rendition import WEB, ProducedFile, Rendition
from tusd_py.domain.upload import UploadState

HASH = "a" * 64


def rendition(name: str, digit: str, size: int = 10) -> Rendition:
    return Rendition(
        name=name, object_key=f"pool/{digit * 2}/{digit * 64}", path=f"/pool/{digit}",
        hash=digit * 64, size=size, content_type="video/mp4", ext=".mp4",
    )  # fmt: skip


ORIGINAL = rendition("original", "a")
MADE = replace(STORED, renditions=(ORIGINAL, rendition("poster", "d", 7)))
BETTER = StoredContent(
    object_key="pool/ee/" + "e" * 64, path="/pool/ee/x", stored_hash="e" * 64, stored_size=4,
    content_type="video/mp4", ext=".mp4", facts={"width": 320},
    renditions=(ORIGINAL, rendition("thumbnail", "f", 3)),
)  # fmt: skip


def completed(catalog: Catalog, stored: StoredContent = MADE, digest: str = HASH) -> UploadId:
    task_id = finished(catalog, digest)
    complete(catalog, task_id, stored)
    catalog.jobs.mark_sent(
        [row for row, _ in (*catalog.jobs.pending_jobs(99), *catalog.jobs.pending_outcomes(99))]
    )
    return task_id


def test_everything_is_replaced_at_once_for_every_task(catalog: Catalog) -> None:
    task_id = completed(catalog)
    twin = upload()
    catalog.uploads.add(twin)
    assert catalog.uploads.finish(content(twin), is_video=True).file is not None
    catalog.jobs.mark_sent([row for row, _ in catalog.jobs.pending_outcomes(99)])
    # The twin never had a job.
    job = catalog.jobs.add_reprocess_job(twin.id)
    assert (job.state, job.checkpoint, job.file_hash) == (
        JobState.QUEUED, Checkpoint(again=True), HASH,
    )  # fmt: skip
    assert [message.task_id for _, message in catalog.jobs.pending_jobs(10)] == [twin.id]
    with pytest.raises(AlreadyProcessing):
        catalog.jobs.add_reprocess_job(twin.id)
    before = catalog.objects.file_by_hash(owner_scope(ME), HASH)
    after = catalog.jobs.complete(twin.id, fence=claimed(catalog, twin.id), stored=BETTER)
    assert before is not None
    assert (after.identity, after.path, after.stored_size) == (before.identity, "/pool/ee/x", 4)
    assert (after.extra_size, after.facts) == (4 + 10 + 3 - 10, {"width": 320})
    assert [one.name for one in catalog.objects.renditions(after.identity)] == [
        "original",
        "thumbnail",
    ]
    assert catalog.uploads.usage(ME).stored_bytes == 2 * (10 + 7)
    for task in (task_id, twin.id):
        record = history(catalog, task)
        assert (record.status, record.oss_path) == ("completed", "/pool/ee/x")
    assert {outcome.history.task_id for _, outcome in catalog.jobs.pending_outcomes(10)} == {
        task_id,
        twin.id,
    }
    assert catalog.objects.condemn(STORED.object_key)
    assert not catalog.objects.condemn(ORIGINAL.object_key)
    # The same is done a second time.
    assert catalog.jobs.add_reprocess_job(task_id).state is JobState.QUEUED


def test_a_record_has_the_notes_of_the_file_that_its_own_job_stored(catalog: Catalog) -> None:
    def notes() -> tuple[Note, ...]:
        found = catalog.uploads.outcome(task_id)
        assert found is not None
        return found.notes

    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    web = ProducedFile(
        name=WEB, path="1/web", hash=MADE.stored_hash, size=3, content_type="video/mp4", ext=".mp4"
    )
    made = Checkpoint(step=Step.STORE, outputs=(web,), notes=(Note.NOT_ALL_CARRIED,))
    catalog.jobs.save_checkpoint(task_id, fence=fence, checkpoint=made)
    assert notes() == ()
    catalog.jobs.complete(task_id, fence=fence, stored=MADE)
    assert notes() == (Note.NOT_ALL_CARRIED,)
    # The notes of an attempt that fails are not those of the file that is kept.
    catalog.jobs.add_reprocess_job(task_id)
    fence = claimed(catalog, task_id)
    catalog.jobs.save_checkpoint(task_id, fence=fence, checkpoint=replace(made, again=True))
    catalog.jobs.fail(task_id, fence=fence, error_code="x", error_msg="why")
    assert notes() == ()


def test_a_task_whose_file_another_job_processed_again_has_no_notes_of_its_own_job(
    catalog: Catalog, clock: FakeClock
) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    notes = (Note.OUT_OF_MEMORY,)
    catalog.jobs.save_checkpoint(task_id, fence=fence, checkpoint=Checkpoint(notes=notes))
    catalog.jobs.complete(task_id, fence=fence, stored=MADE)
    ((row, own),) = catalog.jobs.pending_outcomes(10)
    assert own.notes == notes
    catalog.jobs.mark_sent([row])
    twin = upload()
    catalog.uploads.add(twin)
    catalog.uploads.finish(content(twin), is_video=True)
    catalog.jobs.mark_sent([row for row, _ in catalog.jobs.pending_outcomes(99)])
    clock.advance(60)
    catalog.jobs.add_reprocess_job(twin.id)
    catalog.jobs.complete(twin.id, fence=claimed(catalog, twin.id), stored=BETTER)
    outcomes = [outcome for _, outcome in catalog.jobs.pending_outcomes(10)]
    assert {outcome.history.task_id for outcome in outcomes} == {task_id, twin.id}
    assert [outcome.notes for outcome in outcomes] == [(), ()]
    record = catalog.uploads.outcome(task_id)
    assert record is not None
    assert record.notes == ()


def test_a_failure_and_dead_workers_leave_the_task_completed(
    catalog: Catalog, clock: FakeClock
) -> None:
    task_id = completed(catalog)
    catalog.jobs.add_reprocess_job(task_id)
    catalog.jobs.fail(task_id, fence=claimed(catalog, task_id), error_code="x", error_msg="why")
    for _ in range(2):
        if (job := catalog.jobs.get(task_id)) is not None and job.state is JobState.DONE:
            assert (job.error_code, catalog.jobs.dead_letters()) == ("x", [])
            catalog.jobs.add_reprocess_job(task_id)
        fence = claimed(catalog, task_id, seconds=10)
        checkpoint = Checkpoint(step=Step.TRANSCODE, again=True)
        catalog.jobs.save_checkpoint(task_id, fence=fence, checkpoint=checkpoint)
        clock.advance(11)
        catalog.jobs.reap(max_crashes=3)
    job, record = catalog.jobs.get(task_id), history(catalog, task_id)
    assert job is not None
    assert (job.state, job.error_code, job.checkpoint.as_it_is) == (JobState.DONE, "poison", False)
    assert (record.status, record.oss_path) == ("completed", MADE.path)
    assert catalog.jobs.pending_outcomes(10) == []


@pytest.mark.parametrize("dies", [True, False], ids=["poison", "failed"])
def test_a_job_that_is_given_up_keeps_no_parts(
    catalog: Catalog, clock: FakeClock, dies: bool
) -> None:
    task_id = completed(catalog)
    catalog.jobs.add_reprocess_job(task_id)
    multipart = Multipart(key=BETTER.object_key, upload_id="u", part_size=1 << 24)
    for number in (1, 2):
        fence = claimed(catalog, task_id, seconds=10)
        if number == 1:
            catalog.objects.begin_multipart(task_id, fence=fence, multipart=multipart)
        part = Part(number=number, size=1 << 24, etag="e", checksum="1")
        catalog.objects.add_part(task_id, fence=fence, part=part)
        held = catalog.objects.multipart(task_id)
        assert held is not None
        assert len(held.parts) == number
        if not dies:
            catalog.jobs.fail(task_id, fence=fence, error_code="x", error_msg="why")
            break
        clock.advance(11)
        catalog.jobs.reap(max_crashes=3)
    job = catalog.jobs.get(task_id)
    assert job is not None
    assert job.state is JobState.DONE
    assert catalog.objects.multipart(task_id) is None
    catalog.jobs.add_reprocess_job(task_id)
    assert set(catalog.objects.multipart_ids()) == set()


def test_a_new_job_goes_on_with_no_parts_of_an_earlier_one(catalog: Catalog) -> None:
    """An earlier version kept them."""
    task_id = completed(catalog)
    catalog.jobs.add_reprocess_job(task_id)
    fence = claimed(catalog, task_id)
    multipart = Multipart(key=BETTER.object_key, upload_id="u", part_size=1 << 24)
    catalog.objects.begin_multipart(task_id, fence=fence, multipart=multipart)
    state = jobs.update().values(state=JobState.DONE.value)
    assert isinstance(catalog, SqlCatalog)
    catalog._database.write(lambda c: c.execute(state))
    assert catalog.objects.multipart(task_id) == multipart
    catalog.jobs.add_reprocess_job(task_id)
    assert catalog.objects.multipart(task_id) is None


def test_a_job_of_today_has_a_place_of_today(catalog: Catalog, clock: FakeClock) -> None:
    """It keeps neither the place of its first job nor the front that an operator gave that job."""
    task_id = finished(catalog)
    assert catalog.jobs.put_first(task_id)
    catalog.jobs.complete(task_id, fence=claimed(catalog, task_id), stored=MADE)
    clock.advance(1000)
    fresh = finished(catalog, "5" * 64)
    clock.advance(1)
    again = catalog.jobs.add_reprocess_job(task_id)
    assert (again.priority, again.created_at) == (0, clock.now())
    first = claim(catalog)
    assert first is not None
    assert first.task_id == fresh
    # A worker that gives the job up leaves it in its place.
    catalog.jobs.release(task_id, fence=claimed(catalog, task_id))
    catalog.jobs.release(fresh, fence=first.fence)
    first = claim(catalog)
    assert first is not None
    assert first.task_id == fresh


def test_it_may_wait_behind_everything_else(catalog: Catalog, clock: FakeClock) -> None:
    task_id = completed(catalog)
    assert catalog.jobs.add_reprocess_job(task_id, priority=LAST_PRIORITY).priority == LAST_PRIORITY
    clock.advance(10)
    fresh = finished(catalog, "5" * 64)
    assert [job and job.task_id for job in (claim(catalog), claim(catalog))] == [fresh, task_id]


@pytest.mark.parametrize(
    ("content_type", "lane"),
    [("video/mp4", JobLane.HEAVY), ("audio/mp4", JobLane.HEAVY), ("text/plain", JobLane.LIGHT)],
)
def test_a_file_without_a_job_waits_in_the_lane_of_its_kind(
    catalog: Catalog, content_type: str, lane: JobLane
) -> None:
    completed(catalog, replace(MADE, content_type=content_type))
    twin = upload()
    catalog.uploads.add(twin)
    catalog.uploads.finish(content(twin), is_video=False)
    assert catalog.jobs.add_reprocess_job(twin.id).lane is lane


def test_the_users_of_deleted_uploads_get_no_event(catalog: Catalog) -> None:
    task_id = completed(catalog)
    deleted = upload()
    catalog.uploads.add(deleted)
    catalog.uploads.finish(content(deleted), is_video=True)
    catalog.uploads.close(deleted.id, UploadState.TERMINATED)
    catalog.jobs.mark_sent([row for row, _ in catalog.jobs.pending_outcomes(99)])
    catalog.jobs.add_reprocess_job(task_id)
    catalog.jobs.complete(task_id, fence=claimed(catalog, task_id), stored=BETTER)
    assert [outcome.history.task_id for _, outcome in catalog.jobs.pending_outcomes(10)] == [
        task_id
    ]


@pytest.mark.parametrize("method", ["add_reprocess_job", "check_reprocessable"])
def test_what_is_not_in_the_pool_or_not_kept_is_refused(catalog: Catalog, method: str) -> None:
    attempt = getattr(catalog.jobs, method)
    with pytest.raises(AlreadyProcessing):
        attempt(finished(catalog))
    receiving = upload()
    catalog.uploads.add(receiving)
    with pytest.raises(UploadUnfinished):
        attempt(receiving.id)
    alone = completed(catalog, STORED, "3" * 64)
    with pytest.raises(OriginalMissing):
        attempt(alone)
    catalog.uploads.close(alone, UploadState.TERMINATED)
    with pytest.raises(UploadNotFound):
        attempt(alone)


def test_a_check_queues_nothing(catalog: Catalog) -> None:
    task_id = completed(catalog)
    catalog.jobs.check_reprocessable(task_id)
    job = catalog.jobs.get(task_id)
    assert job is not None
    assert (job.state, catalog.jobs.pending_jobs(10)) == (JobState.DONE, [])


def test_files_are_listed_by_kind_age_and_note(catalog: Catalog, clock: FakeClock) -> None:
    film = finished(catalog)
    fence = claimed(catalog, film)
    checkpoint = Checkpoint(step=Step.STORE, notes=(Note.OUT_OF_MEMORY,))
    catalog.jobs.save_checkpoint(film, fence=fence, checkpoint=checkpoint)
    catalog.jobs.complete(film, fence=fence, stored=MADE)
    clock.advance(1000)
    text = completed(catalog, replace(STORED, content_type="text/plain"), "4" * 64)
    everything = {"kind": "", "before": clock.now() + 1, "note": "", "after": None, "limit": 10}

    def listed(**values: object) -> list[UploadId]:
        return list(catalog.jobs.stored_uploads(**{**everything, **values}))  # type: ignore[arg-type]

    assert listed() == sorted([film, text])
    assert listed(limit=1) == sorted([film, text])[:1]
    assert listed(after=min(film, text)) == [max(film, text)]
    assert listed(kind="video") == [film]
    assert listed(before=clock.now() - 500) == [film]
    assert listed(note="out_of_memory") == [film]
    assert listed(note="out%") == []
