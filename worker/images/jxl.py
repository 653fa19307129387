"""Turns a JPEG XL picture into a PNG by ffmpeg, because the wheel of libvips has no libjxl.

The colours are converted to sRGB: ffmpeg writes a PNG's primaries into a chunk that libvips does
not read. A picture whose colours can't be converted, such as a grey one, keeps its colours.
"""

from pathlib import Path
from typing import Final

from tusd_py.worker.images.program import PictureProgram
from tusd_py.worker.media.argv import input_argv
from tusd_py.worker.media.causes import Cause, ToolFailed
from tusd_py.worker.media.draft import NotOnePlainFile, take_draft
from tusd_py.worker.media.sandbox import Sandbox

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
    ffmpeg: str, program: PictureProgram, box: Sandbox, max_pixels: int, *, target: Path
) -> None:
    """Decode the sandbox's source, and move the PNG to ``target``, outside of its output folder.

    Raises: ToolFailed, CpuTimeExceeded, Stopped, OSError.
    """

    def decode(*filters: str) -> None:
        output = box.output_seen(DRAFT_NAME)
        program.run_other(box, jxl_argv(ffmpeg, box.source_seen, output, max_pixels, *filters))

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
