"""Step 4: the bytes become an object under their own hash's name (S16, holes 4 and 16)."""

from tusd_py.catalog.values import StoredContent
from tusd_py.domain.errors import Permanent, Transient
from tusd_py.domain.task import (
    COMPRESSED_PROGRESS,
    STORED_PROGRESS,
    TEXT_SOURCE_MISSING,
    TEXT_STORE_FAILED,
    TEXT_STORING,
    UNCOMPRESSED_STORE_PROGRESS,
    TaskStatus,
)
from tusd_py.objects.keys import object_key
from worker.pipeline.attempt import Attempt
from worker.pipeline.ledger import JobLedger


def store_object(attempt: Attempt) -> None:
    """Put the compressed file, or the source as it is, into the object store: 60 (70) to 90.

    Raises: Transient, ResourceShort: try again later; Permanent: the source is gone; LeaseLost.
    """
    checkpoint, job = attempt.checkpoint, attempt.job
    path = attempt.output or attempt.source
    stored_hash = checkpoint.out_hash or job.file_hash
    size = checkpoint.out_size if attempt.output else job.file_size
    start = COMPRESSED_PROGRESS if attempt.output else UNCOMPRESSED_STORE_PROGRESS
    attempt.reporter.say(TaskStatus.UPLOADING_OSS, start, TEXT_STORING)

    def stored(done: int) -> None:
        attempt.lease.check()
        share = done / size if size else 1.0
        progress = start + int((STORED_PROGRESS - start) * min(share, 0.999))
        attempt.reporter.move(TaskStatus.UPLOADING_OSS, progress, TEXT_STORING)

    key = object_key(stored_hash, checkpoint.ext)
    try:
        if not attempt.ports.catalog.claim_object(key):
            raise Transient("The object is just being collected; it is stored anew in a moment.")
        attempt.ports.objects.put_file(
            key,
            path,
            content_hash=stored_hash,
            content_type=checkpoint.content_type,
            ledger=JobLedger(attempt.ports.catalog, job),
            progress=stored,
        )
    except FileNotFoundError as error:
        attempt.lease.renew()
        attempt.lease.check()
        raise Permanent(
            "The uploaded file is gone from the server.",
            code="source_missing",
            message=TEXT_SOURCE_MISSING,
        ) from error
    except Transient as error:
        raise Transient(error.detail, message=f"{TEXT_STORE_FAILED}{error.detail}") from error
    attempt.stored = StoredContent(
        object_key=key,
        path=attempt.ports.objects.url(key),
        stored_hash=stored_hash,
        stored_size=size,
        content_type=checkpoint.content_type,
        ext=checkpoint.ext,
    )
