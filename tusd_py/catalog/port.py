"""What the catalog must promise. It is the truth; all times are its own clock's (decision 2).

Every method is one transaction: ACID, durable against power loss when it returns. All calls block
and may come from any thread. All raise BackendError when the database can't be reached.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol

from tusd_py.catalog.values import (
    HOUR,
    CatalogMetrics,
    Finished,
    HistoryRow,
    Outcome,
    PendingEvent,
    Result,
    StoredContent,
)
from tusd_py.domain.file import File
from tusd_py.domain.ids import Scope, UploadId, UserId
from tusd_py.domain.job import Checkpoint, Job, JobMessage
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.multipart import Multipart, Part
from tusd_py.domain.operation import StepTimes, Storage, WorkerInfo
from tusd_py.domain.ownership_proof import Question, Terms
from tusd_py.domain.quota import Quota, Usage
from tusd_py.domain.rendition import Rendition
from tusd_py.domain.upload import FinishedContent, Upload, UploadState
from tusd_py.domain.waiting import WaitingJob, WaitingLine

UNREACHABLE: Final = "The catalog can't be reached."
LATEST_EXAMINATION_SECONDS: Final = HOUR
"""Longest time before an open upload is due again."""


class HookCatalog(Protocol):
    """Events for hooks. They are written with what they tell of, in its transaction."""

    def claim_events(self, limit: int, hold_seconds: float) -> Sequence[PendingEvent]:
        """What is due, of each upload the oldest alone; nobody else gets it for so long."""
        ...

    def event_delivered(self, event_id: str) -> None:
        """It was told, or given up. Idempotent."""
        ...

    def event_failed(self, event_id: str, after_seconds: float) -> None:
        """It could not be told: again after so long, and what follows of its upload after it."""
        ...


class OwnershipCatalog(Protocol):
    """Proofs of possession. Nothing here tells whether a file is held by somebody, save a right answer."""

    def questions(self, file_hash: str) -> int:
        """How many are left to be asked of content with this source hash."""
        ...

    def add_questions(self, file_hash: str, questions: Sequence[Question]) -> None:
        """Keep questions that were drawn from content with this source hash."""
        ...

    def challenge(self, upload: Upload, terms: Terms, decoy: Question) -> bytes:
        """Ask for a proof that the upload's owner has what it declares: a question that is used up by
        it, if another owner holds that and the terms allow it; else the decoy. Returns: the nonce.
        """
        ...

    def prove(self, upload: Upload, terms: Terms, answer: bytes) -> File | None:
        """Take the answer to what was asked last, once and within ``ANSWER_SECONDS``. Right, and the
        file is still there: it is the owner's, too, and the upload is finished (``instant``). None:
        nothing was changed, save that the question is used up.

        Raises: UploadNotFound, UploadExpired, UploadTerminated.
        """
        ...


class UploadCatalog(OwnershipCatalog, Protocol):
    """Uploads and their finish: what the server needs."""

    @property
    def supports_group_commit(self) -> bool:
        """Whether several works cost one commit when they are brought together. If not, whoever has
        several should bring each in a thread of its own."""
        ...

    def run_as_one_transaction(self, works: Sequence[Callable[[], object]]) -> Sequence[Result]:
        """Run functions that call this catalog, as one transaction where it shares commits; each is
        all or nothing by itself. Returns: what each came to, in order, once it is durable."""
        ...

    def read_together(self, works: Sequence[Callable[[], object]]) -> Sequence[Result]:
        """Run functions that only read this catalog. Returns: what each came to, in order."""
        ...

    def add_upload(self, upload: Upload, quota: Quota | None = None) -> None:
        """Record a new upload. Raises: TooManyUploads, TooManyFiles, QuotaExceeded: nothing was
        recorded."""
        ...

    def add_instant(self, upload: Upload, scope: Scope, quota: Quota | None = None) -> File | None:
        """Record a new upload as finished if the scope holds its declared hash with its length:
        upload, reference and history, completed, in one commit. None: nothing was recorded.

        Raises: TooManyUploads, TooManyFiles, QuotaExceeded: nothing was recorded.
        """
        ...

    def finish_instant(self, upload: Upload, scope: Scope) -> File | None:
        """The same for an upload that is on its way. None: nothing was changed.

        Raises: UploadNotFound, UploadExpired, UploadTerminated.
        """
        ...

    def declare_hash(self, upload_id: UploadId, declared_hash: str) -> bool:
        """Set the hash that the finished file must have, once; False when another one is set."""
        ...

    def upload(self, upload_id: UploadId) -> Upload | None:
        """The upload in whatever state, or None when it was never here."""
        ...

    def uploads(self, ids: Collection[UploadId]) -> Mapping[UploadId, Upload]:
        """Return those of the uploads that were ever here, in whatever state."""
        ...

    def declare_length(self, upload: Upload, length: int, quota: Quota | None = None) -> bool:
        """Set a deferred length (bytes) once; False when one is set already.

        Raises: QuotaExceeded: nothing was changed.
        """
        ...

    def reserve_quota(self, upload: Upload, *, end: int, ahead: int, limit: int) -> int:
        """Give an upload of deferred length room in its owner's quota, which counts as the owner's
        usage until the length is declared or ``set_granted`` changes it.

        Args: end: bytes that the upload must be able to hold; ahead: bytes beyond that which may be
            given too, if plenty are left; limit: bytes that the owner may have in all.
        Returns: bytes that the upload may hold, less than ``end`` if the owner has no more room.
        Raises: UploadNotFound: it is not receiving, or its length is known.
        """
        ...

    def set_reserved(self, upload_id: UploadId, size: int) -> None:
        """Count ``size`` bytes for an upload while its length is deferred: those that are there.
        Idempotent."""
        ...

    def finish_upload(self, content: FinishedContent, *, is_video: bool) -> Finished:
        """The finishing transaction (requirement B3): upload finished and, in the same commit, either
        history completed with the pool's identity (requirement S2), or history received, job and outbox row.

        A second call for the same upload changes nothing (fault 10).
        """
        ...

    def finish_partial(self, upload_id: UploadId, file_hash: str) -> None:
        """A partial upload is complete: it becomes no task and no job. Idempotent."""
        ...

    def close_upload(self, upload_id: UploadId, state: UploadState) -> bool:
        """Terminate, expire or reject: the upload is gone for clients, its queued or running job is
        cancelled. False when it was closed already.
        """
        ...

    def usage(self, user_id: UserId) -> Usage:
        """What the owner has."""
        ...

    def receiving(self) -> Sequence[UploadId]:
        """Every upload in state receiving, oldest first."""
        ...

    def due(self, limit: int) -> Sequence[Upload]:
        """Return at most ``limit`` uploads that something may have to be done for, those first that have
        been due for longest; ``examine_again`` sets the time. A new upload is due at once. One that is
        finished (unless it is a partial upload) or closed never is."""
        ...

    def examine_again(self, times: Mapping[UploadId, float | None]) -> None:
        """Set when each upload is due again, in unix seconds, at most ``LATEST_EXAMINATION_SECONDS`` from now;
        None: never. One that is due later than that is due now: the clock was wrong then."""
        ...

    def finals_of(self, part: UploadId) -> Sequence[Upload]:
        """Unfinished final uploads of the part's owner that wait for it."""
        ...

    def removable_sources(self, *, failed_after: float | None = None) -> Sequence[UploadId]:
        """Uploads whose bytes nobody needs any longer: finished ones whose content is in the pool,
        closed ones, and failed ones that were refused or dropped; those whose bytes were reported
        removed are left out.

        Args: failed_after: seconds after which the bytes of every other failed job may go; None: never.
        """
        ...

    def source_removed(self, upload_id: UploadId) -> None:
        """The upload's bytes are gone from the store. Idempotent."""
        ...

    def file(self, identity: str) -> File | None:
        """A pool entry by identity."""
        ...

    def file_by_hash(self, scope: Scope, file_hash: str) -> File | None:
        """A pool entry by source hash within a scope."""
        ...

    def object_keys(self) -> Iterable[str]:
        """Every object key that the pool points at, those of renditions among them."""
        ...

    def renditions(self, identity: str) -> Sequence[Rendition]:
        """Return what stands beside the main object of this pool entry, in the order it was made."""
        ...

    def history(self, task_id: UploadId) -> HistoryRow | None:
        """A task's durable record."""
        ...

    def histories(
        self, user_id: UserId, *, page: int, size: int
    ) -> tuple[int, Sequence[HistoryRow]]:
        """Total and one page (from 1) of a user's records, newest first."""
        ...


