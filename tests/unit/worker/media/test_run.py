"""Tests that ffmpeg's error messages are counted in all of stderr, of which a part is kept."""

import shlex

import pytest

from tusd_py.clock import SystemClock
from tusd_py.worker.media.run import ErrorLines, run

LINE = b"[h264 @ 0x55d0c8] [error] error while decoding MB 3 4, bytestream -7\n"


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_lines_are_counted_however_they_are_cut_into_pieces(size: int) -> None:
    text = (
        LINE * 3
        + b"    Last message repeated 40 times\n"
        + b"[mov @ 0x1] [warning] no error here\n"
        + b"[fatal] Conversion failed!\n"
        + b"[panic] the last one has no end"
    )
    lines = ErrorLines()
    for start in range(0, len(text), size):
        lines.add(text[start : start + size])
    assert lines.count() == 3 + 40 + 1 + 1


def test_a_line_without_end_costs_no_memory_and_counts_once() -> None:
    lines = ErrorLines()
    for _ in range(1000):
        lines.add(b"[error] " + b"x" * 10_000)
    assert lines.count() == 1


def test_messages_that_are_not_kept_are_counted() -> None:
    script = "i=0; while [ $i -lt 500 ]; do printf '%s' " + shlex.quote(LINE.decode())
    ended = run(
        ["sh", "-c", f"{{ {script}; i=$((i+1)); done; }} >&2"],
        clock=SystemClock(),
        stopped=lambda: False,
        wall_seconds=60,
    )
    assert len(ended.stderr) == 8192
    assert ended.errors == 500
