"""From the outbox to the queue: at least once, in order."""

import logging

from tusd_py.catalog.port import JobCatalog
from tusd_py.queue.port import JobQueue

log = logging.getLogger(__name__)


def relay_outbox(catalog: JobCatalog, queue: JobQueue, *, limit: int = 100) -> int:
    """Publish what is due, then mark it; a crash in between publishes it twice, which changes
    nothing (faults 8 and 9).

    Returns: messages published. Raises: BackendError: the rest stays for the next time.
    """
    rows = catalog.unsent(limit)
    published: list[int] = []
    try:
        for row_id, message in rows:
            queue.publish(message)
            published.append(row_id)
    finally:
        if published:
            catalog.mark_sent(published)
            log.debug("outbox.relayed", extra={"messages": len(published)})
    return len(published)
