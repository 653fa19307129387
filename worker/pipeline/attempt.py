"""What the steps of one attempt share."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from tusd_py.catalog.values import StoredContent
from tusd_py.clock import Clock
from tusd_py.domain.filetypes import FileType
from tusd_py.domain.job import Checkpoint, Job, Step
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.rendition import Facts, ProducedFile
from tusd_py.domain.upload import PROFILE_KEY
from tusd_py.monitoring.traces import Traces
from tusd_py.monitoring.worker_metrics import WorkerMetrics
from tusd_py.ports import Ports
from tusd_py.settings.media import Profile
from tusd_py.settings.model import Settings
from worker.lease import Lease
from worker.media.contents import Contents
from worker.media.memory import Share, memory_ceiling, needed_memory, share_of
from worker.media.probe import Probed
from worker.media.tools import Tools
from worker.pipeline.hashes import file_hash
from worker.reporter import Reporter

SOURCE_SUFFIX: Final = ".source"
"""What follows the fence in the name of the folder that holds a copy of the original."""


def fence_of(folder: Path) -> int | None:
    """Return the fence of the attempt to which a folder of a task belongs, by its name; None if it is no
    attempt's."""
    digits = folder.name.removesuffix(SOURCE_SUFFIX)
    return int(digits) if digits.isascii() and digits.isdecimal() else None


class WrongLane(Exception):
    """Raised when a light job turns out to be heavy: it waits in the heavy lane from now on."""


@dataclass(kw_only=True)
class Attempt:
    """One worker's go at one job. Steps fill in what the later ones need."""

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
    """How many heavy jobs this worker does at the moment, this one too."""
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    contents: Contents | None = None
    """What the file holds, where it is a container of films."""
    probed: Probed | None = None
    demuxer: str = ""
    file_type: FileType | None = None
    """What the content is; None if it is not known."""
    family: str = ""
    """Of the content: video, audio, image, document or archive; '' if it is not known."""
    stored: StoredContent | None = None
    held: bool = False
    """The pool has this content already: nothing is left to do but to say so."""

    @property
    def source(self) -> Path:
        """The file as it was sent: read-only for workers (holes 1 and 14). Where it is processed
        again it is a copy from the object store, beside the work folder."""
        if self.job.checkpoint.again:
            return self.task_dir / f"{self.job.fence}{SOURCE_SUFFIX}" / "source"
        return self.ports.stores.uploads.path(self.job.task_id)

    @property
    def task_dir(self) -> Path:
        """Where all attempts at this task work."""
        return self.ports.work_dir / self.job.task_id

    @property
    def work_dir(self) -> Path:
        """The attempt's own folder."""
        return self.task_dir / str(self.job.fence)

    def remove_work(self) -> None:
        """Remove what this attempt has made, and its task's folder unless another attempt works there."""
        shutil.rmtree(self.work_dir, ignore_errors=True)
        self.remove_copy_of_source()
        with suppress(OSError):
            self.task_dir.rmdir()

    def remove_unverified_work(self) -> None:
        """Remove what this attempt has made unless the next one goes on with it."""
        if self.checkpoint.step is not Step.STORE:
            self.remove_work()

    def remove_earlier_work(self) -> None:
        """Remove what this attempt and those before it have made. A later one may have begun already: a job
        that is recorded can be queued again."""
        with suppress(FileNotFoundError):
            for folder in self.task_dir.iterdir():
                fence = fence_of(folder)
                if fence is not None and fence <= self.job.fence:
                    shutil.rmtree(folder, ignore_errors=True)
        self.remove_work()

    def remove_copy_of_source(self) -> None:
        """Remove the copy that was made to process a file again: the next attempt makes its own."""
        if self.job.checkpoint.again:
            shutil.rmtree(self.source.parent, ignore_errors=True)

    def output(self, made: ProducedFile) -> Path:
        """Return where an output is."""
        return self.task_dir / made.path

    def made(
        self, name: str, path: Path, *, content_type: str, ext: str, facts: Facts | None = None
    ) -> ProducedFile:
        """Return a verified file of the work folder as an output. Raises: LeaseLost, OSError."""
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
        """What is made of the file, by the settings and, where the deployment allows it, the client."""
        media = self.settings.media
        if not media.profile_choice:
            return media.profile()
        upload = self.ports.catalog.uploads.get(self.job.task_id)
        chosen = upload.metadata.get(PROFILE_KEY, b"") if upload is not None else b""
        return media.profile(chosen.decode("utf-8", "replace"))

    def share(self, pixels: int, preset: str) -> Share:
        """Return the memory and the threads that a program gets for pictures of this size: the processors
        that other programs of this worker leave, but one after a failure, with more room than it needs."""
        ceiling = memory_ceiling(self.settings.media, slots=self.settings.workers)
        if self.checkpoint.program_failed:
            needed = 2 * needed_memory(pixels, preset, 1)
            return Share(min(needed, ceiling), 1, is_short=needed > ceiling)
        running = max(1, self.heavy_running())
        threads = max(1, len(os.sched_getaffinity(0)) // running)
        return share_of(pixels, preset, threads=threads, ceiling=ceiling)

    def require_heavy_lane(self) -> None:
        """Raises: WrongLane: the job came by the light lane, and what follows is heavy work."""
        if self.job.lane is not JobLane.HEAVY:
            raise WrongLane

    def save(self, **changes: object) -> None:
        """Remember what is verified. Raises: LeaseLost."""
        self.checkpoint = replace(self.checkpoint, **changes)  # type: ignore[arg-type]
        self.ports.catalog.jobs.save_checkpoint(
            self.job.task_id, fence=self.job.fence, checkpoint=self.checkpoint
        )
