"""Every catalog keeps these promises (``catalog.port``)."""

import concurrent.futures
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL
from support.clock import FakeClock
from support.room import fresh_id
from support.services import MariaDb

from tusd_py.catalog.port import DAY, HOUR, Catalog, Ended, StoredContent, Waiting
from tusd_py.catalog.sql import SqlCatalog, mysql_url, sqlite_url
from tusd_py.domain.errors import (
    LeaseLost,
    Transient,
    UploadExpired,
    UploadNotFound,
    UploadTerminated,
)
from tusd_py.domain.ids import UploadId, UserId, owner_scope
from tusd_py.domain.job import Checkpoint, JobState, Step
from tusd_py.domain.multipart import Multipart, Part
from tusd_py.domain.upload import FinishedContent, Upload, UploadKind, UploadState

ME = UserId(7)
OTHER = UserId(8)
STORED = StoredContent(
    object_key="pool/bb/" + "b" * 64, path="/pool/bb/x", stored_hash="b" * 64, stored_size=3,
    content_type="video/mp4", ext=".mp4",
)  # fmt: skip


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "catalog.sqlite3")


@pytest.fixture
def mysql(mariadb: MariaDb) -> URL:
    return mysql_url(mariadb.database())


@pytest.fixture(params=["sqlite", "mysql"])
def catalog(request: pytest.FixtureRequest, clock: FakeClock) -> Iterator[Catalog]:
    opened = SqlCatalog(request.getfixturevalue(request.param), clock=clock)
    yield opened
    opened.close()


def upload(user: UserId = ME, **values: Any) -> Upload:
    return Upload(id=fresh_id(), user_id=user, created_at=1000.0, **{"length": 10, **values})


def content(of: Upload, file_hash: str = "a" * 64) -> FinishedContent:
    return FinishedContent(
        upload_id=of.id, user_id=of.user_id, scope=owner_scope(of.user_id), filename=of.filename,
        filetype=of.filetype, file_hash=file_hash, file_size=of.length or 0, temp_path="/tmp/x",
        created_at=of.created_at,
    )  # fmt: skip


def finished(catalog: Catalog, file_hash: str = "a" * 64, user: UserId = ME) -> UploadId:
    made = upload(user)
    catalog.add_upload(made)
    catalog.finish_upload(content(made, file_hash), is_video=True)
    return made.id


def claimed(catalog: Catalog, task_id: UploadId, seconds: float = 60.0) -> int:
    job = catalog.claim(task_id, owner="w1", lease_seconds=seconds)
    assert job is not None
    return job.fence


# -- uploads


def test_an_upload_is_read_back_as_it_was_added(catalog: Catalog) -> None:
    made = upload(
        length=None, metadata_header="filename 6KeG6aKR,raw gP8=,flag", metadata={"filename": "视频".encode(), "raw": b"\x80\xff", "flag": b""},
        declared_hash="c" * 64, kind=UploadKind.FINAL, concat_header="final;/files/x", parts=(fresh_id(), fresh_id()),
    )  # fmt: skip
    catalog.add_upload(made)
    assert catalog.upload(made.id) == made
    assert catalog.upload(fresh_id()) is None


def test_a_deferred_length_is_declared_once(catalog: Catalog) -> None:
    made = upload(length=None)
    catalog.add_upload(made)
    assert catalog.declare_length(made.id, 99)
    assert not catalog.declare_length(made.id, 100)
    found = catalog.upload(made.id)
    assert found is not None
    assert found.length == 99


def test_finishing_makes_history_job_and_outbox_row_together(catalog: Catalog) -> None:
    made = upload(metadata_header="filename YS5tcDQ=")
    made = replace(made, metadata={"filename": b"a.mp4"})
    catalog.add_upload(made)
    outcome = catalog.finish_upload(content(made), is_video=True)
    assert (outcome.first, outcome.file) == (True, None)
    history = catalog.history(made.id)
    assert history is not None
    assert (history.status, history.filename, history.file_hash) == ("received", "a.mp4", "a" * 64)
    job = catalog.job(made.id)
    assert job is not None
    assert (job.state, job.fence, job.filename) == (JobState.QUEUED, 0, "a.mp4")
    ((_, message),) = catalog.unsent(10)
    assert (message.task_id, message.is_video, message.file_size) == (made.id, True, 10)


