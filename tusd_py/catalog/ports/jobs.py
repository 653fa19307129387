"""Port of the jobs: claims, leases, outcomes, and the outbox."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from tusd_py.catalog.values import Outcome, StoredContent
from tusd_py.domain.file import File
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.job import Checkpoint, Job, JobMessage
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.waiting import WaitingJob, WaitingLine


class WaitingRepository(Protocol):
    """Counts the jobs that wait."""

    def count_waiting(self) -> int:
        """Return the number of jobs that wait, those included that are due later."""
        ...

    def waiting_lines(self) -> Sequence[WaitingLine]:
        """Return every line in which jobs wait, with their numbers.

        The cost grows with the number of waiting jobs, so it must not be read often.
        """
        ...

    def waiting_jobs(self, user_id: UserId, limit: int) -> Sequence[WaitingJob]:
        """Return a user's waiting jobs, next first, at most ``limit`` of each lane."""
        ...


class ReprocessRepository(Protocol):
    """Queues files of the pool that are processed again."""

    def add_reprocess_job(self, task_id: UploadId, *, priority: int | None = None) -> Job:
        """Queue a job that makes everything again of a file in the pool.

        It replaces what was made before when it is done. Until then, and if it fails, users see no
        change.

        Args: priority: priority of the job; None: the upload's.
        Raises: UploadNotFound; UploadUnfinished: the file is not in the pool; AlreadyProcessing;
            OriginalMissing: the file as it was sent is not kept.
        """
        ...

    def check_reprocessable(self, task_id: UploadId) -> None:
        """Check that a file can be processed again. Raises: see ``add_reprocess_job``."""
        ...

    def stored_uploads(
        self, *, kind: str, before: float, note: str, after: UploadId | None, limit: int
    ) -> Sequence[UploadId]:
        """Return one task for each file of the pool, ordered by id.

        Args: kind: first part of the media type of what users get, for example ``video``; '': any.
            before: unix seconds; only files that entered the pool before. note: only tasks that
            ended with this note; '': any. after: only ids beyond this one.
        """
        ...


class OutboxRepository(Protocol):
    """Keeps the rows that state which messages must be sent."""

    def pending_jobs(self, limit: int) -> Sequence[tuple[int, JobMessage]]:
        """Return the messages that are due and not yet published, oldest first, with their rows.

        There are none without a broker.
        """
        ...

    def pending_outcomes(self, limit: int) -> Sequence[tuple[int, Outcome]]:
        """Return outbox rows of ended tasks that may not be published yet, oldest first."""
        ...

    def mark_sent(self, row_ids: Sequence[int]) -> None:
        """Mark outbox rows as published, and drop those that were sent more than 24 hours ago."""
        ...


class JobRepository(WaitingRepository, ReprocessRepository, OutboxRepository, Protocol):
    """Keeps jobs. Every write of an attempt carries its fence."""

    def get(self, task_id: UploadId) -> Job | None:
        """Return the job, or None."""
        ...

    def claim_next(
        self, lanes: Sequence[JobLane], *, owner: str, lease_seconds: float, per_user: int
    ) -> Job | None:
        """Claim the next due job of these lanes by fair order, with a fence that is one higher.

        The highest priority comes first; then the user with the fewest running jobs in the lane;
        then the user whose last turn is longest ago; of one user's jobs the one that is due for
        longest. A user that has ``per_user`` running jobs in the lane (0: no limit) gets no other.

        Returns: None if there is no such job. Jobs with dead leases are left to ``reap``.
        """
        ...

    def renew(self, task_id: UploadId, *, fence: int, lease_seconds: float) -> None:
        """Extend the lease. Raises: LeaseLost."""
        ...

    def still_held(self, fences: Mapping[UploadId, int]) -> Collection[UploadId]:
        """Return those of the jobs that the attempts with these fences still hold.

        It is one read by key: a worker repeats it each half second while it has jobs.
        """
        ...

    def save_checkpoint(self, task_id: UploadId, *, fence: int, checkpoint: Checkpoint) -> None:
        """Keep what an attempt has verified. Raises: LeaseLost."""
        ...

    def complete(self, task_id: UploadId, *, fence: int, stored: StoredContent | None) -> File:
        """Close job, pool entry, upload and history in one fenced transaction.

        Args: stored: the new object; None: the pool got this hash meanwhile (fault 48), and that
            file is used.
        Returns: the file; that of another task if its equal content was stored first.
        Raises: LeaseLost: nothing was changed. TransientError: the object was removed meanwhile,
            and must be stored again.
        """
        ...

    def retry(
        self,
        task_id: UploadId,
        *,
        fence: int,
        after_seconds: float,
        error_code: str,
        error_msg: str,
        counted: bool,
    ) -> None:
        """Return the job to the queue for a later attempt, with a message that is due then.

        Raises: LeaseLost.
        """
        ...

    def release(self, task_id: UploadId, *, fence: int, lane: JobLane | None = None) -> None:
        """Return the job to its place in its user's line without counting the attempt.

        The reason is that the worker stops, or that the job belongs into another ``lane``.
        Raises: LeaseLost.
        """
        ...

    def fail(self, task_id: UploadId, *, fence: int, error_code: str, error_msg: str) -> None:
        """Make the job a dead letter: job and history are failed.

        A job that processes a file again ends with this error, and its task stays completed.
        Raises: LeaseLost.
        """
        ...

    def put_first(self, task_id: UploadId) -> bool:
        """Make a waiting job the next of its lane, behind those that were put first before it.

        Returns: False if the job does not wait.
        """
        ...

    def running(self) -> Sequence[Job]:
        """Return every job that an attempt holds, or held when its worker died."""
        ...

    def reap(self, *, max_crashes: int) -> Sequence[Job]:
        """Take jobs back from dead leases, each with one more crash and a new message.

        A job whose worker died ``max_crashes`` - 1 times before its file was to be stored is
        completed without making anything of the file. A job whose worker died ``max_crashes`` times
        although only storing was left fails as poison. A queued job whose user's line is lost waits
        again.

        Returns: the jobs that failed as poison.
        """
        ...

    def dead_letters(self, limit: int | None = None) -> Sequence[Job]:
        """Return failed jobs, newest first; all of them without a limit."""
        ...

    def reopen(self, task_id: UploadId) -> Job | None:
        """Queue a failed job again with its counters at zero (requirement S17).

        Returns: None if the job is not failed or its source is gone.
        """
        ...

    def drop_failed(self, task_id: UploadId) -> bool:
        """Give a failed job up for good, so that its source may be removed.

        Returns: False if the job is not failed.
        """
        ...
