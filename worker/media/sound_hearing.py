"""Decodes a whole sound track in the box: its length, its waveform, its loudness, and whether it is damaged."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from worker.media.sound_loudness import Loudness
from worker.media.sound_waveform import Waveform

MAX_ERRORS: Final = 20
"""Error messages of ffmpeg from which on a sound is damaged: what it decoded is mostly its own repair."""
LENGTH_SHARE: Final = 0.02
LENGTH_SECONDS: Final = 1.0
SOUNDING: Final = 0.01
"""Peak from which on a copy that is silent is not what its source was."""
EXACT: Final = frozenset(
    {"mov", "wav", "w64", "aiff", "caf", "flac", "ogg", "matroska", "wv", "tta", "ape"}
)
"""Demuxers whose headers say how long a sound is; others guess it from the file's size."""
_LEVEL: Final = re.compile(r"lavfi\.astats\.Overall\.(Min|Max)_level=(\S{1,40})\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundAnalysis:
    """What decoding a whole track has shown."""

    waveform: Waveform
    errors: int
    """Error messages that ffmpeg wrote."""
    loudness: Loudness | None

    @property
    def seconds(self) -> float:
        """How long the samples are that could be decoded."""
        return self.waveform.seconds

    @property
    def is_damaged(self) -> bool:
        """Whether too much of it could not be decoded."""
        return self.errors > MAX_ERRORS

    def is_shorter_than(self, seconds: float | None) -> bool:
        """Return whether a part of a sound of ``seconds`` is missing."""
        return seconds is not None and self.seconds < seconds - tolerance(seconds)

    def is_like(self, made: "SoundAnalysis") -> bool:
        """Return whether ``made``, a copy, is as long, without errors and not silent where this is not."""
        return (
            made.errors <= self.errors
            and abs(made.seconds - self.seconds) <= tolerance(self.seconds)
            and (self.waveform.peak < SOUNDING or made.waveform.peak > 0)
        )


def tolerance(seconds: float) -> float:
    """Return the seconds by which two lengths of the same sound may differ."""
    return max(LENGTH_SECONDS, seconds * LENGTH_SHARE)


class SoundAnalyser:
    """Follows what ``analyse_argv``'s program writes. ``hear`` is made for ``run(on_line=...)``."""

    def __init__(self, waveform: Waveform, moved: Callable[[float], None]) -> None:
        """``moved`` gets how many seconds have been decoded."""
        self._waveform = waveform
        self._moved = moved
        self._low = 0.0

    def on_line(self, line: str) -> bool:
        """Take one line; return whether it shows that the program moves on: a part was decoded."""
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
