"""A job's ledger of parts, in the catalog: any worker goes on with what another one sent (requirement S19)."""

from tusd_py.catalog.ports.objects import ObjectRepository
from tusd_py.domain.job import Job
from tusd_py.domain.multipart import Multipart, Part
from worker.failpoints import failpoint


class JobMultipartState:
    """``objects.port.MultipartState`` of one attempt: its writes carry its fence."""

    def __init__(self, objects: ObjectRepository, job: Job) -> None:
        self._objects = objects
        self._task_id = job.task_id
        self._fence = job.fence

    def load(self) -> Multipart | None:
        """See ``MultipartState.load``."""
        return self._objects.multipart(self._task_id)

    def begin(self, multipart: Multipart) -> None:
        """See ``MultipartState.begin``."""
        self._objects.begin_multipart(self._task_id, fence=self._fence, multipart=multipart)

    def add(self, part: Part) -> None:
        """See ``MultipartState.add``."""
        self._objects.add_part(self._task_id, fence=self._fence, part=part)
        failpoint("part_stored")

    def clear(self) -> None:
        """See ``MultipartState.clear``."""
        self._objects.forget_multipart(self._task_id, fence=self._fence)
