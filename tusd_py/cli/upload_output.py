"""Show the progress of ``tusd-py upload``: bars on a terminal, plain lines elsewhere, or JSON.

The event loop and threads call this module, for any number of files at a time.
"""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from typing_extensions import override

from tusd_py.cli.output import say, say_json
from tusd_py.cli.sources import STDIN
from tusd_py.cli.task_text import reader_language, task_text
from tusd_py.client import UploadResult
from tusd_py.domain.printable import printable

LINE_SECONDS: Final = 1.0
"""Without a terminal, the progress of a file is a line after at least this time."""


class Shown(Protocol):
    """Receives the events of one file when they happen; offsets are in bytes."""

    def hashed(self, offset: int) -> None:
        """Show how many bytes are hashed."""
        ...

    def sent(self, offset: int) -> None:
        """Show how many bytes have arrived."""
        ...

    def arrived(self, sent: UploadResult, *, followed: bool) -> None:
        """Show that the file has arrived; its states come next if its processing is followed."""
        ...

    def state(self, sent: UploadResult, state: dict[str, Any]) -> None:
        """Show the present state of its task."""
        ...

    def failed(self, sentence: str) -> None:
        """Show that the file could not be sent."""
        ...


def size_of(file: Path) -> int | None:
    """Return the size in bytes; None if it is not known before the end."""
    return file.stat().st_size if file != STDIN and file.is_file() else None


class Output(Protocol):
    """Shows files, for the length of a block."""

    def file(self, file: Path) -> Shown:
        """Begin to show a file."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Terminal(Output):
    """Shows files to people."""

    def __init__(self, console: Console, *, names: bool) -> None:
        """Use a console. Args: names: each line begins with the name of its file."""
        self._console = console
        self._names = names
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._stack.enter_context(self._bars)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @override
    def file(self, file: Path) -> Shown:
        bars = self._bars if self._console.is_terminal else None
        return _Lines(self._console, bars, file, f"{file.name}: " if self._names else "")


class _Lines(Shown):
    """Shows the lines and the bar of one file."""

    def __init__(self, console: Console, bars: Progress | None, file: Path, name: str) -> None:
        self._console = console
        self._bars = bars
        self._file = file
        self._name = name
        self._bar: tuple[str, TaskID] | None = None
        self._said_at = 0.0

    @override
    def hashed(self, offset: int) -> None:
        self._draw(f"{self._file.name}  hashing", offset)

    @override
    def sent(self, offset: int) -> None:
        if self._bars is not None:
            self._draw(self._file.name, offset)
            return
        size, now = self._size(), time.monotonic()
        if offset == size or now - self._said_at >= LINE_SECONDS:
            self._said_at = now
            of = "" if size is None else f" of {size}"
            self._say(f"sent           {offset}{of} bytes")

    def _size(self) -> int | None:
        return size_of(self._file)

    def _draw(self, what: str, offset: int) -> None:
        if self._bars is None:
            return
        if self._bar is None or self._bar[0] != what:
            self._end_bar()
            self._bar = what, self._bars.add_task(printable(what), total=self._size() or None)
        self._bars.update(self._bar[1], completed=offset)

    def _end_bar(self) -> None:
        if self._bar is not None and self._bars is not None:
            self._bars.remove_task(self._bar[1])
        self._bar = None

    @override
    def arrived(self, sent: UploadResult, *, followed: bool) -> None:
        self._end_bar()
        if not followed:
            self._say(f"url            {sent.url}")
            self._say(f"task           {sent.task_id}")

    @override
    def state(self, sent: UploadResult, state: dict[str, Any]) -> None:
        self._end_bar()
        status, progress = str(state.get("status", "")), str(state.get("progress", 0))
        text = f"{task_text(state, reader_language())}{_place(state)}"
        self._say(f"{status:<14} {progress:>3} %  {text}".rstrip())
        if status == "completed":
            if sent.instant:
                self._say("instant        nothing was sent: the server held this content")
            self._say(f"stored         {state.get('oss_path', '')}")
            self._say(f"url            {sent.url}")

    def _say(self, line: str) -> None:
        # Text from a server is not markup: it could make links, or end the line.
        self._console.print(printable(f"{self._name}{line}"), markup=False, emoji=False)

    @override
    def failed(self, sentence: str) -> None:
        self._end_bar()
        say(f"tusd-py: {self._file}: {sentence}", error=True)


def _place(state: dict[str, Any]) -> str:
    """Return the place in the queue for people; '' if the task has none."""
    place = state.get("queue_position")
    if not isinstance(place, int):
        return ""
    return "  (next)" if place <= 0 else f"  ({place} before it)"


class JsonLines(Output):
    """Shows files to programs: one JSON object a line."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    @override
    def file(self, file: Path) -> Shown:
        return _Objects(file)


class _Objects(Shown):
    """Prints the objects of one file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        # The first number of a hash makes no line; the first offset does.
        self._hashed_at, self._sent_at = time.monotonic(), 0.0

    @override
    def hashed(self, offset: int) -> None:
        now = time.monotonic()
        if now - self._hashed_at >= LINE_SECONDS:
            self._hashed_at = now
            self._say({"hashed": offset, "size": self._size()})

    @override
    def sent(self, offset: int) -> None:
        now = time.monotonic()
        if offset == self._size() or now - self._sent_at >= LINE_SECONDS:
            self._sent_at = now
            self._say({"offset": offset, "size": self._size()})

    def _size(self) -> int | None:
        return size_of(self._file)

    @override
    def arrived(self, sent: UploadResult, *, followed: bool) -> None:
        if not followed:
            self._say({"url": sent.url, "task_id": sent.task_id, "instant": sent.instant})

    @override
    def state(self, sent: UploadResult, state: dict[str, Any]) -> None:
        self._say({"url": sent.url, "instant": sent.instant, **state})

    @override
    def failed(self, sentence: str) -> None:
        self._say({"error": sentence})

    def _say(self, members: dict[str, Any]) -> None:
        say_json({"file": str(self._file), **members})
