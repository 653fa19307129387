"""The box around ffmpeg: what it may see, use and become.

Always: no new privileges, no orphans (it dies with us), limits on memory, processor time, file size
and open files, no core dumps, low priority, an empty environment. With bwrap also: no network, no
file but its input (read-only) and its output folder.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tusd_py.domain.errors import BackendError

Kind = Literal["bwrap", "rlimit", "off"]

NICE: Final = "10"
MAX_OPEN_FILES: Final = 256
_SELF_TEST_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one program may use. Sizes in bytes, ``cpu`` in seconds of processor time."""

    memory: int
    file_size: int
    cpu: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A way to run programs on one source and, where there is one, one output folder."""

    kind: Kind
    source: Path
    output: Path | None
    limits: Limits

    @property
    def source_seen(self) -> str:
        """The source's path as the program sees it."""
        return "/in" if self.kind == "bwrap" else str(self.source)

    def output_seen(self, name: str) -> str:
        """The path of a file in the output folder as the program sees it."""
        return f"/out/{name}" if self.kind == "bwrap" else f"{self.output}/{name}"

    def wrap(self, argv: list[str]) -> list[str]:
        """The command line that runs ``argv`` in the box."""
        if self.kind == "off":
            return argv
        inner = argv
        if self.kind == "bwrap":
            inner = bwrap_argv(argv, self.source, self.output)
        return [*limits_argv(self.limits), *inner]


def limits_argv(limits: Limits) -> list[str]:
    """The part that holds without bwrap too; each program becomes the next."""
    return [
        "setpriv", "--no-new-privs", "--pdeathsig", "KILL", "nice", "-n", NICE,
        "prlimit", f"--as={limits.memory}", f"--fsize={limits.file_size}", f"--cpu={limits.cpu}",
        f"--nofile={MAX_OPEN_FILES}", "--core=0", "--",
    ]  # fmt: skip


def bwrap_argv(argv: list[str], source: Path, output: Path | None) -> list[str]:
    """Only the program, its libraries, its input and its output exist."""
    program = Path(argv[0]).resolve()
    box = [
        "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
        "--clearenv", "--setenv", "PATH", "/usr/bin", "--ro-bind", "/usr", "/usr",
        "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
        "--symlink", "usr/bin", "/bin", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache",
        "--ro-bind-try", "/etc/alternatives", "/etc/alternatives", "--proc", "/proc",
        "--dev", "/dev", "--tmpfs", "/tmp",  # noqa: S108  (inside the box)
        "--ro-bind", str(source), "/in",
    ]  # fmt: skip
    if not program.is_relative_to("/usr"):
        box += ["--ro-bind", str(program), str(program)]
    if output is not None:
        box += ["--bind", str(output), "/out", "--chdir", "/out"]
    return [*box, str(program) if program.exists() else argv[0], *argv[1:]]


def strongest(wanted: Literal["auto", "bwrap", "rlimit", "off"]) -> Kind:
    """The sandbox to use: the wanted one, or the strongest that starts here.

    Raises: BackendError: ``bwrap`` or ``rlimit`` was demanded and does not start.
    """
    if wanted == "off":
        return "off"
    for kind in ("bwrap", "rlimit"):
        if wanted in ("auto", kind) and _starts(kind):
            return "bwrap" if kind == "bwrap" else "rlimit"
    if wanted != "auto":
        raise BackendError(f"The sandbox {wanted} does not start on this machine.")
    return "off"


def _starts(kind: str) -> bool:
    """Whether a harmless program runs in it."""
    true = shutil.which("true")
    if true is None or (kind == "bwrap" and shutil.which("bwrap") is None):
        return False
    limits = Limits(memory=1 << 30, file_size=1 << 20, cpu=10)
    box = Box(
        kind="bwrap" if kind == "bwrap" else "rlimit",
        source=Path(true),
        output=None,
        limits=limits,
    )
    try:
        done = subprocess.run(
            box.wrap([true]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SELF_TEST_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
