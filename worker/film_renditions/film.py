"""The film that renditions are made of, and the size in which it is shown."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from worker.media.choose import Chosen
from worker.media.contents import Contents, Stream

SQUARE = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A file that a program in the box reads, and what it holds."""

    path: Path
    demuxer: str
    contents: Contents
    chosen: Chosen

    @property
    def picture(self) -> Stream:
        """The moving picture."""
        return self.chosen.picture

    @property
    def duration(self) -> float:
        """The picture's length in seconds, 0 if it is not known."""
        return self.picture.duration or self.contents.duration or 0.0

    @property
    def frame_rate(self) -> float:
        """Frames per second; a usual value where the file does not say."""
        return float(self.picture.average_rate or 30)


def shown_size(picture: Stream, longest: int) -> tuple[int, int]:
    """Return width and height of the upright picture in square pixels, made to fit into a square of
    ``longest`` pixels and never enlarged beyond its own number of lines."""
    width, height = Fraction(max(picture.width, 1)), Fraction(max(picture.height, 1))
    width *= picture.sample_aspect or SQUARE
    if picture.rotation is not None and round(picture.rotation / 90) % 2:
        width, height = height, width
    factor = min(Fraction(1), longest / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))
