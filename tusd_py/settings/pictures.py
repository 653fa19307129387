"""Defines the settings of pictures: the renditions that are made of them, and the watermark."""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from tusd_py.settings.section import Section
from tusd_py.settings.values import Size

WEBP_LARGEST: Final = 16383
"""Longest side of a WebP picture in pixels (RFC 9649, 2.5)."""

PictureSide = Annotated[int, Field(ge=16, le=WEBP_LARGEST)]
"""Longest side of a picture in pixels."""


Place = Literal[
    "top-left",
    "top",
    "top-right",
    "left",
    "center",
    "right",
    "bottom-left",
    "bottom",
    "bottom-right",
]


MetadataPolicy = Literal["keep", "strip_location", "strip_all"]


class WatermarkSettings(Section):
    """Sets a text or a picture that is drawn over what is made of pictures or films."""

    text: str = Field(
        "",
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*$",
        description="Text of the watermark; empty: none. It is drawn in white with a dark edge",
    )
    picture: Path | None = Field(
        None,
        description=(
            "Path of a PNG, WebP or JPEG file on the worker's machine that is drawn as the "
            "watermark, instead of a text"
        ),
    )
    font: Path | None = Field(
        None,
        description=(
            "Path of a font file (TrueType or OpenType) on the worker's machine for the text. "
            "Without it, a font with the letters of English is used. A worker refuses to start if "
            "the font lacks a letter of the text"
        ),
    )
    place: Place = Field("bottom-right", description="Position of the watermark in the picture")
    opacity: float = Field(
        0.5, gt=0, le=1, description="Opacity of the watermark; 1: it is not transparent"
    )
    size: float = Field(
        0.2,
        gt=0,
        le=1,
        description=(
            "Largest width and largest height of the watermark, as a share of the picture's"
        ),
    )
    margin: float = Field(
        0.02,
        ge=0,
        le=0.5,
        description=(
            "Distance of the watermark from the picture's edges, as a share of the shorter side"
        ),
    )

    @property
    def wanted(self) -> bool:
        """Return whether there is something to draw."""
        return bool(self.text.strip()) or self.picture is not None


class ImageSettings(Section):
    """Sets what is made of pictures.

    The file as it was sent is the main copy, unless ``compress`` or a watermark makes another one.
    """

    enabled: bool = Field(
        True,
        description=(
            "Read pictures and make renditions of them; off: they are stored as they were sent"
        ),
    )
    thumbnail_size: int = Field(
        512,
        ge=0,
        le=WEBP_LARGEST,
        description=(
            "Longest side in pixels of the rendition thumbnail, a WebP of the first frame; 0: none"
        ),
    )
    preview_size: int = Field(
        2048,
        ge=0,
        le=WEBP_LARGEST,
        description=(
            "Longest side in pixels of the rendition preview, which is made of a picture that "
            "browsers can't show, that is larger than this, or whose file is larger than "
            "media.image.preview_above; 0: none"
        ),
    )
    preview_format: Literal["webp", "jpeg", "avif"] = Field(
        "webp",
        description="Format of the rendition preview; animated pictures stay animated only as webp",
    )
    preview_above: Size = Field(
        1 << 20,
        description=(
            "Size of a file above which a preview is also made of a picture that browsers can show"
        ),
    )
    sizes: tuple[PictureSide, ...] = Field(
        (),
        max_length=8,
        description=(
            "Longest sides in pixels of further renditions; each is made in each of "
            "media.image.formats and named for example webp-1280. A picture is never enlarged"
        ),
    )
    formats: tuple[Literal["webp", "jpeg", "avif"], ...] = Field(
        ("webp",),
        max_length=3,
        description=(
            "Formats of the further renditions: webp, jpeg, avif (smaller, but several times as "
            "slow)"
        ),
    )
    quality: int = Field(
        80, ge=1, le=100, description="Quality of JPEG and WebP renditions and compressed pictures"
    )
    avif_quality: int = Field(55, ge=1, le=100, description="Quality of AVIF renditions")
    metadata: MetadataPolicy = Field(
        "keep",
        description=(
            "Tags of a picture in its main copy: keep (all), strip_location (without the place "
            "where it was taken), strip_all (only what is needed to show it correctly, and the "
            "date of recording). Other renditions never have tags. All values except keep need "
            "exiftool"
        ),
    )
    compress: bool = Field(
        False,
        description=(
            "Make a smaller main copy of each picture in its full size (lossless WebP for a PNG, "
            "WebP for animations and for transparency, otherwise JPEG); media.keep_original sets "
            "whether the file as it was sent is kept too"
        ),
    )
    watermark: WatermarkSettings = Field(
        WatermarkSettings(),
        description=(
            "Is drawn over all that is made of pictures except thumbnails; a main copy is made "
            "too then"
        ),
    )
    max_pixels: int = Field(
        1 << 28,
        ge=1,
        description=(
            "Number of pixels, of all frames together, above which a picture is not decoded but "
            "stored as it was sent (16384 x 16384)"
        ),
    )
    cpu_seconds: int = Field(
        120,
        ge=1,
        description="Processor time in seconds that the renditions of one picture may take",
    )
