"""Counts the jobs before a waiting job, by the order in which users take turns."""

from collections.abc import Collection
from dataclasses import dataclass

from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.job_lane import JobLane


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingLine:
    """Describes the waiting jobs of one user in one lane."""

    lane: JobLane
    user_id: UserId
    priority: int
    """Highest priority of the line's jobs."""
    waiting: int
    """Number of jobs that wait in it."""
    running: int
    """Number of the user's jobs that run in this lane."""
    served_at: float
    """Time of the line's last turn, in unix seconds; 0: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingJob:
    """Is a job with its place among the jobs of its user."""

    task_id: UploadId
    lane: JobLane
    place: int
    """Number of jobs of the same user and lane before it."""


def jobs_before(job: WaitingJob, mine: WaitingLine, others: Collection[WaitingLine]) -> int:
    """Return how many jobs begin before this one, if no job is added or requeued.

    Args: mine: the job's line; others: all other lines of its lane.
    """
    return job.place + sum(_turns_before(job.place, mine, other) for other in others)


def _turns_before(place: int, mine: WaitingLine, other: WaitingLine) -> int:
    if other.priority != mine.priority:
        return other.waiting if other.priority > mine.priority else 0
    is_first = (other.running, other.served_at) < (mine.running, mine.served_at)
    return min(other.waiting, place + is_first)
