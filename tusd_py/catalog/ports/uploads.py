"""Port of the uploads: their records, their finish, and what their owners have."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol

from tusd_py.catalog.values import HOUR, FileQuery, Finished, HistoryRow, ListPosition, Outcome
from tusd_py.domain.file import File
from tusd_py.domain.ids import Scope, UploadId, UserId
from tusd_py.domain.quota import Quota, Usage
from tusd_py.domain.target import TargetAnswer, TargetRequest
from tusd_py.domain.upload import FinishedContent, Upload, UploadState

LATEST_EXAMINATION_SECONDS: Final = HOUR
"""Longest time before an open upload is due again."""


class InstantUploadRepository(Protocol):
    """Finds content by the hash that a client declares."""

    def add_instant(self, upload: Upload, scope: Scope, quota: Quota | None = None) -> File | None:
        """Record a new upload as finished if the scope holds its declared hash with its length.

        The upload, its reference to the file and its completed history are one commit.

        Returns: the file; None if nothing was recorded.
        Raises: TooManyUploads, TooManyFiles, QuotaExceeded, UploadExists: nothing was recorded.
        """
        ...

    def finish_instant(self, upload: Upload, scope: Scope) -> File | None:
        """Finish an upload that is still receiving, as ``add_instant`` does for a new one.

        Returns: the file; None if nothing was changed.
        Raises: UploadNotFound, UploadExpired, UploadTerminated.
        """
        ...


class TargetRepository(Protocol):
    """Keeps the requests whose bodies uploads keep, and the final answers of their targets."""

    def target(self, upload_id: UploadId) -> TargetRequest | None:
        """Return the request whose body the upload keeps; None: it is an upload like others."""
        ...

    def target_answer(self, upload_id: UploadId) -> TargetAnswer | None:
        """Return the final answer of the upload's target; None: it has not answered."""
        ...

    def keep_target_answer(self, upload_id: UploadId, answer: TargetAnswer) -> None:
        """Record the final answer and close the upload, in one commit. Idempotent."""
        ...


class UploadRepository(InstantUploadRepository, TargetRepository, Protocol):
    """Keeps the records of uploads and finishes them."""

    def add(self, upload: Upload, quota: Quota | None = None) -> None:
        """Record a new upload, and its target if it has one.

        Raises: TooManyUploads, TooManyFiles, QuotaExceeded, UploadExists: nothing was recorded.
        """
        ...

    def declare_hash(self, upload_id: UploadId, declared_hash: str) -> bool:
        """Set the hash that the finished file must have. Return False if another one is set."""
        ...

    def keep_sha256(self, upload_id: UploadId, sha256: str) -> None:
        """Record the SHA-256 of the whole file. Idempotent."""
        ...

    def get(self, upload_id: UploadId) -> Upload | None:
        """Return the upload in any state, or None if there never was one with this id."""
        ...

    def get_all(self, ids: Collection[UploadId]) -> Mapping[UploadId, Upload]:
        """Return the uploads with these ids, in any state; ids that never existed are left out."""
        ...

    def declare_length(self, upload: Upload, length: int, quota: Quota | None = None) -> bool:
        """Set a deferred length (bytes). Return False if a length is set already.

        Raises: QuotaExceeded: nothing was changed.
        """
        ...

    def set_completes_at_length(self, upload_id: UploadId, value: bool) -> None:
        """Record whether an upload is complete when it has all bytes. Idempotent."""
        ...

    def reserve_quota(self, upload: Upload, *, end: int, ahead: int, limit: int) -> int:
        """Reserve bytes of the owner's quota for an upload of deferred length.

        The reservation counts as the owner's usage until the length is declared or ``set_reserved``
        changes it.

        Args: end: bytes that the upload must be able to hold. ahead: bytes beyond ``end`` that may
            be reserved too, if enough are left. limit: bytes that the owner may have in all.
        Returns: bytes that the upload may hold; less than ``end`` if the quota is used up.
        Raises: UploadNotFound: the upload is not receiving, or its length is known.
        """
        ...

    def set_reserved(self, upload_id: UploadId, size: int) -> None:
        """Set the reservation of an upload of deferred length to ``size`` bytes. Idempotent."""
        ...

    def finish(self, content: FinishedContent, *, is_video: bool) -> Finished:
        """Finish an upload (requirement B3).

        In the same commit, either the history is completed with the identity of the pool's file
        (requirement S2), or a received history, a job and its message are written. A second call
        for the same upload changes nothing (fault 10).
        """
        ...

    def add_finished(
        self, upload: Upload, content: FinishedContent, *, is_video: bool, quota: Quota | None
    ) -> Finished:
        """Record a new upload and finish it, as ``add`` and ``finish`` do, in one commit.

        Raises: TooManyUploads (it counts as open), TooManyFiles, QuotaExceeded, UploadExists:
            nothing was recorded.
        """
        ...

    def finish_partial(self, upload_id: UploadId, file_hash: str) -> None:
        """Finish a partial upload, which becomes neither a task nor a job. Idempotent."""
        ...

    def close(self, upload_id: UploadId, state: UploadState) -> bool:
        """Terminate, expire or reject an upload, and cancel its queued or running job.

        One that expired or was rejected may be terminated afterwards: ``files`` leaves it out then.

        Returns: False if it was closed already.
        """
        ...

    def usage(self, user_id: UserId) -> Usage:
        """Return how many uploads, files and bytes an owner has."""
        ...

    def receiving(self) -> Sequence[UploadId]:
        """Return every upload in state receiving, oldest first."""
        ...

    def due(self, limit: int) -> Sequence[Upload]:
        """Return at most ``limit`` uploads that must be examined, the longest due first.

        A new upload is due at once; ``examine_again`` sets the next time. An upload that is closed,
        or finished and not a partial one, is never due.
        """
        ...

    def examine_again(self, times: Mapping[UploadId, float | None]) -> None:
        """Set when each upload is due again, in unix seconds; None: never.

        A time that lies more than twice ``LATEST_EXAMINATION_SECONDS`` ahead counts as due now,
        since the clock was wrong when it was set.
        """
        ...

    def finals_of(self, part: UploadId) -> Sequence[Upload]:
        """Return the unfinished final uploads of the part's owner that name this part."""
        ...

    def is_joined(self, part: Upload, *, before: float) -> bool:
        """Return whether a final upload of this part was finished before that time (unix seconds).

        False while another final upload waits for the part.
        """
        ...

    def removable_sources(self, *, failed_after: float | None = None) -> Sequence[UploadId]:
        """Return uploads whose bytes are not needed any longer and were not reported as removed.

        These are finished uploads whose content is in the pool, closed ones, and failed ones that
        were refused or dropped.

        Args: failed_after: seconds after which the bytes of every other failed job may go; None:
            never.
        """
        ...

    def source_removed(self, upload_id: UploadId) -> None:
        """Record that the upload's bytes are gone from the store. Idempotent."""
        ...

    def outcome(self, task_id: UploadId) -> Outcome | None:
        """Return the durable record of a task, with what its job says of its end."""
        ...

    def files(
        self, user_id: UserId, query: FileQuery, position: ListPosition, *, size: int
    ) -> tuple[int, Sequence[HistoryRow]]:
        """Return the number of a user's files that the query selects, and a page of them.

        These are the uploads that are no part of another one and were not deleted, newest first. A
        file whose bytes still arrive has the status pending, and one that expired or was refused
        the status failed.
        """
        ...
