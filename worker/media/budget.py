"""How much processor time the compression of a video may take, and how much it would take.

What a file says of itself is an estimate and decides only what is not begun; what ends a compression
is the processor time that it has used.
"""

from typing import Final

from tusd_py.settings_sections import MediaSettings
from worker.media.probe import Probed

PIXELS_PER_CPU_SECOND: Final = {
    "ultrafast": 190e6,
    "superfast": 130e6,
    "veryfast": 84e6,
    "faster": 60e6,
    "fast": 50e6,
    "medium": 43e6,
    "slow": 26e6,
}
"""Decoding and encoding by preset. Measured with a 1080p test picture on a 2-core virtual machine; the
ones between those measured (ultrafast, veryfast, medium, slow) are by proportion."""
USUAL_FRAME_RATE: Final = 30.0
FREE_CPU_SECONDS: Final = 60.0
"""Processor time that every video may use, however small it is."""
LIGHT_CPU_SECONDS: Final = 20.0
"""A video that needs no more by estimate is light work: it waits for no other."""
MAX_LIGHT_CPU_SECONDS: Final = 60.0
"""What light work may use; what needs more is heavy, whatever it said."""


def estimated_cpu(probed: Probed, preset: str) -> float | None:
    """Seconds of processor time that compressing takes by the file's own word; None if it says nothing."""
    frames: float | None = probed.frames
    if frames is None and probed.duration is not None:
        frames = probed.duration * (probed.frame_rate or USUAL_FRAME_RATE)
    if frames is None:
        return None
    return frames * probed.width * probed.height / PIXELS_PER_CPU_SECOND[preset]


def allowed_cpu(media: MediaSettings, size: int) -> float:
    """Seconds of processor time that a video of ``size`` bytes may use.

    A few bytes buy little, so that work can't be made out of nothing: a video that has almost no bits
    for its pixels has nothing to gain either.
    """
    return min(media.cpu_budget, FREE_CPU_SECONDS + size / (1 << 20) * media.cpu_per_mib)
