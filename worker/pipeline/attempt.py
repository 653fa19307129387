"""The state that the steps of one attempt share."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from tusd_py.catalog.values import StoredContent
from tusd_py.clock import Clock
from tusd_py.domain.errors import PermanentError, UploadNotFound
from tusd_py.domain.filetypes import FileType
from tusd_py.domain.job import Checkpoint, Job, Step
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.rendition import Facts, ProducedFile
from tusd_py.domain.task import TEXT_SOURCE_MISSING
from tusd_py.domain.upload import PROFILE_KEY
from tusd_py.machine_limits import usable_cores
from tusd_py.monitoring.traces import Traces
from tusd_py.monitoring.worker_metrics import WorkerMetrics
from tusd_py.ports import Ports
from tusd_py.settings.media import Profile
from tusd_py.settings.model import Settings
from tusd_py.worker.lease import Lease
from tusd_py.worker.media.contents import Contents
from tusd_py.worker.media.memory import Share, memory_ceiling, needed_memory, share_of
from tusd_py.worker.media.probe import Probed
from tusd_py.worker.media.tools import Tools
from tusd_py.worker.pipeline.hashes import file_hash
from tusd_py.worker.reporter import Reporter

SOURCE_SUFFIX: Final = ".source"
"""Suffix of the folder that holds a copy of the original; it follows the fence in the name."""


def fence_of(folder: Path) -> int | None:
    """Return the fence in the name of a task's folder; None if it is not an attempt's folder."""
    digits = folder.name.removesuffix(SOURCE_SUFFIX)
    return int(digits) if digits.isascii() and digits.isdecimal() else None


class WrongLane(Exception):
    """Raised when a job of the light lane turns out to be heavy: it moves to the heavy lane."""


@dataclass(kw_only=True)
class Attempt:
    """Holds what the steps of one attempt share. A step sets what later steps need."""

    job: Job
    ports: Ports
    settings: Settings
    tools: Tools
    lease: Lease
    reporter: Reporter
    clock: Clock
    metrics: WorkerMetrics
    traces: Traces
    heavy_running: Callable[[], int]
    """Returns the number of heavy jobs that this worker runs now, this one included."""
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    contents: Contents | None = None
    """The streams and tags of the file, if it is a film or a sound that could be read."""
    probed: Probed | None = None
    demuxer: str = ""
    file_type: FileType | None = None
    """Type of the content; None if it is unknown."""
    family: str = ""
    """Family of the content: video, audio, image, document or archive; '' if it is unknown."""
    stored: StoredContent | None = None
    held: bool = False
    """Whether the pool has this content already: only the steps after storing remain."""

    @cached_property
    def source(self) -> Path:
        """Path of the file as it was sent, which workers only read (holes 1 and 14).

        It is the upload's own file if that is on this machine, else a copy next to the work folder.
        For a file that is processed again, ``fetch_source`` makes the copy from the object store.

        Raises: PermanentError: ``source_missing``; LeaseLost; StorageFull, StorageDamaged.
        """
        copy = self._copy_folder / "source"
        if self.job.checkpoint.again:
            return copy
        try:
            return self.ports.stores.uploads.local_file(self.job.task_id, copy)
        except UploadNotFound as error:
            raise self.source_missing() from error

    def source_missing(self) -> PermanentError:
        """Return the error for a source that is gone.

        Raises: LeaseLost: another attempt has finished and removed it (fault 13).
        """
        self.lease.renew()
        self.lease.check()
        return PermanentError(
            "The uploaded file is gone from the server.",
            code="source_missing",
            message=TEXT_SOURCE_MISSING,
        )

    @property
    def task_dir(self) -> Path:
        """Folder of all attempts at this task."""
        return self.ports.work_dir / self.job.task_id

    @property
    def work_dir(self) -> Path:
        """Folder of this attempt alone."""
        return self.task_dir / str(self.job.fence)

    @property
    def _copy_folder(self) -> Path:
        return self.task_dir / f"{self.job.fence}{SOURCE_SUFFIX}"

    def remove_work(self) -> None:
        """Remove this attempt's files, and the task's folder unless another attempt works there."""
        shutil.rmtree(self.work_dir, ignore_errors=True)
        self.remove_copy_of_source()
        with suppress(OSError):
            self.task_dir.rmdir()

    def remove_unverified_work(self) -> None:
        """Remove this attempt's files unless the next attempt continues with them."""
        if self.checkpoint.step is not Step.STORE:
            self.remove_work()

    def remove_earlier_work(self) -> None:
        """Remove the files of this attempt and of those before it.

        The files of a later attempt stay: a recorded job can be queued again before this call.
        """
        with suppress(FileNotFoundError):
            for folder in self.task_dir.iterdir():
                fence = fence_of(folder)
                if fence is not None and fence <= self.job.fence:
                    shutil.rmtree(folder, ignore_errors=True)
        self.remove_work()

    def remove_copy_of_source(self) -> None:
        """Remove the copy of the original, if there is one: the next attempt makes its own."""
        shutil.rmtree(self._copy_folder, ignore_errors=True)

    def output(self, made: ProducedFile) -> Path:
        """Return the path of an output."""
        return self.task_dir / made.path

    def made(
        self, name: str, path: Path, *, content_type: str, ext: str, facts: Facts | None = None
    ) -> ProducedFile:
        """Return an output for a file of the work folder. Raises: LeaseLost, OSError."""
        return ProducedFile(
            name=name,
            path=str(path.relative_to(self.task_dir)),
            hash=file_hash(path, self.lease.check),
            size=path.stat().st_size,
            content_type=content_type,
            ext=ext,
            facts=facts or {},
        )

    @cached_property
    def profile(self) -> Profile:
        """Profile that decides what is made of the file.

        The settings choose it, and the client where the deployment allows that.
        """
        media = self.settings.media
        if not media.profile_choice:
            return media.profile()
        upload = self.ports.catalog.uploads.get(self.job.task_id)
        chosen = upload.metadata.get(PROFILE_KEY, b"") if upload is not None else b""
        return media.profile(chosen.decode("utf-8", "replace"))

    def share(self, pixels: int, preset: str) -> Share:
        """Return the memory and the threads that a program gets for pictures of ``pixels`` pixels.

        It gets the processors that the other heavy jobs of this worker leave. After a failure of a
        program it gets one thread, and twice the memory that it should need.
        """
        ceiling = memory_ceiling(self.settings.media, slots=self.settings.workers)
        if self.checkpoint.program_failed:
            needed = 2 * needed_memory(pixels, preset, 1)
            return Share(min(needed, ceiling), 1, is_short=needed > ceiling)
        running = max(1, self.heavy_running())
        threads = max(1, usable_cores() // running)
        return share_of(pixels, preset, threads=threads, ceiling=ceiling)

    def require_heavy_lane(self) -> None:
        """Check that the job is in the heavy lane, since heavy work follows. Raises: WrongLane."""
        if self.job.lane is not JobLane.HEAVY:
            raise WrongLane

    def save(self, **changes: object) -> None:
        """Change the checkpoint and save it in the job. Raises: LeaseLost."""
        self.checkpoint = replace(self.checkpoint, **changes)  # type: ignore[arg-type]
        self.ports.catalog.jobs.save_checkpoint(
            self.job.task_id, fence=self.job.fence, checkpoint=self.checkpoint
        )
