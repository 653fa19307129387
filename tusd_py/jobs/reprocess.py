"""Processes a stored file again: after a change of settings, or when a failure has passed."""

from dataclasses import dataclass

from tusd_py.catalog.ports.jobs import JobRepository
from tusd_py.domain.durations import DAY_SECONDS
from tusd_py.domain.errors import TooManyRequests
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.job import Job, JobState
from tusd_py.domain.rate import Rate
from tusd_py.rate_limits.port import RateLimiter


def reprocess_for_user(
    jobs: JobRepository, meter: RateLimiter, user_id: UserId, task_id: UploadId, *, daily: int
) -> Job:
    """Queue the task's file and count the request against the user's daily limit. Blocks.

    A refused request is not counted, except if two requests for one file come at the same moment.

    Args: daily: requests that a user may make in a day; 0: no limit.
    Raises: TooManyRequests; and see ``ReprocessRepository.add_reprocess_job``.
    """
    if daily:
        jobs.check_reprocessable(task_id)
        _charge_user(meter, user_id, daily)
    return jobs.add_reprocess_job(task_id)


def _charge_user(meter: RateLimiter, user_id: UserId, daily: int) -> None:
    """Count one request of the user. Raises: TooManyRequests: nothing was counted."""
    rate = Rate(daily, DAY_SECONDS)
    wait = meter.try_acquire(f"reprocess:{user_id}", cost=rate.cost(1), burst=DAY_SECONDS)
    if wait:
        raise TooManyRequests(wait)


@dataclass(frozen=True, slots=True)
class ReprocessProgress:
    """Reports a repeated processing: ``none``, ``queued``, ``running``, ``done`` or ``failed``."""

    state: str
    error_code: str = ""
    error_msg: str = ""


def progress_of(job: Job | None) -> ReprocessProgress:
    """Return the state of the last request to process again; ``none`` without such a request."""
    if job is None or not job.checkpoint.again:
        return ReprocessProgress("none")
    if job.state is JobState.DONE and job.error_code:
        return ReprocessProgress("failed", job.error_code, job.error_msg)
    return ReprocessProgress(job.state.value)
