"""Makes the JSON of an answer that says that a whole file has arrived."""

from tusd_py.domain.task import TEXT_ACCEPTED, TEXT_INSTANT, TaskStatus
from tusd_py.domain.upload import Upload
from tusd_py.http.context import AppContext


async def accepted_members(context: AppContext, upload: Upload) -> dict[str, str]:
    """Return the members for a finished upload (requirements S1 to S3).

    They do not change when the file is stored later, so that a client that lost the answer gets
    the same one again.
    """
    jobs = context.ports.catalog.jobs
    known = upload.file_identity is not None
    if known and await context.threads.call(jobs.get, upload.id) is None:
        return {
            "identity": upload.file_identity or "",
            "status": TaskStatus.COMPLETED.value,
            "message": TEXT_INSTANT,
            "task_id": upload.id,
        }
    return {
        "task_id": upload.id,
        "status": TaskStatus.RECEIVED.value,
        "message": TEXT_ACCEPTED,
    }
