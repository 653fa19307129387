"""Defines values that the catalog returns and takes, in addition to those of the domain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tusd_py.domain.file import File
from tusd_py.domain.hook import HookEvent
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.notes import Note
from tusd_py.domain.rendition import Facts, Rendition
from tusd_py.domain.upload import Upload

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """States what a call of ``UploadRepository.finish`` did."""

    first: bool
    """False: the upload had been finished before, and nothing was changed."""
    file: File | None
    """The pool's file if the pool held the content (requirement S2): there is no job then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """Holds a row of ``file_upload_history`` (requirement S12): bytes and unix seconds."""

    task_id: UploadId
    user_id: UserId
    filename: str
    file_hash: str
    file_size: int
    status: str
    error_msg: str
    oss_path: str
    repository_identity: str
    duration: int | None
    created_at: float
    completed_at: float | None
    relative_path: str = ""
    """The file's path below the folder that its owner sent; known in lists of files only."""


class FileState(StrEnum):
    """Names the states by which a user selects files; the catalog knows no finer ones."""

    RECEIVING = "receiving"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileQuery:
    """Selects files of a user. Times are unix seconds; None and '': any."""

    name: str = ""
    """A part of the name or of the path, in large or small letters."""
    folder: str = ""
    """A folder that the file is in, directly or deeper."""
    id_prefix: str = ""
    """The first hexadecimal digits of the id."""
    state: FileState | None = None
    created_from: float | None = None
    created_before: float | None = None
    ended_from: float | None = None
    """Only what was completed or failed then or later, to a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPosition:
    """States where in a list a page begins."""

    skipped: int = 0
    after: tuple[float, UploadId] | None = None
    """Time of creation and id of the last file of the page before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """States where a task is by its record, and how it ended.

    ``fence`` is that of the attempt that ended it, 0 without a job.
    """

    history: HistoryRow
    fence: int
    error_code: str
    notes: tuple[Note, ...] = ()
    """Remarks on the file for its user, for example why it was kept as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredContent:
    """States what the record step writes to the pool, in addition to the job's own values.

    Sizes are in bytes.
    """

    object_key: str
    path: str
    stored_hash: str
    stored_size: int
    content_type: str
    ext: str
    facts: Facts = field(default_factory=dict)
    renditions: tuple[Rendition, ...] = ()

    def extra_size(self, sent: int) -> int:
        """Return by how many bytes all stored objects exceed the ``sent`` bytes; 0 if not."""
        kept = self.stored_size + sum(rendition.size for rendition in self.renditions)
        return max(0, kept - sent)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedCounts:
    """Counts the tasks that ended within a span of time up to now."""

    completed: int
    failed: int

    @property
    def success_ratio(self) -> float | None:
        """Share of those that were completed, 0 to 1; None if no task ended."""
        total = self.completed + self.failed
        return self.completed / total if total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Counts rows that are due.

    ``oldest_seconds``: how long the oldest has been due; 0 without rows.
    """

    rows: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogMetrics:
    """Counts the work of all processes together (requirement S23)."""

    queued: int
    """Jobs that wait, those included that are due later for another attempt."""
    running: int
    dead_letters: int
    """Failed jobs that were not reopened."""
    due: Backlog
    """Queued jobs that could begin now."""
    outbox: Mapping[str, Backlog]
    """Rows that are due and not yet sent, by kind (``job``, ``outcome``, ``hook``)."""
    ended: Mapping[float, EndedCounts]
    """Tasks that ended, by span in seconds: ``HOUR`` and ``DAY``."""
    processing_seconds: float | None
    """Mean duration of the jobs that were completed within an hour (the latest 1000 tasks).

    It is counted from the first claim. None: no job was completed.
    """
    open_uploads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingEvent:
    """Holds an event that an application must get. ``at`` is in unix seconds (UTC)."""

    id: str
    event: HookEvent
    at: float
    failures: int
    """Number of deliveries that failed."""
    upload: Upload
    outcome: Outcome | None
    """The task as it is now; None while its bytes arrive."""
    file: File | None = None
    """The entry in the pool of a completed task."""
    renditions: tuple[Rendition, ...] = ()
    """Renditions of the file in addition to its main object."""
