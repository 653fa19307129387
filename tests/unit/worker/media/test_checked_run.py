"""Tests whose fault it is that a program does not start."""

from pathlib import Path

import pytest

from tusd_py.clock import SystemClock
from tusd_py.worker.media.causes import Blame, Cause, Circumstances, ToolFailed, cause_of_exit
from tusd_py.worker.media.checked_run import checked_run
from tusd_py.worker.media.run import ProcessResult
from tusd_py.worker.media.sandbox import Limits, Sandbox


def checked(*argv: str) -> ProcessResult:
    limits = Limits(memory=1 << 30, file_size=1 << 20, cpu=10)
    box = Sandbox(kind="off", source=Path("/dev/null"), output=None, limits=limits)
    return checked_run(box, list(argv), clock=SystemClock(), stopped=lambda: False)


def test_a_command_line_that_a_file_makes_too_long_is_the_files_fault() -> None:
    """No repair of the deployment helps: the job would wait for ever."""
    with pytest.raises(ToolFailed) as failed:
        checked("true", "x" * (1 << 20))
    assert failed.value.cause.blame is Blame.FILE
    stderr = "prlimit: failed to execute ffmpeg: Argument list too long"
    ran = ProcessResult(code=126, stdout="", stderr=stderr, errors=0)
    cause = cause_of_exit(ran, Circumstances(free_disk=1 << 40))
    assert cause is Cause.UNSUPPORTED
