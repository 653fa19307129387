"""Port of the catalog: seven repositories over one database (rules: see ``catalog.ports``)."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from tusd_py.catalog.ports.hooks import HookRepository
from tusd_py.catalog.ports.jobs import JobRepository
from tusd_py.catalog.ports.objects import ObjectRepository
from tusd_py.catalog.ports.operations import OperationRepository
from tusd_py.catalog.ports.ownership import OwnershipRepository
from tusd_py.catalog.ports.shares import ShareRepository
from tusd_py.catalog.ports.uploads import UploadRepository
from tusd_py.threads import Result

UNREACHABLE: Final = "The catalog can't be reached."


class Repositories(Protocol):
    """Groups the seven repositories over one database or one transaction."""

    @property
    def uploads(self) -> UploadRepository:
        """Return the repository of uploads."""
        ...

    @property
    def jobs(self) -> JobRepository:
        """Return the repository of jobs and the outbox."""
        ...

    @property
    def objects(self) -> ObjectRepository:
        """Return the repository of the file pool and its objects."""
        ...

    @property
    def ownership(self) -> OwnershipRepository:
        """Return the repository of ownership proofs."""
        ...

    @property
    def hooks(self) -> HookRepository:
        """Return the repository of events for hooks."""
        ...

    @property
    def shares(self) -> ShareRepository:
        """Return the repository of links for receivers."""
        ...

    @property
    def operations(self) -> OperationRepository:
        """Return the repository of what an operator observes."""
        ...


class Catalog(Repositories, Protocol):
    """Is the database: each call of its repositories is a transaction, and works can share one."""

    @property
    def batches_commits(self) -> bool:
        """Whether ``commit_all`` makes one commit of several works.

        If not, a caller with several works should run each in a thread of its own.
        """
        ...

    def commit_all(self, works: Sequence[Callable[[Repositories], object]]) -> Sequence[Result]:
        """Run each work with repositories whose changes are committed when this method returns.

        Each work is all or nothing by itself, and may run twice: what its first run changed is
        rolled back before. It must use the repositories that it gets, not this catalog.

        Returns: the results of the works, in order.
        """
        ...

    def read_all(self, works: Sequence[Callable[[Repositories], object]]) -> Sequence[Result]:
        """Run each work with repositories that are only read. Return their results, in order."""
        ...

    def check(self) -> None:
        """Send a small query. Raises: BackendError: ``UNREACHABLE``, after 40 s at most."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...
