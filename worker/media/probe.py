"""Reads the contents of a media file with ffprobe, or with ffmpeg if there is no ffprobe."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tusd_py.clock import Clock
from tusd_py.worker.media.argv import describe_argv, duration_argv, probe_argv
from tusd_py.worker.media.causes import Blame, Cause, ToolFailed, ended_by
from tusd_py.worker.media.checked_run import checked_run
from tusd_py.worker.media.choose import choose
from tusd_py.worker.media.contents import Contents
from tusd_py.worker.media.ffmpeg_report import read_ffmpeg
from tusd_py.worker.media.ffprobe_report import read_ffprobe
from tusd_py.worker.media.position import Position
from tusd_py.worker.media.run import Bounds, TooMuchOutput, run
from tusd_py.worker.media.sandbox import Sandbox
from tusd_py.worker.media.tools import Tools

log = logging.getLogger(__name__)

PROBE_SECONDS: Final = 60.0
REPORT_BYTES: Final = 1 << 20
"""Longest report; a longer one is made again without tags, which may be as long as the file."""
MAX_POSITIONS_BYTES: Final = 16 << 20
"""Most bytes of positions: 7 hours of them, which ffmpeg writes twice a second in 300 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """Summarises a media file. Duration in seconds; None if no header states it."""

    duration: float | None
    has_video: bool
    """Whether it has a moving picture, not only a cover."""
    has_audio: bool
    width: int = 0
    height: int = 0
    frames: int | None = None
    """Frames of the chosen picture by the file's header; None if it states no number."""
    frame_rate: float | None = None
    """Frames per second by the file's header."""


def probe(
    tools: Tools, box: Sandbox, demuxer: str, *, clock: Clock, stopped: Callable[[], bool]
) -> Probed | None:
    """Return a summary of the sandbox's source; None if ``demuxer`` can't read it.

    Raises: ToolFailed: the file is not the cause; Stopped, CpuTimeExceeded.
    """
    found = inspect_media(tools, box, demuxer, clock=clock, stopped=stopped)
    return summary(found) if found is not None else None


def inspect_media(
    tools: Tools, box: Sandbox, demuxer: str, *, clock: Clock, stopped: Callable[[], bool]
) -> Contents | None:
    """Return the contents of the sandbox's source; None if ``demuxer`` can't read it.

    Raises: ToolFailed: the file is not the cause; Stopped, CpuTimeExceeded.
    """
    if tools.ffprobe is None:
        argv = describe_argv(tools.ffmpeg or "", box.source_seen, demuxer)
        ran = run(box.wrap(argv), clock=clock, stopped=stopped, wall_seconds=PROBE_SECONDS)
        if ended_by(ran.code) is not None:
            raise ToolFailed(Cause.KILLED)
        return read_ffmpeg(ran.stderr)
    for tags in (True, False):
        argv = probe_argv(tools.ffprobe, box.source_seen, demuxer, tags=tags)
        try:
            ran = checked_run(
                box,
                argv,
                clock=clock,
                stopped=stopped,
                wall_seconds=PROBE_SECONDS,
                bounds=Bounds(stdout=REPORT_BYTES),
                otherwise=Cause.DAMAGED,
            )
        except ToolFailed as error:
            if isinstance(error.__cause__, TooMuchOutput):
                continue
            if error.cause.blame is Blame.FILE:
                return None
            raise
        return read_ffprobe(ran.stdout, is_complete=tags)
    return None


def parse_ffprobe(text: str) -> Probed | None:
    """Return a summary of ffprobe's JSON; None if it names no stream or is not from ffprobe."""
    found = read_ffprobe(text)
    return summary(found) if found is not None else None


def parse_ffmpeg(text: str) -> Probed | None:
    """Return a summary of what ``ffmpeg -i`` writes; None if it names no stream."""
    found = read_ffmpeg(text)
    return summary(found) if found is not None else None


def summary(found: Contents) -> Probed:
    """Return a summary of the contents, with the facts of the film's picture."""
    chosen = choose(found)
    picture = chosen.picture if chosen is not None else None
    return Probed(
        duration=found.duration,
        has_video=picture is not None,
        has_audio=bool(found.of_kind("audio")),
        width=picture.width if picture else 0,
        height=picture.height if picture else 0,
        frames=picture.frames if picture else None,
        frame_rate=float(picture.average_rate) if picture and picture.average_rate else None,
    )


def measure_duration(
    tools: Tools, box: Sandbox, demuxer: str, *, clock: Clock, stopped: Callable[[], bool]
) -> float | None:
    """Return the duration in seconds by reading every packet, for files whose header has none.

    A large file may take any time while the position in it moves on.
    Raises: Stopped, LimitExceeded, OSError.
    """
    position = Position()
    argv = duration_argv(tools.ffmpeg or "", box.source_seen, demuxer)
    ran = run(
        box.wrap(argv),
        clock=clock,
        stopped=stopped,
        wall_seconds=None,
        stall_seconds=PROBE_SECONDS,
        on_line=position.on_line,
        bounds=Bounds(stdout=MAX_POSITIONS_BYTES),
    )
    return position.seconds if ran.code == 0 else None
