"""Draws a watermark for films: a PNG with transparency, and the position where it is drawn."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tusd_py.settings.pictures import WatermarkSettings
from tusd_py.worker.images.boxed import start
from tusd_py.worker.images.program import PictureProgram
from tusd_py.worker.media.causes import Cause, ToolFailed
from tusd_py.worker.media.draft import NotOnePlainFile, take_draft
from tusd_py.worker.media.sandbox import Kind, Limits, Sandbox

DRAFT_NAME: Final = "watermark.png.part"
FILE_BYTES: Final = 64 << 20
CPU_SECONDS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkPicture:
    """Describes the PNG. ``x``, ``y``: pixels from the frame's left and top edge to its corner."""

    path: Path
    x: int
    y: int


def draw_watermark(
    program: PictureProgram,
    watermark: WatermarkSettings,
    *,
    sandbox: Kind,
    memory: int,
    width: int,
    height: int,
    folder: Path,
    target: Path,
) -> WatermarkPicture:
    """Draw the watermark for frames of ``width`` x ``height`` pixels, with its opacity.

    Args: memory: limit in bytes. folder: an empty folder that the program writes into; target:
        where the PNG is put, outside of that folder.
    Raises: ToolFailed: the font or the picture can't be read; CpuTimeExceeded, Stopped, OSError.
    """
    box = Sandbox(
        kind=sandbox,
        source=Path(start.__file__),  # not read: the watermark's files are added to the sandbox
        output=folder,
        limits=Limits(memory=memory, file_size=FILE_BYTES, cpu=CPU_SECONDS),
    )
    given = {
        "mark": mark_instructions(watermark),
        "width": width,
        "height": height,
        "output": box.output_seen(DRAFT_NAME),
    }
    drawn = program.run(with_mark(box, watermark), "watermark", given, files=1)
    x, y = (drawn.get(name) for name in ("x", "y"))
    if not (isinstance(x, int) and isinstance(y, int) and 0 <= x < width and 0 <= y < height):
        raise ToolFailed(Cause.DAMAGED)
    try:
        take_draft(folder, DRAFT_NAME, target, largest=FILE_BYTES)
    except NotOnePlainFile as error:
        raise ToolFailed(Cause.DAMAGED) from error
    return WatermarkPicture(path=target, x=x, y=y)


def mark_instructions(watermark: WatermarkSettings) -> dict[str, Any]:
    """Return the description of the watermark that the program in the sandbox needs."""
    picture, font = watermark.picture, watermark.font
    return {
        "text": watermark.text.strip(),
        "picture": str(picture.resolve()) if picture is not None else None,
        "font": str(font.resolve()) if font is not None else None,
        "place": watermark.place,
        "opacity": watermark.opacity,
        "size": watermark.size,
        "margin": watermark.margin,
    }


def with_mark(box: Sandbox, watermark: WatermarkSettings) -> Sandbox:
    """Return the sandbox with the watermark's own files in it."""
    files = (path.resolve() for path in (watermark.picture, watermark.font) if path is not None)
    return replace(box, readable=(*box.readable, *files))
