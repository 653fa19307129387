"""Films: a smaller copy for the web is made with ffmpeg, if that is a gain."""

import logging
import math
from dataclasses import replace
from typing import Final, Literal, NoReturn

from tusd_py.domain.errors import ResourceShort, StorageFull
from tusd_py.domain.job import Step
from tusd_py.domain.notes import Note
from tusd_py.domain.rendition import WEB
from tusd_py.domain.task import (
    COMPRESSED_PROGRESS,
    INSPECTED_PROGRESS,
    TEXT_COMPRESSED,
    TEXT_COMPRESSING,
    TaskStatus,
)
from tusd_py.private_files import make_private_directory
from worker.heavy_work import DEFER_SECONDS, Deferred
from worker.media.argv import TranscodePlan
from worker.media.budget import MAX_LIGHT_CPU_SECONDS, allowed_cpu, estimated_cpu
from worker.media.probe import Probed, measure_duration
from worker.media.run import CpuSpent, Stopped
from worker.media.sandbox import Box, Limits
from worker.media.transcode import DRAFT_NAME, Output, Refused, transcode
from worker.pipeline.attempt import Attempt
from worker.pipeline.kept import kept
from worker.pipeline.produced import Produced

log = logging.getLogger(__name__)

OUTPUT_NAME: Final = "video.mp4"
OUTPUT_FOLDER: Final = "out"
"""Where ffmpeg writes. Its output is moved away from there before it is read."""
SPARE_BYTES: Final = 16 << 20
"""An output may be so much larger than its source before it is cut off: it would not be kept."""


def make_film(attempt: Attempt) -> Produced:
    """Compress a film (CRF and audio rate by setting), 30 to 60 by ffmpeg's position in it.

    Raises: Permanent: it can't be done and policy says that the task fails then; ResourceShort;
        Deferred: it takes more than its estimate, and begins again as heavy work; LeaseLost,
        WorkerStopping.
    """
    probed = attempt.probed
    if probed is None or not probed.has_video or not attempt.profile.video.web:
        return Produced()
    attempt.reporter.say(TaskStatus.COMPRESSING, INSPECTED_PROGRESS, TEXT_COMPRESSING)
    try:
        output = _transcode(attempt, probed)
    except Refused as error:
        return kept(attempt, error.note)
    if output.size >= attempt.settings.media.gain_ratio * attempt.job.file_size:
        return Produced(notes=(Note.NO_GAIN,))
    attempt.reporter.say(TaskStatus.COMPRESSING, COMPRESSED_PROGRESS, TEXT_COMPRESSED)
    return Produced(web=attempt.made(WEB, output.path, content_type="video/mp4", ext=".mp4"))


def _transcode(attempt: Attempt, probed: Probed) -> Output:
    media, job = attempt.settings.media, attempt.job
    space = attempt.ports.space
    try:
        space.check(job.file_size + SPARE_BYTES)
    except StorageFull as error:
        raise ResourceShort("The worker's disk is too full to compress this video.") from error
    make_private_directory(attempt.work_dir)
    output = attempt.work_dir / OUTPUT_FOLDER
    output.mkdir(mode=0o700)
    allowed = allowed_cpu(media, job.file_size)
    share = attempt.share(probed.width * probed.height, media.preset)
    box = Box(
        kind=attempt.tools.sandbox,
        source=attempt.source,
        output=output,
        limits=Limits(
            memory=share.memory,
            file_size=job.file_size + SPARE_BYTES,
            cpu=math.ceil(allowed if attempt.heavy else min(allowed, MAX_LIGHT_CPU_SECONDS)),
            threads=share.threads,
            memory_is_short=share.is_short,
        ),
    )
    probed = _with_duration(attempt, box, probed)
    if probed.duration is not None and probed.duration > media.max_duration:
        raise Refused(Note.TOO_LONG)
    estimate = estimated_cpu(probed, media.preset)
    if estimate is not None and estimate > allowed:
        _over_budget(attempt, "before", estimate=estimate, allowed=allowed)
    plan = TranscodePlan(
        source=box.source_seen,
        output=box.output_seen(DRAFT_NAME),
        demuxer=attempt.demuxer,
        crf=media.crf,
        preset=media.preset,
        audio_bitrate=media.audio_bitrate,
        max_pixels=media.max_pixels,
        threads=share.threads,
    )
    span = COMPRESSED_PROGRESS - INSPECTED_PROGRESS

    def moved(share: float) -> None:
        progress = INSPECTED_PROGRESS + int(span * share)
        attempt.reporter.move(TaskStatus.COMPRESSING, progress, TEXT_COMPRESSING)

    def stopped() -> bool:
        return attempt.lease.ended() or space.is_short()

    started = attempt.clock.monotonic()
    try:
        return transcode(
            attempt.tools,
            box,
            plan,
            probed,
            target=attempt.work_dir / OUTPUT_NAME,
            clock=attempt.clock,
            stopped=stopped,
            stall_seconds=media.stall_timeout,
            on_share=moved,
        )
    except CpuSpent:
        if attempt.heavy or allowed <= MAX_LIGHT_CPU_SECONDS:
            _over_budget(attempt, "while", estimate=estimate, allowed=allowed)
        # More than its estimate: from now on it is heavy work, and begins again when there is a place.
        attempt.save(step=Step.INSPECT, cpu_seconds=allowed)
        raise Deferred(DEFER_SECONDS) from None
    except Stopped:
        attempt.lease.check()
        # Other writers have taken the space meanwhile: ffmpeg must not use the reserve.
        raise ResourceShort("The worker's disk is full.") from None
    finally:
        attempt.figures.compressed(attempt.clock.monotonic() - started)


def _over_budget(
    attempt: Attempt, when: Literal["before", "while"], *, estimate: float | None, allowed: float
) -> NoReturn:
    """Raises: Refused."""
    attempt.figures.over_budget(when)
    log.warning(
        "media.budget.exceeded",
        extra={
            "task_id": attempt.job.task_id,
            "when": when,
            "estimated_cpu_seconds": estimate,
            "allowed_cpu_seconds": allowed,
        },
    )
    raise Refused(Note.TOO_MUCH_WORK)


def _with_duration(attempt: Attempt, box: Box, probed: Probed) -> Probed:
    if probed.duration is not None:
        return probed
    found = measure_duration(
        attempt.tools,
        box,
        attempt.demuxer,
        clock=attempt.clock,
        stopped=attempt.lease.ended,
    )
    return replace(probed, duration=found)
