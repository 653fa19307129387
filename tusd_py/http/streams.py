"""Limits what one user has open at this machine: streams (SSE and WebSocket), archives."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tusd_py.counts.port import Counts
from tusd_py.domain.errors import PolicyError, TooManyStreams
from tusd_py.domain.ids import UserId


class StreamLimit:
    """Counts the open streams of each user."""

    def __init__(
        self,
        counts: Counts,
        kind: str,
        limit: int | None,
        refusal: Callable[[int], PolicyError] = TooManyStreams,
    ) -> None:
        """Use the counts of the machine under keys of this ``kind``.

        Args: limit: the number of streams that one user may have; None: any number.
        """
        self._counts = counts
        self._kind = kind
        self._limit = limit
        self._refusal = refusal

    @contextmanager
    def open_stream(self, user_id: UserId) -> Iterator[None]:
        """Count a stream of the user during a ``with`` block.

        Raises: the refusal: the user has as many as are allowed.
        """
        if self._limit is None:
            yield
            return
        key = f"{self._kind} {user_id}"
        if not self._counts.acquire(key, self._limit):
            raise self._refusal(self._limit)
        try:
            yield
        finally:
            self._counts.release(key)
