"""Describes the film that renditions are made of, and computes its displayed size."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tusd_py.worker.media.choose import Chosen
from tusd_py.worker.media.contents import Contents, Stream

SQUARE = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """Describes a film's file, which a program in the sandbox reads, and its contents."""

    path: Path
    demuxer: str
    contents: Contents
    chosen: Chosen

    @property
    def picture(self) -> Stream:
        """Return the moving picture."""
        return self.chosen.picture

    @property
    def duration(self) -> float:
        """Return the picture's length in seconds, or 0 if it is unknown."""
        return self.picture.duration or self.contents.duration or 0.0

    @property
    def frame_rate(self) -> float:
        """Return the frames per second, or a usual value if the file states none."""
        return float(self.picture.average_rate or 30)


def shown_size(picture: Stream, longest: int) -> tuple[int, int]:
    """Return width and height of the upright picture in square pixels.

    The size fits into a square of ``longest`` pixels and is never larger than the picture itself.
    """
    width, height = Fraction(max(picture.width, 1)), Fraction(max(picture.height, 1))
    width *= picture.sample_aspect or SQUARE
    if picture.rotation is not None and round(picture.rotation / 90) % 2:
        width, height = height, width
    factor = min(Fraction(1), longest / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))
