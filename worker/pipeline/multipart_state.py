"""Keeps a job's multipart upload in the catalog: any worker can continue it (requirement S19)."""

from tusd_py.catalog.ports.objects import ObjectRepository
from tusd_py.domain.job import Job
from tusd_py.domain.multipart import Multipart, Part
from tusd_py.worker.failpoints import failpoint


class JobMultipartState:
    """Keeps the multipart upload of one attempt; every write carries the attempt's fence."""

    def __init__(self, objects: ObjectRepository, job: Job) -> None:
        self._objects = objects
        self._task_id = job.task_id
        self._fence = job.fence

    def load(self) -> Multipart | None:
        """Return what an earlier attempt has begun, or None."""
        return self._objects.multipart(self._task_id)

    def begin(self, multipart: Multipart) -> None:
        """Record a new multipart upload in place of an earlier one. Raises: LeaseLost."""
        self._objects.begin_multipart(self._task_id, fence=self._fence, multipart=multipart)

    def add(self, part: Part) -> None:
        """Record a part that the object store has. Raises: LeaseLost."""
        self._objects.add_part(self._task_id, fence=self._fence, part=part)
        failpoint("part_stored")

    def clear(self) -> None:
        """Remove the record of the multipart upload. Raises: LeaseLost."""
        self._objects.forget_multipart(self._task_id, fence=self._fence)
