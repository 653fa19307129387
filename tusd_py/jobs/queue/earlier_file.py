"""Removes the queue's file of earlier versions, in which messages waited beside the catalog."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from tusd_py.jobs.queue.port import DeadLetter

log = logging.getLogger(__name__)

PREVIEW_BYTES: Final = 80


def remove_queue_file(path: Path) -> None:
    """Remove the file. Its messages are not needed: each was the wake-up for a job of the catalog.

    Its dead letters are logged. Never raises: a file that can't be read or removed does no harm.
    """
    if not path.exists():
        return
    try:
        for letter in _dead_letters(path):
            preview = ascii(letter.payload[:PREVIEW_BYTES])
            log.warning(
                "queue.dead_letter.dropped",
                extra={"id": letter.id, "reason": letter.reason, "preview": preview},
            )
    except sqlite3.Error:
        log.warning("queue.file.unreadable", exc_info=True)
    try:
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)
    except OSError:
        log.warning("queue.file.left", exc_info=True)


def _dead_letters(path: Path) -> list[DeadLetter]:
    rows = "SELECT CAST(payload AS BLOB), CAST(reason AS TEXT) FROM dead ORDER BY id"
    with closing(sqlite3.connect(path)) as database:
        return [DeadLetter(payload=row[0], reason=row[1]) for row in database.execute(rows)]
