"""Opens a picture of a named kind and no other, and refuses one with too many pixels.

libvips reads most kinds row by row, so that a large picture takes little memory. Pillow reads the
kinds that libvips can't decode: HEIC (by libheif), JPEG 2000, BMP, and animated PNG and AVIF.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyvips
from PIL import AvifImagePlugin, Image, Jpeg2KImagePlugin  # noqa: F401  (registers them)

from tusd_py.worker.images.boxed.tags import Tags

LOADERS: Final = {
    "jpeg": "VipsForeignLoadJpeg",
    "png": "VipsForeignLoadPng",
    "gif": "VipsForeignLoadNsgif",
    "webp": "VipsForeignLoadWebp",
    "tiff": "VipsForeignLoadTiff",
    "avif": "VipsForeignLoadHeif",
}
"""The only classes of libvips that may read a kind of picture, by that kind."""
ANIMATED: Final = ("gif", "webp")
PILLOW_FORMATS: Final = {"jp2": "JPEG2000", "j2k": "JPEG2000", "bmp": "BMP"}
MAX_FRAMES: Final = 100_000
SHORTEST_FRAME_MS: Final = 10
ICC: Final = "icc-profile-data"
EXIF: Final = "exif-data"
XMP: Final = "xmp-data"


class Unreadable(Exception):
    """Raised if a picture can't be decoded. ``reason``: ``too_large``, ``damaged``, ``unknown``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Source(ABC):
    """Represents an opened picture. Width and height are those of one stored frame, in pixels."""

    width: int
    height: int
    frames: int = 1
    bits: int = 8
    space: str = "srgb"
    """Colour space by libvips' names: srgb, rgb16, b-w, grey16, cmyk, lab, ..."""
    has_alpha: bool = False
    profile: bytes = b""
    tags: Tags

    def facts(self) -> dict[str, Any]:
        """Return the facts of the upright picture."""
        sides = (self.width, self.height)
        width, height = reversed(sides) if self.tags.orientation >= 5 else sides
        return {
            "width": width,
            "height": height,
            "frames": self.frames,
            "bits": self.bits,
            "space": self.space,
            "has_alpha": self.has_alpha,
            "has_profile": bool(self.profile),
            "orientation": self.tags.orientation,
            "taken": self.tags.taken,
            "has_tags": self.tags.any,
            "has_location": self.tags.has_location,
        }

    def check_pixels(self, limit: int) -> None:
        """Check that the picture has pixels, and at most ``limit`` of them. Raises: Unreadable."""
        if self.width < 1 or self.height < 1:
            raise Unreadable("damaged")
        if self.width * self.height * self.frames > limit or self.frames > MAX_FRAMES:
            raise Unreadable("too_large")

    @abstractmethod
    def fitting(self, width: int, height: int, *, animated: bool) -> pyvips.Image:
        """Return the picture upright, in sRGB, at most this large; all frames or the first one."""

    def close(self) -> None:  # noqa: B027  (libvips closes its files itself)
        """Close the picture's file."""

    def decode(self) -> None:
        """Decode every pixel. Raises: pyvips.Error."""
        self.fitting(16, 16, animated=True).avg()


class VipsSource(Source):
    """Represents a picture that libvips reads."""

    def __init__(self, path: str, kind: str) -> None:
        pyvips.operation_block_set("VipsForeignLoad", True)
        pyvips.operation_block_set(LOADERS[kind], False)
        self._path = path
        self._options = "[n=-1]" if kind in ANIMATED else ""
        image = pyvips.Image.new_from_file(
            f"{path}{self._options}", access="sequential", fail_on="error"
        )
        fields = image.get_fields()
        self.width = image.width
        self.height = image.get("page-height") if "page-height" in fields else image.height
        self.frames = image.height // self.height if self._options else 1
        self.bits = image.get("bits-per-sample") if "bits-per-sample" in fields else 8
        if "bits-per-sample" not in fields and image.format in ("ushort", "short"):
            self.bits = 16
        elif image.format in ("float", "uint", "int"):
            self.bits = 32
        self.space = str(image.interpretation)
        self.has_alpha = bool(image.hasalpha())
        self.profile = _blob(image, ICC)
        # libvips has already turned the pixels of a HEIF picture.
        self.tags = Tags(_blob(image, EXIF), _blob(image, XMP), turned=kind == "avif")
        if kind == "tiff" and "orientation" in fields:
            self.tags.orientation = image.get("orientation")

    def fitting(self, width: int, height: int, *, animated: bool) -> pyvips.Image:
        """Return the picture as ``Source.fitting`` describes it."""
        # Not thumbnail_source: it ignores ``fail_on`` (libvips 8.18).
        return pyvips.Image.thumbnail(
            f"{self._path}{self._options if animated else ''}",
            width,
            height=height,
            size="down",
            output_profile="srgb",
            fail_on="error",
        )


