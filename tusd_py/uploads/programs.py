"""Runs programs: the blocking work of uploads, which small uploads do together in batches.

A program is a generator that does the work of one upload. It yields an effect wherever uploads can
share a cost: a read of the catalog, so that all share one connection; a sync, so that the first one
writes the bytes of all; a commit, so that all share one transaction; a notification of the view of
tasks. A program goes on only after its effect is done.

The small uploads that arrive in one loop iteration, or while the thread is busy, form one batch. A
batch shares one thread hop, one commit and one sync, and threads do not compete for the
interpreter's lock (measured: 2.0 ms CPU per upload of 4 KiB where eight threads took 3.4).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Generator, Sequence
from enum import IntEnum
from typing import Any, Final, NamedTuple, TypeVar

from tusd_py.catalog.port import Repositories
from tusd_py.domain.task import TaskChange, TaskFacts
from tusd_py.threads import CALL_THREADS, Result, Threads

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)

MAX_BATCH: Final = 32
"""Largest number of uploads in a batch; their answers wait for each other."""


class EffectKind(IntEnum):
    """Lists the kinds of effects.

    A lower kind is done first, so that all programs reach a higher one together.
    """

    READ = 0
    FSYNC = 1
    COMMIT = 2
    NOTIFY = 3


class Effect(NamedTuple):
    """Describes what a program waits for.

    ``item`` is a function: of the catalog for READ and COMMIT, without arguments for FSYNC. For
    NOTIFY it is the facts and the change of a task.
    """

    kind: EffectKind
    item: Any


Program = Generator[Effect, Any, R_co]
ExecuteAll = Callable[[EffectKind, Sequence[Any]], Sequence[Result]]
"""Does the items of several programs' effects of one kind, and returns their results in order."""


def read(work: Callable[[Repositories], T]) -> Program[T]:
    """Run ``work``, which only reads the catalog, on one connection with the other reads."""
    result: T = yield Effect(EffectKind.READ, work)
    return result


def fsync(work: Callable[[], T]) -> Program[T]:
    """Run ``work``, which syncs a file, once every program waits for a sync or a later kind."""
    result: T = yield Effect(EffectKind.FSYNC, work)
    return result


def commit(work: Callable[[Repositories], T]) -> Program[T]:
    """Run ``work`` in one transaction with the other commits; it is durable when this returns."""
    result: T = yield Effect(EffectKind.COMMIT, work)
    return result


def notify(facts: TaskFacts, change: TaskChange) -> Program[None]:
    """Publish a change of a task to its subscribers."""
    yield Effect(EffectKind.NOTIFY, (facts, change))


class _Runner:
    """Runs one program.

    ``effect`` is what the program waits for; once that is None, ``done`` is its result.
    """

    def __init__(self, program: Program[Any]) -> None:
        self._program = program
        self.effect: Effect | None = None
        self.done = Result()
        self.advance(self.done)

    def advance(self, result: Result) -> None:
        """Resume the program with the result of its effect, until its next effect or its end."""
        try:
            if result.error is None:
                self.effect = self._program.send(result.value)
            else:
                self.effect = self._program.throw(result.error)
        except StopIteration as end:
            self.effect, self.done = None, Result(end.value)
        except Exception as error:  # noqa: BLE001  (it is raised again for its own upload)
            self.effect, self.done = None, Result(error=error)


def execute_all(batch: Sequence[Program[Any]], together: ExecuteAll) -> list[Result]:
    """Run all programs to their ends, and return their results in order. Blocks."""
    runners = [_Runner(program) for program in batch]
    while True:
        waiting = [(runner, runner.effect) for runner in runners if runner.effect is not None]
        if not waiting:
            return [runner.done for runner in runners]
        kind = min(effect.kind for _, effect in waiting)
        group = [(runner, effect.item) for runner, effect in waiting if effect.kind is kind]
        results = together(kind, [item for _, item in group])
        for (runner, _), result in zip(group, results, strict=True):
            runner.advance(result)


def execute(program: Program[T], together: ExecuteAll) -> T:
    """Run one program to its end, and return its value. Blocks. Raises: what it raises."""
    result: T = execute_all([program], together)[0].result()
    return result


class _Entry:
    """Holds a program that waits for its batch, or runs in it."""

    def __init__(self, program: Program[Any], loop: asyncio.AbstractEventLoop) -> None:
        self.program = program
        self.ended: asyncio.Future[Any] = loop.create_future()
        """Gets what the program returns, for its caller; a cancelled caller cancels it."""
        self.left: asyncio.Future[None] | None = None
        """Made when the caller was cancelled: set when the program has ended."""
        self.is_over = False

    def end(self, result: Result) -> None:
        """Note that the program has ended."""
        self.is_over = True
        if self.left is not None:
            self.left.set_result(None)
        if self.ended.done():
            return
        if result.error is None:
            self.ended.set_result(result.value)
        else:
            self.ended.set_exception(result.error)

    def give_up(self) -> None:
        """Note that the program will not run: the server stops."""
        self.is_over = True
        if self.left is not None:
            self.left.set_result(None)
        self.ended.cancel()


class UploadBatcher:
    """Runs programs in threads, in batches.

    If the catalog cannot share commits, each program runs in a thread of its own.
    """

    def __init__(self, threads: Threads, together: ExecuteAll, *, batches_commits: bool) -> None:
        self._threads = threads
        self._execute_all = together
        self._width, self._depth = (1, MAX_BATCH) if batches_commits else (CALL_THREADS, 1)
        self._waiting: deque[_Entry] = deque()
        self._busy: set[asyncio.Task[None] | None] = set()

    async def run(self, program: Program[T]) -> T:
        """Run a program to its end.

        A cancelled caller still waits until its program has ended.

        Raises: every error that the program raises.
        """
        loop = asyncio.get_running_loop()
        entry = _Entry(program, loop)
        self._waiting.append(entry)
        if len(self._busy) < self._width:
            self._busy.add(asyncio.ensure_future(self._work()))
        try:
            result: T = await entry.ended
        except asyncio.CancelledError:
            if not entry.is_over:
                entry.left = loop.create_future()
                await asyncio.wait([entry.left])
            raise
        return result

    async def _gather(self) -> None:
        """Wait until the loop has no request left that joins the batch, or the batch is full.

        Otherwise the loop would begin those requests while the batch runs, and both threads would
        pass each other the interpreter's lock.
        """
        count = 0
        while count < len(self._waiting) < self._depth:
            count = len(self._waiting)
            await asyncio.sleep(0)

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                count = min(len(self._waiting), self._depth)
                batch = [self._waiting.popleft() for _ in range(count)]
                programs = [entry.program for entry in batch]
                try:
                    results = await self._threads.call(execute_all, programs, self._execute_all)
                except asyncio.CancelledError:
                    for entry in batch:
                        entry.give_up()
                    raise
                except Exception as error:  # noqa: BLE001  (the threads are closed, or all failed)
                    results = [Result(error=error)] * len(batch)
                for entry, result in zip(batch, results, strict=True):
                    entry.end(result)
        finally:
            self._busy.discard(asyncio.current_task())
