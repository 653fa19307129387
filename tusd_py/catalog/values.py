"""What the catalog returns and takes, beside the values of the domain."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tusd_py.domain.file import File
from tusd_py.domain.hook import HookEvent
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.rendition import Facts, Rendition
from tusd_py.domain.upload import Upload

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Result:
    """Result of a function: its value, or the error that it raised."""

    value: Any = None
    error: Exception | None = None

    def result(self) -> Any:  # noqa: ANN401
        """Return the value. Raises: the error."""
        if self.error is not None:
            raise self.error
        return self.value


def capture(work: Callable[..., object], *arguments: object) -> Result:
    """Call a function and return its result."""
    try:
        return Result(work(*arguments))
    except Exception as error:  # noqa: BLE001  (the caller of the work gets it)
        return Result(error=error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Outcome of the finishing transaction."""

    first: bool
    """False when the upload had been finished before: nothing was changed."""
    file: File | None
    """The pool's file when the content was already held (requirement S2); then there is no job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """A row of ``file_upload_history`` (requirement S12). Sizes in bytes, times in unix seconds."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a task ended. ``fence`` is that of the attempt that ended it, 0 when there was no job."""

    history: HistoryRow
    fence: int
    error_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredContent:
    """What the record step writes to the pool, beside the job's own values. Size in bytes."""

    object_key: str
    path: str
    stored_hash: str
    stored_size: int
    content_type: str
    ext: str
    facts: Facts = field(default_factory=dict)
    renditions: tuple[Rendition, ...] = ()

    def extra_size(self, sent: int) -> int:
        """Return the bytes that are stored beyond the ``sent`` ones, all objects together."""
        kept = self.stored_size + sum(rendition.size for rendition in self.renditions)
        return max(0, kept - sent)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedCounts:
    """Tasks that ended within a span of time up to now."""

    completed: int
    failed: int

    @property
    def success_ratio(self) -> float | None:
        """Share of those that were completed, 0 to 1; None when none ended."""
        total = self.completed + self.failed
        return self.completed / total if total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Rows that wait to be taken on. ``oldest_seconds``: how long the oldest has been due; 0 if none."""

    rows: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogMetrics:
    """The state of work as a whole (requirement S23), the same for every process."""

    queued: int
    """Jobs that wait, those included that are to be tried again later."""
    running: int
    dead_letters: int
    """Failed jobs that were not opened again."""
    due: Backlog
    """Queued jobs that could begin now."""
    outbox: Mapping[str, Backlog]
    """By kind (``job``, ``outcome``, ``hook``): what is due and not passed on."""
    ended: Mapping[float, EndedCounts]
    """By span in seconds: ``HOUR`` and ``DAY``."""
    processing_seconds: float | None
    """Mean of the jobs completed within an hour (the latest 1000 tasks), from the first claim; None
    if none were."""
    open_uploads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingEvent:
    """An event that an application must get. ``at`` in unix seconds (UTC)."""

    id: str
    event: HookEvent
    at: float
    failures: int
    """How often it could not be delivered."""
    upload: Upload
    outcome: Outcome | None
    """The task as it is now; None while bytes arrive."""
    file: File | None = None
    """The pool entry of a completed task."""
    renditions: tuple[Rendition, ...] = ()
    """What stands beside its main object."""
