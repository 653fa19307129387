"""Run podman and buildah with images, containers and volumes of their own, which one call removes."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_CONFIGURATION: Final = """\
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
"""
"""Nothing is left behind in the machine's shared memory, journal or units of systemd."""


class Podman:
    """Everything is in ``folder``; the machine's own images and containers are not seen.

    Raises: CalledProcessError: a command failed; its message has what the command wrote.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        configuration = folder / "containers.conf"
        configuration.write_text(_CONFIGURATION)
        self._environment = {**os.environ, "CONTAINERS_CONF": str(configuration)}
        self._stores = ("--root", str(folder / "storage"), "--runroot", str(folder / "run"))
        self._podman = ("podman", *self._stores, "--tmpdir", str(folder / "tmp"))

    def podman(self, *arguments: str) -> str:
        """Return what podman wrote to its standard output."""
        return self._run([*self._podman, *arguments])

    def logs(self, container: str) -> str:
        """Return what a container wrote to both of its outputs."""
        done = subprocess.run(
            [*self._podman, "logs", container], env=self._environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def buildah(self, *arguments: str) -> str:
        """Return what buildah wrote to its standard output."""
        return self._run(["buildah", *self._stores, *arguments])

    def _run(self, command: Sequence[str]) -> str:
        return run(command, environment=self._environment)

    def close(self) -> None:
        """Stop the containers and remove everything, also after a build that failed."""
        try:
            self.podman("rm", "--all", "--force", "--time=0")
            self.buildah("rm", "--all")
        finally:
            for mount in reversed(_mounts_below(self.folder)):
                run(["umount", mount])
            shutil.rmtree(self.folder)


def run(command: Sequence[str], *, environment: dict[str, str] | None = None) -> str:
    """Run a command and return its standard output. Raises: CalledProcessError."""
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        error = subprocess.CalledProcessError(done.returncode, command)
        error.add_note((done.stdout + done.stderr)[-4000:])
        raise error
    return done.stdout


def _mounts_below(folder: Path) -> list[str]:
    """Return the mount points in a folder, in the order in which they were mounted."""
    mounted = Path("/proc/self/mounts").read_text()
    points = re.findall(r"^\S+ (\S+) ", mounted, re.MULTILINE)
    return [point for point in points if point.startswith(f"{folder}/")]
