"""Holds the metrics of one process, as Prometheus reads them.

Rule 1: every process has registries of its own, made here; the library's global one is not used,
since an application may be mounted several times in one process.
Rule 2: a metric names no upload, user, file or path, and its labels have few values.
Rule 3: a scrape never fails and never hangs, whatever is away.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from tusd_py.monitoring.sibling_metrics import answering, text_of_all
from tusd_py.siblings import Siblings

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


class Metrics:
    """Holds two registries, and the process's own metrics (memory, CPU, open files) in the first.

    Args: siblings: the processes that serve one port with this one, whose metrics are shown too;
        then each of them must be ``shared``.
    """

    def __init__(self, siblings: Siblings | None = None) -> None:
        self._siblings = siblings
        self.registry = CollectorRegistry()
        """Metrics of this process."""
        self.installation = CollectorRegistry()
        """Metrics that every process reports alike."""
        ProcessCollector(registry=self.registry)

    def shared(self) -> AbstractContextManager[None]:
        """Return a context in which the other processes, if there are any, can have the metrics."""
        if self._siblings is None:
            return nullcontext()
        return answering(self._siblings, self.registry)

    def text(self) -> bytes:
        """Return all metrics, in the form ``CONTENT_TYPE``. Blocks, since it reads the backends."""
        if self._siblings is None:
            of_processes = generate_latest(self.registry)
        else:
            of_processes = text_of_all(self._siblings, self.registry)
        return of_processes + generate_latest(self.installation)
