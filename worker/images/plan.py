"""Plans the renditions of a picture as a pure function of its facts and the settings."""

from dataclasses import dataclass
from typing import Final, Literal

from tusd_py.settings.pictures import WEBP_LARGEST, ImageSettings
from tusd_py.worker.images.facts import PictureFacts

Format = Literal["webp", "jpeg", "avif", "png"]
MEDIA_TYPES: Final[dict[Format, tuple[str, str]]] = {
    "webp": ("image/webp", ".webp"),
    "jpeg": ("image/jpeg", ".jpg"),
    "avif": ("image/avif", ".avif"),
    "png": ("image/png", ".png"),
}
"""Media type and file extension by format."""
SHOWN_BY_BROWSERS: Final = ("jpeg", "png", "gif", "webp", "avif", "bmp")
THUMBNAIL: Final = "thumbnail"
PREVIEW: Final = "preview"
JPEG_LARGEST: Final = 65500
"""Longest side of a JPEG picture that libjpeg writes, in pixels."""
WEB: Final = "web"
"""Name of the main copy among the renditions of one run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Describes a rendition to be made."""

    name: str
    format: Format
    side: int
    """Longest side in pixels; 0 keeps the size of the picture."""
    quality: int
    lossless: bool = False
    animated: bool = True
    """Whether all frames are kept, in a format that allows several frames."""
    marked: bool = True
    """Whether the watermark is drawn, if the settings have one."""
    with_tags: bool = False
    """Whether EXIF, XMP and IPTC are copied."""


def plan_renditions(
    facts: PictureFacts, kind: str, size: int, settings: ImageSettings
) -> tuple[Wanted, ...]:
    """Return the renditions to make of a picture.

    Args: kind: name of the picture's type; size: size of the file in bytes.
    """
    wanted = []
    if settings.thumbnail_size:
        side = settings.thumbnail_size
        wanted.append(
            Wanted(
                name=THUMBNAIL, format="webp", side=side, quality=settings.quality,
                animated=False, marked=False,
            )
        )  # fmt: skip
    if settings.preview_size and _needs_preview(facts, kind, size, settings):
        wanted.append(
            _sized(PREVIEW, settings.preview_format, settings.preview_size, settings),
        )
    wanted += [
        _sized(f"{chosen}-{side}", chosen, side, settings)
        for side in sorted(set(settings.sizes))
        for chosen in dict.fromkeys(settings.formats)
    ]
    if settings.compress or settings.watermark.wanted:
        wanted.append(_main_copy(facts, kind, settings))
    return tuple(wanted)


def _needs_preview(facts: PictureFacts, kind: str, size: int, settings: ImageSettings) -> bool:
    shown = kind in SHOWN_BY_BROWSERS and facts.space in ("rgb", "grey")
    large = max(facts.width, facts.height) > settings.preview_size or size > settings.preview_above
    return not shown or large


def _sized(name: str, chosen: Format, side: int, settings: ImageSettings) -> Wanted:
    quality = settings.avif_quality if chosen == "avif" else settings.quality
    return Wanted(name=name, format=chosen, side=side, quality=quality)


def _main_copy(facts: PictureFacts, kind: str, settings: ImageSettings) -> Wanted:
    """Return the rendition that has the whole picture in a format that every browser shows."""
    longest = max(facts.width, facts.height)
    fits_webp = longest <= WEBP_LARGEST
    chosen: Format = "jpeg" if longest <= JPEG_LARGEST else "png"
    if facts.frames > 1:
        chosen = "webp"
    elif facts.has_alpha or kind in ("png", "gif", "webp"):
        chosen = "webp" if fits_webp else "png"
    return Wanted(
        name=WEB,
        format=chosen,
        side=0 if fits_webp or chosen != "webp" else WEBP_LARGEST,
        quality=settings.quality,
        lossless=chosen == "webp" and kind in ("png", "gif", "bmp") and facts.frames == 1,
        with_tags=True,
    )
