"""Limits what one user has open at this server: streams (SSE and WebSocket), archives."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tusd_py.domain.errors import PolicyError, TooManyStreams
from tusd_py.domain.ids import UserId


class StreamLimit:
    """Counts the open streams of each user."""

    def __init__(
        self, limit: int | None, refusal: Callable[[int], PolicyError] = TooManyStreams
    ) -> None:
        """``limit`` is the number of streams that one user may have; None: any number."""
        self._limit = limit
        self._refusal = refusal
        self._open: Counter[UserId] = Counter()

    @contextmanager
    def open_stream(self, user_id: UserId) -> Iterator[None]:
        """Count a stream of the user during a ``with`` block.

        Raises: the refusal: the user has as many as are allowed.
        """
        if self._limit is not None and self._open[user_id] >= self._limit:
            raise self._refusal(self._limit)
        self._open[user_id] += 1
        try:
            yield
        finally:
            self._open[user_id] -= 1
            if not self._open[user_id]:
                del self._open[user_id]
