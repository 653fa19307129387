"""Port of the file pool and its objects."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from tusd_py.domain.file import File
from tusd_py.domain.ids import Scope, UploadId
from tusd_py.domain.multipart import Multipart, Part
from tusd_py.domain.rendition import Rendition


class ObjectRepository(Protocol):
    """Keeps the files of the pool, the multipart uploads of their objects, and tombstones.

    An object that no row refers to is condemned before it is removed. An attempt that found the
    object and wants to refer to it meets the tombstone instead, and stores the object again (fault
    49).
    """

    def file(self, identity: str) -> File | None:
        """Return a file of the pool by its identity."""
        ...

    def files(self, identities: Collection[str]) -> Mapping[str, File]:
        """Return the files of the pool by their identities; what it does not have is left out."""
        ...

    def file_by_hash(self, scope: Scope, file_hash: str) -> File | None:
        """Return a file of the pool by its source hash within a scope."""
        ...

    def keys(self) -> Iterable[str]:
        """Return every object key that the pool refers to, those of renditions included."""
        ...

    def renditions(self, identity: str) -> Sequence[Rendition]:
        """Return the renditions of a file besides its main object, in the order they were made."""
        ...

    def multipart(self, task_id: UploadId) -> Multipart | None:
        """Return the multipart upload that attempts at the job have begun, with its parts."""
        ...

    def begin_multipart(self, task_id: UploadId, *, fence: int, multipart: Multipart) -> None:
        """Record a multipart upload without parts in place of an earlier one. Raises: LeaseLost."""
        ...

    def add_part(self, task_id: UploadId, *, fence: int, part: Part) -> None:
        """Record a part; it replaces one with the same number. Raises: LeaseLost."""
        ...

    def forget_multipart(self, task_id: UploadId, *, fence: int) -> None:
        """Remove the record of the multipart upload. Idempotent. Raises: LeaseLost."""
        ...

    def multipart_ids(self) -> Collection[str]:
        """Return the ids of multipart uploads that a job may still continue."""
        ...

    def identity(self) -> str:
        """Return the name (a UUID) that this catalog got when it was made, and keeps."""
        ...

    def claim(self, key: str) -> bool:
        """Announce that an attempt will store this object. Idempotent.

        Returns: False while the object is being removed.
        """
        ...

    def condemn(self, key: str) -> bool:
        """Write a tombstone: from now on no row may refer to the object, and it may be removed.

        Returns: False if the pool refers to it.
        """
        ...

    def removed(self, key: str) -> None:
        """Mark an object as removed: it may be stored again. Idempotent.

        Its tombstone stays for a week, longer than any attempt that may have seen the object.
        """
        ...
