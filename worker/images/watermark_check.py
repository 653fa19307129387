"""Refuses to start if a watermark can't be drawn, so that no file is processed without it."""

import tempfile
from pathlib import Path
from typing import Final

from tusd_py.clock import SystemClock
from tusd_py.domain.errors import BackendError
from tusd_py.settings.media import MediaSettings
from tusd_py.settings.pictures import WatermarkSettings
from tusd_py.worker.images.program import PictureProgram
from tusd_py.worker.images.watermark import draw_watermark
from tusd_py.worker.media.causes import ToolFailed
from tusd_py.worker.media.run import LimitExceeded
from tusd_py.worker.media.sandbox import Kind

WIDTH, HEIGHT = 640, 480
MEMORY: Final = 1 << 30


def check_watermarks(media: MediaSettings, sandbox: Kind) -> None:
    """Draw the watermark of the settings and of each profile that can be chosen.

    Raises: BackendError: a watermark's file can't be read, or its font lacks a letter of the text.
    """
    profiles = [media.profile(name) for name in ("", *media.profile_choice)]
    pictures = {profile.image.watermark for profile in profiles}
    for watermark in pictures | {profile.video.watermark for profile in profiles}:
        if watermark.wanted:
            _check(watermark, sandbox)


def _check(watermark: WatermarkSettings, sandbox: Kind) -> None:
    program = PictureProgram(clock=SystemClock(), stopped=lambda: False)
    with tempfile.TemporaryDirectory(prefix="tusd-py-") as name:
        folder = Path(name) / "out"
        folder.mkdir()
        try:
            draw_watermark(
                program,
                watermark,
                sandbox=sandbox,
                memory=MEMORY,
                width=WIDTH,
                height=HEIGHT,
                folder=folder,
                target=Path(name) / "watermark.png",
            )
        except (ToolFailed, LimitExceeded, OSError) as error:
            raise BackendError(
                "media.image.watermark or media.video.watermark can't be drawn: its picture or "
                "font can't be read, or the font lacks a letter of the text."
            ) from error
