"""Sample pictures with a colour in each corner, and their colours read back."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import Image, ImageCms

RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 160, 40), (30, 40, 200), (240, 240, 240)
CORNERS = (RED, GREEN, BLUE, WHITE)
"""Colours of the corners: top left, top right, bottom left, bottom right."""
SIZE = (64, 48)

pillow_heif.register_heif_opener()


def corners(size: tuple[int, int] = SIZE, colours: tuple[Any, ...] = CORNERS) -> Image.Image:
    """Return a picture with four quarters of one colour each."""
    picture = Image.new("RGB", size)
    half = size[0] // 2, size[1] // 2
    for number, colour in enumerate(colours):
        picture.paste(colour, _quarter(number, half, size))
    return picture


def _quarter(
    number: int, half: tuple[int, int], size: tuple[int, int]
) -> tuple[int, int, int, int]:
    x, y = number % 2 * half[0], number // 2 * half[1]
    return x, y, x + (size[0] - half[0]), y + (size[1] - half[1])


def seen(path: Path, frame: int = 0) -> tuple[tuple[int, int, int], ...]:
    """Return the colours in the middle of the quarters, as Pillow decodes them."""
    with Image.open(path) as opened:
        opened.seek(frame)
        picture = opened.convert("RGB")
    width, height = picture.size
    middles = ((x, y) for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4))
    return tuple(picture.getpixel(middle) for middle in middles)  # type: ignore[misc]


def alike(found: tuple[Any, ...], expected: tuple[Any, ...], within: int = 12) -> bool:
    """Return whether each channel of each colour is at most ``within`` from the expected one."""
    return all(
        abs(a - b) <= within
        for one, other in zip(found, expected, strict=True)
        for a, b in zip(one, other, strict=True)
    )


TURNED: dict[int, Callable[[Image.Image], Image.Image]] = {
    1: lambda picture: picture,
    2: lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda picture: picture.transpose(Image.Transpose.ROTATE_180),
    4: lambda picture: picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda picture: picture.transpose(Image.Transpose.TRANSPOSE),
    6: lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
    7: lambda picture: picture.transpose(Image.Transpose.TRANSVERSE),
    8: lambda picture: picture.transpose(Image.Transpose.ROTATE_270),
}
"""Functions that return the stored pixels of an upright picture, by its EXIF orientation."""


def exif(
    orientation: int = 1, *, located: bool = False, taken: str = "2024:05:06 07:08:09"
) -> bytes:
    """Return the EXIF of a camera."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "Camera"
    details = tags.get_ifd(0x8769)
    details[0x9003] = taken
    if located:
        place = tags.get_ifd(0x8825)
        place.update({1: "N", 2: (47.0, 22.0, 33.0), 3: "E", 4: (8.0, 32.0, 31.0)})
    return tags.tobytes()


def profile(name: str) -> bytes:
    """Return the profile of a wide colour space: Display P3 or Adobe RGB (D65, adapted to D50)."""
    curve, columns = PROFILES[name]
    return _matrix_profile(curve, columns)


PROFILES = {
    # Columns of XYZ (D50) of the three primaries, from the published chromaticities.
    "p3": (2.4, ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))),
    "adobe": (
        2.19921875, ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)),
    ),
}  # fmt: skip


def _matrix_profile(gamma: float, columns: tuple[tuple[float, ...], ...]) -> bytes:
    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(values: tuple[float, ...]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(fixed, values))

    if gamma == 2.4:  # the curve of sRGB (ICC.1, parametric type 3)
        shape = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
        curve = b"para\0\0\0\0\0\3\0\0" + b"".join(map(fixed, shape))
    else:
        curve = b"curv\0\0\0\0\0\0\0\1" + struct.pack(">H", round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0\0\0\0\5wide\0" + bytes(79)
    tags = {
        b"desc": text,
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        **{
            name + b"XYZ": xyz(column)
            for name, column in zip((b"r", b"g", b"b"), columns, strict=True)
        },
        **{name + b"TRC": curve for name in (b"r", b"g", b"b")},
    }
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(
        ">I4sI4s4s4s12s4s4sIIIQI12s", start + len(body), b"none", 0x02400000, b"mntr", b"RGB ",
        b"XYZ ", bytes(12), b"acsp", bytes(4), 0, 0, 0, 0, 0,
        b"".join(map(fixed, (0.9642, 1.0, 0.8249))),
    )  # fmt: skip
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def in_srgb(picture: Image.Image, icc: bytes) -> tuple[Any, ...]:
    """Return the quarters' colours in sRGB by another colour engine, Little CMS."""
    import io

    made = ImageCms.profileToProfile(picture, io.BytesIO(icc), ImageCms.createProfile("sRGB"))
    assert made is not None
    width, height = made.size
    middles = ((x, y) for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4))
    return tuple(made.getpixel(middle) for middle in middles)


def frames(count: int, size: tuple[int, int] = SIZE) -> list[Image.Image]:
    """Return pictures whose corners change places."""
    return [corners(size, CORNERS[n % 4 :] + CORNERS[: n % 4]) for n in range(count)]


def huge_png(path: Path, width: int, height: int) -> Path:
    """Write a small PNG whose header states this size, with black pixels that compress well."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    pixels = packer.compress(bytes(width + 1) * min(height, 64)) + packer.flush()
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path
