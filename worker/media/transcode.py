"""Compressing one video: run ffmpeg, tell its position, accept its output only if it is right."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tusd_py.clock import Clock
from tusd_py.domain.notes import Note
from worker.media.argv import TranscodePlan, transcode_argv
from worker.media.causes import Cause, ToolFailed, cause_in_words
from worker.media.checked_run import checked_run
from worker.media.draft import NotOnePlainFile, take_draft
from worker.media.position import Position
from worker.media.probe import Probed, probe
from worker.media.run import Bounds, Ran
from worker.media.sandbox import Box
from worker.media.tools import Tools

log = logging.getLogger(__name__)

OUTPUT_DEMUXER: Final = "mov"
PATIENCE: Final = 100.0
"""A video may run for its processor time multiplied by this: only a program that pretends to move on while
it uses less than a hundredth of a processor meets it."""
PROGRESS_BYTES: Final = 64 << 20
"""30 hours of positions, which ffmpeg writes twice a second in 300 bytes each."""
DRAFT_NAME: Final = "video.mp4.part"


class Refused(Exception):
    """Raised when a video can't be compressed; the note is for the user."""

    def __init__(self, note: Note) -> None:
        super().__init__(note)
        self.note = note


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A compressed video, verified and synced. Size in bytes."""

    path: Path
    size: int
    probed: Probed


def transcode(
    tools: Tools,
    box: Box,
    plan: TranscodePlan,
    source: Probed,
    *,
    target: Path,
    clock: Clock,
    stopped: Callable[[], bool],
    stall_seconds: float,
    on_share: Callable[[float], None],
) -> Output:
    """Compress the box's source into its output folder, which is empty, and take the result to ``target``.

    The box's ``cpu`` is what ffmpeg and all its threads may use together.
    Args: target: outside of the output folder. on_share: gets how much is done, 0 to 1, by ffmpeg's
        position in the video.
    Raises: Refused; ToolFailed; CpuSpent; Stopped; OSError. The source is not touched.
    """
    folder = box.output or Path()
    ran = _run(
        box,
        transcode_argv(tools.ffmpeg or "", plan),
        duration=source.duration or 0.0,
        clock=clock,
        stopped=stopped,
        stall_seconds=stall_seconds,
        on_share=on_share,
    )
    try:
        size = take_draft(folder, DRAFT_NAME, target, largest=box.limits.file_size)
    except NotOnePlainFile as error:
        log.warning("media.output.refused", extra={"reason": str(error)})
        raise Refused(Note.NOT_PLAYABLE) from error
    try:
        made = accept(tools, box, target, source, clock=clock, stopped=stopped)
    except Refused as error:
        if error.note is Note.NOT_AS_LONG and cause_in_words(ran.stderr) is Cause.CUT_OFF:
            raise ToolFailed(Cause.CUT_OFF) from error
        raise
    return Output(path=target, size=size, probed=made)


def _run(
    box: Box,
    argv: list[str],
    *,
    duration: float,
    clock: Clock,
    stopped: Callable[[], bool],
    stall_seconds: float,
    on_share: Callable[[float], None],
) -> Ran:
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
        on_line=Position(moved).hear,
        bounds=Bounds(
            stdout=PROGRESS_BYTES,
            cpu=box.limits.cpu,
            folder=box.output,
            folder_size=box.limits.file_size,
        ),
    )


def accept(
    tools: Tools,
    box: Box,
    draft: Path,
    source: Probed,
    *,
    clock: Clock,
    stopped: Callable[[], bool],
) -> Probed:
    """The output if it is a whole video of the same length: exit code 0 alone proves nothing.

    Raises: Refused, ToolFailed, Stopped.
    """
    inner = Box(kind=box.kind, source=draft, output=None, limits=box.limits)
    made = probe(tools, inner, OUTPUT_DEMUXER, clock=clock, stopped=stopped)
    if made is None or not made.has_video or (source.has_audio and not made.has_audio):
        raise Refused(Note.NOT_PLAYABLE)
    if source.duration is not None:
        tolerance = max(1.0, source.duration * 0.01)
        if made.duration is None or abs(made.duration - source.duration) > tolerance:
            raise Refused(Note.NOT_AS_LONG)
    return made
