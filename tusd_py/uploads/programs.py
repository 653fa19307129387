"""Small uploads of one moment, through their steps side by side in one thread.

What an upload has to do is a generator. It yields where it can wait for others: to look into the
catalog, so that all share one connection; for the disk, so that the first sync finds the bytes of all;
for the catalog, so that all share one transaction; for the view of tasks likewise. Nothing that follows
such a step happens before it is done.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeVar

from tusd_py.catalog.values import Done
from tusd_py.domain.task import TaskChange, TaskFacts

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


class Wait(IntEnum):
    """What a step waits for; the lower goes first, so that all come to the higher together."""

    LOOK = 0
    DISK = 1
    CATALOG = 2
    VIEW = 3


@dataclass(frozen=True, slots=True)
class Step:
    """``item``: a function without arguments; for the view the arguments of ``TaskView.put``."""

    wait: Wait
    item: Any


Steps = Generator[Step, Any, R_co]
Together = Callable[[Wait, Sequence[Any]], Sequence[Done]]
"""Does the items of several uploads' steps of one kind; what each came to, in order."""


def look(work: Callable[[], T]) -> Steps[T]:
    """Do what only reads the catalog, on one connection with all others that do."""
    result: T = yield Step(Wait.LOOK, work)
    return result


def later(work: Callable[[], T]) -> Steps[T]:
    """Do it once all others have come to such a step, or beyond."""
    result: T = yield Step(Wait.DISK, work)
    return result


def commit(work: Callable[[], T]) -> Steps[T]:
    """Do what calls the catalog, in a transaction with all others' commits; durable when it returns."""
    result: T = yield Step(Wait.CATALOG, work)
    return result


def show(facts: TaskFacts, change: TaskChange) -> Steps[None]:
    """Tell the task's followers."""
    yield Step(Wait.VIEW, (facts, change))


class _Walker:
    """One upload on its way; ``step``: what it waits for, None once ``done`` tells how it ended."""

    def __init__(self, steps: Steps[Any]) -> None:
        self._steps = steps
        self.step: Step | None = None
        self.done = Done()
        self.go_on(self.done)

    def go_on(self, told: Done) -> None:
        """With what came of its step."""
        try:
            if told.error is None:
                self.step = self._steps.send(told.value)
            else:
                self.step = self._steps.throw(told.error)
        except StopIteration as end:
            self.step, self.done = None, Done(end.value)
        except Exception as error:  # noqa: BLE001  (it is told to whom it belongs)
            self.step, self.done = None, Done(error=error)


def run_together(batch: Sequence[Steps[Any]], together: Together) -> list[Done]:
    """Take all to their ends; what each came to, in order. Blocks."""
    walkers = [_Walker(steps) for steps in batch]
    while True:
        waiting = [(walker, walker.step) for walker in walkers if walker.step is not None]
        if not waiting:
            return [walker.done for walker in walkers]
        wait = min(step.wait for _, step in waiting)
        group = [(walker, step.item) for walker, step in waiting if step.wait is wait]
        told = together(wait, [item for _, item in group])
        for (walker, _), done in zip(group, told, strict=True):
            walker.go_on(done)


def run(steps: Steps[T], together: Together) -> T:
    """Take one to its end. Blocks. Raises: what it raises."""
    result: T = run_together([steps], together)[0].result()
    return result