class PillowSource(Source):
    """Represents a still picture that Pillow has decoded, or an animated PNG."""

    def __init__(self, image: Image.Image, limit: int) -> None:
        self._image = image
        self.width, self.height = image.size
        # The default picture, for programs without animation, is not one of the frames.
        self._first = 1 if image.info.get("default_image") else 0
        self.frames = getattr(image, "n_frames", 1) - self._first
        try:
            self.check_pixels(limit)
        except Unreadable:
            image.close()
            raise
        self.bits = 16 if image.mode.startswith("I;16") else 8
        self.has_alpha = image.has_transparency_data
        self.space = "b-w" if image.mode in ("1", "L", "LA", "I;16") else "srgb"
        if image.mode == "CMYK":
            self.space = "cmyk"
        self.profile = image.info.get("icc_profile") or b""
        self.tags = Tags(image.info.get("exif") or b"", image.info.get("xmp") or b"")

    def fitting(self, width: int, height: int, *, animated: bool) -> pyvips.Image:
        """Return the picture as ``Source.fitting`` describes it."""
        frames, delays = [], []
        for frame in self._each(animated=animated):
            fitted = _fitted(frame, self.profile, self.tags.orientation, width, height)
            frames.append(fitted.copy_memory())
            delays.append(max(SHORTEST_FRAME_MS, int(self._image.info.get("duration", 0))))
        if len(frames) == 1:
            return frames[0]
        joined = pyvips.Image.arrayjoin(frames, across=1).copy()
        joined.set_type(pyvips.GValue.gint_type, "page-height", frames[0].height)
        joined.set_type(pyvips.GValue.array_int_type, "delay", delays)
        joined.set_type(pyvips.GValue.gint_type, "loop", int(self._image.info.get("loop", 0)))
        return joined

    def close(self) -> None:
        """Close the picture's file."""
        self._image.close()

    def _each(self, *, animated: bool) -> Iterator[Image.Image]:
        for number in range(self._first, self._first + (self.frames if animated else 1)):
            self._image.seek(number)
            yield self._image


class HeicSource(Source):
    """Represents a HEIC picture, whose pixels libheif has already turned."""

    def __init__(self, path: str, limit: int) -> None:
        import pi_heif

        pi_heif.options.DECODE_THREADS = 2
        self._image = pi_heif.open_heif(path)
        self.width, self.height = self._image.size
        self.check_pixels(limit)
        info = self._image.info
        self.bits = info.get("bit_depth", 8)
        self.has_alpha = self._image.has_alpha
        self.profile = info.get("icc_profile") or b""
        self.tags = Tags(info.get("exif") or b"", info.get("xmp") or b"", turned=True)

    def fitting(self, width: int, height: int, *, animated: bool) -> pyvips.Image:  # noqa: ARG002
        """Return the picture as ``Source.fitting`` describes it."""
        return _fitted(self._image.to_pillow(), self.profile, 1, width, height)


def open_source(path: str, kind: str, limit: int) -> Source:
    """Open a picture of the kind and check its size.

    Args: limit: pixels of all frames together.
    Raises: Unreadable, and the errors of libvips and Pillow.
    """
    Image.MAX_IMAGE_PIXELS = None  # ``check_pixels`` has the limit
    if kind == "heic":
        return HeicSource(path, limit)
    if kind in PILLOW_FORMATS:
        return PillowSource(Image.open(path, formats=(PILLOW_FORMATS[kind],)), limit)
    if kind not in LOADERS:
        raise Unreadable("unknown")
    if kind in LOOKS and LOOKS[kind](Path(path)):
        return PillowSource(Image.open(path, formats=(kind.upper(),)), limit)
    source = VipsSource(path, kind)
    source.check_pixels(limit)
    return source


def _is_animated_png(path: Path) -> bool:
    """Return whether a chunk acTL is before the pixels (PNG, third edition, 11.3.6.1)."""
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8 and head[4:] not in (b"IDAT", b"IEND"):
            if head[4:] == b"acTL":
                return True
            file.seek(int.from_bytes(head[:4]) + 4, 1)
    return False


def _is_animated_avif(path: Path) -> bool:
    """Return whether the first brand is that of a sequence (AVIF 1.1, section 6.3)."""
    with path.open("rb") as file:
        return file.read(12)[4:] == b"ftypavis"


LOOKS: Final = {"png": _is_animated_png, "avif": _is_animated_avif}
"""Functions by kind that return whether a picture has frames that libvips can't read."""


def _fitted(
    image: Image.Image, profile: bytes, orientation: int, width: int, height: int
) -> pyvips.Image:
    mode, bands, depth, space = _layout(image)
    pixels = image if image.mode == mode else image.convert(mode)
    made = pyvips.Image.new_from_memory(
        pixels.tobytes(), image.width, image.height, bands, depth
    ).copy(interpretation=space)
    made.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    if profile:
        made.set_type(pyvips.GValue.blob_type, ICC, profile)
    return made.thumbnail_image(width, height=height, size="down", output_profile="srgb")


def _layout(image: Image.Image) -> tuple[str, int, str, str]:
    """Return Pillow's mode, the number of bands, and libvips' names of depth and colour space."""
    if image.has_transparency_data:
        return "RGBA", 4, "uchar", "srgb"
    if image.mode.startswith("I;16"):
        return image.mode, 1, "ushort", "grey16"
    if image.mode in ("1", "L"):
        return "L", 1, "uchar", "b-w"
    if image.mode == "CMYK":
        return "CMYK", 4, "uchar", "cmyk"
    return "RGB", 3, "uchar", "srgb"


def _blob(image: pyvips.Image, name: str) -> bytes:
    if name not in image.get_fields():
        return b""
    found = image.get(name)
    return bytes(found) if isinstance(found, bytes | bytearray | memoryview) else b""
