"""Try what the file system of the data directory does; the test files are removed again."""

import ctypes
import errno
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tusd_py.byte_locks import set_byte_lock
from tusd_py.storage import linux
from tusd_py.storage.disk_writer import sync_directory

PREFIX: Final = ".tusd-doctor-"
LOCK_PROBE_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFacts:
    """Facts about a directory and its file system.

    Sizes are in bytes; None: unknown or not tried.
    """

    exists: bool
    """Whether the directory exists; if not, the other facts are of its nearest ancestor."""
    is_directory: bool = True
    refusal: int | None = None
    """The errno of the attempt to write."""
    free: int = 0
    free_inodes: int | None = None
    kind: int | None = None
    """The ``f_type`` of statfs(2)."""
    syncs: bool | None = None
    links: bool | None = None
    excludes: bool | None = None
    """Whether a byte that is locked here is refused to another process."""
    links_to_objects: bool | None = None


def inspect_disk(data_dir: Path) -> DiskFacts:
    """Read the facts about a data directory that may not exist yet. Raises: OSError."""
    place = _nearest(data_dir)
    if not place.is_dir():
        return DiskFacts(exists=False, is_directory=False)
    room = os.statvfs(place)
    facts = DiskFacts(
        exists=place == data_dir,
        free=room.f_bavail * room.f_frsize,
        # Some file systems make inodes when they need them, and report no number.
        free_inodes=room.f_favail if room.f_files else None,
        kind=_file_system_type(place),
    )
    try:
        with _folder_in(place) as folder:
            return replace(
                facts,
                syncs=_syncs(folder),
                links=_links(folder, folder),
                excludes=_excludes(folder),
                links_to_objects=_links_between(data_dir),
            )
    except OSError as error:
        return replace(facts, refusal=error.errno or errno.EIO)


def _file_system_type(place: Path) -> int | None:
    """Return ``f_type`` of statfs(2): the kernel's number of the file system; None: unknown."""
    answer = ctypes.create_string_buffer(512)
    if linux.statfs is None or linux.statfs(os.fsencode(place), answer) != 0:
        return None
    return ctypes.c_ulong.from_buffer(answer).value & 0xFFFFFFFF


def _nearest(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


@contextmanager
def _folder_in(place: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    try:
        (folder / "probe").write_bytes(b"probe")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _syncs(folder: Path) -> bool:
    try:
        with (folder / "probe").open("r+b") as file:
            os.fsync(file.fileno())
        sync_directory(folder)
    except OSError:
        return False
    return True


def _links(source: Path, target: Path) -> bool:
    name = target / f"{PREFIX}link"
    try:
        os.link(source / "probe", name)
    except OSError:
        return False
    finally:
        name.unlink(missing_ok=True)
    return True


def _links_between(data_dir: Path) -> bool | None:
    """Return whether a finished upload can become an object by a hard link."""
    uploads, objects = data_dir / "uploads", data_dir / "objects"
    if not (uploads.is_dir() and objects.is_dir()):
        return None
    with _folder_in(uploads) as source, _folder_in(objects) as target:
        return _links(source, target)


def _excludes(folder: Path) -> bool | None:
    with suppress(OSError, subprocess.TimeoutExpired), (folder / "probe").open("r+b") as file:
        set_byte_lock(file.fileno(), fcntl.F_WRLCK, 0)
        contender = subprocess.run(
            [sys.executable, "-m", "tusd_py.doctor.lock_probe", str(folder / "probe")],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LOCK_PROBE_SECONDS,
            check=False,
        )
        return {0: False, 1: True}.get(contender.returncode)
    return None
