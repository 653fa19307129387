"""Makes the JSON of an answer that says that a whole file has arrived."""

from tusd_py.domain.task import TEXT_ACCEPTED, TEXT_COMPLETED, TEXT_INSTANT, TaskStatus
from tusd_py.domain.upload import Upload


def accepted_members(upload: Upload, *, repeated: bool = False) -> dict[str, str]:
    """Return the members for a finished upload (requirements S1 to S3).

    Args: repeated: whether the client gets the answer once more, when the file may be stored.
    """
    if upload.file_identity is not None:
        return {
            "identity": upload.file_identity,
            "status": TaskStatus.COMPLETED.value,
            "message": TEXT_COMPLETED if repeated and not upload.instant else TEXT_INSTANT,
            "task_id": upload.id,
        }
    return {
        "task_id": upload.id,
        "status": TaskStatus.RECEIVED.value,
        "message": TEXT_ACCEPTED,
    }
