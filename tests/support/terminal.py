"""A command on a terminal of its own, for tests of what people see and type."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROGRAM: Final = Path(__file__).parents[2] / ".venv/bin/tusd-py"
INTERRUPT: Final = "\x03"
"""Ctrl-C, as a terminal sends it."""
_ESCAPE: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_REDRAWN: Final = re.compile(r"(?:\x1b\[1A|\x1b\[2K|\r)+")


@dataclass(frozen=True)
class Screen:
    """What a command wrote to its terminal, and its exit code."""

    code: int
    raw: str

    @property
    def lines(self) -> list[str]:
        """Each line that was ever shown, without colours; a bar is a line for each of its states."""
        shown = _ESCAPE.sub("", _REDRAWN.sub("\n", self.raw))
        return [line.rstrip() for line in shown.splitlines() if line.strip()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def on_a_terminal(
    *arguments: str,
    typed: Sequence[tuple[str, str]] = (),
    columns: int = 100,
    env: Mapping[str, str] | None = None,
) -> Screen:
    """Run ``tusd-py`` on a terminal to its end.

    Args: typed: what is typed, each after a text has been shown.
    """
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color", **(env or {})}
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        environ.pop(name, None)
    # Ctrl-C reaches the processes of the terminal that is theirs.
    command = ["setsid", "--ctty", str(PROGRAM), *arguments]
    with subprocess.Popen(command, stdin=side, stdout=side, stderr=side, env=environ) as process:
        os.close(side)
        try:
            raw = _read(main, list(typed))
        finally:
            os.close(main)
    return Screen(process.returncode, raw)


def _read(main: int, typed: list[tuple[str, str]]) -> str:
    """Read until the command has ended, and type."""
    seen, searched = b"", 0
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:  # Linux reports the end of the other side so.
            piece = b""
        if not piece:
            return seen.decode(errors="replace")
        seen += piece
        if typed and (found := seen.find(typed[0][0].encode(), searched)) >= 0:
            searched = found + len(typed[0][0].encode())
            os.write(main, typed.pop(0)[1].encode())
