"""Which encoder makes a web copy: the one of the settings, and x264 where that fails."""

import logging
import shutil
from collections.abc import Callable
from typing import TypeVar

from worker.media.causes import ToolFailed
from worker.media.encoders import Encoder
from worker.media.transcode import TranscodeRefused
from worker.pipeline.attempt import Attempt
from worker.pipeline.film_run import OUTPUT_FOLDER

log = logging.getLogger(__name__)

T = TypeVar("T")


def with_fallback(attempt: Attempt, encode: Callable[[Encoder], T]) -> T:
    """Return what ``encode`` returns for the encoder of the settings. If that is a graphics processor's and
    fails, or makes what is not accepted, x264 does the work: only its failure is a verdict on the film.

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
