"""Runs a program in its sandbox, and raises the cause if it did not do its work."""

import errno
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from tusd_py.clock import Clock
from tusd_py.worker.media.causes import (
    Cause,
    Circumstances,
    ToolFailed,
    cause_of_exit,
    cause_of_overrun,
)
from tusd_py.worker.media.run import Bounds, CpuTimeExceeded, LimitExceeded, ProcessResult, run
from tusd_py.worker.media.sandbox import Sandbox

log = logging.getLogger(__name__)

_NO_PROGRAM: Final = (errno.ENOENT, errno.EACCES, errno.ENOEXEC)
_NO_ROOM: Final = (errno.ENOMEM, errno.EAGAIN)


def checked_run(
    box: Sandbox,
    argv: list[str],
    *,
    clock: Clock,
    stopped: Callable[[], bool],
    wall_seconds: float | None = None,
    stall_seconds: float | None = None,
    on_line: Callable[[str], bool] | None = None,
    bounds: Bounds | None = None,
    otherwise: Cause = Cause.CRASHED,
) -> ProcessResult:
    """Run ``argv`` in the sandbox, and check that it succeeds; the arguments are those of ``run``.

    Args: bounds: without a limit of processor time, that of the sandbox is used. otherwise: the
        cause of a failure that nothing explains.
    Raises: ToolFailed; CpuTimeExceeded: the caller decides what follows; Stopped.
    """
    limits = bounds or Bounds()
    if limits.cpu is None:
        limits = replace(limits, cpu=box.limits.cpu)
    try:
        ran = run(
            box.wrap(argv),
            clock=clock,
            stopped=stopped,
            wall_seconds=wall_seconds,
            stall_seconds=stall_seconds,
            on_line=on_line,
            bounds=limits,
        )
    except CpuTimeExceeded:
        raise
    except LimitExceeded as error:
        raise _failed(cause_of_overrun(error), limit=str(error)) from error
    except OSError as error:
        raise _failed(_cause_of_no_start(error), error=error.strerror) from error
    if ran.code != 0:
        around = Circumstances(
            free_disk=shutil.disk_usage(box.output or Path("/")).free,
            memory_is_short=box.limits.memory_is_short,
        )
        cause = cause_of_exit(ran, around, otherwise=otherwise)
        raise _failed(cause, exit_code=ran.code, stderr=ran.stderr)
    return ran


def _failed(cause: Cause, **facts: object) -> ToolFailed:
    log.warning("media.program.failed", extra={"cause": cause.value, **facts})
    return ToolFailed(cause)


def _cause_of_no_start(error: OSError) -> Cause:
    if error.errno in _NO_ROOM:
        return Cause.OUT_OF_MEMORY
    if error.errno == errno.E2BIG:
        # Only the contents of a file can make a command line too long.
        return Cause.UNSUPPORTED
    return Cause.PROGRAM_MISSING if error.errno in _NO_PROGRAM else Cause.SANDBOX_FAILED
