"""Compressing one video: run ffmpeg, tell its position, accept its output only if it is right."""

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tusd_py.clock import Clock
from tusd_py.domain.errors import ResourceShort
from worker.media.argv import TranscodePlan, transcode_argv
from worker.media.probe import Probed, probe
from worker.media.run import Stalled, run
from worker.media.sandbox import Box
from worker.media.tools import Tools

log = logging.getLogger(__name__)

OUTPUT_DEMUXER: Final = "mov"
MIN_WALL_SECONDS: Final = 60.0
WALL_FACTOR: Final = 20.0
"""A video may take so many times its own length."""
SHORT_BYTES: Final = 16 << 20
"""With less free than this, a failure is the disk's."""
_POSITION: Final = "out_time_us="


class Refused(Exception):
    """Raised when a video can't be compressed; the text is for the user: no path, no tool's words."""


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
    name: str,
    clock: Clock,
    stopped: Callable[[], bool],
    stall_seconds: float,
    on_share: Callable[[float], None],
) -> Output:
    """Compress the box's source into its output folder, as ``name``.

    Args: on_share: told how much is done, 0 to 1, by ffmpeg's position in the video.
    Raises: Refused; ResourceShort: no disk; Stopped; OSError. The source is not touched.
    """
    folder = box.output or Path()
    draft = folder / f"{name}.part"
    duration = source.duration or 0.0

    def hear(line: str) -> bool:
        if not line.startswith(_POSITION):
            return False
        text = line.removeprefix(_POSITION).strip()
        if not text.isdecimal():
            return False
        if duration > 0:
            on_share(min(int(text) / 1e6 / duration, 0.999))
        return True

    try:
        ran = run(
            box.wrap(transcode_argv(tools.ffmpeg or "", plan)),
            clock=clock,
            stopped=stopped,
            wall_seconds=max(MIN_WALL_SECONDS, WALL_FACTOR * (duration or 3600.0)),
            stall_seconds=stall_seconds,
            on_line=hear,
        )
    except Stalled as error:
        raise Refused("compression stood still") from error
    if ran.code != 0:
        log.warning("media.transcode.failed", extra={"exit_code": ran.code, "stderr": ran.stderr})
        if shutil.disk_usage(folder).free < SHORT_BYTES:
            raise ResourceShort("The worker's disk is full.")
        raise Refused("the video can't be decoded")
    made = accept(tools, box, draft, source, clock=clock, stopped=stopped)
    path = _publish(draft, folder / name)
    return Output(path=path, size=path.stat().st_size, probed=made)


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

    Raises: Refused, Stopped, OSError.
    """
    if not draft.exists() or draft.stat().st_size == 0:
        raise Refused("compression gave nothing")
    inner = Box(kind=box.kind, source=draft, output=None, limits=box.limits)
    made = probe(tools, inner, OUTPUT_DEMUXER, clock=clock, stopped=stopped)
    if made is None or not made.has_video or (source.has_audio and not made.has_audio):
        raise Refused("the compressed video is not playable")
    if source.duration is not None:
        tolerance = max(1.0, source.duration * 0.01)
        if made.duration is None or abs(made.duration - source.duration) > tolerance:
            raise Refused("the compressed video is not as long as the original")
    return made


def _publish(draft: Path, target: Path) -> Path:
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.rename(target)
    return target
