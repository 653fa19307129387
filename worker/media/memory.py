"""Estimates the memory of an encoder by the size of the picture, the preset and its threads.

The limit is on private memory (RLIMIT_DATA), which follows what a program uses. Address space is a
poor measure: glibc reserves 64 MiB of it for the allocations of each thread, so 16 threads of
ffmpeg exceed 2 GiB with a picture of 720p, for which they use 340 MB.
"""

from dataclasses import dataclass
from typing import Final

from tusd_py.machine_limits import usable_memory
from tusd_py.settings.media import MediaSettings

MIB: Final = 1 << 20
BYTES_PER_PIXEL: Final = {
    "ultrafast": 30,
    "superfast": 63,
    "veryfast": 85,
    "faster": 117,
    "fast": 148,
    "medium": 197,
    "slow": 225,
}
"""Private bytes of x264 for one pixel of the picture, with one thread.

They were measured with 70 frames of 720p, 1080p and 2160p; a preset that looks further ahead holds
more pictures.
"""
SOURCE_BYTES_PER_PIXEL: Final = 120
"""Private bytes of the decoder and the filters for one pixel of the picture.

HEVC holds 17 pictures of 10 bits. Filters that calculate with floating-point numbers hold several
pictures with 12 bytes for a pixel.
"""
BASE_BYTES: Final = 128 * MIB
THREAD_BYTES: Final = 32 * MIB
THREAD_BYTES_PER_PIXEL: Final = 16
MARGIN: Final = 1.25
USUAL_PIXELS: Final = 1920 * 1080
"""Size that is assumed for a picture whose size no header states."""
PROBE_BYTES: Final = 1 << 30
"""Most private memory of a program that only reads headers and decodes the first pictures."""
MACHINE_SHARE: Final = 0.75
"""Share of the machine's memory that the programs of all slots may use, if no setting limits it."""


@dataclass(frozen=True, slots=True)
class Share:
    """Holds what one program gets: memory in bytes, and the number of threads that fits into it."""

    memory: int
    threads: int
    is_short: bool
    """Whether the memory is less than the estimate, so that a lack of it may cause a failure."""


def needed_memory(pixels: int, preset: str, threads: int) -> int:
    """Return the private bytes that suffice to decode and encode pictures of ``pixels`` pixels."""
    pixels = pixels or USUAL_PIXELS
    pictures = pixels * (BYTES_PER_PIXEL[preset] + SOURCE_BYTES_PER_PIXEL)
    each = THREAD_BYTES + pixels * THREAD_BYTES_PER_PIXEL
    return int(MARGIN * (BASE_BYTES + pictures + threads * each))


def share_of(pixels: int, preset: str, *, threads: int, ceiling: int) -> Share:
    """Return the most threads, up to ``threads``, whose memory is within ``ceiling`` bytes.

    If the estimate for one thread is above the ceiling, it gets the ceiling, since the estimate may
    be too high.
    """
    for number in range(max(threads, 1), 1, -1):
        needed = needed_memory(pixels, preset, number)
        if needed <= ceiling:
            return Share(needed, number, is_short=False)
    needed = needed_memory(pixels, preset, 1)
    return Share(min(needed, ceiling), 1, is_short=needed > ceiling)


def probe_memory(media: MediaSettings) -> int:
    """Return the most bytes of memory for a program that only reads a file's facts."""
    return min(PROBE_BYTES, media.memory_limit or PROBE_BYTES)


def memory_ceiling(media: MediaSettings, *, slots: int) -> int:
    """Return the most bytes of memory for one program: the setting, else a slot's share."""
    return media.memory_limit or int(usable_memory() * MACHINE_SHARE / max(1, slots))
