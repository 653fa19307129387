"""Step 6: nothing temporary is left (S20). What a crash leaves here, the janitor finds."""

import shutil

from worker.pipeline.attempt import Attempt


def clean_up(attempt: Attempt) -> None:
    """Remove the work folder and the source, which the pool's object has replaced."""
    shutil.rmtree(attempt.task_dir, ignore_errors=True)
    attempt.ports.stores.core.delete(attempt.job.task_id)
    attempt.ports.catalog.source_removed(attempt.job.task_id)
