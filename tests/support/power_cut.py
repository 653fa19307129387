"""A disk whose power can be cut: an ext4 file system that loses what was never synced.

The ioctl EXT4_IOC_SHUTDOWN with NOLOGFLUSH stops the file system at once, its journal unwritten;
mounted again, it has only what fsync or fdatasync had made durable. This needs root and a loop
device.
"""

import errno
import fcntl
import os
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from support.required import require

EXT4_IOC_SHUTDOWN: Final = 0x8004587D
_NOLOGFLUSH: Final = 2
UNMOUNT_SECONDS: Final = 30.0


class PowerCutDisk:
    """``path`` is where the disk is mounted; ``directory`` belongs to the test."""

    def __init__(self, directory: Path, size_mib: int = 64) -> None:
        self.path = directory / "disk"
        self._image = directory / "disk.img"
        self._size = size_mib << 20

    def plug_in(self) -> None:
        """Make the file system and mount it.

        Raises: OSError: this is not possible here.
        """
        self.path.mkdir()
        with self._image.open("wb") as file:
            file.truncate(self._size)
        _run("mkfs.ext4", "-q", "-F", str(self._image))
        self._mount()

    def _mount(self) -> None:
        _run("mount", "-o", "loop", str(self._image), str(self.path))

    def cut(self) -> None:
        """Cut the power: nothing more reaches the disk, and every write fails with EIO."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", _NOLOGFLUSH))
        finally:
            os.close(descriptor)

    def restore(self) -> None:
        """Restore the power. Processes that have files open there must have ended.

        A sandbox that another test begins at the same time has a copy of all mounts. While it
        runs, the kernel mounts the file system again that was shut down.
        """
        deadline = time.monotonic() + UNMOUNT_SECONDS
        while True:
            while subprocess.run(
                ["umount", str(self.path)], capture_output=True, check=False
            ).returncode:
                self._wait(deadline)
            self._mount()
            if self._is_running():
                return
            self._wait(deadline)

    def _wait(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise OSError(f"{self.path} is still in use")
        threading.Event().wait(0.05)

    def _is_running(self) -> bool:
        """Return whether the file system is another one than that which was shut down."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False
        finally:
            os.close(descriptor)
        return True

    def unplug(self) -> None:
        """Unmount the disk, even if processes still have files open there."""
        subprocess.run(["umount", "-l", str(self.path)], capture_output=True, check=False)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{command[0]}: {done.stderr.strip()}")


@contextmanager
def power_cut_disk(directory: Path, size_mib: int = 64) -> Iterator[PowerCutDisk]:
    """Mount such a disk for the length of a block.

    Mounting needs root and loop devices: see ``support.required``.
    """
    disk = PowerCutDisk(directory, size_mib)
    try:
        disk.plug_in()
    except OSError as error:
        require(False, f"no disk can be mounted here: {error}")
    try:
        yield disk
    finally:
        disk.unplug()
