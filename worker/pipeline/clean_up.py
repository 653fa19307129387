"""Step 6: removes temporary files (requirement S20). The janitor finds what a crash leaves."""

from tusd_py.worker.pipeline.attempt import Attempt


def clean_up(attempt: Attempt) -> None:
    """Remove the work folders and the source, which the pool's object has replaced.

    For a file that was processed again, the source was a copy, which is removed with the work
    folders. If the uploaded file is still there, the janitor removes it.
    """
    attempt.remove_earlier_work()
    if attempt.job.checkpoint.again:
        return
    attempt.ports.stores.uploads.delete(attempt.job.task_id)
    attempt.ports.catalog.uploads.source_removed(attempt.job.task_id)
