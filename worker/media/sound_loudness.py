"""Loudness of sound by EBU R 128 (ITU-R BS.1770): measured by ffmpeg's ``ebur128``, made equal by ``loudnorm``."""

import math
import re
from dataclasses import dataclass
from typing import Final

TRUE_PEAK: Final = -1.5
"""Highest true peak of a normalised copy in dBTP: a lossy encoder adds up to 1 dB to it."""
TOLERANCE: Final = 0.5
"""LU by which a programme's loudness may differ from its target (EBU R 128, f)."""
SILENCE: Final = -70.0
"""LUFS: the gate of BS.1770. What is not above it has no loudness."""
_NUMBER: Final = r"(-?(?:[0-9]{1,4}(?:\.[0-9]{1,6})?|inf))"
_SUMMARY: Final = re.compile(
    rf"I: +{_NUMBER} LUFS\s+Threshold: +{_NUMBER} LUFS.*?LRA: +{_NUMBER} LU\s.*?Peak: +{_NUMBER} dBFS",
    re.DOTALL,
)
_RANGES: Final = (1.0, 50.0)
"""What ``loudnorm`` accepts as the target of its loudness range in LU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """What ``ebur128`` measured of a whole sound."""

    integrated: float
    """LUFS."""
    threshold: float
    """LUFS: the relative gate."""
    range: float
    """LU."""
    true_peak: float
    """dBTP."""

    def facts(self) -> dict[str, float]:
        """Return what users get to know."""
        return {
            "integrated": self.integrated,
            "range": self.range,
            "true_peak": self.true_peak,
        }


def read_loudness(text: str) -> Loudness | None:
    """Return the last summary in what ffmpeg wrote; None if there is none, or nothing but silence."""
    _, _, summary = text.rpartition("Summary:")
    found = _SUMMARY.search(summary)
    if found is None:
        return None
    integrated, threshold, spread, peak = (float(value) for value in found.groups())
    if integrated <= SILENCE or not all(map(math.isfinite, (integrated, threshold, spread, peak))):
        return None
    return Loudness(integrated=integrated, threshold=threshold, range=spread, true_peak=peak)


def needs_gain(measured: Loudness | None, target: float) -> bool:
    """Return whether a sound is to be brought to ``target`` LUFS: silence can't be."""
    return measured is not None and abs(measured.integrated - target) > TOLERANCE


def gain_filter(measured: Loudness, target: float) -> str:
    """Return the filter that brings a measured sound to ``target`` LUFS.

    It is one constant gain, unless peaks would pass ``TRUE_PEAK`` then: those are limited.
    """
    lowest, highest = _RANGES
    values = {
        "I": target,
        "TP": TRUE_PEAK,
        # With a smaller target than the sound's own range, loudnorm would compress it.
        "LRA": min(highest, max(lowest, math.ceil(measured.range) + 1.0)),
        "measured_I": _within(measured.integrated),
        "measured_TP": max(-99.0, min(99.0, measured.true_peak)),
        # 0 means "not measured" to loudnorm.
        "measured_LRA": max(0.1, min(99.0, measured.range)),
        "measured_thresh": _within(measured.threshold),
        "linear": "true",
    }
    return "loudnorm=" + ":".join(f"{name}={value}" for name, value in values.items())


def _within(value: float) -> float:
    return max(-99.0, min(0.0, value))
