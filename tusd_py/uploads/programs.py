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

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.values import Result
from tusd_py.domain.task import TaskChange, TaskFacts

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


class EffectKind(IntEnum):
    """What a step waits for; the lower goes first, so that all come to the higher together."""

    READ = 0
    FSYNC = 1
    COMMIT = 2
    NOTIFY = 3


@dataclass(frozen=True, slots=True)
class Effect:
    """``item``: a function without arguments; for the view the arguments of ``TaskView.put``."""

    kind: EffectKind
    item: Any


Program = Generator[Effect, Any, R_co]
ExecuteAll = Callable[[EffectKind, Sequence[Any]], Sequence[Result]]
"""Does the items of several uploads' steps of one kind; what each came to, in order."""


def read(work: Callable[[Catalog], T]) -> Program[T]:
    """Do what only reads the catalog, on one connection with all others that do."""
    result: T = yield Effect(EffectKind.READ, work)
    return result


def fsync(work: Callable[[], T]) -> Program[T]:
    """Do it once all others have come to such a step, or beyond."""
    result: T = yield Effect(EffectKind.FSYNC, work)
    return result


def commit(work: Callable[[Catalog], T]) -> Program[T]:
    """Do what calls the catalog, in a transaction with all others' commits; durable when it returns."""
    result: T = yield Effect(EffectKind.COMMIT, work)
    return result


def notify(facts: TaskFacts, change: TaskChange) -> Program[None]:
    """Tell the task's followers."""
    yield Effect(EffectKind.NOTIFY, (facts, change))


class _Runner:
    """One upload on its way; ``step``: what it waits for, None once ``done`` tells how it ended."""

    def __init__(self, steps: Program[Any]) -> None:
        self._program = steps
        self.effect: Effect | None = None
        self.done = Result()
        self.advance(self.done)

    def advance(self, told: Result) -> None:
        """With what came of its step."""
        try:
            if told.error is None:
                self.effect = self._program.send(told.value)
            else:
                self.effect = self._program.throw(told.error)
        except StopIteration as end:
            self.effect, self.done = None, Result(end.value)
        except Exception as error:  # noqa: BLE001  (it is told to whom it belongs)
            self.effect, self.done = None, Result(error=error)


def execute_all(batch: Sequence[Program[Any]], together: ExecuteAll) -> list[Result]:
    """Take all to their ends; what each came to, in order. Blocks."""
    walkers = [_Runner(steps) for steps in batch]
    while True:
        waiting = [(walker, walker.effect) for walker in walkers if walker.effect is not None]
        if not waiting:
            return [walker.done for walker in walkers]
        wait = min(step.kind for _, step in waiting)
        group = [(walker, step.item) for walker, step in waiting if step.kind is wait]
        told = together(wait, [item for _, item in group])
        for (walker, _), done in zip(group, told, strict=True):
            walker.advance(done)


def execute(steps: Program[T], together: ExecuteAll) -> T:
    """Take one to its end. Blocks. Raises: what it raises."""
    result: T = execute_all([steps], together)[0].result()
    return result