def test_finishing_twice_changes_nothing(catalog: Catalog) -> None:
    task_id = finished(catalog)
    again = catalog.upload(task_id)
    assert again is not None
    outcome = catalog.finish_upload(content(again), is_video=True)
    assert not outcome.first
    assert len(catalog.unsent(10)) == 1


def test_many_finishes_at_once_make_one_job(catalog: Catalog) -> None:
    made = upload()
    catalog.add_upload(made)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        outcomes = list(
            pool.map(lambda _: catalog.finish_upload(content(made), is_video=False), range(8))
        )
    assert sorted(outcome.first for outcome in outcomes) == [False] * 7 + [True]
    assert len(catalog.unsent(10)) == 1


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (UploadState.TERMINATED, UploadTerminated),
        (UploadState.REJECTED, UploadTerminated),
        (UploadState.EXPIRED, UploadExpired),
    ],
)
def test_what_was_closed_can_not_be_finished(
    catalog: Catalog, state: UploadState, error: type[Exception]
) -> None:
    made = upload()
    catalog.add_upload(made)
    assert catalog.close_upload(made.id, state)
    assert not catalog.close_upload(made.id, state)
    with pytest.raises(error):
        catalog.finish_upload(content(made), is_video=False)
    with pytest.raises(UploadNotFound):
        catalog.finish_upload(content(upload()), is_video=False)


def test_content_the_scope_holds_is_complete_without_a_job(catalog: Catalog) -> None:
    first = finished(catalog)
    file = catalog.complete(first, fence=claimed(catalog, first), stored=STORED)
    made = upload()
    catalog.add_upload(made)
    outcome = catalog.finish_upload(content(made), is_video=True)
    assert outcome.file == file
    assert catalog.job(made.id) is None
    history = catalog.history(made.id)
    assert history is not None
    assert (history.status, history.repository_identity, history.duration) == (
        "completed",
        file.identity,
        0,
    )
    assert made.id in catalog.removable_sources()
    catalog.source_removed(made.id)
    assert made.id not in catalog.removable_sources()


def test_what_others_hold_is_nobodys_business(catalog: Catalog) -> None:
    """The seed's hole 6: knowing or having a hash gives nothing of another's."""
    first = finished(catalog)
    catalog.complete(first, fence=claimed(catalog, first), stored=STORED)
    made = upload(OTHER)
    catalog.add_upload(made)
    assert catalog.finish_upload(content(made), is_video=True).file is None
    assert catalog.file_by_hash(owner_scope(OTHER), "a" * 64) is None


def test_closing_an_upload_cancels_its_job(catalog: Catalog) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    assert catalog.close_upload(task_id, UploadState.TERMINATED)
    with pytest.raises(LeaseLost):
        catalog.complete(task_id, fence=fence, stored=STORED)
    assert catalog.file_by_hash(owner_scope(ME), "a" * 64) is None
    assert task_id in catalog.removable_sources()


def test_parts_and_finals_find_each_other(catalog: Catalog) -> None:
    part = upload(kind=UploadKind.PARTIAL)
    final = upload(kind=UploadKind.FINAL, parts=(part.id,), length=None)
    for made in (part, final):
        catalog.add_upload(made)
    assert [found.id for found in catalog.finals_of(part.id)] == [final.id]
    assert {found.id for found in catalog.receiving()} == {part.id, final.id}
    catalog.finish_partial(part.id, "d" * 64)
    assert [found.id for found in catalog.finished_partials()] == [part.id]
    assert catalog.job(part.id) is None
    catalog.close_upload(final.id, UploadState.EXPIRED)
    assert catalog.finals_of(part.id) == []


def test_histories_are_ones_own_newest_first(catalog: Catalog, clock: FakeClock) -> None:
    mine = []
    for number in range(5):
        mine.append(finished(catalog, f"{number}" * 64))
        clock.advance(1)
    finished(catalog, user=OTHER)
    total, page = catalog.histories(ME, page=2, size=2)
    assert total == 5
    assert [row.task_id for row in page] == [mine[2], mine[1]]


# -- jobs


def test_one_of_many_claims_wins(catalog: Catalog) -> None:
    task_id = finished(catalog)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        jobs = list(
            pool.map(lambda n: catalog.claim(task_id, owner=f"w{n}", lease_seconds=60), range(8))
        )
    winners = [job for job in jobs if job is not None]
    assert len(winners) == 1
    assert (winners[0].fence, winners[0].state) == (1, JobState.RUNNING)
    assert [job.task_id for job in catalog.running()] == [task_id]


