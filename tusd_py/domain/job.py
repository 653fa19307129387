"""Defines a job: the work on one upload, leased to one attempt at a time (decision 2)."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tusd_py.domain.ids import Scope, UploadId, UserId
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.notes import Note
from tusd_py.domain.rendition import WEB, Facts, ProducedFile


class JobState(StrEnum):
    """Names the state of a job: queued ⇄ running → done | failed | cancelled.

    ``failed`` jobs are dead letters.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


INFECTED: Final = "infected"
"""Error code of a job whose source holds a virus: nothing of it is kept."""
REFUSALS: Final = frozenset({"corrupt", "type_mismatch", "too_large_to_scan"})
"""Error codes that are a verdict on the file itself: another attempt would end in the same way."""


class Step(StrEnum):
    """Names the stages of the pipeline, in order (requirement S16)."""

    INSPECT = "inspect"
    SCAN = "scan"
    TRANSCODE = "transcode"
    STORE = "store"
    RECORD = "record"
    CLEAN_UP = "clean_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Holds what an attempt has verified, so that the next one does not do it again.

    ``content_type`` and ``ext`` are those of the source.
    """

    step: Step = Step.INSPECT
    content_type: str = ""
    ext: str = ""
    again: bool = False
    """The pool holds the file: it is processed again, which replaces what was made before."""
    program_failed: bool = False
    """A program for media failed once; the file was not the cause.

    From then on it runs with one thread.
    """
    as_it_is: bool = False
    """The file is stored as it was sent, since processing it stopped workers too often."""
    outputs: tuple[ProducedFile, ...] = ()
    """Files that were made of the source; the one with the name ``WEB`` becomes the main object."""
    keeps_original: bool = True
    """Whether the source is stored in addition to a web copy. Without one it is the main object."""
    facts: Facts = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    """Notes for the user, for example why the original was kept."""

    @property
    def web(self) -> ProducedFile | None:
        """The output that becomes the main object; None: the source becomes it."""
        return next((made for made in self.outputs if made.name == WEB), None)


FIRST_PRIORITY: Final = 100
"""Priority of a job that an operator has put first: above those that a token can give."""
LAST_PRIORITY: Final = -100
"""Priority of a job that waits until no other does: below those that a token can give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Describes a job as the catalog holds it.

    Times are unix seconds (UTC) of the catalog's clock.
    """

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
    """Attempts whose worker died."""
    lease_until: float
    run_after: float
    checkpoint: Checkpoint
    error_code: str
    error_msg: str
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMessage:
    """Is a message of the queue: a wake-up; the row of the catalog is the truth.

    On the wire: JSON ``{TaskID,UserID,TempPath,Filename,FileHash,FileSize,IsVideo,v}``. Source:
    requirement S15, decision 2.
    """

    task_id: UploadId
    user_id: UserId
    temp_path: str
    filename: str
    file_hash: str
    file_size: int
    is_video: bool
    version: int = 1
