"""A job: the work order for a worker, leased to one attempt at a time (decision 2)."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tusd_py.domain.ids import Scope, UploadId, UserId
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.notes import Note
from tusd_py.domain.rendition import WEB, Facts, ProducedFile


class JobState(StrEnum):
    """A job's way: queued ⇄ running → done | failed | cancelled. ``failed`` jobs are dead letters."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


INFECTED: Final = "infected"
"""Error code of a job whose source holds a virus: nothing of it is kept."""
REFUSALS: Final = frozenset({"corrupt", "type_mismatch", "too_large_to_scan"})
"""Error codes that are a verdict on the file itself: another try would come to the same."""


class Step(StrEnum):
    """The stages of the pipeline, in order (requirement S16)."""

    INSPECT = "inspect"
    SCAN = "scan"
    TRANSCODE = "transcode"
    STORE = "store"
    RECORD = "record"
    CLEAN_UP = "clean_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What an attempt has verified, so that the next one need not do it again.

    ``content_type`` and ``ext`` are those of the source.
    """

    step: Step = Step.INSPECT
    content_type: str = ""
    ext: str = ""
    again: bool = False
    """The pool holds the file: it is made again, and replaces what was made of it before."""
    program_failed: bool = False
    """A program for media failed once through no fault of the file: it gets one thread from then on."""
    as_it_is: bool = False
    """Nothing is made of the file, since that stopped its worker too often: it is stored as it was sent."""
    outputs: tuple[ProducedFile, ...] = ()
    """What was made of the source; the one that is named ``WEB`` becomes the main object."""
    keeps_original: bool = True
    """Whether the source is stored too, beside a web copy. Without one it is the main object."""
    facts: Facts = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    """Shown to the user: why the original was kept, for example."""

    @property
    def web(self) -> ProducedFile | None:
        """The output that becomes the main object; None: the source does."""
        return next((made for made in self.outputs if made.name == WEB), None)


FIRST_PRIORITY: Final = 100
"""Of a job that an operator has put first: above those that a token can give."""
LAST_PRIORITY: Final = -100
"""Of a job that waits until no other does: below those that a token can give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job as the catalog holds it. Times are unix seconds (UTC) of the catalog's clock."""

    task_id: UploadId
    user_id: UserId
    scope: Scope
    filename: str
    filetype: str
    file_hash: str
    file_size: int
    temp_path: str
    lane: JobLane
    priority: int
    """Jobs with a higher number begin before all others."""
    state: JobState
    owner: str
    fence: int
    """Grows with every claim; every later write of the attempt must carry it."""
    attempts: int
    """Attempts that failed for a transient reason."""
    crash_count: int
    """Attempts whose worker vanished."""
    lease_until: float
    run_after: float
    checkpoint: Checkpoint
    error_code: str
    error_msg: str
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMessage:
    """What the queue carries: a wake-up; the catalog's row is what counts (requirement S15, decision 2).

    On the wire: JSON ``{TaskID,UserID,TempPath,Filename,FileHash,FileSize,IsVideo,v}``.
    """

    task_id: UploadId
    user_id: UserId
    temp_path: str
    filename: str
    file_hash: str
    file_size: int
    is_video: bool
    version: int = 1