def test_a_job_is_not_claimed_before_its_time(catalog: Catalog, clock: FakeClock) -> None:
    task_id = finished(catalog)
    catalog.mark_sent([row for row, _ in catalog.unsent(10)])
    catalog.retry(
        task_id,
        fence=claimed(catalog, task_id),
        after_seconds=30,
        error_code="transient",
        error_msg="x",
        counted=True,
    )
    assert catalog.claim(task_id, owner="w", lease_seconds=60) is None
    assert catalog.unsent(10) == []
    clock.advance(31)
    assert len(catalog.unsent(10)) == 1
    job = catalog.claim(task_id, owner="w", lease_seconds=60)
    assert job is not None
    assert (job.attempts, job.fence, job.error_code) == (1, 2, "transient")


def test_a_checkpoint_is_kept_for_the_next_attempt(catalog: Catalog) -> None:
    task_id = finished(catalog)
    checkpoint = Checkpoint(
        step=Step.STORE, out_path="1/video.mp4", out_hash="e" * 64, out_size=5, note="压缩"
    )
    fence = claimed(catalog, task_id)
    catalog.save_checkpoint(task_id, fence=fence, checkpoint=checkpoint)
    catalog.release(task_id, fence=fence)
    job = catalog.claim(task_id, owner="w2", lease_seconds=60)
    assert job is not None
    assert job.checkpoint == checkpoint
    assert (job.attempts, job.crash_count) == (0, 0)


@pytest.mark.parametrize(
    "write",
    [
        lambda c, t, f: c.renew(t, fence=f, lease_seconds=60),
        lambda c, t, f: c.save_checkpoint(t, fence=f, checkpoint=Checkpoint()),
        lambda c, t, f: c.complete(t, fence=f, stored=STORED),
        lambda c, t, f: c.retry(
            t, fence=f, after_seconds=1, error_code="", error_msg="", counted=True
        ),
        lambda c, t, f: c.release(t, fence=f),
        lambda c, t, f: c.fail(t, fence=f, error_code="x", error_msg="x"),
    ],
    ids=["renew", "checkpoint", "complete", "retry", "release", "fail"],
)
def test_a_zombie_changes_nothing(
    catalog: Catalog, clock: FakeClock, write: Callable[[Catalog, UploadId, int], object]
) -> None:
    task_id = finished(catalog)
    zombie = claimed(catalog, task_id, seconds=10)
    clock.advance(11)
    catalog.reap(max_crashes=3)
    fence = claimed(catalog, task_id)
    before = catalog.job(task_id)
    with pytest.raises(LeaseLost):
        write(catalog, task_id, zombie)
    assert catalog.job(task_id) == before
    assert catalog.file_by_hash(owner_scope(ME), "a" * 64) is None
    catalog.complete(task_id, fence=fence, stored=STORED)
    with pytest.raises(LeaseLost):
        write(catalog, task_id, fence)


def test_completing_closes_job_pool_upload_and_history_together(
    catalog: Catalog, clock: FakeClock
) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    clock.advance(42.7)
    file = catalog.complete(task_id, fence=fence, stored=STORED)
    assert (file.hash, file.size, file.stored_hash, file.stored_size) == ("a" * 64, 10, "b" * 64, 3)
    assert catalog.file(file.identity) == file
    assert list(catalog.object_keys()) == [STORED.object_key]
    found, job, history = catalog.upload(task_id), catalog.job(task_id), catalog.history(task_id)
    assert found is not None
    assert found.file_identity == file.identity
    assert job is not None
    assert job.state is JobState.DONE
    assert history is not None
    assert (history.status, history.duration, history.oss_path) == ("completed", 42, "/pool/bb/x")
    assert catalog.removable_sources() == [task_id]


def test_equal_content_that_finishes_together_is_one_file(catalog: Catalog) -> None:
    """The seed's hole 5."""
    tasks = [finished(catalog) for _ in range(4)]
    fences = [claimed(catalog, task_id) for task_id in tasks]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        files = list(
            pool.map(
                lambda pair: catalog.complete(pair[0], fence=pair[1], stored=STORED),
                zip(tasks, fences, strict=True),
            )
        )
    assert len({file.identity for file in files}) == 1


def test_completing_by_the_pool_needs_the_pool(catalog: Catalog) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    with pytest.raises(Transient):
        catalog.complete(task_id, fence=fence, stored=None)
    job = catalog.job(task_id)
    assert job is not None
    assert job.state is JobState.RUNNING


