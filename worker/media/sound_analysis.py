"""Analyses a decoded sound track: its length, its waveform, its loudness, and its damage."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tusd_py.worker.media.sound_loudness import Loudness
from tusd_py.worker.media.sound_waveform import Waveform

MAX_ERRORS: Final = 20
"""Most error messages of ffmpeg for an undamaged sound; with more, most samples are repairs."""
LENGTH_SHARE: Final = 0.02
LENGTH_SECONDS: Final = 1.0
SOUNDING: Final = 0.01
"""Smallest peak of a source whose copy must not be silent."""
EXACT: Final = frozenset(
    {"mov", "wav", "w64", "aiff", "caf", "flac", "ogg", "matroska", "wv", "tta", "ape"}
)
"""Demuxers whose headers state the length of a sound; others guess it from the file's size."""
_LEVEL: Final = re.compile(r"lavfi\.astats\.Overall\.(Min|Max)_level=(\S{1,40})\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundAnalysis:
    """Holds what decoding a whole track has shown."""

    waveform: Waveform
    errors: int
    """Number of error messages that ffmpeg wrote."""
    loudness: Loudness | None

    @property
    def seconds(self) -> float:
        """Length of the samples that could be decoded, in seconds."""
        return self.waveform.seconds

    @property
    def is_damaged(self) -> bool:
        """Whether too much of the sound could not be decoded."""
        return self.errors > MAX_ERRORS

    def is_shorter_than(self, seconds: float | None) -> bool:
        """Return whether a part of a sound of ``seconds`` seconds is missing."""
        return seconds is not None and self.seconds < seconds - tolerance(seconds)

    def is_like(self, made: "SoundAnalysis") -> bool:
        """Return whether the copy ``made`` is as long, has no more errors, and is not silent.

        If this sound is silent, its copy may be silent, too.
        """
        return (
            made.errors <= self.errors
            and abs(made.seconds - self.seconds) <= tolerance(self.seconds)
            and (self.waveform.peak < SOUNDING or made.waveform.peak > 0)
        )


def tolerance(seconds: float) -> float:
    """Return the seconds by which two lengths of the same sound may differ."""
    return max(LENGTH_SECONDS, seconds * LENGTH_SHARE)


class SoundAnalyser:
    """Reads the output of ``analyse_argv``. ``on_line`` is made for ``run(on_line=...)``."""

    def __init__(self, waveform: Waveform, moved: Callable[[float], None]) -> None:
        """Fill a waveform. Args: moved: called with the number of seconds that are decoded."""
        self._waveform = waveform
        self._moved = moved
        self._low = 0.0

    def on_line(self, line: str) -> bool:
        """Take one line; return whether it shows progress, which is a decoded part."""
        found = _LEVEL.match(line)
        if found is None:
            return False
        value = _number(found[2])
        if found[1] == "Min":
            self._low = value
            return False
        self._waveform.add(self._low, value)
        self._moved(self._waveform.seconds)
        return True


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
