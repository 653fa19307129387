"""Draws the watermark of a film once, for the size of its frames."""

import shutil

from tusd_py.domain.errors import OutOfResources
from tusd_py.private_files import make_private_directory
from tusd_py.worker.images.program import PictureProgram
from tusd_py.worker.images.watermark import WatermarkPicture, draw_watermark
from tusd_py.worker.media.causes import ToolFailed
from tusd_py.worker.media.memory import probe_memory
from tusd_py.worker.media.run import LimitExceeded, Stopped
from tusd_py.worker.pipeline.attempt import Attempt


def film_mark(attempt: Attempt, width: int, height: int) -> WatermarkPicture | None:
    """Return the watermark for frames of this size in pixels; None if none is wanted.

    Raises: OutOfResources: it can't be drawn, which the deployment causes and not the film;
        LeaseLost, WorkerStopping.
    """
    watermark = attempt.profile.video.watermark
    if not watermark.wanted:
        return None
    folder = attempt.work_dir / "mark"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        make_private_directory(attempt.work_dir)
        make_private_directory(folder)
        return draw_watermark(
            PictureProgram(clock=attempt.clock, stopped=attempt.lease.ended),
            watermark,
            sandbox=attempt.tools.sandbox,
            memory=probe_memory(attempt.settings.media),
            width=width,
            height=height,
            folder=folder,
            target=attempt.work_dir / "watermark.png",
        )
    except (ToolFailed, LimitExceeded, OSError, Stopped) as error:
        attempt.lease.check()
        raise OutOfResources("The watermark of films can't be drawn.") from error
