"""Draws a watermark, a text or a picture, in the size that fits another picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont

MEASURED_AT: Final = 100.0
"""Size in pixels at which a text is measured."""
EDGE_SHARE: Final = 0.06
"""Width of a letter's dark edge as a share of its size."""
NO_LETTER: Final = "\uffff"
"""A code point that is never a letter (Unicode, 23.7)."""
MARK_FORMATS: Final = ("PNG", "WEBP", "JPEG")
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, slots=True)
class Mark:
    """Holds a watermark with transparency (RGBA), and the position of its top left corner.

    The position is in the picture on which the watermark is drawn.
    """

    picture: Image.Image
    x: int
    y: int


def draw_mark(wanted: Mapping[str, Any], width: int, height: int) -> Mark:
    """Draw the watermark for a picture of ``width`` x ``height`` pixels.

    Raises: OSError: the font or the picture can't be read; ValueError: the font lacks a letter.
    """
    largest = max(1, int(width * wanted["size"])), max(1, int(height * wanted["size"]))
    picture = _picture(wanted["picture"], largest) if wanted["picture"] else _text(wanted, largest)
    opacity = wanted["opacity"]
    picture.putalpha(picture.getchannel("A").point(lambda value: round(value * opacity)))
    margin = round(min(width, height) * wanted["margin"])
    x, y = _corner(wanted["place"], (width, height), picture.size, margin)
    return Mark(picture, x, y)


def _picture(path: str, largest: tuple[int, int]) -> Image.Image:
    with Image.open(path, formats=MARK_FORMATS) as opened:
        picture = opened.convert("RGBA")
    share = min(largest[0] / picture.width, largest[1] / picture.height)
    return picture.resize(
        (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
    )


def _text(wanted: Mapping[str, Any], largest: tuple[int, int]) -> Image.Image:
    font = _font(wanted["font"], MEASURED_AT)
    if any(_lacks(font, letter) for letter in wanted["text"]):
        raise ValueError("the font lacks a letter of the text")
    left, top, right, bottom = _measured(wanted, MEASURED_AT)
    share = min(largest[0] / (right - left), largest[1] / (bottom - top))
    size = max(1.0, MEASURED_AT * share)
    # Letters do not grow in proportion: hinting may make the text a little larger than computed.
    left, top, right, bottom = _measured(wanted, size)
    picture = Image.new("RGBA", (max(1, right - left), max(1, bottom - top)), (0, 0, 0, 0))
    ImageDraw.Draw(picture).text(
        (-left, -top),
        wanted["text"],
        font=_font(wanted["font"], size),
        fill=(255, 255, 255, 255),
        stroke_width=_edge(size),
        stroke_fill=(0, 0, 0, 255),
    )
    picture.thumbnail(largest)
    return picture


def _measured(wanted: Mapping[str, Any], size: float) -> tuple[int, int, int, int]:
    box = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox(
        (0, 0), wanted["text"], font=_font(wanted["font"], size), stroke_width=_edge(size)
    )
    left, top, right, bottom = (int(edge) for edge in box)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _lacks(font: Font, letter: str) -> bool:
    """Return whether the font draws this letter like a code point that no font has."""
    if letter.isspace():
        return False
    drawn, missing = font.getmask(letter), font.getmask(NO_LETTER)
    return (drawn.size, bytes(drawn)) == (missing.size, bytes(missing))


def _edge(size: float) -> int:
    return max(1, round(size * EDGE_SHARE))


def _font(path: str | None, size: float) -> Font:
    return ImageFont.truetype(path, size) if path else ImageFont.load_default(size)


def _corner(
    place: str, outer: tuple[int, int], inner: tuple[int, int], margin: int
) -> tuple[int, int]:
    free = outer[0] - inner[0], outer[1] - inner[1]
    margin = max(0, min(margin, *free))
    x = margin if "left" in place else free[0] - margin if "right" in place else free[0] // 2
    y = margin if "top" in place else free[1] - margin if "bottom" in place else free[1] // 2
    return x, y
