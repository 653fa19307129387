"""Runs the program that reads pictures in the sandbox.

A hostile file may have taken over the process that answers, so nothing in the answer is trusted.
"""

import json
import os
import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from tusd_py.clock import Clock
from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object
from tusd_py.worker.images.boxed import start
from tusd_py.worker.media.causes import Cause, ToolFailed
from tusd_py.worker.media.checked_run import checked_run
from tusd_py.worker.media.run import Bounds, ProcessResult
from tusd_py.worker.media.sandbox import Sandbox

PARENTS: Final = ("tusd_py", "tusd_py.worker")
"""Packages of which only the first file is readable: ``images`` is imported through them."""
MODULES: Final = (
    "tusd_py.worker.images", "_cffi_backend", "_libvips", "_pi_heif", "cffi", "pi_heif", "PIL",
    "pyvips",
)  # fmt: skip
LIBRARIES: Final = ("pi_heif.libs", "pillow.libs", "pyvips_binary.libs")
"""Folders next to the modules that hold the C libraries of their wheels."""
CAUSES: Final = {
    "too_large": Cause.TOO_LARGE,
    "damaged": Cause.DAMAGED,
    "memory": Cause.MEMORY_LIMIT,
    "unknown": Cause.UNSUPPORTED,
}
"""Causes by the program's error. The program always gets all the memory that the settings allow."""
WALL_FACTOR: Final = 4.0
"""Wall-clock limit as a multiple of the processor time, since other processes use the CPUs too."""
MAX_ANSWER_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureProgram:
    """Holds what is needed to run the program: the clock, and the check that ends it early."""

    clock: Clock
    stopped: Callable[[], bool]

    def run(
        self, box: Sandbox, command: str, given: Mapping[str, Any], *, files: int = 0
    ) -> dict[str, Any]:
        """Run one command (see ``tusd_py.worker.images.boxed.commands``) and return its answer.

        The sandbox's ``cpu`` is the limit for the program and all its threads together.
        Args: files: number of files that the program writes into the output folder of the sandbox.
        Raises: ToolFailed, CpuTimeExceeded, Stopped.
        """
        needed = needs()
        boxed = replace(box, readable=(*box.readable, *needed.readable))
        instructions = {
            **given,
            "command": command,
            "modules": needed.modules,
            "threads": box.limits.threads,
        }
        ran = checked_run(
            boxed,
            [needed.python, "-I", "-S", "-B", start.__file__, json.dumps(instructions)],
            clock=self.clock,
            stopped=self.stopped,
            wall_seconds=WALL_FACTOR * box.limits.cpu,
            bounds=Bounds(
                stdout=MAX_ANSWER_BYTES,
                folder=box.output,
                folder_size=box.limits.file_size,
                files=files,
            ),
        )
        return _answer(ran)

    def run_other(self, box: Sandbox, argv: list[str]) -> None:
        """Run a third-party program that writes one file into the output folder of the sandbox.

        Raises: ToolFailed, CpuTimeExceeded, Stopped.
        """
        checked_run(
            box,
            argv,
            clock=self.clock,
            stopped=self.stopped,
            wall_seconds=WALL_FACTOR * box.limits.cpu,
            bounds=Bounds(folder=box.output, folder_size=box.limits.file_size, files=1),
            otherwise=Cause.DAMAGED,
        )


def _answer(ran: ProcessResult) -> dict[str, Any]:
    """Return the answer in the program's output.

    Raises: ToolFailed.
    """
    try:
        found = read_json_object(ran.stdout)
    except NotAJsonObject as error:
        raise ToolFailed(Cause.CRASHED) from error
    if "error" in found:
        raise ToolFailed(CAUSES.get(str(found["error"]), Cause.DAMAGED))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Lists what the program needs of this machine: an interpreter, files, and paths of modules."""

    python: str
    modules: dict[str, str]
    readable: tuple[Path, ...]


@cache
def needs() -> Needs:
    """Return what the program needs. Raises: ImportError: one of its packages is missing."""
    modules: dict[str, str] = {}
    readable: set[Path] = set()
    for name in (*PARENTS, *MODULES):
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise ImportError(f"The Python package {name} is missing.", name=name)
        modules[name] = spec.origin
        file = Path(spec.origin)
        top = file.parent if file.name == "__init__.py" and name not in PARENTS else file
        readable.add(top)
        readable.update(top.parent / name for name in LIBRARIES if (top.parent / name).is_dir())
    python = os.path.realpath(sys.executable)
    # The folders of the interpreter itself: a virtual environment has no copy of them.
    bases = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}
    readable |= {Path(sysconfig.get_path(name, vars=bases)) for name in ("stdlib", "platstdlib")}
    library = Path(
        sysconfig.get_config_var("LIBDIR") or "", sysconfig.get_config_var("LDLIBRARY") or ""
    )
    if library.suffix != ".a" and library.is_file():
        readable.add(library)
    return Needs(python=python, modules=modules, readable=tuple(sorted(readable)))