class JobCatalog(Protocol):
    """Jobs: what the worker needs. Writes of an attempt carry its fence."""

    def job(self, task_id: UploadId) -> Job | None:
        """The job, or None."""
        ...

    def claim_next(
        self, lanes: Sequence[JobLane], *, owner: str, lease_seconds: float, per_user: int
    ) -> Job | None:
        """Take the job that is next by fair order among those that wait in these lanes and are due:
        fence + 1. None: there is none; dead leases are ``reap``'s.

        The highest priority comes first; then the user with the fewest running jobs in the lane, then
        the user whose last turn is longest ago; of one user's jobs the one that is due for longest. A
        user that has ``per_user`` running jobs in the lane (0: any number) gets no other.
        """
        ...

    def renew(self, task_id: UploadId, *, fence: int, lease_seconds: float) -> None:
        """Hold it longer. Raises: LeaseLost."""
        ...

    def is_held(self, fences: Mapping[UploadId, int]) -> Collection[UploadId]:
        """Return those of the jobs that the attempts with these fences still hold. One read by key, which
        a worker repeats each half second while it has jobs."""
        ...

    def save_checkpoint(self, task_id: UploadId, *, fence: int, checkpoint: Checkpoint) -> None:
        """Remember what is verified. Raises: LeaseLost."""
        ...

    def complete(self, task_id: UploadId, *, fence: int, stored: StoredContent | None) -> File:
        """Close job, pool, upload and history in one fenced transaction.

        ``stored`` None: the pool got this hash meanwhile (fault 48) and its file is taken. When
        another task's equal content won in between, the winner's file is returned and referred to.
        Raises: LeaseLost: nothing was changed; Transient: the object was collected meanwhile, it has
            to be put again.
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
        """Give it back for later, with an outbox row due then. Raises: LeaseLost."""
        ...

    def release(self, task_id: UploadId, *, fence: int, lane: JobLane | None = None) -> None:
        """Give it back now, uncounted, to the place in its user's line that it had: the worker is
        stopping, or the job belongs into another ``lane``. Raises: LeaseLost."""
        ...

    def fail(self, task_id: UploadId, *, fence: int, error_code: str, error_msg: str) -> None:
        """Dead letter: job and history failed. A job that processes a file again is done, with this error,
        and its task stays completed. Raises: LeaseLost."""
        ...

    def waiting_lines(self) -> Sequence[WaitingLine]:
        """Return every line in which jobs wait, with their numbers. Its cost grows with the number of
        waiting jobs: it is not to be read often."""
        ...

    def waiting_jobs(self, user_id: UserId, limit: int) -> Sequence[WaitingJob]:
        """Return a user's waiting jobs, those that are next first, at most ``limit`` of each lane."""
        ...

    def put_first(self, task_id: UploadId) -> bool:
        """Let a waiting job be the next of its lane, before all others save those that were put first
        before it. Return False if it does not wait."""
        ...

    def running(self) -> Sequence[Job]:
        """Every job that an attempt holds, or held when its worker died."""
        ...

    def reap(self, *, max_crashes: int) -> Sequence[Job]:
        """Take jobs from dead leases: crash_count + 1 and a new outbox row. A queued job whose user's line
        does not wait, which no write of this catalog leaves, waits again.

        A job whose worker died ``max_crashes`` - 1 times before its file was to be stored is done from then
        on without making anything of the file; one that dies ``max_crashes`` times although only storing
        was left is failed as poison.
        Returns: the jobs that were failed as poison.
        """
        ...

    def dead_letters(self, limit: int | None = None) -> Sequence[Job]:
        """Failed jobs, newest first; all of them without a limit."""
        ...

    def reopen(self, task_id: UploadId) -> Job | None:
        """Queue a failed job again by hand (requirement S17), counters at zero. None when it is not failed or
        its source is gone.
        """
        ...

    def add_reprocess_job(self, task_id: UploadId, *, priority: int | None = None) -> Job:
        """Queue a job that makes everything again of a file that the pool holds, and replaces what was made
        before when it is done. Until then, and if it fails, nothing that users see changes.

        Args: priority: of the job; None: that of the upload.
        Raises: UploadNotFound; UploadUnfinished: the file is not in the pool; AlreadyProcessing;
            OriginalMissing: the file as it was sent is not kept.
        """
        ...

    def check_reprocessable(self, task_id: UploadId) -> None:
        """Check that a file can be processed again, and change nothing. Raises: see ``add_reprocess_job``."""
        ...

    def stored_uploads(
        self, *, kind: str, before: float, note: str, after: UploadId | None, limit: int
    ) -> Sequence[UploadId]:
        """Return one task for each file of the pool, in the order of their ids.

        Args: kind: first part of the media type of what users get, ``video`` for example; '': any.
            before: unix seconds; only files that the pool got before. note: only tasks that ended with
            this note; '': any. after: only ids beyond this one.
        """
        ...

    def drop_failed(self, task_id: UploadId) -> bool:
        """Give a failed job up for good: it is no dead letter any longer, and its source may go. False when
        it is not failed."""
        ...

    def pending_jobs(self, limit: int) -> Sequence[tuple[int, JobMessage]]:
        """Outbox rows that are due and not yet published, oldest first."""
        ...

    def pending_outcomes(self, limit: int) -> Sequence[tuple[int, Outcome]]:
        """Outbox rows of tasks that ended and whose followers may not know it, oldest first."""
        ...

    def mark_sent(self, row_ids: Sequence[int]) -> None:
        """These rows are published, or told. Rows sent more than 24 h ago are dropped."""
        ...


