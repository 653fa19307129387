"""The sandbox of media programs: the limits on what they may read, write and use.

All kinds: no new privileges, an end together with the worker, limits on memory, processor time,
file size, open files and threads, no core dumps, low priority, an empty environment, and a filter
of system calls if libseccomp is found. ``landlock``: in addition only the input (read-only) and the
output folder, and no TCP. ``bwrap``: the same by namespaces, in which other files, processes and
networks do not exist.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tusd_py.domain.errors import BackendError
from tusd_py.worker.media import confine
from tusd_py.worker.media.run import MAX_THREADS
from tusd_py.worker.media.system_calls import filter_file

Kind = Literal["bwrap", "landlock", "rlimit", "off"]
Wanted = Literal["auto", "bwrap", "landlock", "rlimit", "off"]

NICE: Final = "10"
ADDRESS_SPARE: Final = 512 << 20
"""Address space besides the private memory: programs, their libraries, and mapped files."""
ADDRESS_OF_THREAD: Final = 96 << 20
"""Address space for one thread that ffmpeg is given, of which it makes two or three.

glibc reserves it for the stack and the allocations of each.
"""
BEST_EFFORT, LOWEST = "2", "7"
"""Class and priority of disk access, if the kernel's scheduler has priorities (ioprio_set(2))."""
MAX_OPEN_FILES: Final = 256
DEVICE_FACTS: Final = (Path("/sys/dev/char"), Path("/sys/devices"))
"""Folders in which drivers of graphics processors read which processor a device file is."""
STRONGEST_FIRST: Final[tuple[Kind, ...]] = ("bwrap", "landlock", "rlimit")
CPU_SLACK: Final = 5
"""Seconds by which the kernel's limit for each process is above ``run``'s limit for all of them."""
_SELF_TEST_SECONDS: Final = 10.0
_FILTER_DESCRIPTOR: Final = "9"
_RELEASE: Final = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Holds what one program may use. Sizes in bytes, ``cpu`` in seconds of processor time."""

    memory: int
    """Private memory (RLIMIT_DATA), into which the program writes.

    ``address_space`` limits shared memory and memory that is reserved but unused.
    """
    file_size: int
    cpu: int
    threads: int = 2
    """Number of threads that the program is given."""
    memory_is_short: bool = False
    """Whether the memory is less than the estimate, so that a lack of it may cause a failure."""

    @property
    def address_space(self) -> int:
        """Bytes of address space (RLIMIT_AS)."""
        return self.memory + ADDRESS_SPARE + self.threads * ADDRESS_OF_THREAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """Builds command lines that run programs on one source and, if any, one output folder."""

    kind: Kind
    source: Path
    output: Path | None
    limits: Limits
    readable: tuple[Path, ...] = ()
    """Further files and folders that the program may read, under the same paths as outside."""
    devices: tuple[Path, ...] = ()
    """Device files of a graphics processor that the program may use.

    Its driver maps more address space than there is memory, so then only private memory is limited.
    """

    @property
    def source_seen(self) -> str:
        """The source's path as the program sees it."""
        return "/in" if self.kind == "bwrap" else str(self.source)

    def output_seen(self, name: str) -> str:
        """Return the path of a file in the output folder as the program sees it."""
        return f"/out/{name}" if self.kind == "bwrap" else f"{self.output}/{name}"

    def wrap(self, argv: list[str]) -> list[str]:
        """Return the command line that runs ``argv`` in the sandbox."""
        if self.kind == "off":
            return argv
        inner = self._in_bwrap(argv) if self.kind == "bwrap" else self._confined(argv)
        return [*limits_argv(self.limits, maps_devices=bool(self.devices)), *inner]

    def _in_bwrap(self, argv: list[str]) -> list[str]:
        loaded = filter_file()
        inner = bwrap_argv(
            argv,
            self.source,
            self.output,
            filtered=loaded is not None,
            readable=self.readable,
            devices=self.devices,
        )
        if loaded is None:
            return inner
        # bwrap reads the filter from a descriptor that it inherits.
        opened = f'exec {_FILTER_DESCRIPTOR}<"$0"; exec "$@"'
        return ["sh", "-c", opened, str(loaded), *inner]

    def _confined(self, argv: list[str]) -> list[str]:
        given: list[str] = []
        if self.kind == "landlock":
            for path in (self.source, _program(argv), *self.readable):
                given += ["--read", str(path)]
            given += ["--write", str(self.output)] if self.output is not None else []
            for path in filter(Path.exists, self.devices):
                given += ["--device", str(path)]
            for path in filter(Path.exists, DEVICE_FACTS if self.devices else ()):
                given += ["--read", str(path)]
        loaded = filter_file()
        given += ["--filter", str(loaded)] if loaded is not None else []
        return [sys.executable, "-I", "-S", confine.__file__, *given, "--", *argv]