def test_dead_leases_go_back_and_three_crashes_are_poison(
    catalog: Catalog, clock: FakeClock
) -> None:
    task_id = finished(catalog)
    catalog.mark_sent([row for row, _ in catalog.unsent(10)])
    for crash in range(1, 4):
        claimed(catalog, task_id, seconds=10)
        assert catalog.reap(max_crashes=3) == []
        clock.advance(11)
        poisoned = catalog.reap(max_crashes=3)
        job = catalog.job(task_id)
        assert job is not None
        assert job.crash_count == crash
        if crash < 3:
            assert job.state is JobState.QUEUED
            ((row, _),) = catalog.unsent(10)
            catalog.mark_sent([row])
    assert [job.task_id for job in poisoned] == [task_id]
    assert (job.state, job.error_code) == (JobState.FAILED, "poison")
    history = catalog.history(task_id)
    assert history is not None
    assert history.status == "failed"
    assert catalog.unsent(10) == []


def test_a_due_job_that_nobody_took_is_published_again(catalog: Catalog, clock: FakeClock) -> None:
    finished(catalog)
    catalog.mark_sent([row for row, _ in catalog.unsent(10)])
    catalog.reap(max_crashes=3)
    assert catalog.unsent(10) == []
    clock.advance(61)
    catalog.reap(max_crashes=3)
    catalog.reap(max_crashes=3)
    assert len(catalog.unsent(10)) == 1


def test_a_dead_letter_is_listed_and_reopened_once_while_its_source_is_there(
    catalog: Catalog, clock: FakeClock
) -> None:
    task_id = finished(catalog)
    catalog.fail(task_id, fence=claimed(catalog, task_id), error_code="corrupt", error_msg="broken")
    assert [(job.task_id, job.error_code) for job in catalog.dead_letters()] == [
        (task_id, "corrupt")
    ]
    assert catalog.removable_sources() == []
    reopened = catalog.reopen(task_id)
    assert reopened is not None
    assert (reopened.state, reopened.attempts, reopened.fence) == (JobState.QUEUED, 0, 1)
    assert catalog.reopen(task_id) is None
    assert catalog.dead_letters() == []
    catalog.fail(task_id, fence=claimed(catalog, task_id), error_code="corrupt", error_msg="broken")
    clock.advance(24 * 3600 + 1)
    assert catalog.removable_sources() == [task_id]
    catalog.source_removed(task_id)
    assert catalog.reopen(task_id) is None


def test_outcomes_are_told_from_the_outbox(catalog: Catalog) -> None:
    done, failed = finished(catalog), finished(catalog, "f" * 64)
    catalog.complete(done, fence=claimed(catalog, done), stored=STORED)
    catalog.fail(failed, fence=claimed(catalog, failed), error_code="corrupt", error_msg="broken")
    untold = catalog.untold(10)
    assert [(o.history.task_id, o.history.status, o.fence, o.error_code) for _, o in untold] == [
        (done, "completed", 1, ""),
        (failed, "failed", 1, "corrupt"),
    ]
    catalog.mark_sent([row for row, _ in untold])
    assert catalog.untold(10) == []
    assert catalog.job_counts() == {"done": 1, "failed": 1}


def test_sent_rows_are_dropped_after_a_day(catalog: Catalog, clock: FakeClock) -> None:
    finished(catalog)
    ((row, _),) = catalog.unsent(10)
    catalog.mark_sent([row])
    clock.advance(24 * 3600 + 1)
    finished(catalog, "9" * 64)
    ((second, _),) = catalog.unsent(10)
    catalog.mark_sent([second])
    assert second > row


# -- objects

MULTIPART = Multipart(key=STORED.object_key, upload_id="u" * 300, part_size=16 << 20)


def part(number: int, etag: str = "e") -> Part:
    return Part(number=number, size=16 << 20, etag=etag, checksum=str(2**64 - number))


