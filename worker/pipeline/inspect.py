"""Step 1: checks the source's type, name and bytes (requirements S16, S24)."""

import logging
from typing import Final

from tusd_py.domain.errors import PermanentError, TypeMismatch
from tusd_py.domain.filetypes import OPAQUE, TYPE_FACT, FileType
from tusd_py.domain.job import Step
from tusd_py.domain.job_lane import JobLane, lane_of
from tusd_py.domain.notes import Note
from tusd_py.domain.signatures.head_reader import HeadReader
from tusd_py.domain.signatures.identify import identify
from tusd_py.domain.task import INSPECTED_PROGRESS, TaskStatus
from tusd_py.domain.type_rules import check_content, is_consistent
from tusd_py.file_pieces import look_into
from tusd_py.worker.media.causes import ToolFailed
from tusd_py.worker.media.contents import Contents
from tusd_py.worker.media.memory import probe_memory
from tusd_py.worker.media.probe import inspect_media, summary
from tusd_py.worker.media.sandbox import Limits, Sandbox
from tusd_py.worker.pipeline.attempt import Attempt
from tusd_py.worker.pipeline.hashes import file_hash
from tusd_py.worker.pipeline.kept import keep_what_was_made
from tusd_py.worker.pipeline.second_try import with_second_try

log = logging.getLogger(__name__)

PROBE_CPU_SECONDS: Final = 30


def inspect(attempt: Attempt) -> None:
    """Find out what the source is; if the pool has its content already, no work is left (fault 48).

    Raises: PermanentError: ``source_missing``, ``corrupt``, ``type_mismatch``; WrongLane;
        LeaseLost.
    """
    job = attempt.job
    if not job.checkpoint.again and _is_held(attempt):
        attempt.held = True
        return
    look = _look(attempt)
    kind = identify(look)
    if lane_of("" if kind is None else kind.family, job.file_size) is JobLane.HEAVY:
        attempt.require_heavy_lane()
    if attempt.settings.jobs.verify_source:
        _verify(attempt)
    allowed = attempt.settings.whitelist.extensions
    try:
        check_content(job.filename, look, allowed)
    except TypeMismatch as error:
        raise PermanentError(TypeMismatch.sentence, code=TypeMismatch.code) from error
    notes = _misnamed(job.filename, kind, look)
    attempt.file_type = kind
    if kind is not None and kind.untouched:
        notes.append(Note.UNTOUCHED)
    elif kind is not None:
        attempt.family = kind.family
        if _is_to_be_probed(attempt, kind):
            notes += _probe(attempt, kind)
    attempt.save(
        step=Step.TRANSCODE,
        content_type=kind.mime if kind is not None else OPAQUE,
        ext=f".{kind.extensions[0]}" if kind is not None else "",
        notes=tuple(notes),
        facts={TYPE_FACT: kind.name} if kind is not None else {},
    )
    attempt.reporter.report(TaskStatus.PROCESSING, INSPECTED_PROGRESS)


def _is_held(attempt: Attempt) -> bool:
    job = attempt.job
    return attempt.ports.catalog.objects.file_by_hash(job.scope, job.file_hash) is not None


def _is_to_be_probed(attempt: Attempt, kind: FileType) -> bool:
    is_sound_or_film = kind.family in ("video", "audio") and bool(kind.demuxer)
    can_be_probed = attempt.tools.ffmpeg is not None and not attempt.checkpoint.as_it_is
    return is_sound_or_film and can_be_probed


def _look(attempt: Attempt) -> HeadReader:
    try:
        return look_into(attempt.source)
    except FileNotFoundError as error:
        raise attempt.source_missing() from error


def _misnamed(filename: str, kind: FileType | None, look: HeadReader) -> list[Note]:
    """Return a note if the name claims another type than that of the content.

    The content alone decides what is made, since the stored file may belong to tasks with other
    names.
    """
    if is_consistent(filename, kind, look.head):
        return []
    return [Note.MISMATCH if kind is None else Note.MISNAMED]


def _verify(attempt: Attempt) -> None:
    """Compare the source's hash, so that bytes damaged on the disk are not stored (fault 69)."""
    if file_hash(attempt.source, attempt.lease.check) != attempt.job.file_hash:
        raise PermanentError("The file was damaged on the server's disk.", code="corrupt")


def _probe(attempt: Attempt, kind: FileType) -> list[Note]:
    """Read the contents of a film or a sound; return a note if it can't be read."""
    box = Sandbox(
        kind=attempt.tools.sandbox,
        source=attempt.source,
        output=None,
        limits=Limits(
            memory=probe_memory(attempt.settings.media), file_size=1 << 20, cpu=PROBE_CPU_SECONDS
        ),
    )

    def looked() -> Contents | None:
        return inspect_media(
            attempt.tools, box, kind.demuxer, clock=attempt.clock, stopped=attempt.lease.ended
        )

    try:
        found = with_second_try(attempt, looked)
    except ToolFailed as error:
        attempt.lease.check()
        keep_what_was_made(attempt)
        return [error.cause.note]
    attempt.lease.check()
    if found is None:
        if attempt.settings.whitelist.extensions:
            raise PermanentError(TypeMismatch.sentence, code=TypeMismatch.code)
        return [Note.SOUND_UNREADABLE if kind.family == "audio" else Note.UNREADABLE]
    attempt.contents, attempt.probed, attempt.demuxer = found, summary(found), kind.demuxer
    return []
