"""The waveform of a sound: the lowest and the highest sample of each part, over all channels.

It is written as the JSON of BBC's audiowaveform (version 2), which peaks.js, waveform-data.js and
wavesurfer.js read. https://github.com/bbc/audiowaveform/blob/master/doc/DataFormat.md
"""

import json
import math
from typing import Final

BITS: Final = 8
WAVEFORM_TYPE: Final = "application/json"
SHORTEST_PART: Final = 1 / 200
"""Shortest part in seconds; a shorter one is less than a period of a low tone."""
UNKNOWN_PART: Final = 1 / 20
"""Length of a part in seconds, for a sound whose length no header states."""
LONGEST_PART: Final = 2.0
"""Longest part in seconds; ffmpeg holds the samples of one part in memory."""


def part_samples(duration: float | None, sample_rate: int, points: int) -> int:
    """Return the number of samples of a part.

    A sound of ``duration`` seconds then has about ``points`` parts.
    """
    wanted = UNKNOWN_PART if duration is None else duration / points
    return math.ceil(min(max(wanted, SHORTEST_PART), LONGEST_PART) * sample_rate)


class Waveform:
    """Collects the extremes of parts of equal length, and keeps at most ``points`` of them.

    If there are more, neighbours are merged, so that a long sound needs no more memory.
    """

    def __init__(self, *, sample_rate: int, samples: int, points: int) -> None:
        """Start without a part. Args: samples: number of samples of each part that is added."""
        self.sample_rate = sample_rate
        self._samples = samples
        self._points = max(2, points)
        self._merged = 1
        """Number of parts in each point."""
        self._parts = 0
        self._extremes: list[tuple[float, float]] = []

    def add(self, low: float, high: float) -> None:
        """Add the extremes of the next part, from -1 to 1; NaN and infinity count as silence."""
        low, high = _bounded(low), _bounded(high)
        if self._parts % self._merged == 0 and len(self._extremes) == self._points:
            self._merge()
        if self._parts % self._merged:
            before = self._extremes.pop()
            low, high = min(before[0], low), max(before[1], high)
        self._extremes.append((low, high))
        self._parts += 1

    def _merge(self) -> None:
        pairs = self._extremes
        self._extremes = [
            (min(low for low, _ in both), max(high for _, high in both))
            for both in (pairs[start : start + 2] for start in range(0, len(pairs), 2))
        ]
        self._merged *= 2

    @property
    def seconds(self) -> float:
        """The length of all parts in seconds; the last part counts in full and may be shorter."""
        return self._parts * self._samples / self.sample_rate

    @property
    def points(self) -> int:
        """The number of points, each with two extremes."""
        return len(self._extremes)

    @property
    def peak(self) -> float:
        """The largest distance from silence, from 0 to 1."""
        return max((max(-low, high) for low, high in self._extremes), default=0.0)

    def as_json(self) -> bytes:
        """Return the file's content."""
        data = [_level(value) for extremes in self._extremes for value in extremes]
        found = {
            "version": 2,
            "channels": 1,
            "sample_rate": self.sample_rate,
            "samples_per_pixel": self._samples * self._merged,
            "bits": BITS,
            "length": len(self._extremes),
            "data": data,
        }
        return json.dumps(found, separators=(",", ":")).encode()


def _bounded(value: float) -> float:
    return min(1.0, max(-1.0, value)) if math.isfinite(value) else 0.0


def _level(value: float) -> int:
    return max(-(1 << BITS - 1), min((1 << BITS - 1) - 1, round(value * (1 << BITS - 1))))