class ObjectCatalog(Protocol):
    """Objects on their way, and those that are collected.

    An object that nobody points at is condemned before it is removed: an attempt that found it there
    and wants to point at it meets the tombstone instead, and puts it anew (fault 49).
    """

    def multipart(self, task_id: UploadId) -> Multipart | None:
        """What attempts at the job have begun to send, with the parts that arrived."""
        ...

    def begin_multipart(self, task_id: UploadId, *, fence: int, multipart: Multipart) -> None:
        """In the place of whatever was held; without parts. Raises: LeaseLost."""
        ...

    def add_part(self, task_id: UploadId, *, fence: int, part: Part) -> None:
        """A part of what is held arrived; again: in the place of the one before. Raises: LeaseLost."""
        ...

    def forget_multipart(self, task_id: UploadId, *, fence: int) -> None:
        """Nothing is held any longer. Idempotent. Raises: LeaseLost."""
        ...

    def multipart_ids(self) -> Collection[str]:
        """Upload ids that a job may still go on with."""
        ...

    def identity(self) -> str:
        """A name that this catalog was given when it was made (a UUID); it goes with its data."""
        ...

    def claim_object(self, key: str) -> bool:
        """An attempt is about to put this object; False while it is being removed. Idempotent."""
        ...

    def condemn_object(self, key: str) -> bool:
        """Nobody will point at the object from now on: it may be removed. False: the pool does."""
        ...

    def object_removed(self, key: str) -> None:
        """A condemned object is gone: it may be put anew. Idempotent."""
        ...


class OperationCatalog(Protocol):
    """What an operator looks at."""

    def heartbeat(self, owner: str, *, slots: int, times: StepTimes, for_seconds: float) -> None:
        """A worker lives, and is forgotten if it is silent for so long from now; ``times``: what its
        steps took since it said so last."""
        ...

    def deregister(self, owner: str) -> None:
        """A worker has stopped. Idempotent."""
        ...

    def workers(self) -> Sequence[WorkerInfo]:
        """Those that live, by name."""
        ...

    def step_times(self, *, hours: int) -> StepTimes:
        """Of the hour that runs and those before it; steps that never ran are left out."""
        ...

    def storage(self) -> Storage:
        """What is kept. Reads the whole pool and all uploads: not to be asked often."""
        ...


class Catalog(UploadCatalog, JobCatalog, ObjectCatalog, OperationCatalog, HookCatalog, Protocol):
    """Everything that is true."""

    def metrics(self) -> CatalogMetrics:
        """The state of work. Its cost grows with what is open and what ended within a day, not with
        what was ever done.
        """
        ...

    def check(self) -> None:
        """Ask something small. Raises: BackendError: ``UNREACHABLE``, after 40 s at most."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...
