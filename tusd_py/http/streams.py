"""How many streams (SSE and WebSocket) one user has open at this server."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tusd_py.domain.errors import TooManyStreams
from tusd_py.domain.ids import UserId


class StreamLimit:
    """Counts open streams by user."""

    def __init__(self, limit: int | None) -> None:
        """``limit``: streams of one user; None: any number."""
        self._limit = limit
        self._open: Counter[UserId] = Counter()

    @contextmanager
    def open_stream(self, user_id: UserId) -> Iterator[None]:
        """Count a stream of the user for the length of a block.

        Raises: TooManyStreams: the user has as many as are allowed.
        """
        if self._limit is not None and self._open[user_id] >= self._limit:
            raise TooManyStreams(self._limit)
        self._open[user_id] += 1
        try:
            yield
        finally:
            self._open[user_id] -= 1
            if not self._open[user_id]:
                del self._open[user_id]
