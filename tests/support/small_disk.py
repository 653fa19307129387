"""A disk that is quickly full: a few MiB in memory, or an image with ext4 on it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.required import require

MIB = 1 << 20


@contextmanager
def small_disk(directory: Path, size_mib: int, *, kind: str = "tmpfs") -> Iterator[Path]:
    """Mount a small file system for the length of a block.

    Mounting needs root: see ``support.required``.

    Args: kind: ``tmpfs``, or ``ext4`` without blocks that only root may use.
    """
    mount = directory / "small"
    mount.mkdir()
    if kind == "tmpfs":
        command = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(mount)]
    else:
        image = directory / "small.img"
        with image.open("wb") as file:
            file.truncate(size_mib * MIB)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-b", "4096", str(image)], check=True)
        command = ["mount", "-o", "loop", str(image), str(mount)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    require(done.returncode == 0, f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield mount
    finally:
        # A test that failed may have left a file open: its disk must not stay for other tests.
        subprocess.run(["umount", "--lazy", str(mount)], check=True)


def free_bytes(disk: Path) -> int:
    """Return the number of free bytes."""
    status = os.statvfs(disk)
    return status.f_bavail * status.f_frsize


def fill(path: Path) -> None:
    """Write a file that takes every free block, as another program would."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        for size in (MIB, 65536, 4096):
            with suppress(OSError):
                while True:
                    os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, size)
    finally:
        os.close(descriptor)
