"""Chooses the encoder of a web copy: the one of the settings, or x264 if that one fails."""

import logging
import shutil
from collections.abc import Callable
from typing import TypeVar

from tusd_py.worker.media.causes import ToolFailed
from tusd_py.worker.media.encoders import Encoder
from tusd_py.worker.media.transcode import TranscodeRefused
from tusd_py.worker.pipeline.attempt import Attempt
from tusd_py.worker.pipeline.film_run import OUTPUT_FOLDER

log = logging.getLogger(__name__)

T = TypeVar("T")


def with_fallback(attempt: Attempt, encode: Callable[[Encoder], T]) -> T:
    """Return the result of ``encode`` for the encoder of the settings, or else for x264.

    x264 is used if the encoder runs on a graphics processor and fails, or if its output is refused.
    Only a failure of x264 is a verdict on the film.

    Raises: what ``encode`` raises for x264.
    """
    video = attempt.profile.video
    encoder = Encoder(name=video.encoder, device=video.encoder_device)
    if not encoder.is_hardware:
        return encode(encoder)
    try:
        return encode(encoder)
    except (ToolFailed, TranscodeRefused) as error:
        attempt.lease.check()
        attempt.metrics.encoder_failed()
        log.warning(
            "media.encoder.failed",
            extra={
                "task_id": attempt.job.task_id,
                "encoder": encoder.name,
                "reason": str(error),
            },
        )
    shutil.rmtree(attempt.work_dir / OUTPUT_FOLDER, ignore_errors=True)
    return encode(Encoder())
