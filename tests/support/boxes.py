"""Programs in the sandboxes in which workers run those for media."""

from pathlib import Path

from tusd_py.clock import SystemClock
from tusd_py.worker.media.run import (
    Bounds,
    ProcessResult,
    run,
)
from tusd_py.worker.media.sandbox import Kind, Limits, Sandbox

LIMITS = Limits(memory=2 << 30, file_size=64 << 20, cpu=60)
BOXES: tuple[Kind, ...] = ("bwrap", "landlock", "rlimit")
PYTHON = "/usr/bin/python3"
"""A program whose library is below /usr, which every sandbox shows."""


def ran(argv: list[str], bounds: Bounds | None = None, *, lines: bool = False) -> ProcessResult:
    return run(
        argv,
        clock=SystemClock(),
        stopped=lambda: False,
        wall_seconds=60,
        on_line=(lambda _: True) if lines else None,
        bounds=bounds,
    )


def box_of(kind: Kind, source: Path, output: Path | None = None) -> Sandbox:
    return Sandbox(kind=kind, source=source, output=output, limits=LIMITS)
