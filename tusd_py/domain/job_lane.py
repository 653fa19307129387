"""Defines the two lanes of jobs: those that need ffmpeg or much processor time, and the others."""

from enum import StrEnum
from typing import Final

SMALL_PICTURE_BYTES: Final = 16 << 20
"""Largest picture, in bytes, that is light: it is read within seconds."""


class JobLane(StrEnum):
    """Names the lane in which a job waits. A worker has one thread that never takes a heavy job."""

    LIGHT = "light"
    HEAVY = "heavy"


ALL_LANES: Final = (JobLane.LIGHT, JobLane.HEAVY)


def lane_of(family: str, size: int) -> JobLane:
    """Return the lane for a file of ``size`` bytes.

    A video or a sound is heavy, and a picture that is not small; everything else is light.

    Args: family: of its type (``filetypes.FileType.family``), or the first part of its media type.
    """
    heavy = family in ("video", "audio") or (family == "image" and size > SMALL_PICTURE_BYTES)
    return JobLane.HEAVY if heavy else JobLane.LIGHT
