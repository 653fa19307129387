"""Publishes the outbox to the broker and to subscribers: at least once, in order."""

import logging

from tusd_py.catalog.ports.jobs import JobRepository
from tusd_py.catalog.values import Outcome
from tusd_py.domain.notes import completed_text
from tusd_py.domain.task import TaskChange, TaskFacts, TaskStatus, failure_text
from tusd_py.jobs.queue.port import MessageBroker
from tusd_py.tasks.port import TaskView

log = logging.getLogger(__name__)


def relay_outbox(jobs: JobRepository, broker: MessageBroker, *, limit: int = 500) -> int:
    """Publish the due messages, then mark them as sent.

    A crash in between publishes them twice, which changes nothing (faults 8 and 9).

    Returns: messages published. Raises: BackendError: the rest stays for the next call.
    """
    rows = jobs.pending_jobs(limit)
    if not rows:
        return 0
    published = broker.publish_all([message for _, message in rows])
    jobs.mark_sent([row_id for row_id, _ in rows[:published]])
    log.debug("outbox.relayed", extra={"messages": published})
    return published


def publish_outcomes(jobs: JobRepository, tasks: TaskView, *, limit: int = 100) -> int:
    """Publish how tasks ended, in case the process that ended them crashed before it could.

    A final state is not published twice: the view accepts no change of a finished task.

    Returns: outcomes published. Raises: BackendError: the rest stays for the next call.
    """
    sent: list[int] = []
    try:
        for row_id, outcome in jobs.pending_outcomes(limit):
            tasks.put(*_change_of(outcome))
            sent.append(row_id)
    finally:
        if sent:
            jobs.mark_sent(sent)
    return len(sent)


def _change_of(outcome: Outcome) -> tuple[TaskFacts, TaskChange]:
    row = outcome.history
    facts = TaskFacts(
        task_id=row.task_id,
        user_id=row.user_id,
        filename=row.filename,
        file_size=row.file_size,
        created_at=row.created_at,
        file_hash=row.file_hash,
    )
    status = TaskStatus(row.status)
    completed = status is TaskStatus.COMPLETED
    change = TaskChange(
        status=status,
        progress=100 if completed else 0,
        message=(completed_text(outcome.notes) if completed else failure_text(outcome.error_code)),
        notes=outcome.notes if completed else (),
        attempt=outcome.fence,
        error_code=outcome.error_code,
        error_msg=row.error_msg,
        oss_path=row.oss_path,
        repository_id=row.repository_identity,
        again=True,
    )
    return facts, change
