"""Step 6: nothing temporary is left (requirement S20). What a crash leaves here, the janitor finds."""

from worker.pipeline.attempt import Attempt


def clean_up(attempt: Attempt) -> None:
    """Remove the work folders and the source, which the pool's object has replaced.

    Where a file was processed again the source was a copy, and went with the work. If the first attempt's
    is still there, the janitor removes it.
    """
    attempt.remove_earlier_work()
    if attempt.job.checkpoint.again:
        return
    attempt.ports.stores.uploads.delete(attempt.job.task_id)
    attempt.ports.catalog.uploads.source_removed(attempt.job.task_id)
