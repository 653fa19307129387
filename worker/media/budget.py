"""Estimates the processor time that compressing a video takes, and limits it.

The estimate follows from the pixels, frames and duration that the file states. It decides only
whether a compression begins. The processor time that is used in fact ends it.
"""

from typing import Final

from tusd_py.settings.media import MediaSettings
from tusd_py.worker.media.probe import Probed

PIXELS_PER_CPU_SECOND: Final = {
    "ultrafast": 190e6,
    "superfast": 130e6,
    "veryfast": 84e6,
    "faster": 60e6,
    "fast": 50e6,
    "medium": 43e6,
    "slow": 26e6,
}
"""Pixels decoded and encoded in one second of processor time, by preset.

ultrafast, veryfast, medium and slow were measured with a 1080p test picture on a 2-core virtual
machine; the others are interpolated.
"""
USUAL_FRAME_RATE: Final = 30.0
FREE_CPU_SECONDS: Final = 60.0
"""Processor time that every video may use, however small it is."""


def estimated_cpu(probed: Probed, preset: str) -> float | None:
    """Return the estimated seconds of processor time for compressing a film.

    Returns: None if the file states neither a number of frames nor a duration.
    """
    frames: float | None = probed.frames
    if frames is None and probed.duration is not None:
        frames = probed.duration * (probed.frame_rate or USUAL_FRAME_RATE)
    if frames is None:
        return None
    return frames * probed.width * probed.height / PIXELS_PER_CPU_SECOND[preset]


def allowed_cpu(media: MediaSettings, size: int) -> float:
    """Return the seconds of processor time that compressing a video of ``size`` bytes may use.

    A small file may use little, so that a few bytes can't cause hours of work: a video with very
    few bits for each pixel can't become much smaller anyway.
    """
    return min(media.cpu_budget, FREE_CPU_SECONDS + size / (1 << 20) * media.cpu_per_mib)
