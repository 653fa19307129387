"""Tests the estimate of the processor time of a video, and its budget."""

import pytest

from tusd_py.settings.media import MediaSettings
from tusd_py.worker.media.budget import allowed_cpu, estimated_cpu
from tusd_py.worker.media.probe import Probed

FILM = Probed(
    duration=7200.0, has_video=True, has_audio=True, width=1920, height=1080, frames=7200 * 24
)


def test_a_film_of_two_hours_is_within_the_budget() -> None:
    media = MediaSettings()
    estimate = estimated_cpu(FILM, "veryfast")
    assert estimate is not None
    assert estimate < allowed_cpu(media, 1 << 30) == media.cpu_budget


@pytest.mark.parametrize(
    ("probed", "expected"),
    [
        (Probed(duration=10.0, has_video=True, has_audio=False, width=840, height=1000), 3.0),
        (
            Probed(
                duration=10.0, has_video=True, has_audio=False, width=840, height=1000,
                frame_rate=60.0,
            ),
            6.0,
        ),
        (
            Probed(
                duration=None, has_video=True, has_audio=False, width=840, height=1000, frames=100
            ),
            1.0,
        ),
        (Probed(duration=None, has_video=True, has_audio=False, width=840, height=1000), None),
    ],
)  # fmt: skip
def test_the_estimate_follows_from_a_videos_own_facts(
    probed: Probed, expected: float | None
) -> None:
    assert estimated_cpu(probed, "veryfast") == (expected and pytest.approx(expected))


def test_a_small_file_is_allowed_little() -> None:
    media = MediaSettings()
    assert allowed_cpu(media, 0) == 60.0
    assert allowed_cpu(media, 10 << 20) == 660.0
    assert allowed_cpu(MediaSettings(cpu_budget=30.0), 1 << 40) == 30.0
