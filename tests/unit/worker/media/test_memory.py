"""Tests the estimate of an encoder's memory by its picture, preset and threads."""

import pytest

from tusd_py.machine_limits import usable_memory
from tusd_py.settings.media import MediaSettings
from tusd_py.worker.media.memory import MIB, memory_ceiling, needed_memory, share_of

SIZES = {"720p": 1280 * 720, "1080p": 1920 * 1080, "2160p": 3840 * 2160}
# Private MiB (VmData) of ffmpeg 5.1.9, libx264 and an H.264 source, 70 frames; the last two are
# HEVC of 10 bits.
MEASURED = [
    ("720p", "veryfast", 1, 159), ("720p", "veryfast", 8, 465), ("720p", "veryfast", 16, 773),
    ("720p", "medium", 1, 321), ("720p", "medium", 16, 961), ("720p", "slow", 16, 1016),
    ("1080p", "ultrafast", 1, 110), ("1080p", "ultrafast", 16, 804),
    ("1080p", "superfast", 16, 1120), ("1080p", "veryfast", 1, 263),
    ("1080p", "veryfast", 2, 387), ("1080p", "veryfast", 8, 734), ("1080p", "veryfast", 16, 1207),
    ("1080p", "faster", 16, 1290), ("1080p", "fast", 16, 1364), ("1080p", "medium", 16, 1496),
    ("1080p", "slow", 1, 640), ("1080p", "slow", 16, 1592),
    ("2160p", "ultrafast", 16, 1853), ("2160p", "superfast", 1, 573),
    ("2160p", "veryfast", 1, 768), ("2160p", "veryfast", 8, 1908), ("2160p", "veryfast", 16, 3063),
    ("2160p", "faster", 1, 1045), ("2160p", "fast", 1, 1323), ("2160p", "slow", 1, 1932),
    ("2160p", "slow", 8, 3131), ("2160p", "slow", 16, 4325),
    ("2160p", "veryfast", 16, 3292), ("2160p", "slow", 16, 3472),
]  # fmt: skip


@pytest.mark.parametrize(("size", "preset", "threads", "used"), MEASURED)
def test_the_estimate_is_above_what_was_measured_and_not_far_above(
    size: str, preset: str, threads: int, used: int
) -> None:
    estimate = needed_memory(SIZES[size], preset, threads) / MIB
    assert used * 1.2 < estimate < used * 4 + 256


def test_fewer_threads_are_used_before_the_ceiling_is_exceeded() -> None:
    pixels, ceiling = SIZES["2160p"], 4 << 30
    share = share_of(pixels, "veryfast", threads=32, ceiling=ceiling)
    assert 1 < share.threads < 32
    assert share.memory <= ceiling < needed_memory(pixels, "veryfast", share.threads + 1)
    assert not share.is_short


def test_one_thread_gets_the_ceiling_if_the_estimate_is_higher() -> None:
    share = share_of(SIZES["2160p"], "slow", threads=8, ceiling=1 << 30)
    assert (share.memory, share.threads, share.is_short) == (1 << 30, 1, True)


def test_a_picture_of_unknown_size_counts_as_one_of_usual_size() -> None:
    assert needed_memory(0, "fast", 1) == needed_memory(SIZES["1080p"], "fast", 1)


def test_the_ceiling_is_the_setting_or_a_share_of_the_machine() -> None:
    assert memory_ceiling(MediaSettings(memory_limit=3 << 30), slots=4) == 3 << 30
    found = memory_ceiling(MediaSettings(memory_limit=0), slots=4)
    assert found == int(usable_memory() * 0.75 / 4)
