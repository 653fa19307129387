"""What a lock must promise: at most one live holder per upload, and the newest request wins."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tusd_py.domain.ids import UploadId


class Lock(Protocol):
    """Locks by upload id. Asyncio: called on the event loop."""

    def hold(
        self, upload_id: UploadId, *, on_release_requested: Callable[[], None]
    ) -> AbstractAsyncContextManager[None]:
        """Hold the upload while the block runs.

        A current holder is asked to let go first (its ``on_release_requested`` is called, once).
        Raises: UploadLocked: the holder did not let go within the adapter's time limit.
        """
        ...

    def close(self) -> None:
        """Give back what it needed; nobody holds anything any longer."""
        ...