def test_parts_are_remembered_for_the_next_attempt(catalog: Catalog, clock: FakeClock) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    assert catalog.multipart(task_id) is None
    catalog.begin_multipart(task_id, fence=fence, multipart=MULTIPART)
    assert catalog.multipart(task_id) == MULTIPART
    for number in (2, 1, 2):
        catalog.add_part(task_id, fence=fence, part=part(number))
    clock.advance(61)
    catalog.reap(max_crashes=3)
    again = claimed(catalog, task_id)
    held = replace(MULTIPART, parts=(part(1), part(2)))
    assert catalog.multipart(task_id) == held
    with pytest.raises(LeaseLost):
        catalog.add_part(task_id, fence=fence, part=part(3))
    with pytest.raises(LeaseLost):
        catalog.forget_multipart(task_id, fence=fence)
    assert catalog.multipart(task_id) == held
    other = replace(MULTIPART, key="pool/cc/" + "c" * 64, upload_id="v")
    with pytest.raises(LeaseLost):
        catalog.begin_multipart(task_id, fence=fence, multipart=other)
    catalog.begin_multipart(task_id, fence=again, multipart=other)
    assert catalog.multipart(task_id) == other


def test_parts_of_one_job_are_not_those_of_another(catalog: Catalog) -> None:
    tasks = [finished(catalog, digit * 64) for digit in "ab"]
    for number, task_id in enumerate(tasks, 1):
        fence = claimed(catalog, task_id)
        catalog.begin_multipart(
            task_id, fence=fence, multipart=replace(MULTIPART, upload_id=str(number))
        )
        catalog.add_part(task_id, fence=fence, part=part(number))
    held = [catalog.multipart(task_id) for task_id in tasks]
    assert [found.parts for found in held if found] == [(part(1),), (part(2),)]
    assert set(catalog.multipart_ids()) == {"1", "2"}


def test_a_completed_job_holds_no_parts(catalog: Catalog) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    catalog.begin_multipart(task_id, fence=fence, multipart=MULTIPART)
    catalog.add_part(task_id, fence=fence, part=part(1))
    assert set(catalog.multipart_ids()) == {MULTIPART.upload_id}
    catalog.complete(task_id, fence=fence, stored=STORED)
    assert catalog.multipart(task_id) is None
    assert set(catalog.multipart_ids()) == set()


def test_a_forgotten_multipart_is_gone(catalog: Catalog) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    catalog.begin_multipart(task_id, fence=fence, multipart=MULTIPART)
    catalog.forget_multipart(task_id, fence=fence)
    catalog.forget_multipart(task_id, fence=fence)
    assert catalog.multipart(task_id) is None


def test_parts_of_a_cancelled_job_are_nobodys(catalog: Catalog) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    catalog.begin_multipart(task_id, fence=fence, multipart=MULTIPART)
    catalog.close_upload(task_id, UploadState.TERMINATED)
    assert set(catalog.multipart_ids()) == set()


def test_a_catalog_has_a_name_of_its_own(catalog: Catalog, tmp_path: Path) -> None:
    other = SqlCatalog(sqlite_url(tmp_path / "other.sqlite3"))
    again = SqlCatalog(sqlite_url(tmp_path / "other.sqlite3"))
    assert other.identity() == again.identity() != catalog.identity()
    assert len(catalog.identity()) == 36
    other.close()
    again.close()


def test_what_the_pool_points_at_is_not_condemned(catalog: Catalog) -> None:
    task_id = finished(catalog)
    catalog.complete(task_id, fence=claimed(catalog, task_id), stored=STORED)
    assert not catalog.condemn_object(STORED.object_key)
    assert catalog.claim_object(STORED.object_key)


def test_nothing_comes_to_point_at_a_condemned_object(catalog: Catalog) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    assert catalog.claim_object(STORED.object_key)
    assert catalog.condemn_object(STORED.object_key)
    assert not catalog.claim_object(STORED.object_key)
    with pytest.raises(Transient):
        catalog.complete(task_id, fence=fence, stored=STORED)
    job = catalog.job(task_id)
    assert job is not None
    assert job.state is JobState.RUNNING
    catalog.object_removed(STORED.object_key)
    with pytest.raises(Transient):
        catalog.complete(task_id, fence=fence, stored=STORED)
    assert catalog.claim_object(STORED.object_key)
    assert catalog.complete(task_id, fence=fence, stored=STORED).object_key == STORED.object_key


def test_an_object_may_be_condemned_again(catalog: Catalog) -> None:
    assert catalog.condemn_object(STORED.object_key)
    assert catalog.condemn_object(STORED.object_key)
    catalog.object_removed(STORED.object_key)
    assert catalog.condemn_object(STORED.object_key)
    assert not catalog.claim_object(STORED.object_key)