def limits_argv(limits: Limits, *, maps_devices: bool = False) -> list[str]:
    """Return the part that is the same in every kind of sandbox; each program executes the next."""
    address_space = "unlimited" if maps_devices else str(limits.address_space)
    return [
        "setpriv", "--no-new-privs", "--pdeathsig", "KILL", *_unless_orphan(), "nice", "-n", NICE,
        "ionice", "-t", "-c", BEST_EFFORT, "-n", LOWEST, "prlimit",
        f"--data={limits.memory}", f"--as={address_space}", f"--fsize={limits.file_size}",
        f"--cpu={limits.cpu + CPU_SLACK}", f"--nofile={MAX_OPEN_FILES}", "--core=0", "--",
    ]  # fmt: skip


def _unless_orphan() -> list[str]:
    """Return a command that goes on only if the worker still lives.

    A worker that was killed before the program requested a signal at its death sends none. An
    orphan is a child of process 1.
    """
    return [] if os.getpid() == 1 else ["/bin/sh", "-c", '[ "$PPID" != 1 ] && exec "$@"', "box"]


def bwrap_argv(
    argv: list[str],
    source: Path,
    output: Path | None,
    *,
    filtered: bool = False,
    readable: tuple[Path, ...] = (),
    devices: tuple[Path, ...] = (),
) -> list[str]:
    """Return the command line of bwrap that runs ``argv``.

    Only the program, its libraries, its input and its output exist in it; only the output is
    writable.
    Args: filtered: whether to read a filter of system calls from descriptor 9. readable: further
        paths that exist. devices: device files that can be used, if they exist.
    """
    program = _program(argv)
    box = [
        "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
        "--clearenv", "--setenv", "PATH", "/usr/bin", "--ro-bind", "/usr", "/usr",
        "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
        "--symlink", "usr/bin", "/bin", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache",
        "--ro-bind-try", "/etc/alternatives", "/etc/alternatives", "--proc", "/proc",
        "--dev", "/dev", "--dir", "/tmp",  # noqa: S108  (inside the box)
        "--ro-bind", str(source), "/in",
    ]  # fmt: skip
    for path in (program, *map(str, readable)):
        if not Path(path).is_relative_to("/usr"):
            box += ["--ro-bind", path, path]
    for path in map(str, devices):
        box += ["--dev-bind-try", path, path]
    for path in map(str, DEVICE_FACTS if devices else ()):
        box += ["--ro-bind-try", path, path]
    if output is not None:
        box += ["--bind", str(output), "/out", "--chdir", "/out"]
    # No limit of memory counts files in a file system that is in memory (tmpfs).
    box += ["--remount-ro", "/dev", "--remount-ro", "/"]
    if filtered:
        box += ["--seccomp", _FILTER_DESCRIPTOR]
    if _counts_threads_by_box():
        box += ["prlimit", f"--nproc={MAX_THREADS}", "--"]
    return [*box, program, *argv[1:]]


def _counts_threads_by_box() -> bool:
    """Return whether RLIMIT_NPROC counts the sandbox alone.

    It counts by user and namespace since Linux 5.14, and by user before.
    """
    match = _RELEASE.match(os.uname().release)
    return match is not None and (int(match[1]), int(match[2])) >= (5, 14)


def _program(argv: list[str]) -> str:
    """Return the program's path with links resolved; its name if there is no such path."""
    found = shutil.which(argv[0])
    return os.path.realpath(found) if found else argv[0]


def strongest(wanted: Wanted) -> Kind:
    """Return the sandbox to use: the wanted one, or the strongest that starts on this machine.

    Raises: BackendError: the settings name one, and it does not start.
    """
    if wanted == "off":
        return "off"
    for kind in STRONGEST_FIRST:
        if wanted in ("auto", kind) and starts(kind):
            return kind
    if wanted != "auto":
        raise BackendError(f"The sandbox {wanted} does not start on this machine.")
    return "off"


def starts(kind: Kind) -> bool:
    """Return whether a harmless program runs in this kind of sandbox."""
    true = shutil.which("true")
    if true is None or (kind == "bwrap" and shutil.which("bwrap") is None):
        return False
    limits = Limits(memory=1 << 30, file_size=1 << 20, cpu=10)
    box = Sandbox(kind=kind, source=Path(true), output=None, limits=limits)
    try:
        done = subprocess.run(
            box.wrap([true]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SELF_TEST_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
