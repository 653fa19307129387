"""Asking parts that may never answer, all at once, without waiting for them for ever."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import Final, Generic, TypeVar

T = TypeVar("T")

LIMIT_SECONDS: Final = 2.0
"""An answer that takes longer is none."""


def run_detached(function: Callable[[], T]) -> "Future[T]":
    """Run a call in a thread of its own, which holds up neither a pool nor the end of the process."""
    future: Future[T] = Future()

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001  (the caller's)
            future.set_exception(error)

    threading.Thread(target=run, name="asking", daemon=True).start()
    return future


class Probes(Generic[T]):
    """Questions by name. One that hangs is not asked again until it comes back: there is at most one
    thread for each, however often ``ask`` is called."""

    def __init__(
        self, questions: Mapping[str, Callable[[], T]], *, limit_seconds: float = LIMIT_SECONDS
    ) -> None:
        self._probes = questions
        self._limit = limit_seconds
        self._mutex = threading.Lock()
        self._running: dict[str, Future[T]] = {}

    def run(self) -> dict[str, "Future[T]"]:
        """All questions, each done or still open after the limit. Blocks until then at most."""
        with self._mutex:
            for name, question in self._probes.items():
                asked = self._running.get(name)
                if asked is None or asked.done():
                    self._running[name] = run_detached(question)
            answers = dict(self._running)
        wait(answers.values(), self._limit)
        return answers
