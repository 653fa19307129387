"""Port of what an operator observes."""

from collections.abc import Sequence
from typing import Protocol

from tusd_py.catalog.values import CatalogMetrics
from tusd_py.domain.operation import StepTimes, Storage, WorkerInfo


class OperationRepository(Protocol):
    """Keeps the workers that live and the times of their steps, and counts work and storage."""

    def heartbeat(self, owner: str, *, slots: int, times: StepTimes, for_seconds: float) -> None:
        """Record that a worker lives; without another heartbeat it is forgotten in ``for_seconds``.

        Args: times: durations of its steps since its last heartbeat.
        """
        ...

    def deregister(self, owner: str) -> None:
        """Forget a worker that has stopped. Idempotent."""
        ...

    def workers(self) -> Sequence[WorkerInfo]:
        """Return the workers that live, by name."""
        ...

    def step_times(self, *, hours: int) -> StepTimes:
        """Return the times of steps in the hour that runs and in those before it, ``hours`` in all.

        Steps that never ran, and steps of a later version, are left out.
        """
        ...

    def storage(self) -> Storage:
        """Count what is stored. It reads the whole pool and all uploads, so call it rarely."""
        ...

    def metrics(self) -> CatalogMetrics:
        """Count the work.

        The cost grows with what is open and what ended within a day, not with what was ever done.
        """
        ...
