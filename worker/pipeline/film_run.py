"""Runs ffmpeg on a film within its budget of processor time, disk and memory."""

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal, NoReturn

from tusd_py.domain.errors import OutOfResources, StorageFull
from tusd_py.domain.notes import Note
from tusd_py.domain.task import (
    COMPRESSED_PROGRESS,
    INSPECTED_PROGRESS,
    TEXT_COMPRESSING,
    TaskStatus,
)
from tusd_py.private_files import make_private_directory
from tusd_py.worker.media.budget import allowed_cpu, estimated_cpu
from tusd_py.worker.media.contents import Contents
from tusd_py.worker.media.memory import Share, probe_memory
from tusd_py.worker.media.probe import summary
from tusd_py.worker.media.run import CpuTimeExceeded, Stopped
from tusd_py.worker.media.sandbox import Limits, Sandbox
from tusd_py.worker.media.transcode import DRAFT_NAME, Output, TranscodeRefused, transcode
from tusd_py.worker.pipeline.attempt import Attempt
from tusd_py.worker.pipeline.ladder import share_of_web

log = logging.getLogger(__name__)

OUTPUT_FOLDER: Final = "out"
"""Folder into which ffmpeg writes. Its output is moved out of it before it is read."""
SPARE_BYTES: Final = 16 << 20
"""By this an output may be larger than its source; a larger one is cut off, and not kept."""
LARGER: Final = 4
"""Largest size of an output that is made to be playable, as a multiple of its source's size.

H.264 needs more bytes than newer codecs.
"""

Argv = Callable[[Sandbox, str, int], list[str]]
"""Builds a command line from the sandbox, the output's path as ffmpeg sees it, and the threads."""


class FilmRun:
    """Runs ffmpeg for one film in one attempt."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._allowed = allowed_cpu(attempt.settings.media, attempt.job.file_size)
        self._share_of_web = share_of_web(attempt)

    def reading_box(self) -> Sandbox:
        """Return a sandbox for programs that only read the source."""
        memory = probe_memory(self._attempt.settings.media)
        return self._box(Share(memory, 2, is_short=False), None, 1 << 20)

    def make(
        self,
        argv: Argv,
        name: str,
        contents: Contents,
        *,
        is_gain_wanted: bool = True,
        is_encoded: bool = True,
        readable: tuple[Path, ...] = (),
        devices: tuple[Path, ...] = (),
    ) -> Output:
        """Run a command line and return the file that it made.

        Args: is_gain_wanted: whether a result that is larger than its source is of no use.
            is_encoded: whether the program encodes, which may take more than the budget allows.
            readable: files that the program reads besides the source. devices: device files that it
            uses.
        Raises: TranscodeRefused; ToolFailed; OutOfResources; LeaseLost, WorkerStopping, OSError.
        """
        attempt = self._attempt
        media, space = attempt.settings.media, attempt.ports.space
        times = 1 if is_gain_wanted else LARGER
        largest = times * attempt.job.file_size + SPARE_BYTES
        try:
            space.check(largest)
        except StorageFull as error:
            raise OutOfResources("The worker's disk is too full to compress this video.") from error
        make_private_directory(attempt.work_dir)
        folder = attempt.work_dir / OUTPUT_FOLDER
        make_private_directory(folder)
        film = summary(contents)
        estimate = estimated_cpu(film, media.preset) if is_encoded else None
        if estimate is not None and estimate > self._allowed:
            self._over_budget("before", estimate)
        box = self._box(attempt.share(film.width * film.height, media.preset), folder, largest)
        box = replace(box, readable=readable, devices=devices)
        started = attempt.clock.monotonic()
        try:
            return transcode(
                box,
                argv(box, box.output_seen(DRAFT_NAME), box.limits.threads),
                duration=contents.duration or 0.0,
                target=attempt.work_dir / name,
                clock=attempt.clock,
                stopped=lambda: attempt.lease.ended() or space.is_short(),
                stall_seconds=media.stall_timeout,
                on_share=self._moved,
            )
        except CpuTimeExceeded:
            self._over_budget("while", estimate)
        except Stopped:
            attempt.lease.check()
            # Other writers have used the space meanwhile, and ffmpeg must not use the disk reserve.
            raise OutOfResources("The worker's disk is full.") from None
        finally:
            attempt.metrics.compressed(attempt.clock.monotonic() - started)

    def _box(self, share: Share, output: Path | None, largest: int) -> Sandbox:
        attempt = self._attempt
        return Sandbox(
            kind=attempt.tools.sandbox,
            source=attempt.source,
            output=output,
            limits=Limits(
                memory=share.memory,
                file_size=largest,
                cpu=math.ceil(self._allowed),
                threads=share.threads,
                memory_is_short=share.is_short,
            ),
        )

    def _moved(self, share: float) -> None:
        span = (COMPRESSED_PROGRESS - INSPECTED_PROGRESS) * self._share_of_web
        progress = INSPECTED_PROGRESS + int(span * share)
        self._attempt.reporter.report_progress(TaskStatus.COMPRESSING, progress, TEXT_COMPRESSING)

    def _over_budget(self, when: Literal["before", "while"], estimate: float | None) -> NoReturn:
        """Count and log that the film takes too much processor time. Raises: TranscodeRefused."""
        self._attempt.metrics.over_budget(when)
        log.warning(
            "media.budget.exceeded",
            extra={
                "task_id": self._attempt.job.task_id,
                "when": when,
                "estimated_cpu_seconds": estimate,
                "allowed_cpu_seconds": self._allowed,
            },
        )
        raise TranscodeRefused(Note.TOO_MUCH_WORK)
