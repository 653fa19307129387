"""Port of the locks: an upload has at most one live holder, and the newest request gets it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tusd_py.domain.ids import UploadId


class Lock(Protocol):
    """Locks by upload id. Its methods are called on the event loop."""

    def hold(
        self, upload_id: UploadId, *, on_release_requested: Callable[[], None]
    ) -> AbstractAsyncContextManager[None]:
        """Hold the upload while the block runs.

        The current holder must release the upload first: its ``on_release_requested`` is called,
        once.

        Raises: UploadLocked: the holder did not release it within the adapter's time limit.
        """
        ...

    def close(self) -> None:
        """Free all resources; no upload is held any longer."""
        ...


class ReleaseRequests(Protocol):
    """Carries requests to release an upload to all processes. It may lose some."""

    blocks: bool
    """Whether the processes are on several machines: requests and locks wait for a network."""

    def request_release(self, upload_id: UploadId) -> bool:
        """Request the release from the upload's holder. Raises: BackendError.

        Returns: False: the request is lost for a process, perhaps for the holder.
        """
        ...

    def subscribe(self, callback: Callable[[UploadId], None]) -> None:
        """Call ``callback``, from any thread, for every request from now on. Return at once.

        It is called on the event loop.
        """
        ...

    def close(self) -> None:
        """Stop listening."""
        ...
