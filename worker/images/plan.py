"""Which renditions are made of a picture: a pure function of its facts and the settings."""

from dataclasses import dataclass
from typing import Final, Literal

from tusd_py.settings.pictures import WEBP_LARGEST, ImageSettings
from worker.images.facts import PictureFacts

Format = Literal["webp", "jpeg", "avif", "png"]
MEDIA_TYPES: Final[dict[Format, tuple[str, str]]] = {
    "webp": ("image/webp", ".webp"),
    "jpeg": ("image/jpeg", ".jpg"),
    "avif": ("image/avif", ".avif"),
    "png": ("image/png", ".png"),
}
"""By format: media type and extension."""
SHOWN_BY_BROWSERS: Final = ("jpeg", "png", "gif", "webp", "avif", "bmp")
THUMBNAIL: Final = "thumbnail"
PREVIEW: Final = "preview"
JPEG_LARGEST: Final = 65500
"""Longest side of a JPEG picture that libjpeg writes, in pixels."""
WEB: Final = "web"
"""The name of the main copy among what one run makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A rendition to be made. ``side``: the longest side in pixels; 0: as large as the picture."""

    name: str
    format: Format
    side: int
    quality: int
    lossless: bool = False
    animated: bool = True
    """Whether all frames are kept, in a format that can have them."""
    marked: bool = True
    """Whether the watermark is drawn, where there is one."""
    with_tags: bool = False
    """Whether EXIF, XMP and IPTC are copied."""


def plan_renditions(
    facts: PictureFacts, kind: str, size: int, settings: ImageSettings
) -> tuple[Wanted, ...]:
    """Return what is made of a picture. Args: kind: the name of its type; size: of the file in bytes."""
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
    """The whole picture in a format that every browser shows."""
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
