"""Measures loudness with ffmpeg's ``ebur128`` and corrects it with ``loudnorm``.

The measure is that of EBU R 128 (ITU-R BS.1770).
"""

import math
import re
from dataclasses import dataclass
from typing import Final

TRUE_PEAK: Final = -1.5
"""Highest true peak of a normalised copy in dBTP; a lossy encoder adds up to 1 dB to it."""
TOLERANCE: Final = 0.5
"""LU by which a programme's loudness may differ from its target (EBU R 128, f)."""
SILENCE: Final = -70.0
"""Gate of BS.1770 in LUFS. A sound that is not above it has no loudness."""
_NUMBER: Final = r"(-?(?:[0-9]{1,4}(?:\.[0-9]{1,6})?|inf))"
_SUMMARY: Final = re.compile(
    rf"I: +{_NUMBER} LUFS\s+Threshold: +{_NUMBER} LUFS"
    rf".*?LRA: +{_NUMBER} LU\s.*?Peak: +{_NUMBER} dBFS",
    re.DOTALL,
)
_RANGES: Final = (1.0, 50.0)
"""Lowest and highest target of the loudness range that ``loudnorm`` accepts, in LU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """Holds what ``ebur128`` measured of a whole sound."""

    integrated: float
    """Integrated loudness in LUFS."""
    threshold: float
    """Relative gate in LUFS."""
    range: float
    """Loudness range in LU."""
    true_peak: float
    """True peak in dBTP."""

    def facts(self) -> dict[str, float]:
        """Return the values that are shown to users."""
        return {
            "integrated": self.integrated,
            "range": self.range,
            "true_peak": self.true_peak,
        }


def read_loudness(text: str) -> Loudness | None:
    """Return the last summary in ffmpeg's output; None if there is none, or the sound is silent."""
    _, _, summary = text.rpartition("Summary:")
    found = _SUMMARY.search(summary)
    if found is None:
        return None
    integrated, threshold, spread, peak = (float(value) for value in found.groups())
    if integrated <= SILENCE or not all(map(math.isfinite, (integrated, threshold, spread, peak))):
        return None
    return Loudness(integrated=integrated, threshold=threshold, range=spread, true_peak=peak)


def needs_gain(measured: Loudness | None, target: float) -> bool:
    """Return whether a sound must be brought to ``target`` LUFS; silence can't be."""
    return measured is not None and abs(measured.integrated - target) > TOLERANCE


def gain_filter(measured: Loudness, target: float) -> str:
    """Return the filter that brings a measured sound to ``target`` LUFS.

    It is one constant gain. If peaks would exceed ``TRUE_PEAK`` with it, they are limited.
    """
    lowest, highest = _RANGES
    values = {
        "I": target,
        "TP": TRUE_PEAK,
        # If the target were smaller than the sound's own range, loudnorm would compress the sound.
        "LRA": min(highest, max(lowest, math.ceil(measured.range) + 1.0)),
        "measured_I": _within(measured.integrated),
        "measured_TP": max(-99.0, min(99.0, measured.true_peak)),
        # loudnorm takes 0 for "not measured".
        "measured_LRA": max(0.1, min(99.0, measured.range)),
        "measured_thresh": _within(measured.threshold),
        "linear": "true",
    }
    return "loudnorm=" + ":".join(f"{name}={value}" for name, value in values.items())


def _within(value: float) -> float:
    return max(-99.0, min(0.0, value))
