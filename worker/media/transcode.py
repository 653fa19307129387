"""Runs ffmpeg on a file in a sandbox and takes its output."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tusd_py.clock import Clock
from tusd_py.domain.notes import Note
from tusd_py.worker.media.causes import Cause, cause_in_words
from tusd_py.worker.media.checked_run import checked_run
from tusd_py.worker.media.draft import NotOnePlainFile, take_draft
from tusd_py.worker.media.position import Position
from tusd_py.worker.media.run import Bounds, ProcessResult
from tusd_py.worker.media.sandbox import Sandbox

log = logging.getLogger(__name__)

PATIENCE: Final = 100.0
"""Longest run of a program, as a multiple of its processor time.

Only a program that shows false progress with less than a hundredth of a processor reaches it.
"""
PROGRESS_BYTES: Final = 64 << 20
"""Most bytes of positions: 30 hours of them, which ffmpeg writes twice a second in 300 bytes."""
DRAFT_NAME: Final = "draft.part"


class TranscodeRefused(Exception):
    """Raised when nothing can be made of a file; the note is for the user."""

    def __init__(self, note: Note) -> None:
        super().__init__(note)
        self.note = note


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Describes a file that ffmpeg made, which is synced and out of reach of every sandbox."""

    path: Path
    size: int
    """Size in bytes."""
    errors: int
    """Number of error messages that ffmpeg wrote."""
    is_cut_off: bool
    """Whether a message states that the end of the source is missing."""


def transcode(
    box: Sandbox,
    argv: list[str],
    *,
    duration: float,
    target: Path,
    clock: Clock,
    stopped: Callable[[], bool],
    stall_seconds: float,
    on_share: Callable[[float], None],
) -> Output:
    """Run a command line of ffmpeg that writes ``DRAFT_NAME``, and move the result to ``target``.

    The sandbox's output folder must be empty. Its ``cpu`` is the limit of ffmpeg and all its
    threads together. The source is not changed.
    Args: duration: that of the source in seconds, 0 if unknown. target: path outside of the output
        folder. on_share: called with the share that is done, 0 to 1, by ffmpeg's position.
    Raises: TranscodeRefused; ToolFailed; CpuTimeExceeded; Stopped; OSError.
    """
    folder = box.output or Path()
    ran = _run(
        box,
        argv,
        duration=duration,
        clock=clock,
        stopped=stopped,
        stall_seconds=stall_seconds,
        on_share=on_share,
    )
    try:
        size = take_draft(folder, DRAFT_NAME, target, largest=box.limits.file_size)
    except NotOnePlainFile as error:
        log.warning("media.output.refused", extra={"reason": str(error)})
        raise TranscodeRefused(Note.NOT_PLAYABLE) from error
    is_cut_off = cause_in_words(ran.stderr) is Cause.CUT_OFF
    return Output(path=target, size=size, errors=ran.errors, is_cut_off=is_cut_off)


def _run(
    box: Sandbox,
    argv: list[str],
    *,
    duration: float,
    clock: Clock,
    stopped: Callable[[], bool],
    stall_seconds: float,
    on_share: Callable[[float], None],
) -> ProcessResult:
    def moved(seconds: float) -> None:
        if duration > 0:
            on_share(min(seconds / duration, 0.999))

    return checked_run(
        box,
        argv,
        clock=clock,
        stopped=stopped,
        wall_seconds=PATIENCE * box.limits.cpu,
        stall_seconds=stall_seconds,
        on_line=Position(moved).on_line,
        bounds=Bounds(
            stdout=PROGRESS_BYTES,
            cpu=box.limits.cpu,
            folder=box.output,
            folder_size=box.limits.file_size,
        ),
    )
