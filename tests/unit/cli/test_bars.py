"""A file has one bar from its first byte to its end, and lines in its place then."""

import io
import re
from pathlib import Path

from rich.console import Console

from tusd_py.cli.bars import MOST_BARS, Bars
from tusd_py.client import UploadResult

SENT = UploadResult(url="http://127.0.0.1:8888/files/abc", resumed_at=0)


def screen(width: int = 100) -> tuple[Console, io.StringIO]:
    written = io.StringIO()
    terminal = Console(
        file=written, force_terminal=True, width=width, soft_wrap=True, highlight=False,
        color_system=None, _environ={},
    )  # fmt: skip
    return terminal, written


def lines(written: io.StringIO) -> list[str]:
    """Return each line that was ever shown."""
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "\n", written.getvalue())
    return [line.rstrip() for line in shown.splitlines() if line.strip()]


def test_a_bar_goes_from_the_first_byte_to_the_end(tmp_path: Path) -> None:
    file = tmp_path / "film.mp4"
    file.write_bytes(b"x" * 2_000_000)
    terminal, written = screen()
    with Bars(terminal, names=True) as out:
        bars = out._bars  # type: ignore[attr-defined]
        shown = out.file(file)
        seen = []
        for change in (
            lambda: shown.hashed(500_000),
            lambda: shown.sent(1_000_000),
            lambda: shown.arrived(SENT, followed=True),
            lambda: shown.state(SENT, {"status": "received", "queue_position": 2, "progress": 10}),
            lambda: shown.state(SENT, {"status": "compressing", "progress": 45}),
        ):
            change()
            (task,) = bars.tasks
            bars.refresh()
            seen.append((task.fields["step"], task.completed, task.started))
        assert seen == [
            ("hashing", 500_000, True),
            ("sending", 1_000_000, True),
            ("waiting", 0, False),
            ("waiting, 2 before it", 0, False),
            ("compressing", 50, True),
        ]
        shown.state(SENT, {"status": "completed", "progress": 100, "oss_path": "/pool/[b]x[/b]"})
        assert not bars.tasks
    drawn = lines(written)
    assert any("1 MB / 2 MB" in line for line in drawn)
    assert any(line.endswith("50 %") for line in drawn)
    assert [line for line in drawn if line.startswith("film.mp4: ")] == [
        "film.mp4: completed",
        "film.mp4: stored         /pool/[b]x[/b]",
        f"film.mp4: url            {SENT.url}",
    ]


def test_thousands_of_files_have_some_bars_and_all_of_their_lines(tmp_path: Path) -> None:
    terminal, written = screen()
    with Bars(terminal, names=True) as out:
        files = [out.file(tmp_path / f"{number}.bin") for number in range(1000)]
        for shown in files:
            shown.arrived(SENT, followed=True)
        assert len(out._bars.tasks) == MOST_BARS  # type: ignore[attr-defined]
        for shown in files:
            shown.state(SENT, {"status": "completed", "progress": 100, "oss_path": "/pool/x"})
    ended = [line for line in lines(written) if line.endswith(": completed")]
    assert len(ended) == 1000


def test_a_narrow_terminal_is_not_overrun(tmp_path: Path) -> None:
    file = tmp_path / ("a" * 80 + ".mp4")
    file.write_bytes(b"x" * 2_000_000)
    terminal, written = screen(40)
    with Bars(terminal, names=False) as out:
        shown = out.file(file)
        shown.sent(1_000_000)
        out._bars.refresh()  # type: ignore[attr-defined]
    drawn = [line for line in lines(written) if "━" in line]
    assert drawn
    assert all(len(line) <= 40 for line in drawn)
    assert any("50 %" in line for line in drawn)
