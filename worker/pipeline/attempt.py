"""What the steps of one attempt share."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from tusd_py.catalog.values import StoredContent
from tusd_py.clock import Clock
from tusd_py.domain.job import Checkpoint, Job
from tusd_py.monitoring.traces import Traces
from tusd_py.monitoring.worker_figures import WorkerFigures
from tusd_py.ports import Ports
from tusd_py.settings import Settings
from worker.heavy_work import HeavyWork
from worker.lease import Lease
from worker.media.probe import Probed
from worker.media.tools import Tools
from worker.reporter import Reporter


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One worker's go at one job. Steps fill in what the later ones need."""

    job: Job
    ports: Ports
    settings: Settings
    tools: Tools
    lease: Lease
    reporter: Reporter
    clock: Clock
    figures: WorkerFigures
    traces: Traces
    heavy_work: HeavyWork
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    probed: Probed | None = None
    demuxer: str = ""
    stored: StoredContent | None = None
    heavy: bool = False
    """Whether this attempt has a place for heavy work."""
    held: bool = False
    """The pool has this content already: nothing is left to do but to say so."""

    @property
    def source(self) -> Path:
        """The file as it was sent: read-only for workers (the seed's holes 1 and 14)."""
        return self.ports.stores.core.path(self.job.task_id)

    @property
    def task_dir(self) -> Path:
        """Where all attempts at this task work."""
        return self.ports.work_dir / self.job.task_id

    @property
    def work_dir(self) -> Path:
        """The attempt's own folder."""
        return self.task_dir / str(self.job.fence)

    @property
    def output(self) -> Path | None:
        """The compressed file, when there is one."""
        path = self.checkpoint.out_path
        return self.task_dir / path if path else None

    def begin_heavy(self) -> None:
        """Take a place for heavy work, unless this attempt has one. Raises: Deferred."""
        if not self.heavy:
            self.heavy_work.begin(self.job)
            self.heavy = True

    def end_heavy(self) -> None:
        """Give the place back, if there is one."""
        if self.heavy:
            self.heavy = False
            self.heavy_work.end(self.job)

    def save(self, **changes: object) -> None:
        """Remember what is verified. Raises: LeaseLost."""
        self.checkpoint = replace(self.checkpoint, **changes)  # type: ignore[arg-type]
        self.ports.catalog.save_checkpoint(
            self.job.task_id, fence=self.job.fence, checkpoint=self.checkpoint
        )
