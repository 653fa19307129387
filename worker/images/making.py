"""Makes renditions of a picture in the sandbox, and accepts those that another run could read."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tusd_py.settings.pictures import ImageSettings
from tusd_py.worker.images.facts import PictureFacts, read_facts
from tusd_py.worker.images.plan import Wanted
from tusd_py.worker.images.program import PictureProgram
from tusd_py.worker.images.watermark import mark_instructions, with_mark
from tusd_py.worker.media.causes import Cause, ToolFailed
from tusd_py.worker.media.draft import NotOnePlainFile, take_drafts
from tusd_py.worker.media.sandbox import Sandbox

log = logging.getLogger(__name__)

TAGS_KEPT: Final = 1 | 2 | 4
"""``VipsForeignKeep``: EXIF, XMP and IPTC. Colours become sRGB, so no profile is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Describes a finished rendition. ``size`` is in bytes."""

    wanted: Wanted
    path: Path
    size: int
    facts: PictureFacts


def look(program: PictureProgram, box: Sandbox, kind: str, settings: ImageSettings) -> PictureFacts:
    """Read the header of the sandbox's source as a picture of this kind and no other.

    Raises: ToolFailed, CpuTimeExceeded, Stopped, OSError.
    """
    given = {"source": box.source_seen, "kind": kind, "max_pixels": settings.max_pixels}
    facts = read_facts(program.run(box, "look", given))
    if facts is None:
        raise ToolFailed(Cause.DAMAGED)
    return facts


def render(
    program: PictureProgram,
    box: Sandbox,
    kind: str,
    wanted: Sequence[Wanted],
    settings: ImageSettings,
    *,
    target: Path,
) -> tuple[Rendered, ...]:
    """Make the wanted renditions of the sandbox's source.

    The source is not changed.
    Args: box: a sandbox whose output folder is empty. target: an empty folder outside of the
        sandbox that gets the files, under the names of the renditions.
    Raises: ToolFailed, CpuTimeExceeded, Stopped, OSError.
    """
    given = {
        "source": box.source_seen,
        "kind": kind,
        "max_pixels": settings.max_pixels,
        "outputs": [_instructions(one, box) for one in wanted],
        "mark": mark_instructions(settings.watermark) if settings.watermark.wanted else None,
    }
    program.run(with_mark(box, settings.watermark), "make", given, files=len(wanted))
    targets = {one.name: target / one.name for one in wanted}
    folder = box.output or Path()
    try:
        sizes = take_drafts(folder, targets, largest=box.limits.file_size)
    except NotOnePlainFile as error:
        log.warning("media.output.refused", extra={"reason": str(error)})
        raise ToolFailed(Cause.DAMAGED) from error
    found = _check(program, box, target, wanted, settings)
    return tuple(
        Rendered(wanted=one, path=targets[one.name], size=sizes[one.name], facts=found[one.name])
        for one in wanted
    )


def _instructions(wanted: Wanted, box: Sandbox) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "path": box.output_seen(wanted.name),
        "format": wanted.format,
        "side": wanted.side,
        "quality": wanted.quality,
        "lossless": wanted.lossless,
        "animated": wanted.animated,
        "marked": wanted.marked,
        "keep": TAGS_KEPT if wanted.with_tags else 0,
    }


def _check(
    program: PictureProgram,
    box: Sandbox,
    folder: Path,
    wanted: Sequence[Wanted],
    settings: ImageSettings,
) -> dict[str, PictureFacts]:
    """Decode every pixel of the renditions, in a sandbox that has not read the source.

    Raises: ToolFailed: a file is no picture of its format, or is larger than wanted.
    """
    inner = Sandbox(kind=box.kind, source=folder, output=None, limits=box.limits)
    given = {
        "source": inner.source_seen,
        "files": {one.name: one.format for one in wanted},
        "max_pixels": settings.max_pixels,
    }
    answers = program.run(inner, "check", given).get("found")
    found = {}
    for one in wanted:
        answer = answers.get(one.name) if isinstance(answers, dict) else None
        facts = read_facts(answer) if isinstance(answer, dict) else None
        if facts is None or (one.side and max(facts.width, facts.height) > one.side):
            raise ToolFailed(Cause.DAMAGED)
        found[one.name] = facts
    return found
