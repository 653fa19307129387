"""What nobody needs any longer: found by looking, removed by age and reference (S20)."""

import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tusd_py.domain.errors import TusdError, UploadNotFound
from tusd_py.domain.ids import UploadId, parse_upload_id
from tusd_py.domain.job import JobState
from tusd_py.ports import Ports

log = logging.getLogger(__name__)

ORPHAN_OBJECT_SECONDS: Final = 48 * 3600.0
"""A job puts its object before its row: an object this old without a row never gets one."""
ORPHAN_DATA_SECONDS: Final = 24 * 3600.0
"""A creation makes its file before its row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """What may go, by kind."""

    sources: tuple[UploadId, ...]
    """Bytes of uploads that the pool holds, or that were closed."""
    orphan_data: tuple[UploadId, ...]
    """Bytes without an upload."""
    work_dirs: tuple[Path, ...]
    """Folders of attempts that are over."""
    orphan_objects: tuple[str, ...]
    """Objects that no pool entry points at."""

    def __len__(self) -> int:
        parts = (self.sources, self.orphan_data, self.work_dirs, self.orphan_objects)
        return sum(len(part) for part in parts)


def find_leftovers(ports: Ports) -> Leftovers:
    """Look, and touch nothing. Raises: BackendError, OSError."""
    return Leftovers(
        sources=tuple(ports.catalog.removable_sources()),
        orphan_data=tuple(_orphan_data(ports)),
        work_dirs=tuple(_work_dirs(ports)),
        orphan_objects=tuple(_orphan_objects(ports)),
    )


def remove_leftovers(ports: Ports, leftovers: Leftovers) -> None:
    """Remove what was found. What fails stays for the next round."""
    for upload_id in leftovers.sources:
        _try(lambda found=upload_id: _remove_source(ports, found))
    for upload_id in leftovers.orphan_data:
        _try(lambda found=upload_id: ports.stores.core.delete(found))
    for folder in leftovers.work_dirs:
        shutil.rmtree(folder, ignore_errors=True)
    for key in leftovers.orphan_objects:
        _try(lambda found=key: ports.objects.delete(found))
    if len(leftovers):
        log.info("janitor.removed", extra={"leftovers": len(leftovers)})


def _remove_source(ports: Ports, upload_id: UploadId) -> None:
    ports.stores.core.delete(upload_id)
    ports.catalog.source_removed(upload_id)


def _try(work: object) -> None:
    try:
        work()  # type: ignore[operator]
    except (TusdError, OSError):
        log.exception("janitor.failed")


def _orphan_data(ports: Ports) -> Iterator[UploadId]:
    oldest = ports.clock.now() - ORPHAN_DATA_SECONDS
    for upload_id in ports.stores.core.ids():
        try:
            old = ports.stores.core.modified_at(upload_id) < oldest
        except UploadNotFound:
            continue
        if old and ports.catalog.upload(upload_id) is None:
            yield upload_id


def _work_dirs(ports: Ports) -> Iterator[Path]:
    for folder in ports.work_dir.iterdir():
        task_id = parse_upload_id(folder.name)
        if task_id is None or not folder.is_dir():
            continue
        job = ports.catalog.job(task_id)
        if job is None or job.state not in (JobState.QUEUED, JobState.RUNNING):
            yield folder
            continue
        verified = job.checkpoint.out_path.partition("/")[0]
        for attempt in folder.iterdir():
            if attempt.name not in (str(job.fence), verified):
                yield attempt


def _orphan_objects(ports: Ports) -> Iterator[str]:
    oldest = ports.clock.now() - ORPHAN_OBJECT_SECONDS
    old = [key for key, changed_at in ports.objects.entries() if changed_at < oldest]
    held = set(ports.catalog.object_keys()) if old else set()
    yield from (key for key in old if key not in held)
