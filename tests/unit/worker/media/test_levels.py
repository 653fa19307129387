"""Tests the sizes and rates that a level of H.264 has."""

from tusd_py.worker.media.levels import fastest, fitted


def test_a_level_limits_size_and_rate() -> None:
    width, height = fitted(3840, 2160, "4.2", max_side=0, max_short_side=0)
    assert width / 16 * height / 16 <= 8_704
    assert abs(width / height - 16 / 9) < 0.02
    assert max(fitted(9000, 100, "5.2", max_side=0, max_short_side=0)) <= 8_688
    assert fastest(1920, 1080, "4.2", max_rate=0) == 64
    assert fastest(1920, 1080, "4.2", max_rate=30.0) == 30
