"""Show files on their way on a terminal: a bar for each, from its first byte to its end."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text
from typing_extensions import override

from tusd_py.cli.figures import duration_text
from tusd_py.cli.output import console, say
from tusd_py.cli.steps import ENDED, step_name, step_percent, step_text
from tusd_py.cli.texts import text
from tusd_py.cli.upload_output import (
    Lines,
    Output,
    Shown,
    arrival_lines,
    end_lines,
    failure_line,
    size_of,
)
from tusd_py.client import UploadResult
from tusd_py.domain.printable import printable
from tusd_py.domain.sizes import size_text

SHORTEST_BAR: Final = 5
MOST_BARS: Final = 20
"""Thousands of files that wait for their turn would be drawn again with each change."""
NARROW: Final = 70
"""Columns of a terminal with less room than a rate and a time left need."""


def output_for_people(*, names: bool) -> Output:
    """Return bars for a terminal, lines for all else. Args: names: lines begin with file names."""
    screen = console()
    return Bars(screen, names=names) if screen.is_terminal else Lines(names=names)


class _Figures(ProgressColumn):
    """Shows the bytes, the rate and the time left of what is sent, the percentage of all else."""

    def __init__(self, column: Column, *, short: bool) -> None:
        """Take the column of the table. Args: short: show percentages only."""
        super().__init__(column)
        self._short = short

    @override
    def render(self, task: Task) -> Text:
        if not task.fields["in_bytes"] or (self._short and task.total is not None):
            return Text(f"{task.percentage:.0f} %" if task.started else "")
        parts = [size_text(task.completed)]
        if task.total is not None:
            parts[0] += f" / {size_text(task.total)}"
        if task.speed:
            parts.append(f"{size_text(task.speed)}/s")
        if task.speed and task.time_remaining is not None:
            parts.append(duration_text(task.time_remaining))
        return Text("  ".join(parts))


class Bars(Output):
    """Shows a bar for each file. One that has ended becomes lines above the bars."""

    def __init__(self, screen: Console, *, names: bool) -> None:
        """Use a console. Args: names: each line begins with the name of its file."""
        self._screen = screen
        self._names = names
        name = Column(no_wrap=True, overflow="ellipsis", max_width=max(8, screen.width // 3))
        step = Column(no_wrap=True, overflow="ellipsis", max_width=max(12, screen.width // 3))
        self._bars = Progress(
            TextColumn("{task.description}", markup=False, table_column=name),
            TextColumn("{task.fields[step]}", markup=False, table_column=step),
            BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=SHORTEST_BAR)),
            _Figures(Column(no_wrap=True), short=screen.width < NARROW),
            console=screen,
            expand=True,
        )
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._bars)
        return self

    def __exit__(self, *_: object) -> None:
        # What has not ended leaves no bar behind.
        for task in self._bars.task_ids:
            self._bars.remove_task(task)
        self._stack.close()

    @override
    def file(self, file: Path) -> Shown:
        return _Bar(self._screen, self._bars, file, f"{file.name}: " if self._names else "")


class _Bar(Shown):
    """Shows one file."""

    def __init__(self, screen: Console, bars: Progress, file: Path, name: str) -> None:
        self._screen = screen
        self._bars = bars
        self._file = file
        self._name = name
        self._task: TaskID | None = None
        self._step = ""

    @override
    def hashed(self, offset: int) -> None:
        self._draw_bytes(text("hashing"), offset)

    @override
    def sent(self, offset: int) -> None:
        self._draw_bytes(text("sending"), offset)

    @override
    def arrived(self, sent: UploadResult, *, followed: bool) -> None:
        if followed:
            self._draw(text("waiting"), None)
            return
        self._end(arrival_lines(sent))

    @override
    def state(self, sent: UploadResult, state: dict[str, Any]) -> None:
        status = str(state.get("status", ""))
        if status in ENDED:
            self._end(end_lines(sent, state))
            return
        words = (step_name(status), step_text(state))
        self._draw(", ".join(word for word in words if word), step_percent(state))

    @override
    def failed(self, sentence: str) -> None:
        self._end([])
        say(failure_line(self._file, sentence), error=True)

    def _draw_bytes(self, step: str, offset: int) -> None:
        if step != self._step:
            # The rate of another step says nothing about this one.
            self._remove()
            self._add(step, total=size_of(self._file) or None, in_bytes=True)
        if self._task is not None:
            self._bars.update(self._task, completed=offset)

    def _draw(self, step: str, percent: int | None) -> None:
        """Show a step by the part of it that is done; None: how much is not known."""
        if self._task is None:
            self._add(step, total=100, in_bytes=False)
        if self._task is not None:
            self._step = step
            self._bars.reset(
                self._task,
                start=percent is not None,
                total=100,
                completed=percent or 0,
                step=printable(step),
                in_bytes=False,
            )

    def _add(self, step: str, *, total: int | None, in_bytes: bool) -> None:
        self._step = step
        if len(self._bars.task_ids) >= MOST_BARS:
            return
        self._task = self._bars.add_task(
            printable(self._file.name), total=total, step=printable(step), in_bytes=in_bytes
        )

    def _remove(self) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None

    def _end(self, lines: list[str]) -> None:
        """Print lines in place of the bar."""
        self._remove()
        for line in lines:
            # Text from a server is not markup: it could make links, or end the line.
            self._screen.print(printable(f"{self._name}{line}"), markup=False, emoji=False)
