"""Properties of pixel formats, by ffmpeg's names of them (libavutil/pixdesc.c)."""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """Describes a pixel format."""

    bits: int
    """Bits of one sample."""
    chroma: str
    """420, 422, 444 ..., ``rgb`` or ``gray``."""
    has_alpha: bool = False

    @property
    def fits_every_player(self) -> bool:
        """Whether H.264 decoders of browsers and phones accept it: 8 bits, 4:2:0, no alpha."""
        return self.bits == 8 and self.chroma == "420" and not self.has_alpha


_ENDIAN: Final = "(?:le|be)?"
_PATTERNS: Final = tuple(
    (re.compile(f"(?:{pattern}){_ENDIAN}"), bits, chroma)
    for pattern, bits, chroma in (
        (r"yuv(?P<alpha>a?)j?(?P<chroma>4\d\d)p(?P<bits>\d{1,2})?", 8, ""),
        (r"gbr(?P<alpha>a?)p(?P<bits>\d{1,2})?", 8, "rgb"),
        (r"gbr(?P<alpha>a?)pf(?P<bits>32)", 32, "rgb"),
        (r"gray(?P<bits>\d{1,2})?", 8, "gray"),
        (r"grayf(?P<bits>32)", 32, "gray"),
        (r"p0(?P<bits>\d\d)", 8, "420"),
        (r"p2(?P<bits>\d\d)", 8, "422"),
        (r"p4(?P<bits>\d\d)", 8, "444"),
        (r"nv(?:12|21)", 8, "420"),
        (r"nv16|yuyv422|uyvy422|yvyu422", 8, "422"),
        (r"nv20|y210", 10, "422"),
        (r"nv24|nv42", 8, "444"),
        (r"uyyvyy411", 8, "411"),
        (r"(?P<alpha>a)yuv64", 16, "444"),
        (r"(?:rgb|bgr)(?:24|4|8|444|555|565)(?:_byte)?|0rgb|rgb0|0bgr|bgr0", 8, "rgb"),
        (r"x2(?:rgb|bgr)10", 10, "rgb"),
        (r"xyz12", 12, "rgb"),
        (r"(?:rgb|bgr)48", 16, "rgb"),
        (r"(?P<alpha>rgba|bgra|argb|abgr|pal8)", 8, "rgb"),
        (r"(?P<alpha>rgba|bgra)64", 16, "rgb"),
        (r"(?P<alpha>ya)(?P<bits>8|16)", 8, "gray"),
        (r"mono[wb]", 1, "gray"),
    )
)
"""Patterns of names, with the bits and the chroma of those names that do not state them."""


def pixel_format(name: str) -> PixelFormat | None:
    """Return the properties of a format; None for an unknown name."""
    for pattern, bits, chroma in _PATTERNS:
        if match := pattern.fullmatch(name):
            parts = match.groupdict()
            return PixelFormat(
                int(parts.get("bits") or bits),
                parts.get("chroma") or chroma,
                bool(parts.get("alpha")),
            )
    return None
