"""Uploads, jobs and files as rows of a catalog, for tests that need some."""

from collections.abc import Sequence
from typing import Any

from support.ids import ME, fresh_id

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.values import HistoryRow, StoredContent
from tusd_py.domain.file import File
from tusd_py.domain.ids import UploadId, UserId, owner_scope
from tusd_py.domain.job import Job
from tusd_py.domain.job_lane import ALL_LANES, JobLane
from tusd_py.domain.upload import FinishedContent, Upload

STORED = StoredContent(
    object_key="pool/bb/" + "b" * 64, path="/pool/bb/x", stored_hash="b" * 64, stored_size=3,
    content_type="video/mp4", ext=".mp4",
)  # fmt: skip


def upload(user: UserId = ME, **values: Any) -> Upload:
    return Upload(id=fresh_id(), user_id=user, **{"length": 10, "created_at": 1000.0, **values})


def content(of: Upload, file_hash: str = "a" * 64) -> FinishedContent:
    return FinishedContent(
        upload_id=of.id, user_id=of.user_id, scope=owner_scope(of.user_id), filename=of.filename,
        filetype=of.filetype, file_hash=file_hash, file_size=of.length or 0, temp_path="/tmp/x",
        created_at=of.created_at,
    )  # fmt: skip


def finished(catalog: Catalog, file_hash: str = "a" * 64, user: UserId = ME) -> UploadId:
    made = upload(user)
    catalog.uploads.add(made)
    catalog.uploads.finish(content(made, file_hash), is_video=True)
    return made.id


def history(catalog: Catalog, task_id: UploadId) -> HistoryRow:
    """Return the durable record of a task."""
    found = catalog.uploads.outcome(task_id)
    assert found is not None
    return found.history


def claim(
    catalog: Catalog,
    *,
    owner: str = "w1",
    seconds: float = 60.0,
    lanes: Sequence[JobLane] = ALL_LANES,
    per_user: int = 0,
) -> Job | None:
    """Claim the next job."""
    return catalog.jobs.claim_next(lanes, owner=owner, lease_seconds=seconds, per_user=per_user)


def complete(catalog: Catalog, task_id: UploadId, stored: StoredContent = STORED) -> File:
    """Claim this job and complete it."""
    return catalog.jobs.complete(task_id, fence=claimed(catalog, task_id), stored=stored)


def claimed(catalog: Catalog, task_id: UploadId, seconds: float = 60.0) -> int:
    """Claim this job and return its fence; the jobs before it are released afterwards."""
    before: list[Job] = []
    while (job := claim(catalog, seconds=seconds)) is not None and job.task_id != task_id:
        before.append(job)
    for other in before:
        catalog.jobs.release(other.task_id, fence=other.fence)
    assert job is not None
    return job.fence
