"""What nobody needs any longer: found by looking, removed by age and reference (requirement S20)."""

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tusd_py.domain.errors import UploadNotFound
from tusd_py.domain.ids import UploadId, parse_upload_id
from tusd_py.domain.job import Job, JobState
from tusd_py.objects.port import Unfinished
from tusd_py.ports import Ports

log = logging.getLogger(__name__)

ORPHAN_OBJECT_SECONDS: Final = 48 * 3600.0
"""A job puts its object before its row: an object this old without a row never gets one."""
UNFINISHED_SECONDS: Final = 48 * 3600.0
"""A put that no job goes on with is given up so long after it began."""
ORPHAN_DATA_SECONDS: Final = 24 * 3600.0
"""A creation makes its file before its row."""
_ACTIVE: Final = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """What may go, by kind."""

    sources: tuple[UploadId, ...]
    """Bytes of uploads that the pool holds, or that were closed."""
    orphan_data: tuple[UploadId, ...]
    """Bytes without an upload."""
    work_dirs: tuple[Path, ...]
    """Folders of attempts that are over."""
    orphan_objects: tuple[str, ...] = ()
    """Objects that no pool entry points at."""
    unfinished: tuple[Unfinished, ...] = ()
    """What puts have left in the object store."""

    def __len__(self) -> int:
        parts = (self.sources, self.orphan_data, self.work_dirs, self.orphan_objects)
        return sum(len(part) for part in parts) + len(self.unfinished)


def find_leftovers(
    ports: Ports, *, objects: bool = True, failed_after: float | None = None
) -> Leftovers:
    """Look, and touch nothing.

    Args: objects: look through the object store too, which lists all of it; if another catalog's
        objects are there, nothing of them is found. failed_after: seconds after which sources of failed
        jobs go; None: never.
    Raises: BackendError, Transient, OSError.
    """
    collects = objects and owns_objects(ports)
    return Leftovers(
        sources=tuple(ports.catalog.uploads.removable_sources(failed_after=failed_after)),
        orphan_data=tuple(_orphan_data(ports)),
        work_dirs=tuple(_work_dirs(ports)),
        orphan_objects=tuple(_orphan_objects(ports)) if collects else (),
        unfinished=tuple(_unfinished(ports)) if collects else (),
    )


def claim_objects(ports: Ports, *, anew: bool = False) -> bool:
    """Say whose the objects are where nobody has said it (``anew``: whatever was said).

    Returns: whether they are this catalog's. Raises: BackendError, Transient, OSError.
    """
    if anew or ports.objects.owner() is None:
        ports.objects.set_owner(ports.catalog.objects.identity())
    return owns_objects(ports)


def owns_objects(ports: Ports) -> bool:
    """Whether the objects are this catalog's, or nobody's yet. To another one's it would be the wrong
    judge: it would collect them all. Raises: BackendError, Transient, OSError.
    """
    owner = ports.objects.owner()
    if owner in (None, ports.catalog.objects.identity()):
        return True
    log.error("janitor.objects.foreign", extra={"owner": owner})
    return False


def remove_leftovers(ports: Ports, leftovers: Leftovers) -> None:
    """Remove what was found. What fails stays for the next round."""
    for upload_id in leftovers.sources:
        _try(partial(_remove_source, ports, upload_id))
    for upload_id in leftovers.orphan_data:
        _try(partial(ports.stores.uploads.delete, upload_id))
    for folder in leftovers.work_dirs:
        _remove_work(ports, folder)
    for key in leftovers.orphan_objects:
        _try(partial(_remove_object, ports, key))
    for put in leftovers.unfinished:
        _try(partial(ports.objects.abandon, put))
    if len(leftovers):
        log.info("janitor.removed", extra={"leftovers": len(leftovers)})


def _remove_source(ports: Ports, upload_id: UploadId) -> None:
    """Remove the bytes unless the job has been queued again since they were found."""
    job = ports.catalog.jobs.get(upload_id)
    if job is not None and job.state in _ACTIVE:
        return
    ports.stores.uploads.delete(upload_id)
    ports.catalog.uploads.source_removed(upload_id)


def _remove_work(ports: Ports, folder: Path) -> None:
    """Remove an attempt's folder, and that of its task if nothing else is in it."""
    task_dir = folder
    if folder.parent != ports.work_dir:
        task_dir = folder.parent
        shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        task_dir.rmdir()


def _remove_object(ports: Ports, key: str) -> None:
    """Condemned first, so that no attempt begins to point at it meanwhile (fault 49)."""
    if ports.catalog.objects.condemn(key):
        ports.objects.delete(key)
        ports.catalog.objects.removed(key)


def _try(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        log.exception("janitor.failed")


def _orphan_data(ports: Ports) -> Iterator[UploadId]:
    oldest = ports.clock.now() - ORPHAN_DATA_SECONDS
    for upload_id in ports.stores.uploads.ids():
        try:
            old = ports.stores.uploads.modified_at(upload_id) < oldest
        except UploadNotFound:
            continue
        if old and ports.catalog.uploads.get(upload_id) is None:
            yield upload_id


def _work_dirs(ports: Ports) -> Iterator[Path]:
    for folder in ports.work_dir.iterdir():
        task_id = parse_upload_id(folder.name)
        if task_id is None or not folder.is_dir():
            continue
        # Listed before the catalog is read: what an attempt makes that begins after that is not among them.
        with suppress(FileNotFoundError):
            attempts = list(folder.iterdir())
            job = ports.catalog.jobs.get(task_id)
            needed = _needed(job) if job is not None else frozenset()
            yield from (one for one in attempts if one.name.partition(".")[0] not in needed)
            if not attempts and not needed:
                yield folder


def _needed(job: Job) -> frozenset[str]:
    """Return the fences of the attempts whose folders may still be read or written. That of a copy of the
    source has the fence in its name, too."""
    if job.state not in _ACTIVE:
        return frozenset()
    verified = (made.path.partition("/")[0] for made in job.checkpoint.outputs)
    return frozenset({str(job.fence), *verified})


def _orphan_objects(ports: Ports) -> Iterator[str]:
    oldest = ports.clock.now() - ORPHAN_OBJECT_SECONDS
    old = [key for key, changed_at in ports.objects.entries() if changed_at < oldest]
    held = set(ports.catalog.objects.keys()) if old else set()
    yield from (key for key in old if key not in held)


def _unfinished(ports: Ports) -> Iterator[Unfinished]:
    oldest = ports.clock.now() - UNFINISHED_SECONDS
    old = [put for put in ports.objects.unfinished() if put.begun_at < oldest]
    held = ports.catalog.objects.multipart_ids() if old else ()
    yield from (put for put in old if put.upload_id not in held)
