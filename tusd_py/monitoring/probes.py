"""Calls parts that may never answer, all at once, and with a time limit."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import Final, Generic, TypeVar

T = TypeVar("T")

LIMIT_SECONDS: Final = 2.0
"""An answer that takes longer counts as none."""


def run_detached(function: Callable[[], T]) -> "Future[T]":
    """Run a call in a thread of its own, which delays neither a pool nor the end of the process."""
    future: Future[T] = Future()

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001  (the caller gets it)
            future.set_exception(error)

    threading.Thread(target=run, name="asking", daemon=True).start()
    return future


class Probes(Generic[T]):
    """Runs probes by name.

    A probe that hangs is not called again until it returns: there is at most one thread for each,
    however often ``run`` is called.
    """

    def __init__(
        self, questions: Mapping[str, Callable[[], T]], *, limit_seconds: float = LIMIT_SECONDS
    ) -> None:
        self._probes = questions
        self._limit = limit_seconds
        self._mutex = threading.Lock()
        self._running: dict[str, Future[T]] = {}

    def run(self) -> dict[str, "Future[T]"]:
        """Return all probes, each done or still running after the limit.

        Blocks until then at most.
        """
        with self._mutex:
            for name, probe in self._probes.items():
                future = self._running.get(name)
                if future is None or future.done():
                    self._running[name] = run_detached(probe)
            answers = dict(self._running)
        wait(answers.values(), self._limit)
        return answers
