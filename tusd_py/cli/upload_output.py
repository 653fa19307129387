"""What ``tusd-py upload`` shows: a bar on a terminal, plain lines elsewhere, JSON on demand."""

import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import typer
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

from tusd_py.client.uploader import Sent

LINE_SECONDS: Final = 1.0
"""Where there is no terminal, arrival is a line at most so often."""


class Output(Protocol):
    """The events of an upload, as they come."""

    def hashing(self, file: Path, size: int) -> Any:  # noqa: ANN401  (a context manager)
        """A file is being hashed while the block runs; ``size`` in bytes."""
        ...

    def hashed(self, offset: int) -> None:
        """So many bytes of it are hashed."""
        ...

    def sending(self, file: Path, size: int) -> Any:  # noqa: ANN401  (a context manager)
        """A file is being sent while the block runs; ``size`` in bytes."""
        ...

    def sent(self, offset: int) -> None:
        """So many bytes of it are there."""
        ...

    def state(self, sent: Sent, state: dict[str, Any]) -> None:
        """Its task has this state now."""
        ...

    def failed(self, file: Path, sentence: str) -> None:
        """It could not be sent."""
        ...


class Terminal:
    """For people."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._size = 0
        self._said_at = 0.0

    def hashing(self, file: Path, size: int) -> AbstractContextManager[None]:
        """See ``Output.hashing``."""
        return self._drawn(f"{file.name}  hashing", size)

    def hashed(self, offset: int) -> None:
        """See ``Output.hashed``."""
        if self._bar is not None:
            self._bar.update(self._task, completed=offset)

    def sending(self, file: Path, size: int) -> AbstractContextManager[None]:
        """See ``Output.sending``."""
        self._size, self._said_at = size, 0.0
        return self._drawn(file.name, size)

    @contextmanager
    def _drawn(self, name: str, size: int) -> Iterator[None]:
        if not self._console.is_terminal:
            yield
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console) as bar:
            self._bar, self._task = bar, bar.add_task(name, total=size or None)
            try:
                yield
            finally:
                self._bar = None

    def sent(self, offset: int) -> None:
        """See ``Output.sent``."""
        if self._bar is not None:
            self._bar.update(self._task, completed=offset)
            return
        now = time.monotonic()
        if offset == self._size or now - self._said_at >= LINE_SECONDS:
            self._said_at = now
            self._console.print(f"sent           {offset} of {self._size} bytes")

    def state(self, sent: Sent, state: dict[str, Any]) -> None:
        """See ``Output.state``."""
        status, progress = state.get("status", ""), state.get("progress", 0)
        self._console.print(f"{status:<14} {progress:>3} %  {state.get('message', '')}")
        if status == "failed":
            self._console.print(f"reason         {state.get('error', '')}")
        if status == "completed":
            if sent.instant:
                self._console.print("instant        nothing was sent: the server held this content")
            self._console.print(f"stored         {state.get('oss_path', '')}")
            self._console.print(f"url            {sent.url}")

    def failed(self, file: Path, sentence: str) -> None:
        """See ``Output.failed``."""
        typer.echo(f"tusd-py: {file}: {sentence}", err=True)


class JsonLines:
    """For programs: one object a line."""

    def __init__(self) -> None:
        self._file = ""
        self._size = 0
        self._said_at = 0.0

    @contextmanager
    def hashing(self, file: Path, size: int) -> Iterator[None]:
        """See ``Output.hashing``."""
        self._file, self._size, self._said_at = str(file), size, time.monotonic()
        yield

    def hashed(self, offset: int) -> None:
        """See ``Output.hashed``."""
        now = time.monotonic()
        if now - self._said_at >= LINE_SECONDS:
            self._said_at = now
            self._say({"file": self._file, "hashed": offset, "size": self._size})

    @contextmanager
    def sending(self, file: Path, size: int) -> Iterator[None]:
        """See ``Output.sending``."""
        self._file, self._size, self._said_at = str(file), size, 0.0
        yield

    def sent(self, offset: int) -> None:
        """See ``Output.sent``."""
        now = time.monotonic()
        if offset == self._size or now - self._said_at >= LINE_SECONDS:
            self._said_at = now
            self._say({"file": self._file, "offset": offset, "size": self._size})

    def state(self, sent: Sent, state: dict[str, Any]) -> None:
        """See ``Output.state``."""
        self._say({"file": self._file, "url": sent.url, "instant": sent.instant, **state})

    def failed(self, file: Path, sentence: str) -> None:
        """See ``Output.failed``."""
        self._say({"file": str(file), "error": sentence})

    @staticmethod
    def _say(members: dict[str, Any]) -> None:
        typer.echo(json.dumps(members, ensure_ascii=False))