def test_recording_and_condemning_an_object_at_once_never_both_succeed(catalog: Catalog) -> None:
    for round_ in range(10):
        task_id = finished(catalog, f"{round_:x}" * 64)
        fence = claimed(catalog, task_id)
        key = f"pool/ee/{round_:064d}"
        stored = replace(STORED, object_key=key)

        def record(
            task_id: UploadId = task_id, fence: int = fence, stored: StoredContent = stored
        ) -> bool:
            try:
                catalog.complete(task_id, fence=fence, stored=stored)
            except Transient:
                return False
            return True

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            condemned = pool.submit(catalog.condemn_object, key)
            recorded = pool.submit(record)
        assert condemned.result() != recorded.result()


def test_a_catalog_that_answers_passes_its_check(catalog: Catalog) -> None:
    catalog.check()


def test_the_figures_of_an_empty_catalog_are_nothing(catalog: Catalog) -> None:
    found = catalog.figures()
    assert (found.queued, found.running, found.dead_letters, found.open_uploads) == (0, 0, 0, 0)
    assert found.due == Waiting(rows=0, oldest_seconds=0.0)
    assert found.outbox == {"job": found.due, "outcome": found.due}
    assert found.ended == {span: Ended(completed=0, failed=0) for span in (HOUR, DAY)}
    assert found.ended[HOUR].success_ratio is None
    assert found.processing_seconds is None


def test_figures_count_jobs_by_what_may_happen_to_them(catalog: Catalog, clock: FakeClock) -> None:
    waiting, later, running, failed, done = (finished(catalog, digit * 64) for digit in "12345")
    catalog.add_upload(upload())
    clock.advance(100)
    claimed(catalog, running)
    catalog.fail(failed, fence=claimed(catalog, failed), error_code="x", error_msg="why")
    catalog.complete(done, fence=claimed(catalog, done), stored=STORED)
    catalog.retry(
        later, fence=claimed(catalog, later), after_seconds=600, error_code="x", error_msg="why",
        counted=True,
    )  # fmt: skip
    clock.advance(20)
    found = catalog.figures()
    assert (found.queued, found.running, found.dead_letters, found.open_uploads) == (2, 1, 1, 1)
    assert found.due == Waiting(rows=1, oldest_seconds=120.0)
    assert catalog.job(waiting) is not None
    # The row of the retry is not due yet; two tasks have ended.
    assert found.outbox == {
        "job": Waiting(rows=5, oldest_seconds=120.0),
        "outcome": Waiting(rows=2, oldest_seconds=20.0),
    }
    catalog.mark_sent([row for row, _ in catalog.unsent(10)])
    assert catalog.figures().outbox["job"] == Waiting(rows=0, oldest_seconds=0.0)
    clock.advance(600)
    assert catalog.figures().outbox["job"] == Waiting(rows=1, oldest_seconds=20.0)
    assert catalog.figures().due == Waiting(rows=2, oldest_seconds=720.0)


def test_figures_of_what_ended_are_of_the_last_hour_and_day(
    catalog: Catalog, clock: FakeClock
) -> None:
    for digit, seconds in (("1", 30), ("2", 50)):
        task_id = finished(catalog, digit * 64)
        fence = claimed(catalog, task_id)
        clock.advance(seconds)
        stored = replace(STORED, object_key=f"pool/{digit}")
        catalog.complete(task_id, fence=fence, stored=stored)
    failed = finished(catalog, "3" * 64)
    catalog.fail(failed, fence=claimed(catalog, failed), error_code="x", error_msg="why")
    # Held already: an end, but no job.
    finished(catalog, "1" * 64)
    found = catalog.figures()
    assert found.ended == {span: Ended(completed=3, failed=1) for span in (HOUR, DAY)}
    assert found.ended[HOUR].success_ratio == 0.75
    assert found.processing_seconds == 40.0
    clock.advance(HOUR + 60)
    finished(catalog, "2" * 64)
    found = catalog.figures()
    assert found.ended == {
        HOUR: Ended(completed=1, failed=0),
        DAY: Ended(completed=4, failed=1),
    }
    assert found.processing_seconds is None
    clock.advance(DAY)
    assert catalog.figures().ended[DAY] == Ended(completed=1, failed=0)
    clock.advance(HOUR + 60)
    assert catalog.figures().ended[DAY] == Ended(completed=0, failed=0)
    assert catalog.reopen(failed) is not None
    assert catalog.figures().dead_letters == 0
