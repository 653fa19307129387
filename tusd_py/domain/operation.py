"""Defines what an operator can read about a deployment: workers, steps, and storage."""

from collections.abc import Mapping
from dataclasses import dataclass

from tusd_py.domain.job import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """Describes a worker that lives. Times are unix seconds (UTC) of the catalog's clock."""

    owner: str
    """``host:pid:random``, as in the jobs that it holds."""
    slots: int
    started_at: float
    seen_at: float


@dataclass(frozen=True, slots=True)
class StepTime:
    """Holds how often a step ran, and for how many seconds altogether."""

    runs: int = 0
    seconds: float = 0.0

    @property
    def mean_seconds(self) -> float | None:
        """Mean seconds of a run; None without a run."""
        return self.seconds / self.runs if self.runs else None

    def since(self, before: "StepTime") -> "StepTime":
        """Return the runs since an earlier count of them."""
        return StepTime(self.runs - before.runs, self.seconds - before.seconds)


StepTimes = Mapping[Step, StepTime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Holds what is stored, and what instant upload saved. Sizes are in bytes."""

    files: int
    """Entries of the pool: each content counts once for each owner who has it."""
    objects: int
    object_bytes: int
    """Bytes of the objects as they are stored, renditions among them."""
    source_bytes: int
    """Bytes of the files that became those objects, as they were sent."""
    instant_uploads: int
    instant_bytes: int
    """Lengths of uploads that were finished without their bytes."""
