"""Reopens or drops a failed job for an operator (requirement S17)."""

from tusd_py.catalog.port import Catalog
from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import Job
from tusd_py.domain.task import TEXT_STARTED, TaskChange, TaskStatus
from tusd_py.storage.port import Stores
from tusd_py.tasks.from_records import facts_of
from tusd_py.tasks.port import TaskView


def reopen_failed(catalog: Catalog, tasks: TaskView, task_id: UploadId) -> Job | None:
    """Queue a failed job again and publish the change of its task.

    Returns: the job; None if the job did not fail, or its source is gone.

    Raises: BackendError.
    """
    job = catalog.jobs.reopen(task_id)
    if job is not None:
        tasks.put(facts_of(job), _again(job))
    return job


def drop_failed(catalog: Catalog, stores: Stores, task_id: UploadId) -> bool:
    """Drop a failed job and delete its source; the task stays failed.

    Returns: False if the job did not fail.

    Raises: BackendError.
    """
    if not catalog.jobs.drop_failed(task_id):
        return False
    stores.uploads.delete(task_id)
    catalog.uploads.source_removed(task_id)
    return True


def _again(job: Job) -> TaskChange:
    """Return the change that the task shows until a worker claims the job, as a newer attempt."""
    return TaskChange(
        status=TaskStatus.PROCESSING,
        progress=0,
        attempt=job.fence + 1,
        message=TEXT_STARTED,
        reopen=True,
    )
