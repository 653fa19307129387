"""Finds and removes what no row refers to once it is old enough (requirement S20)."""

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
from tusd_py.objects.port import IncompleteUpload
from tusd_py.ports import Ports

log = logging.getLogger(__name__)

ORPHAN_OBJECT_SECONDS: Final = 48 * 3600.0
"""A job stores its object before its row: an object of this age without a row never gets one."""
UNFINISHED_SECONDS: Final = 48 * 3600.0
"""Age at which a multipart upload that no job continues is abandoned."""
ORPHAN_DATA_SECONDS: Final = 24 * 3600.0
"""An upload's file is created before its row: a file of this age without a row never gets one."""
_ACTIVE: Final = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """Lists what may be removed, by kind."""

    sources: tuple[UploadId, ...]
    """Uploads whose bytes may be removed: the pool holds the file, or the upload was closed."""
    orphan_data: tuple[UploadId, ...]
    """Ids of stored bytes that have no upload."""
    work_dirs: tuple[Path, ...]
    """Folders of attempts that have ended."""
    orphan_objects: tuple[str, ...] = ()
    """Keys of objects to which no file of the pool refers."""
    unfinished: tuple[IncompleteUpload, ...] = ()
    """What interrupted puts have left in the object store."""

    def __len__(self) -> int:
        parts = (self.sources, self.orphan_data, self.work_dirs, self.orphan_objects)
        return sum(len(part) for part in parts) + len(self.unfinished)


def find_leftovers(
    ports: Ports, *, objects: bool = True, failed_after: float | None = None
) -> Leftovers:
    """Return what may be removed, without removing it.

    Args: objects: whether to list the whole object store too; if it belongs to another catalog,
        no objects are found. failed_after: seconds after which sources of failed jobs are removed;
        None keeps them.
    Raises: BackendError, TransientError, OSError.
    """
    collects = objects and owns_objects(ports)
    return Leftovers(
        sources=tuple(ports.catalog.uploads.removable_sources(failed_after=failed_after)),
        orphan_data=tuple(_orphan_data(ports)),
        work_dirs=tuple(_work_dirs(ports)),
        orphan_objects=tuple(_orphan_objects(ports)) if collects else (),
        unfinished=tuple(_unfinished(ports)) if collects else (),
    )


def claim_objects(ports: Ports, *, adopts: bool = False) -> bool:
    """Make this catalog the owner of the object store if the store has none.

    Args: adopts: whether another owner is replaced.
    Returns: whether this catalog owns the store. Raises: BackendError, TransientError, OSError.
    """
    if adopts or ports.objects.owner() is None:
        ports.objects.set_owner(ports.catalog.objects.identity())
    return owns_objects(ports)


def owns_objects(ports: Ports) -> bool:
    """Return whether this catalog owns the object store, or the store has no owner yet.

    A catalog must not remove objects of a store that another one owns: it would remove all of them.
    Raises: BackendError, TransientError, OSError.
    """
    owner = ports.objects.owner()
    if owner in (None, ports.catalog.objects.identity()):
        return True
    log.error("janitor.objects.foreign", extra={"owner": owner})
    return False


def remove_leftovers(ports: Ports, leftovers: Leftovers) -> None:
    """Remove what was found. Where a removal fails, the next round tries again."""
    for upload_id in leftovers.sources:
        _try(partial(_remove_source, ports, upload_id))
    for upload_id in leftovers.orphan_data:
        _try(partial(ports.stores.uploads.delete, upload_id))
    for folder in leftovers.work_dirs:
        _remove_work(ports, folder)
    for key in leftovers.orphan_objects:
        _try(partial(_remove_object, ports, key))
    for put in leftovers.unfinished:
        _try(partial(ports.objects.abort_upload, put))
    if len(leftovers):
        log.info("janitor.removed", extra={"leftovers": len(leftovers)})


def _remove_source(ports: Ports, upload_id: UploadId) -> None:
    """Remove the bytes, unless the job was queued again after they were found."""
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
    """Condemn the object, so that no attempt begins to refer to it, then remove it (fault 49)."""
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
        # This list is made before the catalog is read: it holds nothing of later attempts.
        with suppress(FileNotFoundError):
            attempts = list(folder.iterdir())
            job = ports.catalog.jobs.get(task_id)
            needed = _needed(job) if job is not None else frozenset()
            yield from (one for one in attempts if one.name.partition(".")[0] not in needed)
            if not attempts and not needed:
                yield folder


def _needed(job: Job) -> frozenset[str]:
    """Return the fences of the attempts whose folders may still be read or written.

    The name of a folder with a copy of the source begins with the fence, too.
    """
    if job.state not in _ACTIVE:
        return frozenset()
    verified = (made.path.partition("/")[0] for made in job.checkpoint.outputs)
    return frozenset({str(job.fence), *verified})


def _orphan_objects(ports: Ports) -> Iterator[str]:
    oldest = ports.clock.now() - ORPHAN_OBJECT_SECONDS
    old = [key for key, changed_at in ports.objects.entries() if changed_at < oldest]
    held = set(ports.catalog.objects.keys()) if old else set()
    yield from (key for key in old if key not in held)


def _unfinished(ports: Ports) -> Iterator[IncompleteUpload]:
    oldest = ports.clock.now() - UNFINISHED_SECONDS
    old = [put for put in ports.objects.incomplete_uploads() if put.begun_at < oldest]
    held = ports.catalog.objects.multipart_ids() if old else ()
    yield from (put for put in old if put.upload_id not in held)
