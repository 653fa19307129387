"""Small uploads of one moment, through their steps side by side in one thread.

What an upload has to do is a generator. It yields where it can wait for others: for the disk
(``later``), so that the first sync finds the bytes of all, and for the catalog (``commit``), so that
all share one transaction. Nothing that follows a commit happens before it.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tusd_py.catalog.port import Done

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)

Works = Sequence[Callable[[], object]]
Together = Callable[[Works], Sequence[Done]]
"""``UploadCatalog.together``."""


@dataclass(frozen=True, slots=True)
class Step(Generic[T]):
    """What is to be done when all others are as far. ``commits``: it calls the catalog, and only it."""

    work: Callable[[], T]
    commits: bool


Steps = Generator[Step[Any], Any, R_co]


def later(work: Callable[[], T]) -> Steps[T]:
    """Do it once all others have come to such a step or to their commit."""
    result: T = yield Step(work, commits=False)
    return result


def commit(work: Callable[[], T]) -> Steps[T]:
    """Do it in a transaction with all others' commits; durable when it returns."""
    result: T = yield Step(work, commits=True)
    return result


class _Walker:
    """One upload on its way; ``step``: what it waits for, None once ``done`` tells how it ended."""

    def __init__(self, steps: Steps[Any]) -> None:
        self._steps = steps
        self.step: Step[Any] | None = None
        self.done = Done()
        self._advance(lambda: next(steps))

    def go_on(self, told: Done) -> None:
        """With what came of its step."""
        error = told.error
        if error is None:
            self._advance(lambda: self._steps.send(told.value))
        else:
            self._advance(lambda: self._steps.throw(error))

    def _advance(self, move: Callable[[], Step[Any]]) -> None:
        try:
            self.step = move()
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
        early = [(walker, step) for walker, step in waiting if not step.commits]
        if early:
            for walker, step in early:
                walker.go_on(_attempt(step.work))
        else:
            told = together([step.work for _, step in waiting])
            for (walker, _), done in zip(waiting, told, strict=True):
                walker.go_on(done)


def run(steps: Steps[T], together: Together) -> T:
    """Take one to its end. Blocks. Raises: what it raises."""
    result: T = run_together([steps], together)[0].result()
    return result


def _attempt(work: Callable[[], object]) -> Done:
    try:
        return Done(work())
    except Exception as error:  # noqa: BLE001  (it is told to whom it belongs)
        return Done(error=error)
