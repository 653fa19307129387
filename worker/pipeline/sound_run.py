"""Runs ffmpeg on a sound within its budget of processor time, disk and memory."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tusd_py.domain.errors import OutOfResources, StorageFull
from tusd_py.private_files import make_private_directory
from tusd_py.worker.media.budget import allowed_cpu
from tusd_py.worker.media.causes import Cause, ToolFailed
from tusd_py.worker.media.checked_run import checked_run
from tusd_py.worker.media.draft import NotOnePlainFile, take_draft
from tusd_py.worker.media.memory import probe_memory
from tusd_py.worker.media.run import Bounds, CpuTimeExceeded, ProcessResult, Stopped
from tusd_py.worker.media.sandbox import Limits, Sandbox
from tusd_py.worker.media.transcode import PATIENCE
from tusd_py.worker.pipeline.attempt import Attempt

OUTPUT_FOLDER: Final = "sound-out"
DRAFT: Final = "draft.part"
LINES_BYTES: Final = 256 << 20
"""Most bytes that one run may write to stdout: ten hours in parts of 1/20 s, of 300 bytes each."""


class SoundRun:
    """Runs ffmpeg for one sound in one attempt."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._allowed = allowed_cpu(attempt.settings.media, attempt.job.file_size)

    def read(
        self, source: Path, argv: Callable[[Sandbox], list[str]], on_line: Callable[[str], bool]
    ) -> ProcessResult:
        """Run a command line that writes no file; ``on_line`` is called with its lines.

        Raises: ToolFailed; OutOfResources; LeaseLost, WorkerStopping.
        """
        return self._run(self.box(source), argv, on_line)

    def write(
        self,
        argv: Callable[[Sandbox], list[str]],
        target: Path,
        *,
        largest: int,
        on_line: Callable[[str], bool],
    ) -> ProcessResult:
        """Run a command line that makes the file ``DRAFT``, and move that file to ``target``.

        Args: largest: most bytes of the file. Raises: as ``read``.
        """
        attempt = self._attempt
        try:
            attempt.ports.space.check(largest)
        except StorageFull as error:
            raise OutOfResources("The worker's disk is too full for this sound.") from error
        folder = attempt.work_dir / OUTPUT_FOLDER
        shutil.rmtree(folder, ignore_errors=True)
        make_private_directory(attempt.work_dir)
        make_private_directory(folder)
        box = self.box(attempt.source, folder, largest=largest)
        ran = self._run(box, argv, on_line)
        try:
            take_draft(folder, DRAFT, target, largest=largest)
        except NotOnePlainFile as error:
            raise ToolFailed(Cause.DAMAGED) from error
        return ran

    def box(self, source: Path, output: Path | None = None, *, largest: int = 1 << 20) -> Sandbox:
        """Return a sandbox for programs that read ``source`` and write to ``output``.

        Args: largest: most bytes of a file that they write.
        """
        return Sandbox(
            kind=self._attempt.tools.sandbox,
            source=source,
            output=output,
            limits=Limits(
                memory=probe_memory(self._attempt.settings.media),
                file_size=largest,
                cpu=math.ceil(self._allowed),
            ),
        )

    def stopped(self) -> bool:
        """Return whether the programs of this attempt must end."""
        return self._attempt.lease.ended() or self._attempt.ports.space.is_short()

    def _run(
        self, box: Sandbox, argv: Callable[[Sandbox], list[str]], on_line: Callable[[str], bool]
    ) -> ProcessResult:
        attempt = self._attempt
        try:
            return checked_run(
                box,
                argv(box),
                clock=attempt.clock,
                stopped=self.stopped,
                wall_seconds=PATIENCE * box.limits.cpu,
                stall_seconds=attempt.settings.media.stall_timeout,
                on_line=on_line,
                bounds=Bounds(
                    stdout=LINES_BYTES,
                    cpu=box.limits.cpu,
                    folder=box.output,
                    folder_size=box.limits.file_size,
                ),
            )
        except CpuTimeExceeded:
            attempt.metrics.over_budget("while")
            raise ToolFailed(Cause.CPU_LIMIT) from None
        except Stopped:
            attempt.lease.check()
            raise OutOfResources("The worker's disk is full.") from None
