"""Turns a JPEG XL picture into a PNG by ffmpeg, which has libjxl where the wheel of libvips has not.

Its colours are converted to sRGB, since a PNG by ffmpeg says its primaries in a chunk that libvips does
not read; a picture whose colours can't be converted so, a grey one, keeps them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tusd_py.clock import Clock
from worker.images.program import WALL_FACTOR
from worker.media.argv import input_argv
from worker.media.causes import Cause, ToolFailed
from worker.media.checked_run import checked_run
from worker.media.draft import NotOnePlainFile, take_draft
from worker.media.run import Bounds
from worker.media.sandbox import Box

DEMUXER: Final = "jpegxl_pipe"
DRAFT_NAME: Final = "picture.png.part"
TO_SRGB: Final = ("-vf", "zscale=primaries=bt709:transfer=iec61966-2-1")


def jxl_argv(ffmpeg: str, source: str, output: str, max_pixels: int, *filters: str) -> list[str]:
    """Return the command line that decodes the first frame."""
    return [
        ffmpeg, "-nostdin", "-hide_banner", "-v", "level+error", "-y",
        "-max_pixels", str(max_pixels), "-threads", "1", *input_argv(source, DEMUXER),
        "-frames:v", "1", *filters, "-filter_threads", "1", "-c:v", "png",
        "-compression_level", "1", "-f", "image2pipe", f"file:{output}",
    ]  # fmt: skip


def decode_jxl(
    ffmpeg: str,
    box: Box,
    max_pixels: int,
    *,
    target: Path,
    clock: Clock,
    stopped: Callable[[], bool],
) -> None:
    """Decode the box's source, and take the PNG to ``target``, outside of its output folder.

    Raises: ToolFailed, CpuSpent, Stopped, OSError.
    """

    def decode(*filters: str) -> None:
        argv = jxl_argv(ffmpeg, box.source_seen, box.output_seen(DRAFT_NAME), max_pixels, *filters)
        checked_run(
            box,
            argv,
            clock=clock,
            stopped=stopped,
            wall_seconds=WALL_FACTOR * box.limits.cpu,
            bounds=Bounds(folder=box.output, folder_size=box.limits.file_size, files=1),
            otherwise=Cause.DAMAGED,
        )

    folder = box.output or Path()
    try:
        decode(*TO_SRGB)
    except ToolFailed as error:
        if error.cause is not Cause.DAMAGED:
            raise
        decode()
    try:
        take_draft(folder, DRAFT_NAME, target, largest=box.limits.file_size)
    except NotOnePlainFile as error:
        raise ToolFailed(Cause.DAMAGED) from error
