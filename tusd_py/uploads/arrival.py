"""Defines who follows a body while it arrives, before the answer to its request."""

from typing import Protocol

from tusd_py.domain.upload import Upload


class ArrivalListener(Protocol):
    """Follows one body on the event loop, unless the body had arrived with its head."""

    async def on_begun(self, upload: Upload) -> None:
        """Note that the upload is recorded, and that its body is read from now on."""
        ...

    def on_stored(self, offset: int) -> None:
        """Note that the bytes before the offset are as durable as after the answer."""
        ...
