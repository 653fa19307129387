"""The settings' section about pictures: which renditions are made of them, and the watermark."""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from tusd_py.settings.sections import Section
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
    """A text or a picture that is drawn over what is made of pictures or films."""

    text: str = Field(
        "",
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*$",
        description="Text of the watermark; empty: none. It is drawn in white with a dark edge",
    )
    picture: Path | None = Field(
        None,
        description="Path of a PNG, WebP or JPEG file at the worker that is drawn as the watermark, instead of a text",
    )
    font: Path | None = Field(
        None,
        description="Path of a font file (TrueType or OpenType) at the worker for the text. Without it a font with the letters of English is used. A worker refuses to start if the font lacks a letter of the text",
    )
    place: Place = Field("bottom-right", description="Where in the picture the watermark is drawn")
    opacity: float = Field(0.5, gt=0, le=1, description="1: the watermark covers what is behind it")
    size: float = Field(
        0.2,
        gt=0,
        le=1,
        description="Largest width and largest height of the watermark, as a share of the picture's",
    )
    margin: float = Field(
        0.02,
        ge=0,
        le=0.5,
        description="Distance of the watermark from the picture's edges, as a share of the shorter side",
    )

    @property
    def wanted(self) -> bool:
        """Whether there is anything to draw."""
        return bool(self.text.strip()) or self.picture is not None


class ImageSettings(Section):
    """What is made of pictures. The file as it was sent stays the main copy unless ``compress`` or a
    watermark makes another one."""

    enabled: bool = Field(
        True,
        description="Read pictures and make renditions of them; off: they are stored as they came",
    )
    thumbnail_size: int = Field(
        512,
        ge=0,
        le=WEBP_LARGEST,
        description="Longest side in pixels of the rendition thumbnail, a WebP of the first frame; 0: none",
    )
    preview_size: int = Field(
        2048,
        ge=0,
        le=WEBP_LARGEST,
        description="Longest side in pixels of the rendition preview, which is made of a picture that browsers can't show, or that is larger than this or than media.image.preview_above; 0: none",
    )
    preview_format: Literal["webp", "jpeg", "avif"] = Field(
        "webp",
        description="Format of the rendition preview; animated pictures stay animated as webp alone",
    )
    preview_above: Size = Field(
        1 << 20,
        description="Bytes above which a preview is made also of a picture that browsers can show",
    )
    sizes: tuple[PictureSide, ...] = Field(
        (),
        max_length=8,
        description="Longest sides in pixels of further renditions, one for each of media.image.formats, named for example webp-1280; a picture is never enlarged",
    )
    formats: tuple[Literal["webp", "jpeg", "avif"], ...] = Field(
        ("webp",),
        max_length=3,
        description="Formats of the further renditions: webp, jpeg, avif (smaller, but takes several times as long)",
    )
    quality: int = Field(
        80, ge=1, le=100, description="Quality of JPEG and WebP renditions and compressed pictures"
    )
    avif_quality: int = Field(55, ge=1, le=100, description="Quality of AVIF renditions")
    metadata: MetadataPolicy = Field(
        "keep",
        description="Tags of a picture in its main copy: keep (all), strip_location (without the place where it was taken), strip_all (only what its pixels need to be shown right, and the date of recording). Other renditions never have any. Needs exiftool unless it is keep",
    )
    compress: bool = Field(
        False,
        description="Make a smaller main copy of each picture in its full size (WebP without loss for a PNG, WebP for animations, else JPEG, or WebP where there is transparency); media.keep_original says whether the file as it was sent is kept beside it",
    )
    watermark: WatermarkSettings = Field(
        WatermarkSettings(),
        description="Drawn over all that is made of pictures except thumbnails; the main copy is then made too",
    )
    max_pixels: int = Field(
        1 << 28,
        ge=1,
        description="Pixels of all frames together above which a picture is not decoded but stored as it came (16384 x 16384)",
    )
    cpu_seconds: int = Field(
        120,
        ge=1,
        description="Processor time in seconds that the renditions of one picture may take",
    )
