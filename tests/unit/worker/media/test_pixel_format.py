"""Tests what the names of pixel formats state."""

import pytest

from tusd_py.worker.media.pixel_format import PixelFormat, pixel_format


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("yuv420p", PixelFormat(8, "420")),
        ("yuvj422p", PixelFormat(8, "422")),
        ("yuv420p10le", PixelFormat(10, "420")),
        ("yuva444p16be", PixelFormat(16, "444", has_alpha=True)),
        ("p010le", PixelFormat(10, "420")),
        ("gbrap12le", PixelFormat(12, "rgb", has_alpha=True)),
        ("rgb565le", PixelFormat(8, "rgb")),
        ("bgra", PixelFormat(8, "rgb", has_alpha=True)),
        ("rgb48be", PixelFormat(16, "rgb")),
        ("gray10le", PixelFormat(10, "gray")),
        ("ya8", PixelFormat(8, "gray", has_alpha=True)),
        ("bayer_rggb8", None),
        ("", None),
    ],
)
def test_what_a_pixel_format_holds(name: str, expected: PixelFormat | None) -> None:
    assert pixel_format(name) == expected
    assert pixel_format("yuv420p").fits_every_player  # type: ignore[union-attr]
