"""Where servers keep their data while they are measured, each time an empty directory.

An ext4 without a journal avoids for some minutes the inodes of files that were deleted, and looks
through all of them for another one: there, a file system on which many files were deleted is slower
than a new one. With a journal that makes no difference.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

SIZE: Final = 4 << 30
DELETED: Final = 20_000
"""Files that are made and deleted on a used file system before each run."""
_IN_A_FOLDER: Final = 1000
_SECONDS: Final = 2
"""ext4 avoids an inode only from the second after its deletion."""

Room = Callable[[], AbstractContextManager[Path]]
"""Opens a directory for a run."""


class NotHere(Exception):
    """A place can't be had on this machine."""


@contextmanager
def _memory(_: Path) -> Iterator[Room]:
    yield lambda: _folder(Path("/dev/shm"))


@contextmanager
def _disk(below: Path) -> Iterator[Room]:
    yield lambda: _folder(below)


@contextmanager
def _journal(below: Path) -> Iterator[Room]:
    with _image(below) as image:
        yield lambda: _made(image)


@contextmanager
def _fresh(below: Path) -> Iterator[Room]:
    with _image(below) as image:
        yield lambda: _made(image, "-O", "^has_journal")


@contextmanager
def _used(below: Path) -> Iterator[Room]:
    @contextmanager
    def room() -> Iterator[Path]:
        with _made(image, "-O", "^has_journal") as folder:
            _use(folder)
            yield folder

    with _image(below) as image:
        yield room


PLACES: Final[Mapping[str, Callable[[Path], AbstractContextManager[Room]]]] = {
    "memory": _memory,
    "disk": _disk,
    "journal": _journal,
    "fresh": _fresh,
    "used": _used,
}
"""``disk`` is a directory of the disk as it is; the last three are an ext4 in a file there, which is
made again for each run: ``journal`` as ext4 comes, ``fresh`` and ``used`` without a journal."""


def file_system(folder: Path) -> str:
    """Return the type and the mount options of the file system that has this folder."""
    found = ("", "")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, at, kind, options = line.split()[:4]
        if folder.is_relative_to(at) and len(at) >= len(found[0]):
            found = (at, f"{kind} ({options})")
    return found[1]


@contextmanager
def _folder(below: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tusd-bench-", dir=below) as folder:
        yield Path(folder)


@contextmanager
def _image(below: Path) -> Iterator[str]:
    """Make a block device of a file, whose blocks are all written: none is looked for later."""
    if os.geteuid() != 0:
        raise NotHere("only root mounts a file system")
    zeros = bytes(1 << 24)
    with tempfile.NamedTemporaryFile(prefix="tusd-bench-", dir=below) as file:
        for _ in range(SIZE // len(zeros)):
            file.write(zeros)
        file.flush()
        os.fsync(file.fileno())
        # Without a second page cache below that of the file system.
        device = _run("losetup", "--find", "--show", "--direct-io=on", file.name).strip()
        try:
            yield device
        finally:
            _run("losetup", "--detach", device)


@contextmanager
def _made(device: str, *options: str) -> Iterator[Path]:
    """Make an ext4 and mount it; the kernel does not go on to initialize it meanwhile."""
    _run("mkfs.ext4", "-q", "-F", "-E", "nodiscard", *options, device)
    with tempfile.TemporaryDirectory(prefix="tusd-bench-") as at:
        _run("mount", "-o", "noinit_itable", device, at)
        try:
            folder = Path(at, "runs")
            folder.mkdir()
            yield folder
        finally:
            _run("umount", at)


def _use(folder: Path) -> None:
    folders = [folder / str(number) for number in range(DELETED // _IN_A_FOLDER)]
    for one in folders:
        one.mkdir()
        for number in range(_IN_A_FOLDER):
            (one / str(number)).touch()
    for one in folders:
        for number in range(_IN_A_FOLDER):
            (one / str(number)).unlink()
        one.rmdir()
    os.sync()
    # What has to pass is a second of the clock, and nothing reports it.
    time.sleep(_SECONDS)


def _run(*argv: str) -> str:
    try:
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError as error:
        raise NotHere(f"there is no {argv[0]}") from error
    except subprocess.CalledProcessError as error:
        raise NotHere(f"{argv[0]}: {error.stderr.strip()}") from error
