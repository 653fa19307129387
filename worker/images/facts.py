"""Reads the facts of a picture from the answer of the program in the sandbox.

The answer is not trusted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

MAX_SIDE: Final = 10_000_000
MAX_FRAMES: Final = 1_000_000
SPACES: Final = {
    "srgb": "rgb",
    "rgb": "rgb",
    "rgb16": "rgb",
    "scrgb": "rgb",
    "b-w": "grey",
    "grey16": "grey",
    "cmyk": "cmyk",
    "lab": "lab",
}
"""Colour spaces by libvips' names; every other name becomes ``other``."""
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFacts:
    """Holds the facts of a picture. Width and height are those of one upright frame, in pixels."""

    width: int
    height: int
    frames: int
    bits: int
    """Bits of one channel of one pixel."""
    space: str
    has_alpha: bool
    has_profile: bool
    """Whether an ICC profile defines the picture's colours."""
    orientation: int
    """How the stored pixels must be turned, by EXIF: 1 to 8."""
    taken: str | None
    """When the picture was taken, in ISO 8601; without a UTC offset if the camera wrote none."""
    has_tags: bool
    has_location: bool

    def shown(self) -> dict[str, Any]:
        """Return the facts that are sent to clients."""
        shown: dict[str, Any] = {
            "width": self.width,
            "height": self.height,
            "frames": self.frames,
            "bits": self.bits,
            "colour_space": self.space,
            "orientation": self.orientation,
        }
        if self.taken is not None:
            shown["taken"] = self.taken
        return shown


def read_facts(answer: Mapping[str, Any]) -> PictureFacts | None:
    """Return the facts in an answer, or None if no picture can have them."""
    width, height = (_number(answer.get(name), MAX_SIDE) for name in ("width", "height"))
    frames = _number(answer.get("frames"), MAX_FRAMES)
    if not (width and height and frames):
        return None
    taken = answer.get("taken")
    return PictureFacts(
        width=width,
        height=height,
        frames=frames,
        bits=_number(answer.get("bits"), 64) or 8,
        space=SPACES.get(str(answer.get("space")), "other"),
        has_alpha=answer.get("has_alpha") is True,
        has_profile=answer.get("has_profile") is True,
        orientation=_number(answer.get("orientation"), 8) or 1,
        taken=taken if isinstance(taken, str) and _DATE.fullmatch(taken) else None,
        has_tags=answer.get("has_tags") is True,
        has_location=answer.get("has_location") is True,
    )


def _number(value: object, most: int) -> int | None:
    return value if type(value) is int and 0 < value <= most else None
