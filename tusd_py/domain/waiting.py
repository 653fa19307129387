"""How many jobs are before one that waits, by the order in which users take turns."""

from collections.abc import Collection
from dataclasses import dataclass

from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.job_lane import JobLane


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingLine:
    """A user's line of waiting jobs in one lane."""

    lane: JobLane
    user_id: UserId
    priority: int
    """Highest of its jobs."""
    waiting: int
    """How many jobs wait in it."""
    running: int
    """How many of the user's jobs run in this lane."""
    served_at: float
    """When it had its last turn, in unix seconds; 0: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingJob:
    """A job and its place among its user's own."""

    task_id: UploadId
    lane: JobLane
    place: int
    """How many jobs of the same user and lane are before it."""


def jobs_before(job: WaitingJob, mine: WaitingLine, others: Collection[WaitingLine]) -> int:
    """Return how many jobs begin before this one, if no more come and none is given back.

    Args: mine: the job's line; others: all other lines of its lane.
    """
    return job.place + sum(_turns_before(job.place, mine, other) for other in others)


def _turns_before(place: int, mine: WaitingLine, other: WaitingLine) -> int:
    if other.priority != mine.priority:
        return other.waiting if other.priority > mine.priority else 0
    is_first = (other.running, other.served_at) < (mine.running, mine.served_at)
    return min(other.waiting, place + is_first)
