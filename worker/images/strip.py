"""Removes tags from a picture without changing its pixels.

exiftool removes them. For WebP our own program does, since exiftool before version 12.58 can't
write WebP.
"""

from pathlib import Path
from typing import Final, Literal

from tusd_py.domain.signatures.identify import identify
from tusd_py.file_pieces import look_into
from tusd_py.worker.images.program import PictureProgram
from tusd_py.worker.media.causes import Cause, ToolFailed
from tusd_py.worker.media.draft import NotOnePlainFile, take_draft
from tusd_py.worker.media.sandbox import Sandbox

Policy = Literal["strip_location", "strip_all"]

WRITABLE: Final = ("jpeg", "png", "gif", "tiff", "heic", "avif", "jxl", "jp2", "webp")
"""Kinds of pictures whose tags can be removed. A BMP has none."""
LOCATION: Final = (
    "-gps:all=", "-XMP:GPS*=", "-XMP:Location*=", "-XMP:City=", "-XMP:State=", "-XMP:Country=",
    "-XMP:CountryCode=", "-IPTC:City=", "-IPTC:Sub-location=", "-IPTC:Province-State=",
    "-IPTC:Country-PrimaryLocationName=", "-IPTC:Country-PrimaryLocationCode=", "-trailer:all=",
)  # fmt: skip
"""Arguments that remove the location.

A trailer is a film that a phone appends to a photograph; it repeats the location.
"""
ALL: Final = (
    "-all=", "-CommonIFD0=", "-tagsFromFile", "@", "-ICC_Profile", "-ColorSpaceTags",
    "-Orientation", "-DateTimeOriginal", "-OffsetTimeOriginal", "-SubSecTimeOriginal",
)  # fmt: skip
ARGUMENTS: Final[dict[Policy, tuple[str, ...]]] = {"strip_location": LOCATION, "strip_all": ALL}
DRAFT_NAME: Final = "picture.part"


def strip_argv(exiftool: str, source: str, output: str, policy: Policy) -> list[str]:
    """Return the command line that copies a picture without the tags that the policy forbids."""
    return [exiftool, "-config", "", "-q", "-q", "-m", *ARGUMENTS[policy], "-o", output, source]


def strip_tags(
    exiftool: str,
    program: PictureProgram,
    box: Sandbox,
    kind: str,
    policy: Policy,
    *,
    target: Path,
) -> None:
    """Copy the sandbox's source without tags, and move the copy to ``target`` outside of it.

    Raises: ToolFailed: the tags can't be removed; CpuTimeExceeded, Stopped, OSError.
    """
    if kind == "webp":
        given = {
            "source": box.source_seen,
            "output": box.output_seen(DRAFT_NAME),
            "everything": policy == "strip_all",
        }
        program.run(box, "strip_webp", given, files=1)
    else:
        argv = strip_argv(exiftool, box.source_seen, box.output_seen(DRAFT_NAME), policy)
        program.run_other(box, argv)
    try:
        take_draft(box.output or Path(), DRAFT_NAME, target, largest=box.limits.file_size)
    except NotOnePlainFile as error:
        raise ToolFailed(Cause.DAMAGED) from error
    found = identify(look_into(target))
    if found is None or found.name != kind:
        raise ToolFailed(Cause.DAMAGED)
