"""Holds the metrics of one process, as Prometheus reads them.

Rule 1: every process has a registry of its own, made here; the library's global one is not used,
since an application may be mounted several times in one process.
Rule 2: a metric names no upload, user, file or path, and its labels have few values.
Rule 3: a scrape never fails and never hangs, whatever is away.
"""

from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


class Metrics:
    """Holds a registry, and the process's own metrics (memory, CPU, open files) in it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)

    def text(self) -> bytes:
        """Return all metrics, in the form ``CONTENT_TYPE``. Blocks, since it reads the backends."""
        return generate_latest(self.registry)
