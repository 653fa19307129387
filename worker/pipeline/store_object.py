"""Step 4: stores files as objects that are named by their hashes (requirement S16, holes 4, 16)."""

from dataclasses import dataclass
from pathlib import Path

from tusd_py.catalog.values import StoredContent
from tusd_py.domain.errors import TransientError
from tusd_py.domain.rendition import ORIGINAL, ProducedFile, Rendition
from tusd_py.domain.task import (
    COMPRESSED_PROGRESS,
    STORED_PROGRESS,
    TEXT_STORE_FAILED,
    TEXT_STORING,
    UNCOMPRESSED_STORE_PROGRESS,
    TaskStatus,
)
from tusd_py.objects.keys import object_key
from tusd_py.worker.pipeline.attempt import Attempt
from tusd_py.worker.pipeline.multipart_state import JobMultipartState


@dataclass(frozen=True, slots=True)
class _Item:
    """Pairs an output with the path of its file."""

    made: ProducedFile
    file: Path


def store_object(attempt: Attempt) -> None:
    """Put the main object and the renditions into the object store.

    Progress goes from 60, or 70 without a web copy, to 90. The source, the largest file, comes
    last. An object that an earlier attempt has stored is found there.
    Raises: TransientError, OutOfResources: try again later; PermanentError: the source is gone;
        LeaseLost.
    """
    checkpoint = attempt.checkpoint
    web = checkpoint.web
    start = UNCOMPRESSED_STORE_PROGRESS if web is None else COMPRESSED_PROGRESS
    attempt.reporter.report(TaskStatus.UPLOADING_OSS, start, TEXT_STORING)
    items = [_Item(made, attempt.output(made)) for made in checkpoint.outputs]
    if web is None or checkpoint.keeps_original:
        items.append(_source(attempt))
    total = sum(item.made.size for item in items)
    done = 0
    stored: dict[str, Rendition] = {}
    for item in items:
        put = _Progress(attempt=attempt, start=start, before=done, total=total)
        stored[item.made.name] = _put(attempt, item, put)
        done += item.made.size
    main = stored.pop(ORIGINAL if web is None else web.name)
    attempt.stored = StoredContent(
        object_key=main.object_key,
        path=main.path,
        stored_hash=main.hash,
        stored_size=main.size,
        content_type=main.content_type,
        ext=main.ext,
        facts=checkpoint.facts,
        renditions=tuple(sorted(stored.values(), key=lambda one: one.name != ORIGINAL)),
    )


def _source(attempt: Attempt) -> _Item:
    made = ProducedFile(
        name=ORIGINAL,
        path="",
        hash=attempt.job.file_hash,
        size=attempt.job.file_size,
        content_type=attempt.checkpoint.content_type,
        ext=attempt.checkpoint.ext,
    )
    return _Item(made, attempt.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    """Reports the stored share of all files together; ``before`` and ``total`` are in bytes."""

    attempt: Attempt
    start: int
    before: int
    total: int

    def __call__(self, done: int) -> None:
        self.attempt.lease.check()
        share = (self.before + done) / self.total if self.total else 1.0
        progress = self.start + int((STORED_PROGRESS - self.start) * min(share, 0.999))
        self.attempt.reporter.report_progress(TaskStatus.UPLOADING_OSS, progress, TEXT_STORING)


def _put(attempt: Attempt, item: _Item, progress: _Progress) -> Rendition:
    ports, made = attempt.ports, item.made
    key = object_key(made.hash, made.ext)
    try:
        if not ports.catalog.objects.claim(key):
            raise TransientError(
                "The object is just being collected; it is stored again in a moment."
            )
        ports.objects.put_file(
            key,
            item.file,
            content_hash=made.hash,
            content_type=made.content_type,
            multipart_state=JobMultipartState(ports.catalog.objects, attempt.job),
            progress=progress,
        )
    except FileNotFoundError as error:
        missing = attempt.source_missing()
        if made.name != ORIGINAL:
            raise TransientError("A file of the work folder is gone; it is made again.") from error
        raise missing from error
    except TransientError as error:
        raise TransientError(error.detail, message=f"{TEXT_STORE_FAILED}{error.detail}") from error
    return Rendition(
        name=made.name,
        object_key=key,
        path=ports.objects.url(key),
        hash=made.hash,
        size=made.size,
        content_type=made.content_type,
        ext=made.ext,
        facts=made.facts,
    )
