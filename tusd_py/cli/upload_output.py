"""Show files on their way to people and programs without a terminal: lines, or JSON.

The event loop and threads call this module, for any number of files at a time.
"""

import time
from pathlib import Path
from typing import Any, Final, Protocol, Self

from typing_extensions import override

from tusd_py.cli.output import padded, say, say_json
from tusd_py.cli.sources import STDIN
from tusd_py.cli.steps import ENDED, step_name, step_text
from tusd_py.cli.texts import text
from tusd_py.client import UploadResult
from tusd_py.domain.sizes import size_text

LINE_SECONDS: Final = 1.0
"""The progress of a file is an object of JSON after at least this time."""


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
        """Show that the file could not be sent. Args: sentence: in the reader's language."""
        ...


class Output(Protocol):
    """Shows files, for the length of a block."""

    def file(self, file: Path) -> Shown:
        """Begin to show a file."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def size_of(file: Path) -> int | None:
    """Return the size in bytes; None if it is not known before the end."""
    return file.stat().st_size if file != STDIN and file.is_file() else None


def arrival_lines(sent: UploadResult) -> list[str]:
    """Return what is said of a file that has arrived and is not followed."""
    return [f"{padded(text('url'))}{sent.url}", f"{padded(text('task'))}{sent.task_id}"]


def end_lines(sent: UploadResult, state: dict[str, Any]) -> list[str]:
    """Return what is said at the end of a file's processing."""
    status = str(state.get("status", ""))
    lines = [f"{padded(step_name(status))}{step_text(state)}".rstrip()]
    if status == "completed":
        if sent.instant and state.get("message_code") != "instant":
            held = text("nothing was sent: the server held this content")
            lines.append(f"{padded(text('instant'))}{held}")
        lines.append(f"{padded(text('stored'))}{state.get('oss_path', '')}")
        lines.append(f"{padded(text('url'))}{sent.url}")
    return lines


def failure_line(file: Path, sentence: str) -> str:
    """Return what is said of a file that could not be sent."""
    return f"tusd-py: {file}: {sentence}"


class Lines(Output):
    """Shows files by a line for each of their steps."""

    def __init__(self, *, names: bool) -> None:
        """Take how to begin. Args: names: each line begins with the name of its file."""
        self._names = names

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    @override
    def file(self, file: Path) -> Shown:
        return _Steps(file, f"{file.name}: " if self._names else "")


class _Steps(Shown):
    """Prints the lines of one file."""

    def __init__(self, file: Path, name: str) -> None:
        self._file = file
        self._name = name
        self._step = ""

    @override
    def hashed(self, offset: int) -> None:
        pass

    @override
    def sent(self, offset: int) -> None:
        size = size_of(self._file)
        self._begin(text("sending"), "" if size is None else size_text(size))

    @override
    def arrived(self, sent: UploadResult, *, followed: bool) -> None:
        if not followed:
            for line in arrival_lines(sent):
                say(f"{self._name}{line}")

    @override
    def state(self, sent: UploadResult, state: dict[str, Any]) -> None:
        status = str(state.get("status", ""))
        if status in ENDED:
            for line in end_lines(sent, state):
                say(f"{self._name}{line}")
            return
        self._begin(step_name(status), step_text(state))

    def _begin(self, step: str, more: str) -> None:
        """Print a line if this is another step than before."""
        if step != self._step:
            self._step = step
            say(f"{self._name}{padded(step)}{more}".rstrip())

    @override
    def failed(self, sentence: str) -> None:
        say(failure_line(self._file, sentence), error=True)


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
