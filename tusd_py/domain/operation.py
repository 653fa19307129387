"""What an operator asks of a deployment as a whole: its workers, its steps, what it keeps."""

from collections.abc import Mapping
from dataclasses import dataclass

from tusd_py.domain.job import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """A worker that said lately that it lives. Times are unix seconds (UTC) of the catalog's clock."""

    owner: str
    """``host:pid:random``, as in the jobs that it holds."""
    slots: int
    started_at: float
    seen_at: float


@dataclass(frozen=True, slots=True)
class StepTime:
    """How often a step ran, and for how many seconds in all."""

    runs: int = 0
    seconds: float = 0.0

    @property
    def mean_seconds(self) -> float | None:
        """Seconds of one run; None when there was none."""
        return self.seconds / self.runs if self.runs else None

    def since(self, before: "StepTime") -> "StepTime":
        """What came on top of an earlier count of the same runs."""
        return StepTime(self.runs - before.runs, self.seconds - before.seconds)


StepTimes = Mapping[Step, StepTime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What is kept, and what instant upload saved. Sizes in bytes."""

    files: int
    """Entries of the pool: contents, counted once for each owner who has one."""
    objects: int
    object_bytes: int
    """Of the objects as they are stored, renditions among them."""
    source_bytes: int
    """Of the files that became those objects, as they were sent."""
    instant_uploads: int
    instant_bytes: int
    """Lengths of uploads that were finished without their bytes."""
